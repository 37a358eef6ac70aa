"""The texts that a load begins with. Imports no rules: a tree's own code may be what loads them."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import NamedTuple

# The key under which an overlay may hold its list of entries.
OVERLAY_KEY = "custom"


class Text(NamedTuple):
    """An input: the name that diagnostics call it by, and its text with `\\n` as line ends."""

    name: str
    text: str


class Texts(NamedTuple):
    """The inputs of a load. In `native_functions`, the base comes first, then its overlays.

    `unread` are the names of the inputs that could not be read. Their text is empty, and an entry
    that only lacks something from them is not a mistake.
    """

    derivatives: Text
    native_functions: tuple[Text, ...]
    tags: Text
    unread: frozenset[str] = frozenset()


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Turn the cyclic garbage collector off meanwhile: a load makes many values and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
