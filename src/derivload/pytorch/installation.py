"""Putting derivload in the place of upstream's functions, and taking it back.

Modules take functions of others by `from ... import`, so a function is replaced in every module
that has it by its name. One that is imported later takes the replacement.

There is one installation at a time in a process: `_current`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, TracebackType

from derivload.pytorch.drop_in import DropIn, PathLike
from derivload.pytorch.importable import (
    LOAD_DERIVATIVES,
    PARSE_NATIVE_YAML,
    Function,
    Replacement,
    find_loaders,
    find_torchgen,
    original,
)

_current: Installation | None = None


class Installation:
    """derivload in the place of upstream's functions; at the end of a `with`, no more."""

    def __init__(self, overlays: Sequence[str], torch_version: str | None) -> None:
        """Raises UsageError for a version that cannot be followed."""
        self._overlays = tuple(overlays)
        self._version = torch_version
        self._drop_in = DropIn(overlays, torch_version)
        self._replacements: list[Replacement] = []

    def is_of(self, overlays: Sequence[str], torch_version: str | None) -> bool:
        """Whether this was made with these settings."""
        return (self._overlays, self._version) == (tuple(overlays), torch_version)

    def put(self) -> None:
        """Replace what is not replaced yet. Raises UnexpectedTorchgenError without a torchgen."""
        find_torchgen()
        for torchgen in find_loaders():
            load = partial(self._drop_in.load_derivatives, torchgen)
            parse = partial(self._drop_in.parse_native_yaml, torchgen)
            self._replace(torchgen.loader, LOAD_DERIVATIVES, load)
            self._replace(torchgen.gen, PARSE_NATIVE_YAML, parse)

    def uninstall(self) -> None:
        """Give upstream its functions back. Does nothing when that has been done."""
        global _current  # noqa: PLW0603
        for replacement in self._replacements:
            _exchange(replacement.name, replacement, replacement.original)
        self._replacements.clear()
        self._drop_in.forget()
        if _current is self:
            _current = None

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.uninstall()

    def _replace(self, module: ModuleType, name: str, function: Function) -> None:
        if not isinstance(getattr(module, name), Replacement):
            replacement = Replacement(name, original(module, name), function)
            self._replacements.append(replacement)
            _exchange(name, replacement.original, replacement)


def install(
    native_functions: PathLike | Sequence[PathLike] = (), *, torch_version: str | None = None
) -> Installation:
    """Put derivload in the place of the importable torchgen's load_derivatives.

    Every module that has upstream's function gets derivload's, now or when it is imported; so it
    is with parse_native_yaml, which then sees the overlays too, and edits.

    native_functions: YAML files whose entries are appended to native_functions.yaml, in order;
        each a list of entries, or a mapping with a `custom:` list.
    torch_version: as for `load_derivatives`.

    Returns the installation, whose `uninstall()` takes it back, as the end of a `with` does.
    Installing the same again gives the same installation; another takes its place.

    Raises UsageError for a version that cannot be followed, and UnexpectedTorchgenError when
    there is no torchgen.
    """
    global _current  # noqa: PLW0603
    given = (
        [native_functions] if isinstance(native_functions, str | os.PathLike) else native_functions
    )
    # A build may change its working folder before the files are read.
    overlays = [str(Path(path).absolute()) for path in given]
    if _current is None or not _current.is_of(overlays, torch_version):
        made = Installation(overlays, torch_version)
        if _current is not None:
            _current.uninstall()
        _current = made
    _current.put()
    return _current


def _exchange(name: str, old: Function, new: Function) -> None:
    """Put one function in the place of another, in every module that has it by its name."""
    for module in list(sys.modules.values()):
        # Anything may be put among the modules.
        if getattr(module, "__dict__", {}).get(name) is old:
            setattr(module, name, new)
