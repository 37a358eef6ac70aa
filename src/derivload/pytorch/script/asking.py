"""Sees what Python reports no event for: functions of `os` are replaced by ones that tell a watch.

Testing whether a file exists is one of these, and reading an environment variable is another.
"""

from __future__ import annotations

import genericpath
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from importlib import import_module
from types import BuiltinFunctionType, FrameType
from typing import TYPE_CHECKING, Any, Final

from derivload.outputs.kept_runs import kind_of
from derivload.pytorch.script.callers import (
    asks_for_kind,
    is_about_links,
    is_adding_option,
    is_not_scripts,
    makes_folders,
)
from derivload.pytorch.standing import replace_in_os

if TYPE_CHECKING:
    from derivload.pytorch.script.watching import Watch

_SIZES: Final = frozenset(("COLUMNS", "LINES"))

Note = Callable[[str, "FrameType | None"], None]


class Asking:
    """Tells a watch of what the script asks for."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def start(self) -> None:
        """Begin."""
        for name in ("exists", "isfile", "isdir"):
            # Python for Windows has some of its own, which go past `os.stat`.
            if isinstance(getattr(os.path, name), BuiltinFunctionType):
                setattr(os.path, name, getattr(genericpath, name))
        _replace("stat", lambda original: self._of_path(original, self._on_stat))
        _replace("lstat", lambda original: self._of_path(original, self._on_lstat))
        _replace("readlink", lambda original: self._of_path(original, self._on_lstat))
        if sys.version_info < (3, 11):  # whose pathlib keeps the functions that it finds
            import pathlib

            accessor: Any = pathlib._NormalAccessor  # type: ignore[attr-defined,unused-ignore]
            accessor.stat = staticmethod(os.stat)
        _replace("access", self._access)
        _replace("isatty", self._isatty)
        _replace("get_terminal_size", self._size)
        with suppress(ImportError):  # Windows has none
            processes: Any = import_module("_posixsubprocess")
            processes.fork_exec = self._process(processes.fork_exec)
        environment = _make_environment(self._watch, type(os.environ))
        os.environ.__class__ = environment
        if os.supports_bytes_environ:
            os.environb.__class__ = environment

    def _of_path(self, original: Callable[..., Any], note: Note) -> Any:
        @wraps(original)
        def told(path: Any, *arguments: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            if not isinstance(path, int) and self._watch.is_watched() and not is_not_scripts(frame):
                try:
                    self._note_path(path, named.get("dir_fd"), frame, note)
                except Exception as error:  # it would come out of what the script does
                    self._watch.refuse(f"{path!r} cannot be understood: {error!r}")
            return original(path, *arguments, **named)

        return told

    def _note_path(
        self, path: Any, folder: int | None, frame: FrameType | None, note: Note
    ) -> None:
        name = self._watch.path_of(path, -1 if folder is None else folder)
        if name is not None and not self._watch.is_known(name):
            note(name, frame)

    def _on_stat(self, path: str, frame: FrameType | None) -> None:
        if makes_folders(frame) or is_about_links(frame):
            return
        if asks_for_kind(frame):
            self._watch.note_kind(path, kind_of(path))
        else:
            self._watch.note_status(path)

    def _on_lstat(self, path: str, frame: FrameType | None) -> None:
        self._watch.note_link(path)
        if not is_about_links(frame):
            self._on_stat(path, frame)

    def _access(self, original: Callable[..., bool]) -> Any:
        @wraps(original)
        def told(path: Any, mode: int, **named: Any) -> bool:
            if self._watch.is_watched() and not is_not_scripts(sys._getframe(1)):
                name = self._watch.path_of(path, named.get("dir_fd") or -1)
                if name is not None and not self._watch.is_known(name):
                    self._watch.note_kind(name, kind_of(name))
                if mode != os.F_OK:
                    self._watch.refuse("it asked what it may do with a file")
            return original(path, mode, **named)

        return told

    def _process(self, original: Callable[..., Any]) -> Any:
        @wraps(original)
        def told(*arguments: Any) -> Any:
            self._watch.refuse("it started a process")
            return original(*arguments)

        return told

    def _isatty(self, original: Callable[[int], bool]) -> Any:
        @wraps(original)
        def told(descriptor: int) -> bool:
            self._watch.note_terminal(descriptor)
            return original(descriptor)

        return told

    def _size(self, original: Callable[..., Any]) -> Any:
        @wraps(original)
        def told(*arguments: Any) -> Any:
            if not is_adding_option(sys._getframe(1)):
                self._watch.refuse("it asked for the size of the terminal")
            return original(*arguments)

        return told


def _replace(name: str, make: Callable[[Any], Any]) -> None:
    """Replace a function of `os` for good."""
    replace_in_os(name, make(getattr(os, name)))


def _make_environment(watch: Watch, environment: type) -> Any:
    def note(name: str) -> None:
        is_size = name in _SIZES and is_adding_option(sys._getframe(2))
        if watch.is_watched() and not is_size:
            watch.note_variables(name)

    class Environment(environment):  # type: ignore[misc]
        def __getitem__(self, name: str | bytes) -> Any:
            note(os.fsdecode(name))
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[str]:
            note("")
            return iter(super().__iter__())

        def __len__(self) -> int:
            note("")
            return int(super().__len__())

        def __repr__(self) -> str:
            note("")
            return str(super().__repr__())

    return Environment
