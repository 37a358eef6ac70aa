"""Collects the mistakes of a load, up to a limit for each entry and each file.

Malicious input, or a file that is not an input at all, may have a million mistakes. These would
fill the memory, and finding their places would take minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from derivload.diagnostics import MAX_OF_ENTRY, Diagnostic, Mistake, help_of, shortened
from derivload.rules import RULES
from derivload.sources.entries import MAX_MISTAKES, Entry, too_many
from derivload.tuples import NamedTuple

# From so many entries on, a mistake that an option accepts is reported once for all of them.
_MANY = 3


class Found(NamedTuple):
    """A mistake, and the entry that it was found in."""

    entry: Entry
    mistake: Mistake


class Mistakes:
    """Mistakes in the order in which they were found, limited for each entry and each file.

    If an entry has more mistakes, its last one says so. If a file has more, `crowded` says so.
    Mistakes of many entries that one option accepts are one, which says how many they are.
    """

    def __init__(self) -> None:
        self._found: list[Found] = []
        self._of_file: Counter[str] = Counter()
        self._of_entry: Counter[tuple[str, int]] = Counter()
        # The index of the last mistake of each entry, until its message says that there are more.
        self._last: dict[tuple[str, int], int] = {}
        self._crowded: dict[str, Diagnostic] = {}
        # The entries that have a mistake which an option accepts, by code and option.
        self._alike: dict[tuple[str, str], set[tuple[str, int]]] = {}

    def __iter__(self) -> Iterator[Found]:
        told: set[tuple[str, str]] = set()
        for found in self._found:
            alike = _common(found.mistake)
            count = len(self._alike.get(alike, ()))
            if count < _MANY:
                yield _for_few(found)
            elif alike not in told:
                told.add(alike)
                yield _for_many(found, count)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def crowded(self) -> list[Diagnostic]:
        """A diagnostic (DL010) for each file that has more mistakes than the limit."""
        return list(self._crowded.values())

    def add(self, entry: Entry, mistakes: Iterable[Mistake]) -> None:
        """Add mistakes of an entry, up to the limits."""
        key = (entry.file, entry.index)
        for mistake in mistakes:
            if mistake.option or mistake.lacking:
                alike = self._alike.setdefault(_common(mistake), set())
                alike.add(key)
                if len(alike) > _MANY:
                    continue
            if self._of_entry[key] == MAX_OF_ENTRY:
                last = self._last.pop(key, None)
                if last is not None:
                    self._found[last] = _with_more(self._found[last])
                return
            if self._of_file[entry.file] == MAX_MISTAKES:
                # Too many warnings are only a warning: the file is still accepted.
                severity = RULES[mistake.code].severity
                self._crowded.setdefault(entry.file, too_many(entry.file, severity))
                return
            self._of_entry[key] += 1
            self._of_file[entry.file] += 1
            self._last[key] = len(self._found)
            short = msgspec.structs.replace(mistake, message=shortened(mistake.message))
            self._found.append(Found(entry, short))


def _common(mistake: Mistake) -> tuple[str, str]:
    """What the mistakes of many entries have in common that are reported as one."""
    return mistake.code, mistake.option or mistake.lacking


def _for_few(found: Found) -> Found:
    mistake = found.mistake
    if not mistake.help_of_few:
        return found
    return Found(found.entry, msgspec.structs.replace(mistake, help=mistake.help_of_few))


def _for_many(found: Found, count: int) -> Found:
    mistake = found.mistake
    message = f"{mistake.message}; {count} entries have this"
    help_ = help_of(mistake)
    if mistake.lacking:
        help_ = f"declare `{mistake.lacking}` in tags.yaml"
    elif not help_:
        help_ = f"if a backend's own tools read it, pass over it with {mistake.option}"
    # A fix of one entry would leave the mistake of the others.
    many = msgspec.structs.replace(mistake, message=message, help=help_, meant=(), remedies=())
    return Found(found.entry, many)


def _with_more(last: Found) -> Found:
    message = f"{last.mistake.message}; there are more mistakes in this entry"
    return Found(last.entry, msgspec.structs.replace(last.mistake, message=message))
