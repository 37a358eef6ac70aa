"""Watches which modules a script imports and where Python looks for them, and changes some of them.

A finder that finds nothing stands before all others. It notes each name with the folders in which
Python looks; at the end, `sys.modules` tells which module it was. For each folder in which Python
looked, the record keeps the names that begin with the module's. So we notice a module that is added
there later and would be found first.

Some modules get a function of derivload's when they have been imported: see `inside.py`. For these
the finder asks the others, and puts a loader in the place of the module's own that calls back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from derivload.modules import forget_compiled
from derivload.pytorch.script.callers import is_installed, is_standard

if TYPE_CHECKING:
    from derivload.pytorch.script.watching import Watch

Change = Callable[[ModuleType], None]


class Imports:
    """Watches imports. `changes` finds what to do with a module when it has been imported."""

    def __init__(self, watch: Watch, find_change: Callable[[str], Change | None]) -> None:
        self._watch = watch
        self._find_change = find_change
        self._looked: dict[str, list[str]] = {}
        self._changing: set[str] = set()

    def start(self) -> None:
        """Begin."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called by Python before a module is looked for; None has it asked for elsewhere."""
        folders = [os.path.abspath(folder) for folder in (sys.path if path is None else path)]
        self._looked.setdefault(name, folders)
        with self._watch.unwatched():
            self._forget_compiled(name, folders)
        change = None if name in self._changing else self._find_change(name)
        if change is None:
            return None
        self._changing.add(name)
        try:
            spec = find_spec(name)
        finally:
            self._changing.remove(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Changing(spec.loader, change)  # type: ignore[assignment]
        return spec

    def _forget_compiled(self, name: str, folders: Sequence[str]) -> None:
        """Have Python compile the module again where its compiled form may be stale."""
        own = [folder for folder in folders if not (is_installed(folder) or _is_standard(folder))]
        if not forget_compiled(path for folder in own for path in _candidates(folder, name)):
            sys.pycache_prefix = os.devnull

    def finish(self) -> None:
        """Note the files of all modules, and the folders in which they were looked for."""
        seen = self._watch.seen
        for module in list(sys.modules.values()):
            found = _file_of(module)
            if found is not None:
                self._watch.note_module(found)
        for name, folders in self._looked.items():
            found = _file_of(sys.modules.get(name))
            stem = name.rpartition(".")[2]
            for folder in folders:
                if _is_standard(folder):
                    if found is not None and is_standard(found):
                        break
                    continue
                if os.path.isdir(folder) or not os.path.exists(folder):
                    seen.modules.setdefault(folder, set()).add(stem)
                if found is not None and folder in (
                    os.path.dirname(found),
                    os.path.dirname(os.path.dirname(found)),
                ):
                    break


class _Changing:
    """The loader of a module, which changes the module when it has been loaded."""

    def __init__(self, loader: Any, change: Change) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As Python calls it."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """As Python calls it."""
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(module)


def _candidates(folder: str, name: str) -> list[str]:
    """Where Python finds the source of a module in a folder."""
    stem = os.path.join(folder, name.rpartition(".")[2])
    return [os.path.join(stem, "__init__.py"), f"{stem}.py"]


def _file_of(module: ModuleType | None) -> str | None:
    """The file that a module is of."""
    found = getattr(getattr(module, "__spec__", None), "origin", None)
    if not isinstance(found, str) or not os.path.isfile(found):
        return None
    return os.path.abspath(found)


def _is_standard(folder: str) -> bool:
    """Whether a folder is of Python's own library."""
    return is_standard(os.path.join(folder, ""))
