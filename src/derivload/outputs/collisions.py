"""Finds outputs that would overwrite each other or an input, before any output is written."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal


def find_collision(
    outputs: Sequence[str], inputs: Iterable[str]
) -> tuple[str, str, Literal["input", "output"]] | None:
    """An output, the path of the same file, and whether that is an "input" or an "output".

    None if all are different files. Hard links to one file count as different files, because an
    output is replaced and not written into. Several outputs may go to the same device.
    """
    places: dict[str, str] = {}
    real_folders: dict[str, str] = {}
    for output in outputs:
        folder, name = os.path.split(output)
        if folder not in real_folders:
            real_folders[folder] = os.path.realpath(folder)
        place = os.path.join(real_folders[folder], name)
        place = os.path.normcase(os.path.realpath(place) if os.path.islink(place) else place)
        if place in places and (os.path.isfile(place) or not os.path.exists(place)):
            return output, places[place], "output"
        places[place] = output
    there = {identity: output for output in outputs if (identity := _identity(output))}
    for path in inputs:
        found = there.get(_identity(path) or (0, 0))
        if found is not None and os.path.realpath(found) == os.path.realpath(path):
            return found, path, "input"
    return None


def _identity(path: str) -> tuple[int, int] | None:
    """The device and inode of a file: a cheap test, before names are resolved.

    None if the file does not exist.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
