"""The exceptions of the warnings, with their reasons: names and operators, as data."""

from __future__ import annotations

from typing import Final

# Names that backward formulas may use because the generated code around them defines them.
GENERATED_CODE: Final = {
    "grad_input_mask": "which inputs need a gradient, for a formula with several",
    "retain_variables": "whether the graph is kept for another backward pass",
}


def _for(reason: str, operators: str) -> dict[str, str]:
    return dict.fromkeys(operators.split(), reason)


# For each rule, operators of PyTorch that break it on purpose, with the reason.
ALLOWED: Final[dict[str, dict[str, str]]] = {
    "DL603": {
        **_for(
            "the tensors hold lengths, offsets or indexes",
            """_cudnn_ctc_loss _cudnn_ctc_loss.Tensor miopen_ctc_loss miopen_ctc_loss.Tensor
            _nested_from_padded_tensor _nested_view_from_buffer _nested_view_from_jagged
            _pack_padded_sequence segment_reduce""",
        ),
        **_for(
            "the tensors say where sequences begin and end, or are for inference alone",
            "_cudnn_attention_forward _efficient_attention_forward _flash_attention_forward",
        ),
        **_for(
            "the gradient goes to the input alone, straight through the rounding",
            """_fake_quantize_per_tensor_affine_cachemask_tensor_qparams
            _fused_moving_avg_obs_fq_helper fake_quantize_per_channel_affine_cachemask""",
        ),
        **_for("the tensor is memory to work in", "_cudnn_rnn _cudnn_rnn_backward"),
        **_for("the tensor holds random numbers", "fractional_max_pool2d fractional_max_pool3d"),
        **_for("the tensors are tolerances", "linalg_pinv.atol_rtol_tensor"),
        **_for("the tensors are offsets, and a bias that is not supported yet", "_grouped_mm"),
        **_for(
            "the tensor is a result of the forward pass, and the formula does without",
            "_standard_gamma_grad nll_loss_backward nll_loss2d_backward",
        ),
    },
    "DL606": _for("the dimension asked for may count from the end", "_fft_r2c"),
}
