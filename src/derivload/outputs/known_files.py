"""Remembers which files held which bytes, so that a long-lived process need not read them again.

A file is taken to be what it was as long as its device, inode, size and times are. Nobody can set
the time of the last change, so only a change within the same tick of the file system's clock could
be missed. That is why a file is remembered only once its last change is older than any such tick.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.outputs.places import OutputPlace

# Seconds. The coarsest clock of a file system in use counts two at a time.
_TICK = 2.5


class KnownFiles:
    """The digests of files that were read and are still the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, tuple[int, ...]]] = {}

    def hold(self, place: OutputPlace, sha256: str) -> bool:
        """Whether the file at this place is known to hold the bytes with this digest."""
        known = self._known.get(place.target)
        return known is not None and known == (sha256, _signature(place.status))

    def note(self, place: OutputPlace, sha256: str) -> None:
        """Note that the file at this place was read after its status, and has this digest."""
        status = place.status
        # What Windows calls the time of the change is another time.
        if status is None or os.name == "nt" or time.time() - status.st_ctime < _TICK:
            return
        self._known[place.target] = sha256, _signature(status)


def _signature(status: os.stat_result | None) -> tuple[int, ...]:
    if status is None:
        return ()
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
