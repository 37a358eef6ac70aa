"""Gives a function of ours the standing of the function of `os` in whose place it is.

`os.supports_follow_symlinks` and the sets beside it say what the functions of `os` can do, by
their identity. The standard library asks them too: `shutil.copystat` takes a function that is not
among them for one that does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

_SETS: Final = ("dir_fd", "effective_ids", "fd", "follow_symlinks")


def replace_in_os(name: str, replacement: Callable[..., Any]) -> Callable[[], None]:
    """Put a function in the place of `os.name`. Returns a function that undoes it."""
    original = getattr(os, name)
    joined: list[set[Any]] = []
    for what in _SETS:
        able = getattr(os, f"supports_{what}")
        if original in able:
            able.add(replacement)
            joined.append(able)
    setattr(os, name, replacement)

    def undo() -> None:
        setattr(os, name, original)
        for able in joined:
            able.discard(replacement)

    return undo
