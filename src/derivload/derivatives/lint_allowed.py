"""The exceptions of the warnings, with their reasons: names and operators, as data."""

from __future__ import annotations

from typing import Final

# Names that backward formulas may use because the generated code around them defines them.
GENERATED_CODE: Final = frozenset(
    {
        "grad_input_mask",  # which inputs need a gradient, for a formula with several
        "retain_variables",  # whether the graph is kept for another backward pass
    }
)

# A word of these in the name of a tensor says that it holds no values to differentiate.
NO_VALUES: Final = frozenset(
    """
    mask masks index indexes indices idx id ids table tables length lengths len lens seqlen seqlens
    offset offsets size sizes shape shapes count counts seed cum
    """.split()
)
# A word of these in the name of a tensor says that its values are given, such as the right answers.
# It may have a gradient, but often has none.
FIXED: Final = frozenset(
    """
    target targets label labels repeats rois freq cis
    pivots running noise buffer
    """.split()
)
# The code that PyTorch generates lets an argument of this name need a gradient, formula or not.
UNCHECKED: Final = "output"


# For each rule, operators of PyTorch that break it on purpose. For DL603, the argument stands
# behind the operator; `*` is any.
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "DL603": frozenset(
        [
            # The tensor says which labels are right.
            "_cudnn_ctc_loss/targets",
            "_cudnn_ctc_loss.Tensor/targets",
            "miopen_ctc_loss/targets",
            "miopen_ctc_loss.Tensor/targets",
            # The gradient goes to the input alone, straight through the rounding.
            "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/scale",
            "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/zero_point",
            "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams/fake_quant_enabled",
            "_fused_moving_avg_obs_fq_helper/observer_on",
            "_fused_moving_avg_obs_fq_helper/fake_quant_on",
            "_fused_moving_avg_obs_fq_helper/running_min",
            "_fused_moving_avg_obs_fq_helper/running_max",
            "_fused_moving_avg_obs_fq_helper/scale",
            "_fused_moving_avg_obs_fq_helper/zero_point",
            "fake_quantize_per_channel_affine_cachemask/scale",
            "fake_quantize_per_channel_affine_cachemask/zero_point",
            # The tensor is memory to work in.
            "_cudnn_rnn_backward/weight_buf",
            "_cudnn_rnn_backward/reserve",
            # The tensor holds random numbers.
            "fractional_max_pool2d/random_samples",
            "fractional_max_pool3d/random_samples",
            # The tensor is a result of the forward pass, and the formula does without.
            "nll_loss_backward/total_weight",
            "nll_loss2d_backward/total_weight",
            # Nobody has written its second derivative.
            "miopen_rnn_backward/*",
            "_embedding_bag_dense_backward/grad",
            "lstm_mps_backward/*",
            "mkldnn_rnn_layer_backward/*",
        ]
    ),
    # The dimension asked for may count from the end.
    "DL606": frozenset(["_fft_r2c"]),
}
