"""Which tensors without a formula are no surprise, by their names and by the operator."""

from __future__ import annotations

import pytest

from support.told import definitions, tell

NO_VALUES = """
mask masks index indexes indices idx id ids table tables length lengths len lens seqlen seqlens
offset offsets size sizes shape shapes count counts seed cum
"""
FIXED = "target targets label labels repeats rois freq cis pivots running noise buffer"
ON_PURPOSE = """
_cudnn_ctc_loss/targets _cudnn_ctc_loss.Tensor/targets miopen_ctc_loss/targets
miopen_ctc_loss.Tensor/targets
_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/scale
_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/zero_point
_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/fake_quant_enabled
_fused_moving_avg_obs_fq_helper/observer_on _fused_moving_avg_obs_fq_helper/fake_quant_on
_fused_moving_avg_obs_fq_helper/running_min _fused_moving_avg_obs_fq_helper/running_max
_fused_moving_avg_obs_fq_helper/scale _fused_moving_avg_obs_fq_helper/zero_point
fake_quantize_per_channel_affine_cachemask/scale
fake_quantize_per_channel_affine_cachemask/zero_point
_cudnn_rnn_backward/weight_buf _cudnn_rnn_backward/reserve
fractional_max_pool2d/random_samples fractional_max_pool3d/random_samples
nll_loss_backward/total_weight nll_loss2d_backward/total_weight
miopen_rnn_backward/any _embedding_bag_dense_backward/grad lstm_mps_backward/any
mkldnn_rnn_layer_backward/any
"""


def told(operator: str, argument: str, formula: str) -> str:
    schema = f"{operator}(Tensor self, Tensor {argument}) -> Tensor"
    natives = f"- func: {schema}\n  dispatch:\n    CPU: f\n"
    return tell(definitions(natives, f"- name: {schema}\n  self: {formula}\n"))


def test_other_tensors_are_told_of() -> None:
    assert "warning[DL603]" in told("f", "other", "grad")
    assert "warning[DL603]" in told("f", "masked", "grad")


@pytest.mark.parametrize("word", NO_VALUES.split())
def test_a_tensor_that_holds_no_values(word: str) -> None:
    assert told("f", f"my_{word}", "grad * 2") == told("f", word, "grad * 2") == ""


@pytest.mark.parametrize("word", FIXED.split())
def test_a_tensor_that_is_given_may_be_used(word: str) -> None:
    assert told("f", word, f"grad * {word}") == ""
    assert "warning[DL603]" in told("f", word, "grad * 2")


@pytest.mark.parametrize("name", ON_PURPOSE.split())
def test_a_tensor_that_was_left_out_on_purpose(name: str) -> None:
    operator, _, argument = name.partition("/")
    assert told(operator, argument, "gradient()") == ""
    assert "warning[DL603]" in told(f"{operator}x", f"{argument}x", "gradient()")
