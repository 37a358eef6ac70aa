"""The mistakes of a load, no more of them than can be of use.

Input that was made to do harm, or that is no input at all, has a million, which would fill the
memory and take minutes to place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from derivload.diagnostics import Diagnostic, Mistake, shortened
from derivload.rules import RULES
from derivload.sources.entries import MAX_MISTAKES, Entry, too_many

_MAX_OF_ENTRY = 100


class Found(NamedTuple):
    """A mistake, and the entry that it was found in."""

    entry: Entry
    mistake: Mistake


class Mistakes:
    """Mistakes in the order in which they were found, so many of each entry and of each file.

    The last one of an entry that has more says so; of a file that has more, `crowded` does.
    """

    def __init__(self) -> None:
        self._found: list[Found] = []
        self._of_file: Counter[str] = Counter()
        self._of_entry: Counter[tuple[str, int]] = Counter()
        # Where the last one of each entry is that has not said yet that there are more.
        self._last: dict[tuple[str, int], int] = {}
        self._crowded: dict[str, Diagnostic] = {}

    def __iter__(self) -> Iterator[Found]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def crowded(self) -> list[Diagnostic]:
        """That a file has more mistakes, for each that has (DL010)."""
        return list(self._crowded.values())

    def is_crowded(self, file: str) -> bool:
        """Whether it is no use to look for more mistakes in this file."""
        return file in self._crowded

    def add(self, entry: Entry, mistakes: Iterable[Mistake]) -> None:
        """Add mistakes that were found in an entry, as far as there is room for them."""
        key = (entry.file, entry.index)
        for mistake in mistakes:
            if self._of_entry[key] == _MAX_OF_ENTRY:
                last = self._last.pop(key, None)
                if last is not None:
                    self._found[last] = _with_more(self._found[last])
                return
            if self._of_file[entry.file] == MAX_MISTAKES:
                # Of warnings, it is no reason to turn the file away.
                severity = RULES[mistake.code].severity
                self._crowded.setdefault(entry.file, too_many(entry.file, severity))
                return
            self._of_entry[key] += 1
            self._of_file[entry.file] += 1
            self._last[key] = len(self._found)
            short = msgspec.structs.replace(mistake, message=shortened(mistake.message))
            self._found.append(Found(entry, short))


def _with_more(last: Found) -> Found:
    message = f"{last.mistake.message}; there are more mistakes in this entry"
    return Found(last.entry, msgspec.structs.replace(last.mistake, message=message))
