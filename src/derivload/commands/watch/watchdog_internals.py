"""What derivwatch takes from watchdog's internals: all of it is in this file, and nothing else is.

watchdog promises none of this, so a new version may drop any of it. Nothing here raises then:
derivwatch still works, but slower or blinder. `gone` says what is missing and what that breaks,
and a test fails with those sentences.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from watchdog.events import FileMovedEvent, FileSystemEvent

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_INOTIFY: Final = "watchdog.observers.inotify"
# How long a move is held back. The name of the place is watchdog's from 7 on, and before.
_HELD_BACK: Final = (
    (f"{_INOTIFY}_move_event_grouper", "InotifyMoveEventGrouper.delay"),
    (f"{_INOTIFY}_buffer", "InotifyBuffer.delay"),
)
# For a folder above the inputs, such as /tmp, only moves are asked of the kernel: everything else
# there is noise that would wake derivwatch. The kernel is asked for what the classes named here
# need, while an event is passed on if it is of any class named here. So the base class, which
# names nothing for the kernel, lets everything through that watchdog makes of a move: "created"
# if it came from elsewhere, "deleted" if it went elsewhere.
MOVES: Final[list[type[FileSystemEvent]]] = [FileMovedEvent, FileSystemEvent]


class _Internal(NamedTuple):
    """Something that we use: module and name, in one of these places; and what it does for us."""

    places: tuple[tuple[str, str], ...]
    without: str


INTERNALS: Final = (
    _Internal(
        _HELD_BACK,
        "a file that leaves its folder holds back all events behind it for half a second",
    ),
    _Internal(
        # Before 7 it logs from the buffer alone, and of dropped events not at all.
        ((f"{_INOTIFY}_c", "logger"), (f"{_INOTIFY}_buffer", "logger")),
        "nobody hears when the kernel drops events: only the look after the last event finds them",
    ),
    _Internal(
        ((_INOTIFY, "InotifyEmitter.get_event_mask_from_filter"),),
        "every event in a folder above the inputs, such as /tmp, wakes derivwatch",
    ),
)


def gone(internals: Iterable[_Internal] = INTERNALS) -> list[str]:
    """What the installed watchdog does not have any more; a sentence each."""
    return [
        f"watchdog has no {' and no '.join('.'.join(place) for place in internal.places)}: "
        f"{internal.without}"
        for internal in internals
        if not any(_has(*place) for place in internal.places)
    ]


def _has(module: str, name: str) -> bool:
    try:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return True


def hold_nothing_back() -> None:
    """Have watchdog pass on each move at once.

    It holds a file that leaves its folder back for half a second, and all events behind it, to
    see whether the file comes up elsewhere. derivwatch does not ask where it went.
    """
    if sys.platform != "linux":
        return
    for module, name in _HELD_BACK:
        if _has(module, name):
            getattr(importlib.import_module(module), name.partition(".")[0]).delay = 0


class LossListener(logging.Handler):
    """Calls `lost` when watchdog warns. The kernel drops events that come too fast, and watchdog
    only logs that; before 7, not even that. The warnings are kept off the screen.
    """

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost
        logger = logging.getLogger("watchdog")
        self._propagated = logger.propagate
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Hear a warning."""
        self._lost()

    def stop(self) -> None:
        """Listen no longer, and leave the logger as it was."""
        logger = logging.getLogger("watchdog")
        logger.removeHandler(self)
        logger.propagate = self._propagated


def stop(observer: BaseObserver, patience: float) -> None:
    """Stop an observer, in whatever state it is, and wait so many seconds for its threads."""
    # If a folder is gone, watchdog may not find its watch any more, and says so in these ways.
    with contextlib.suppress(OSError, KeyError):
        observer.stop()
    with contextlib.suppress(RuntimeError):  # it was never started
        observer.join(patience)
