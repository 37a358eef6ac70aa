"""derivload: PyTorch's autograd definitions, loaded on their own feet.

import derivload

definitions = derivload.load(pytorch="path/to/pytorch")
for record in definitions.differentiability:
    print(record.schema, list(record.dispatch))
"""

from __future__ import annotations

from derivload.version import __version__

__all__ = [
    "Definitions",
    "Diagnostic",
    "InputError",
    "UsageError",
    "__version__",
    "load",
]

# Not typing's: importing that takes longer than all else that the fastest exit does.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.diagnostics import Diagnostic
    from derivload.loading.definitions import Definitions, load
    from derivload.loading.errors import InputError, UsageError

_WHERE = {
    "Definitions": "derivload.loading.definitions",
    "Diagnostic": "derivload.diagnostics",
    "InputError": "derivload.loading.inputs",
    "UsageError": "derivload.loading.paths",
    "load": "derivload.loading.definitions",
}


def __getattr__(name: str) -> object:
    # The command line imports this package for its version alone; the rest comes when asked for.
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module), name)
