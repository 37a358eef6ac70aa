"""derivload inside PyTorch's own code generation: gives its results as torchgen's objects.

    import derivload.pytorch

    infos, used_dispatch_keys = derivload.pytorch.load_derivatives(
        "derivatives.yaml", "native_functions.yaml", "tags.yaml"
    )

    with derivload.pytorch.install(["my_operators.yaml"]):
        ...  # code that calls torchgen

All code that touches torchgen is in this folder. torchgen is imported when it is needed, never by
importing derivload. The rules of what a definition means do not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Installation", "UnexpectedTorchgenError", "install", "load_derivatives"]

if TYPE_CHECKING:
    from derivload.pytorch.drop_in import load_derivatives
    from derivload.pytorch.errors import UnexpectedTorchgenError
    from derivload.pytorch.installation import Installation, install
else:
    # Type checkers do not see this function: with it, every name would exist for them.
    def __getattr__(name: str) -> object:
        # Commands import this package, and each needs only a part of it.
        module = _WHERE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(module), name)


_WHERE = {
    "Installation": "derivload.pytorch.installation",
    "UnexpectedTorchgenError": "derivload.pytorch.errors",
    "install": "derivload.pytorch.installation",
    "load_derivatives": "derivload.pytorch.drop_in",
}


def __dir__() -> list[str]:
    return sorted(__all__)
