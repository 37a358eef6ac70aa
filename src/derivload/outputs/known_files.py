"""Remembers which files held which bytes, so that a long-lived process need not read them again.

A file is taken to be what it was as long as its device, inode, size and times are. Nobody can set
the time of the last change, so only a change within the same tick of the file system's clock could
be missed. That is why a file is remembered only once its last change is older than any such tick.
"""

from __future__ import annotations

import os
import time

from derivload.modules import is_settled, looks_of
from derivload.outputs.digests import digests_of_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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
        self._note(place.target, place.status, sha256)

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        """The sha256 of each file's bytes in hex, by path; "" if the file cannot be read.

        Only files that are not known are read.
        """
        statuses = {path: _status_of(path) for path in paths}
        found = {}
        for path, status in statuses.items():
            sha256, looks = self._known.get(path, ("", ()))
            if status is not None and looks == looks_of(status):
                found[path] = sha256
        read = digests_of_files(path for path in statuses if path not in found)
        for path, sha256 in read.items():
            if sha256:
                self._note(path, statuses[path], sha256)
        return found | read

    def _note(self, path: str, status: os.stat_result | None, sha256: str) -> None:
        if status is not None and is_settled(status, time.time_ns()):
            self._known[path] = sha256, looks_of(status)


def _status_of(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # a NUL in the path
        return None
