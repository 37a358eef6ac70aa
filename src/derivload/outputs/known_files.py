"""Remembers which files held which bytes, so that a long-lived process need not read them again.

A file is taken to be what it was as long as its device, inode, size and times are. Nobody can set
the time of the last change, so only a change within the same tick of the file system's clock could
be missed. That is why a file is remembered only once its last change is older than any such tick.
"""

from __future__ import annotations

import time

from derivload.modules import is_settled, looks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.outputs.places import OutputPlace


class KnownFiles:
    """The digests of files that were read and are still the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, tuple[int, ...]]] = {}

    def hold(self, place: OutputPlace, sha256: str) -> bool:
        """Whether the file at this place is known to hold the bytes with this digest."""
        known = self._known.get(place.target)
        return place.status is not None and known == (sha256, looks_of(place.status))

    def note(self, place: OutputPlace, sha256: str) -> None:
        """Note that the file at this place was read after its status, and has this digest."""
        status = place.status
        if status is not None and is_settled(status, time.time_ns()):
            self._known[place.target] = sha256, looks_of(status)
