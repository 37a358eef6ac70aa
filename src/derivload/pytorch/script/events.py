"""What Python tells an audit hook of a script, before it happens.

What can be seen only in part (another process, a socket, a library that is called directly) is a
reason not to keep the run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import source_from_cache
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from derivload.outputs.kept_runs import ABSENT, FILE, kind_of
from derivload.pytorch.script.callers import is_importing, is_not_scripts

if TYPE_CHECKING:
    from derivload.pytorch.script.watching import Watch

_ACCESS: Final = os.O_WRONLY | os.O_RDWR
# By how the names of events begin, what to say of them.
_OPAQUE: Final = (
    ("subprocess.Popen", "it started a process"),
    ("os.system", "it started a process"),
    ("os.exec", "it started a process"),
    ("os.posix_spawn", "it started a process"),
    ("os.spawn", "it started a process"),
    ("os.startfile", "it started a process"),
    ("os.fork", "it started a process"),
    ("_winapi.CreateProcess", "it started a process"),
    ("pty.spawn", "it started a process"),
    ("socket.", "it opened a socket"),
    ("ctypes.", "it called a library directly"),
    ("sqlite3.connect", "it opened a database"),
    ("builtins.input", "it read from stdin"),
    ("os.truncate", "it cut a file off"),
    ("os.link", "it made a link"),
    ("os.symlink", "it made a link"),
    ("os.chown", "it changed the owner of a file"),
    ("os.setxattr", "it changed the attributes of a file"),
    ("mmap.__new__", "it mapped a file into memory"),
    ("winreg.", "it read the registry"),
)
_FIRST_PARTS: Final = frozenset(name.partition(".")[0] for name, _ in _OPAQUE)


# Takes what an event is about, and the frame in which it happens.
Handler = Callable[[tuple[Any, ...], FrameType], None]


class Events:
    """Tells a watch of events."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._handlers: dict[str, Handler] = {
            "open": self._on_open,
            "import": self._on_import,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "os.mkdir": self._on_mkdir,
            "os.rename": self._on_rename,
            "os.remove": self._on_remove,
            "os.chmod": self._on_change,
            "os.utime": self._on_change,
            "os.putenv": self._on_putenv,
            "os.unsetenv": self._on_putenv,
        }

    def start(self) -> None:
        """Begin. It cannot be ended."""
        sys.addaudithook(self._on_event)

    def _is_scripts(self, frame: FrameType) -> bool:
        """Whether the script does what an event is about."""
        return self._watch.is_watched() and not is_not_scripts(frame)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = self._handlers.get(event)
        if handler is not None:
            try:
                handler(arguments, sys._getframe(1))
            except Exception as error:  # it would come out of what the script does
                self._watch.refuse(f"{event} cannot be understood: {error!r}")
        elif event.partition(".")[0] in _FIRST_PARTS and self._watch.is_watched():
            for name, reason in _OPAQUE:
                if event.startswith(name):
                    self._watch.refuse(reason)

    def _on_open(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if not self._watch.is_watched():
            return
        name, mode, flags = arguments
        path = self._watch.path_of(name)
        if path is None:
            return
        if mode:
            writes, keeps = bool({*mode} & {*"wax+"}), bool({*mode} & {*"a+"})
        else:
            writes, keeps = bool(flags & _ACCESS), not flags & os.O_TRUNC
        reads = keeps or not writes
        if not self._is_scripts(frame):
            if reads and is_importing(frame):
                self._note_module(path)
            return
        if reads:
            self._watch.note_read(path)
        if writes:
            self._watch.note_write(path)

    def _note_module(self, path: str) -> None:
        """Note the source of a module that Python reads, perhaps in its compiled form."""
        with suppress(ValueError, NotImplementedError):  # it is no compiled form
            path = source_from_cache(path)
        self._watch.note_module(path)

    def _on_import(self, arguments: tuple[Any, ...], _: FrameType) -> None:
        path = arguments[1]  # of an extension module
        if isinstance(path, str) and self._watch.is_watched():
            self._watch.note_module(os.path.abspath(path))

    def _on_list(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        path = self._watch.path_of(arguments[0] if arguments[0] is not None else os.curdir)
        if path is None or not self._is_scripts(frame):
            return
        self._watch.note_lists(path)

    def _on_mkdir(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if not self._watch.is_watched():
            return
        path = self._watch.path_of(arguments[0], arguments[2])
        if path is None or not self._is_scripts(frame):
            return
        self._watch.note_made(path, is_new=kind_of(path) == ABSENT)

    def _on_rename(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        if not self._is_scripts(frame):
            return
        source, target = self._watch.path_of(arguments[0]), self._watch.path_of(arguments[1])
        if arguments[2:] != (-1, -1):
            self._watch.refuse("it renamed a file in a folder that it had opened")
            return
        if source is None or target is None:
            return
        if not self._watch.is_own(source) or kind_of(source) != FILE:
            self._watch.refuse(f"it renamed {source}, which it had not made")
        self._watch.about_to_write(source, follow=False)
        self._watch.about_to_write(target, follow=False)
        self._watch.note_output(target)

    def _on_remove(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        path = self._watch.path_of(arguments[0], arguments[1])
        if path is not None and self._is_scripts(frame):
            self._watch.about_to_write(path, follow=False)
            self._watch.note_output(path)

    def _on_change(self, arguments: tuple[Any, ...], frame: FrameType) -> None:
        path = self._watch.path_of(arguments[0])
        if path is not None and not self._watch.is_own(path) and self._is_scripts(frame):
            self._watch.refuse(f"it changed the mode or the times of {path}")

    def _on_putenv(self, arguments: tuple[Any, ...], _: FrameType) -> None:
        self._watch.note_set(os.fsdecode(arguments[0]))
