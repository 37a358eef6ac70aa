"""Events of the file system, as hints that it is time to look at the inputs.

Three limitations of watchdog shape this module. It watches a folder by its inode, and goes on
doing so after the folder was renamed: so all folders above are watched too, and all watches are
made anew when one of the folders is no longer the same. It holds moves back, and it only logs
that events were lost: `watchdog_internals.py` deals with both.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
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

from derivload.commands.watch.decisions import DELAYS, Hint
from derivload.commands.watch.lookups import lookups
from derivload.commands.watch.watchdog_internals import (
    MOVES,
    LossListener,
    hold_nothing_back,
    stop,
)
from derivload.outputs.digests import is_like

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

# With inotify, a watch is for one folder and nothing below it, and a file that was written causes
# one more event when it is closed. Elsewhere a watch on `/` would bring every event there is, so
# only the folders of the files themselves are watched.
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
# The events after which a folder has other names in it.
_OF_NAMES: Final = frozenset({"created", "moved", "deleted"})
# Folders that keep changing while we begin to watch them are looked at this many times.
_TRIES: Final = 5


class _WatchedFolder(NamedTuple):
    """A watched folder: which one it is, and whether only moves in it are watched."""

    device: int
    inode: int
    moves_only: bool


class Watches:
    """The watches on all folders that some paths lead through, and on those that are listed.

    `tell` is called with each hint, from a thread of watchdog's.
    """

    def __init__(self, tell: Callable[[Hint], None]) -> None:
        self._handler = _Handler(tell)
        self._observer: BaseObserver | None = None
        self._covered: dict[str, _WatchedFolder] = {}
        self._listener = LossListener(lambda: tell(Hint("modified", "", time.monotonic())))
        hold_nothing_back()

    def cover(self, paths: Iterable[str], patterns: Iterable[str] = ()) -> bool:
        """Watch these paths by their folders as they are now. Return whether the watches changed.

        Also watch the names that come to match `patterns`, as `names_like` takes them, or match
        them no more. Every event after this is told. Raises OSError.
        """
        paths = list(paths)
        listed = _by_folder(patterns)
        is_news = False
        for _ in range(_TRIES):
            names, folders = _folders(paths, listed)
            self._handler.names = names
            self._handler.listed = listed
            if folders == self._covered and not self._handler.has_lost:
                break
            is_news = True
            self._stop()
            try:
                self._start(folders)
            except FileNotFoundError:
                continue  # it went since we looked
            # Look again: a folder that was replaced just before is not the one that is watched.
        return is_news

    def close(self) -> None:
        """Stop watching."""
        self._stop()
        self._listener.stop()

    def _start(self, folders: dict[str, _WatchedFolder]) -> None:
        self._handler.folders = frozenset(folders)
        self._handler.has_lost = False
        try:
            observer = self._observer = Observer()  # on Linux, it starts a thread
            for path, folder in folders.items():
                events = MOVES if folder.moves_only else _EVENTS
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
        if observer is not None:
            stop(observer, DELAYS.threads)


class _Handler(FileSystemEventHandler):
    def __init__(self, tell: Callable[[Hint], None]) -> None:
        self._tell = tell
        self.names: frozenset[str] = frozenset()
        self.folders: frozenset[str] = frozenset()
        self.listed: dict[str, list[str]] = {}
        # A watch ends with its folder, and a new folder may get the inode number of the old one.
        self.has_lost = False

    def dispatch(self, event: FileSystemEvent) -> None:
        # A folder changes with each name in it, and that name has an event of its own. Nobody
        # closes a folder: as a hint of a file being written, it would be waited for in vain.
        if isinstance(event, DirModifiedEvent):
            return
        now = time.monotonic()
        is_open = HAS_INOTIFY and event.event_type == "modified"
        if event.event_type == "deleted" and os.fsdecode(event.src_path) in self.folders:
            self.has_lost = True
        for path in (event.src_path, getattr(event, "dest_path", "")):
            name = os.fsdecode(path)
            if name and (name in self.names or self._is_listed(name, event.event_type)):
                self._tell(Hint(event.event_type, name, now, is_open))

    def _is_listed(self, path: str, kind: str) -> bool:
        """Whether this may add a name to what is listed, or take one away."""
        folder, name = os.path.split(path)
        patterns = self.listed.get(folder, ()) if kind in _OF_NAMES else ()
        return any([is_like(name, pattern) for pattern in patterns])


def _by_folder(patterns: Iterable[str]) -> dict[str, list[str]]:
    """The last part of each pattern, by the folder that it is in."""
    found: dict[str, list[str]] = {}
    for pattern in patterns:
        folder, part = os.path.split(os.path.abspath(pattern))
        found.setdefault(folder, []).append(part)
    return found


def _folders(
    paths: Iterable[str], listed: Iterable[str]
) -> tuple[frozenset[str], dict[str, _WatchedFolder]]:
    """The paths of all names that are looked up, and the folders to watch for them."""
    found = lookups([*paths, *listed])
    folders: dict[str, _WatchedFolder] = {}
    for path in listed:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            folders[path] = _WatchedFolder(status.st_dev, status.st_ino, False)
    for lookup in found:
        if lookup.is_folder and (not HAS_INOTIFY or lookup.folder in folders):
            continue
        known = folders.get(lookup.folder)
        if known is not None and not known.moves_only:
            continue
        with contextlib.suppress(OSError):
            status = os.stat(lookup.folder)
            folders[lookup.folder] = _WatchedFolder(status.st_dev, status.st_ino, lookup.is_folder)
    return frozenset(lookup.path for lookup in found), folders
