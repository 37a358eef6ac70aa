"""Replaces upstream's functions by derivload's, and puts the originals back.

Modules import functions with `from ... import`, so a function is replaced in every module that has
it under its name. A module that is imported later gets the replacement.

A process has at most one installation at a time: `_current`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, TracebackType

from derivload.loading.parameters import PathLike, paths_of, texts_of
from derivload.pytorch.drop_in import DropIn
from derivload.pytorch.importable import (
    LOAD_DERIVATIVES,
    PARSE_NATIVE_YAML,
    Function,
    FunctionReplacement,
    find_loaders,
    find_torchgen,
    original,
)
from derivload.sources.additions import Additions

_current: Installation | None = None


class Installation:
    """derivload installed in place of upstream's functions. The end of a `with` uninstalls it."""

    def __init__(
        self,
        overlays: Sequence[str],
        torch_version: str | None,
        additions: Additions,
        *,
        use_cache: bool,
    ) -> None:
        """Raises UsageError for a version that cannot be followed."""
        self._settings = (tuple(overlays), torch_version, additions.key, use_cache)
        self._drop_in = DropIn(overlays, torch_version, additions, use_cache=use_cache)
        self._replacements: list[FunctionReplacement] = []

    def _put(self) -> None:
        """Replace the functions that are not replaced yet.

        Raises UnexpectedTorchgenError if no torchgen can be imported.
        """
        find_torchgen()
        for torchgen in find_loaders():
            load = partial(self._drop_in.load_derivatives, torchgen)
            parse = partial(self._drop_in.parse_native_yaml, torchgen)
            self._replace(torchgen.loader, LOAD_DERIVATIVES, load)
            self._replace(torchgen.gen, PARSE_NATIVE_YAML, parse)

    def uninstall(self) -> None:
        """Put upstream's functions back. Does nothing if that has been done."""
        global _current  # noqa: PLW0603
        for replacement in self._replacements:
            _exchange(replacement.name, replacement, replacement.original)
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
        if not isinstance(getattr(module, name), FunctionReplacement):
            replacement = FunctionReplacement(name, original(module, name), function)
            self._replacements.append(replacement)
            _exchange(name, replacement.original, replacement)


def install(
    native_functions: PathLike | Sequence[PathLike] = (),
    *,
    override: bool = False,
    entry_keys: Sequence[str] = (),
    sections: Sequence[str] = (),
    torch_version: str | None = None,
    use_cache: bool = True,
) -> Installation:
    """Replace load_derivatives of the importable torchgen by derivload's.

    Every module that has upstream's function gets derivload's, now or when it is imported.
    parse_native_yaml is replaced too: it then includes the overlays, and notices edits.

    A second call with the same arguments returns the same installation. A call with other
    arguments replaces it.

    Args:
        native_functions: YAML files whose entries are appended to native_functions.yaml, in
            order. Each is a list of entries, or a mapping with a `custom:` or
            `custom_autograd:` list.
        override: an entry of an overlay takes the place of the earlier entry of the same name.
        entry_keys: keys of entries that only a backend's own tools read, or patterns such as
            "gen_*".
        sections: further sections of an overlay that declare operators.
        torch_version: as for `load_derivatives`.
        use_cache: as for `load_derivatives`.

    Returns:
        The installation. Its `uninstall()`, or the end of a `with`, puts the originals back.

    Raises:
        UsageError: derivload does not know the version.
        UnexpectedTorchgenError: no torchgen can be imported.
    """
    global _current  # noqa: PLW0603
    # A build may change its working folder before the files are read.
    given = paths_of("native_functions", native_functions)
    overlays = tuple([str(Path(path).absolute()) for path in given])
    additions = Additions(
        (),
        texts_of("entry_keys", entry_keys),
        override=override,
        sections=texts_of("sections", sections),
    )
    settings = (overlays, torch_version, additions.key, use_cache)
    if _current is None or _current._settings != settings:
        made = Installation(overlays, torch_version, additions, use_cache=use_cache)
        if _current is not None:
            _current.uninstall()
        _current = made
    _current._put()
    return _current


def _exchange(name: str, old: Function, new: Function) -> None:
    """Replace one function by another, in every module that has it under its name."""
    for module in list(sys.modules.values()):
        # sys.modules may contain objects that are not modules.
        if getattr(module, "__dict__", {}).get(name) is old:
            setattr(module, name, new)
