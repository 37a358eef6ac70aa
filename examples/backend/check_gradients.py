"""Load the extension, and compare the derivatives of its operators with finite differences.

    python3 check_gradients.py build/libanvil.so [OPERATOR...]

For each operator, gradcheck compares the gradients and the tangents, and gradgradcheck the
gradients of the gradients. It raises where one is wrong.
"""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

warnings.simplefilter("ignore")

import torch  # noqa: E402
from torch.autograd import gradcheck, gradgradcheck  # noqa: E402

DEVICE = "anvil"


def main() -> None:
    """Check all operators, or those that are named."""
    library, *names = sys.argv[1:]
    torch.ops.load_library(library)
    torch.utils.rename_privateuse1_backend(DEVICE)
    # PyTorch wants a module of the device's name, which would have its streams and memory.
    torch._register_device_module(DEVICE, types.ModuleType(f"torch.{DEVICE}"))
    torch.manual_seed(0)
    for name, (function, inputs) in checks(torch.ops.anvil).items():
        if not names or name in names:
            gradcheck(function, inputs, check_forward_ad=True)
            gradgradcheck(function, inputs)
            print(f"{name}: its derivatives are right")


class Check(NamedTuple):
    """A function that calls an operator, and inputs for it."""

    function: Callable[..., Any]
    inputs: list[torch.Tensor]


def checks(ops: Any) -> dict[str, Check]:
    """The checks by operator."""

    def quench_in_a_window(x: torch.Tensor) -> torch.Tensor:
        whole = x.clone()
        ops.quench_(ops.window(whole, 1, 2), 0.7)
        return whole

    pair = [values(4, 2), values(4, 2)]
    return {
        "burnish": Check(lambda x: ops.burnish(x, 1.5), pair[:1]),
        # A tensor that gradients are asked of cannot be changed in place, but a copy can.
        "quench_": Check(lambda x: ops.quench_(x.clone(), 0.7), pair[:1]),
        "window": Check(lambda x: ops.window(x, 1, 2), pair[:1]),
        "quench_ in a window": Check(quench_in_a_window, pair[:1]),
        "window_copy": Check(lambda x: ops.window_copy(x, 1, 2), pair[:1]),
        "_foreach_burnish": Check(lambda *xs: tuple(ops._foreach_burnish(xs, 1.5)), pair),
        "alloy": Check(ops.alloy, pair),
        # A function of PyTorch's calls the operator whose entry was replaced.
        "_prelu_kernel": Check(torch.nn.functional.prelu, [values(4, 2), values(2)]),
    }


def values(*size: int) -> torch.Tensor:
    """Random values on the device, of which gradients are asked."""
    return torch.randn(*size, dtype=torch.double).to(DEVICE).requires_grad_()


if __name__ == "__main__":
    main()
