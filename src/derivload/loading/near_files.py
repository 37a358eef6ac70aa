"""Which file or folder a path may mean that leads to nothing."""

from __future__ import annotations

import os
from contextlib import suppress

from derivload.spelling import nearest

# Of a folder, so many names are compared.
_MOST = 1_000
_LONGEST = 100


def near_paths(path: str, *, is_folder: bool = False) -> list[str]:
    """The path that is meant by one that leads to nothing; empty if none is like it.

    Its first part that does not exist is written as the name beside it that is most like it. Of a
    file, the extension counts as it is written.
    """
    above, missing = os.path.split(path.rstrip("/"))
    rest: list[str] = []
    while above and not os.path.isdir(above):
        rest.insert(0, missing)
        above, missing = os.path.split(above)
    extension = "" if is_folder or rest else os.path.splitext(missing)[1]
    known: list[str] = []
    with suppress(OSError):
        known = [name for name in os.listdir(above or os.curdir) if name.endswith(extension)]
    names = {name.removesuffix(extension): name for name in sorted(known)[:_MOST]}
    close = nearest(missing.removesuffix(extension)[:_LONGEST], names, 1)
    found = [os.path.join(above, names[name], *rest) for name in close]
    return [each for each in found if os.path.exists(each)]
