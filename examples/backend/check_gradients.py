"""Load the extension, and compare the gradients of its operators with differences.

    python3 check_gradients.py build/libanvil.so
"""

from __future__ import annotations

import sys
import types
import warnings

import torch
from torch.autograd import gradcheck, gradgradcheck

warnings.simplefilter("ignore")


def main() -> None:
    """Check all, or the operators that are named."""
    torch.ops.load_library(sys.argv[1])
    torch.utils.rename_privateuse1_backend("anvil")
    torch._register_device_module("anvil", types.ModuleType("torch.anvil"))
    ops = torch.ops.anvil
    checks = {
        "burnish": (lambda x: ops.burnish(x, 1.5), 1),
        "quench_": (lambda x: ops.quench_(x.clone(), 0.7), 1),
        "window": (lambda x: ops.window(x, 1, 2), 1),
        "window_copy": (lambda x: ops.window_copy(x, 1, 2), 1),
        "_foreach_burnish": (lambda x, y: tuple(ops._foreach_burnish([x, y], 1.5)), 2),
        "alloy": (ops.alloy, 2),
        "_prelu_kernel": (torch.ops.aten._prelu_kernel, 2),
    }
    for name, (function, count) in checks.items():
        inputs = tuple(
            torch.randn(4, 2, dtype=torch.double).to("anvil").requires_grad_()
            for _ in range(count)
        )
        gradcheck(function, inputs, check_forward_ad=True)
        gradgradcheck(function, inputs)
        print(f"{name}: right")


if __name__ == "__main__":
    main()
