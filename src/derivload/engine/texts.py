"""The texts that a load begins with. Imports no rules: a tree's own code may be what loads them."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

from derivload.sources.additions import NOTHING, Additions
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    from derivload.cpp.dialect import Dialect
    from derivload.engine.backends import Backends


class Text(NamedTuple):
    """An input: the name that diagnostics call it by, and its text with `\\n` as line ends."""

    name: str
    text: str


class Texts(NamedTuple):
    """The inputs of a load. In `native_functions`, the base comes first, then its overlays.

    `unread` are the names of the inputs that could not be read. Their text is empty, and an entry
    that only lacks something from them is not a mistake. `more_derivatives` are the overlays of
    `derivatives`. `additions` say how entries are read and laid over one another. `backends` say
    what backends register.
    """

    derivatives: Text
    native_functions: tuple[Text, ...]
    tags: Text
    unread: frozenset[str] = frozenset()
    more_derivatives: tuple[Text, ...] = ()
    additions: Additions = NOTHING
    backends: tuple[Text, ...] = ()

    @property
    def of_entries(self) -> tuple[Text, ...]:
        """All texts but the tags: those of derivatives, then those of native functions."""
        return (self.derivatives, *self.more_derivatives, *self.native_functions)

    def read_backends(self, dialect: Dialect) -> Backends:
        """What backends register."""
        from derivload.engine.backends import Backends

        texts = [text for text in self.backends if text.name not in self.unread]
        is_some_lost = len(texts) < len(self.backends)
        return Backends(texts, self.additions.sections, dialect, is_some_lost=is_some_lost)


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
