"""The exceptions of the warnings, with their reasons: names and operators, as data."""

from __future__ import annotations

from typing import Final

# Names that backward formulas may use because the generated code around them defines them.
GENERATED_CODE: Final = {
    "grad_input_mask": "which inputs need a gradient, for a formula with several",
    "retain_variables": "whether the graph is kept for another backward pass",
}

# A word of these in the name of a tensor says that it holds no values to differentiate.
NO_VALUES: Final = frozenset(
    """
    mask masks index indexes indices idx id ids table tables length lengths len lens seqlen seqlens
    offset offsets size sizes shape shapes count counts seed
    """.split()
)
# The code that PyTorch generates lets an argument of this name need a gradient, formula or not.
UNCHECKED: Final = "output"


def _for(reason: str, operators: str) -> dict[str, str]:
    return dict.fromkeys(operators.split(), reason)


# For each rule, operators of PyTorch that break it on purpose, with the reason.
ALLOWED: Final[dict[str, dict[str, str]]] = {
    "DL603": {
        **_for(
            "the tensor says which labels are right",
            "_cudnn_ctc_loss _cudnn_ctc_loss.Tensor miopen_ctc_loss miopen_ctc_loss.Tensor",
        ),
        **_for(
            "the gradient goes to the input alone, straight through the rounding",
            """_fake_quantize_per_tensor_affine_cachemask_tensor_qparams
            _fused_moving_avg_obs_fq_helper fake_quantize_per_channel_affine_cachemask""",
        ),
        **_for("the tensor is memory to work in", "_cudnn_rnn_backward"),
        **_for("the tensor holds random numbers", "fractional_max_pool2d fractional_max_pool3d"),
        **_for(
            "the tensor is a result of the forward pass, and the formula does without",
            "nll_loss_backward nll_loss2d_backward",
        ),
    },
    "DL606": _for("the dimension asked for may count from the end", "_fft_r2c"),
}
