"""Events of the file system, as hints that a look at the inputs is due.

What watchdog knows of them decides the form of this. A folder is watched by its inode, and goes
on being so under another name: thus all folders above are watched too, and all watches are made
anew when one of the folders is no longer the one that it was. A file that leaves its folder is
held back, and all events behind it, until it may have come up elsewhere: half a second, which
nobody needs who does not ask where it went. And the kernel drops events when they come too
fast, which watchdog only logs.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from derivload.commands.watch.lookups import lookups
from derivload.commands.watch.messages import Hint

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

# inotify, where a watch is of one folder and nothing under it, and files that were written are
# reported once more when they are closed. Elsewhere a watch on `/` would bring every event there
# is: only the folders of the files themselves are watched.
HAS_INOTIFY: Final = sys.platform == "linux"
_EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileModifiedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
# Of the folders above, such as /tmp, only moves are asked of the kernel, and whatever watchdog
# makes of these is taken. What is deleted there has had its files deleted first.
_MOVES: Final[list[type[FileSystemEvent]]] = [FileMovedEvent, FileSystemEvent]
# Where versions of watchdog keep how long a move is held back.
_HELD_BACK: Final = (
    ("watchdog.observers.inotify_move_event_grouper", "InotifyMoveEventGrouper"),
    ("watchdog.observers.inotify_buffer", "InotifyBuffer"),
)
# Threads end with us, whether they were well or not.
_PATIENCE: Final = 1.0
# So often folders that change under our hands are looked at again.
_TRIES: Final = 5


class _Folder(NamedTuple):
    """A folder as it is watched: which one it is, and whether for moves alone."""

    device: int
    inode: int
    moves_only: bool


class Watches:
    """The watches on all folders that some paths lead through.

    `tell` is called with each hint, from a thread of watchdog's.
    """

    def __init__(self, tell: Callable[[Hint], None]) -> None:
        self._handler = _Handler(tell)
        self._observer: BaseObserver | None = None
        self._covered: dict[str, _Folder] = {}
        self._logs = _Logs(tell)
        logger = logging.getLogger("watchdog")
        self._propagated = logger.propagate
        logger.addHandler(self._logs)
        logger.propagate = False
        _hold_nothing_back()

    def cover(self, paths: Iterable[str]) -> bool:
        """Watch these paths, by their folders as they are now; whether other ones were before.

        What happens to them after this is told. Raises OSError.
        """
        paths = list(paths)
        is_news = False
        for _ in range(_TRIES):
            names, folders = _folders(paths)
            self._handler.names = names
            if folders == self._covered and not self._handler.has_lost:
                break
            is_news = True
            self._stop()
            try:
                self._start(folders)
            except FileNotFoundError:
                continue  # gone since we looked
            # Looked at once more: a folder that was replaced just before is not the watched one.
        return is_news

    def close(self) -> None:
        """Watch nothing any more."""
        self._stop()
        logger = logging.getLogger("watchdog")
        logger.removeHandler(self._logs)
        logger.propagate = self._propagated

    def _start(self, folders: dict[str, _Folder]) -> None:
        observer = Observer()
        self._observer = observer
        self._handler.folders = frozenset(folders)
        self._handler.has_lost = False
        try:
            for path, folder in folders.items():
                events = _MOVES if folder.moves_only else _EVENTS
                observer.schedule(self._handler, path, event_filter=events)
            observer.start()
        except RuntimeError as error:  # no more threads
            self._stop()
            raise OSError(errno.EAGAIN, str(error)) from error
        except BaseException:
            self._stop()
            raise
        self._covered = folders

    def _stop(self) -> None:
        self._covered = {}
        observer, self._observer = self._observer, None
        if observer is None:
            return
        # Of a folder that is gone there may be nothing left to take a watch off.
        with contextlib.suppress(OSError, KeyError):
            observer.stop()
        with contextlib.suppress(RuntimeError):  # it was never started
            observer.join(_PATIENCE)


class _Handler(FileSystemEventHandler):
    def __init__(self, tell: Callable[[Hint], None]) -> None:
        self._tell = tell
        self.names: frozenset[str] = frozenset()
        self.folders: frozenset[str] = frozenset()
        # A watch ends with its folder, and a new folder may well have the number of the old one.
        self.has_lost = False

    def dispatch(self, event: FileSystemEvent) -> None:
        now = time.monotonic()
        is_open = HAS_INOTIFY and event.event_type == "modified"
        if event.event_type == "deleted" and os.fsdecode(event.src_path) in self.folders:
            self.has_lost = True
        for path in (event.src_path, getattr(event, "dest_path", "")):
            if path and os.fsdecode(path) in self.names:
                self._tell(Hint(event.event_type, os.fsdecode(path), now, is_open))


class _Logs(logging.Handler):
    """What watchdog warns of: events that were lost. It is no matter for the screen."""

    def __init__(self, tell: Callable[[Hint], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(Hint("modified", "", time.monotonic()))


def _folders(paths: Iterable[str]) -> tuple[frozenset[str], dict[str, _Folder]]:
    """The paths of all names that are looked up, and the folders to watch for them."""
    names = set()
    folders: dict[str, _Folder] = {}
    for path in paths:
        for lookup in lookups(path):
            names.add(lookup.path)
            moves_only = os.path.isdir(lookup.path) and not os.path.islink(lookup.path)
            if moves_only and (not HAS_INOTIFY or lookup.folder in folders):
                continue
            with contextlib.suppress(OSError):
                status = os.stat(lookup.folder)
                folders[lookup.folder] = _Folder(status.st_dev, status.st_ino, moves_only)
    return frozenset(names), folders


def _hold_nothing_back() -> None:
    for module, name in _HELD_BACK:
        with contextlib.suppress(ImportError, AttributeError):
            grouper = getattr(importlib.import_module(module), name)
            grouper.delay = 0
