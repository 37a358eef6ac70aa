"""Splits a file's text into its top-level entries, without parsing it.

One edit must change the text of one entry only, and splitting must be very fast. So the text is cut
at each `- ` that begins a line.

This is safe: such a line always begins a new entry, except inside quotes and flow collections. If
these are cut in two, the parts are not valid YAML alone, and that is noticed when they are read.

A text is not split if its first line, but for comments, begins with anything but `- `, or a later
line with a sign that may mean something to the whole file: a document marker, a directive or a tab.
Nor is it split if it contains a line break that only YAML knows. A line that begins with a word, as
one that is half typed does, makes the entry above it invalid, and no other one.

After an edit, only the part of the text that changed is cut again: what is the same at the begin
and at the end of the text before has the same entries. Comparing is much faster than cutting.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from itertools import accumulate
from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import AnyStr, TypeVar

    T = TypeVar("T")

# Characters that are line ends for PyYAML but not for Python's universal newlines, and characters
# that PyYAML refuses anywhere, even in a comment.
_FOR_YAML_ALONE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n\w\"'-]|-[^ \w])")
_DASH_ALONE = re.compile(r"\n-(?=\n|\Z)")
_KEEPS_BLANK_LINES = re.compile(r"[|>]\d?\+")
_DIGEST_SIZE = 16
# So many items are compared at once: entries, and characters.
_STRIDE = 16**3
_STRIDE_IN_TEXT = 16**4
_BETWEEN_ENTRIES = "\n- "
# It is remembered where each entry of this number begins.
_MARKED = 32
_FIELDS = (itemgetter(0), itemgetter(1), itemgetter(2))


def with_plain_line_ends(text: str) -> str:
    """The text with all line ends as `\\n`, as with Python's universal newlines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_text(text: str) -> list[tuple[int, str]] | None:
    """The entries of a text that is a plain block list, each with the number of its first line.

    None if the text must be read as a whole. All line ends must be `\n`. Blank lines at the end of
    an entry, and comments there that are not indented, are not part of its text. So an edit to them
    changes no entry.
    """
    parts = _Parts(text)
    if not _is_preamble(parts.preamble):
        return None
    line = parts.preamble.count("\n") + 1
    entries = []
    for index, part in enumerate(parts.raw):
        entry = parts.entry(index)
        if entry is None:
            return None
        entries.append((line, entry))
        line += part.count("\n") + 1
    return entries


class Split:
    """A split text, with a digest of each entry. `digests` is None if it must be read as a whole.

    A digest covers the text of the entry, not its place. It is 16 bytes of a sha256.
    """

    __slots__ = ("_parts", "digests")

    def __init__(self, parts: _Parts, digests: list[bytes] | None) -> None:
        self._parts = parts
        self.digests = digests

    @staticmethod
    def whole() -> Split:
        """The split of a text that must be read as a whole."""
        return Split(_Parts(""), None)

    @staticmethod
    def of_digests(text: str, joined: bytes) -> Split:
        """The split of a text whose digests are known. `joined` has them one after the other.

        If their number is wrong, they belong to another text, and are computed instead.
        """
        parts = _Parts(text)
        if len(joined) != _DIGEST_SIZE * len(parts.raw):
            return split_digests(text)
        starts = range(0, len(joined), _DIGEST_SIZE)
        return Split(parts, [joined[at : at + _DIGEST_SIZE] for at in starts])

    def line(self, index: int) -> int:
        """The number of an entry's first line."""
        return self._parts.line(index)

    def lines(self) -> list[int]:
        """The number of each entry's first line."""
        return self._parts.lines()

    def at_line(self, line: int) -> int | None:
        """The entry whose first line this is."""
        return self._parts.at_line(line)

    def has(self, word: str) -> bool:
        """Whether the text has this word, which has no line end in it."""
        return self._parts.has(word)

    def with_word(self, word: str) -> Iterator[int]:
        """The entries that have this word, in their text or behind it, in their order."""
        return self._parts.with_word(word)

    @property
    def raw(self) -> list[str]:
        """The texts of the entries, without the dash, and with all that stands before the next."""
        return self._parts.raw

    def entry(self, index: int) -> str:
        """The text of an entry. Raises ValueError if the text must be read as a whole."""
        entry = self._parts.entry(index)
        if entry is None:
            raise ValueError("this text has to be read whole")
        return entry


def split_digests(text: str, before: Split | None = None) -> Split:
    """Split a text as `split_text` does. Digests that are the same in `before` are reused."""
    kept = [] if before is None else before.digests or []
    window = before._parts.changed_to(text) if before is not None and kept else None
    parts, begin, before_end, end = window or _anew(text, before, len(kept))
    if window is None and not _is_preamble(parts.preamble):
        return Split(parts, None)
    digests: list[bytes] = []
    for index in range(begin, end):
        entry = parts.entry(index)
        if entry is None:
            return Split(parts, None)
        digests.append(hashlib.sha256(entry.encode("utf-8")).digest()[:_DIGEST_SIZE])
    return Split(parts, spliced(kept, begin, before_end, digests))


def _anew(text: str, before: Split | None, known: int) -> tuple[_Parts, int, int, int]:
    """The parts of a text, all of them cut now, and the window in which they are others.

    `known` is the number of digests that are known of the text before.
    """
    parts = _Parts(text)
    if before is None or not (known and before._parts.is_ended and parts.is_ended):
        return parts, 0, known, len(parts.raw)
    return parts, *find_window(before.raw, parts.raw)


def find_window(old: Sequence[T], new: Sequence[T]) -> tuple[int, int, int]:
    """The window in which two lists differ: its begin, its end in `old`, and its end in `new`.

    The items before and after the window are the same in both lists.
    """
    shorter = min(len(old), len(new))
    begin = _common(shorter, _STRIDE, lambda at, to: old[at:to] == new[at:to])
    n, m = len(old), len(new)
    ending = _common(
        shorter - begin, _STRIDE, lambda at, to: old[n - to : n - at] == new[m - to : m - at]
    )
    return begin, n - ending, m - ending


def spliced(old: list[T], begin: int, end: int, window: list[T]) -> list[T]:
    """A list with other items from `begin` to `end`, made by copying it once."""
    made = old.copy()
    made[begin:end] = window
    return made


def window_in_text(old: AnyStr, new: AnyStr) -> tuple[int, int]:
    """How many characters two texts share at their begin, and how many behind that at their end."""
    shorter = min(len(old), len(new))
    begin = _common(shorter, _STRIDE_IN_TEXT, lambda at, to: new.startswith(old[at:to], at))
    n, m = len(old), len(new)
    ending = _common(
        shorter - begin,
        _STRIDE_IN_TEXT,
        lambda at, to: new.endswith(old[n - to : n - at], 0, m - at),
    )
    return begin, ending


def _common(limit: int, step: int, is_same: Callable[[int, int], bool]) -> int:
    """The number of items that two lists share at their begin, at most `limit`.

    Slices compare fast, so this goes in steps that get smaller. `step`, the first, is a power of
    16.
    """
    at = 0
    while step:
        while at + step <= limit and is_same(at, at + step):
            at += step
        step //= 16
    return at


class _Parts:
    """A text, cut at each `- ` that begins a line.

    `preamble` is the text before the first one, and `raw` are the texts after each one, without
    the last line end. `is_ended` tells that the whole text ends in a line end.
    """

    __slots__ = ("_absent", "_has_lone_dash", "_marks", "_text", "is_ended", "preamble", "raw")

    def __init__(self, text: str) -> None:
        self._text = text
        # The number of some entries, where the text of each begins, and the number of its line.
        self._marks: list[tuple[int, int, int]] = []
        # Words that the text does not have.
        self._absent: frozenset[str] = frozenset()
        self.is_ended = text.endswith("\n")
        framed = "\n" + (text[:-1] if self.is_ended else text)
        self._has_lone_dash = "\n-\n" in framed or framed.endswith("\n-")
        if self._has_lone_dash:
            # A dash alone begins an entry too. To YAML, a space behind it makes no difference.
            framed = _DASH_ALONE.sub(_BETWEEN_ENTRIES, framed)
        self.preamble, *self.raw = framed.split(_BETWEEN_ENTRIES)

    def entry(self, index: int) -> str | None:
        """The text of an entry; None if the text must be read as a whole."""
        is_last = index == len(self.raw) - 1
        part = self.raw[index]
        return _entry_text(part if is_last and not self.is_ended else part + "\n")

    def line(self, index: int) -> int:
        """The number of an entry's first line."""
        at, _, line = self._mark(0, index)
        return line + sum([part.count("\n") + 1 for part in self.raw[at:index]])

    def lines(self) -> list[int]:
        """The number of each entry's first line."""
        parts = (self.preamble, *self.raw)
        return [*accumulate(part.count("\n") + 1 for part in parts)][:-1]

    def at_line(self, wanted: int) -> int | None:
        """The entry whose first line this is."""
        at, _, line = self._mark(2, wanted)
        while line < wanted and at < len(self.raw):
            line += self.raw[at].count("\n") + 1
            at += 1
        return at if line == wanted and at < len(self.raw) else None

    def has(self, word: str) -> bool:
        """Whether the text has this word, which has no line end in it."""
        if word in self._absent:
            return False
        is_there = word in self._text
        if not is_there:
            self._absent |= {word}
        return is_there

    def with_word(self, word: str) -> Iterator[int]:
        """The entries that have this word, which has no line end in it."""
        if self._has_lone_dash:  # places of the text are not those of the parts
            yield from (index for index, part in enumerate(self.raw) if word in part)
            return
        at = self._text.find(word) if self.has(word) else -1
        while at >= 0:
            behind, start = self._first_from(at + 1)
            if behind:
                yield behind - 1
            at = self._text.find(word, start)

    def changed_to(self, text: str) -> tuple[_Parts, int, int, int] | None:
        """The parts of another text, and the window in which they are others, as `find_window`.

        None if this text tells too little of it.
        """
        old = self._text
        if not (self.is_ended and text.endswith("\n")) or self._has_lone_dash:
            return None
        same, same_behind = window_in_text(old, text)
        # An entry is the same if the dashes before it and behind it are.
        begin, start = self._first_from(same + 1)
        if not begin:
            return None
        begin -= 1
        start -= len(self.raw[begin]) + len(_BETWEEN_ENTRIES)
        end, before_end = self._first_from(len(old) - same_behind + len(_BETWEEN_ENTRIES))
        before_end -= len(_BETWEEN_ENTRIES)
        cut = text[start : before_end + len(text) - len(old)]
        if "\n-\n" in cut or cut.endswith("\n-"):
            return None
        return self._with_other(text, begin, end, old[start:before_end], cut)

    def _with_other(
        self, text: str, begin: int, end: int, before: str, cut: str
    ) -> tuple[_Parts, int, int, int]:
        """The parts of `text`: `cut` stands where the entries of the window had `before`."""
        others = cut.split(_BETWEEN_ENTRIES)
        more = begin + len(others) - end
        longer = len(cut) - len(before)
        lines = cut.count("\n") - before.count("\n")
        made = _Parts("")
        made._text = text
        made.is_ended = True
        made.preamble = self.preamble
        made.raw = spliced(self.raw, begin, end, others)
        made._absent = frozenset([word for word in self._absent if word not in cut])
        if len(others) <= _MARKED:  # else they need marks of their own
            made._marks = [
                (at, start, line) if at <= begin else (at + more, start + longer, line + lines)
                for at, start, line in self._marks
                if at <= begin or at >= end
            ]
        return made, begin, end, begin + len(others)

    def _first_from(self, offset: int) -> tuple[int, int]:
        """The first entry whose text begins here in the text or later, and where it begins.

        Without one, the number of all entries, and where the text of one more would begin.
        """
        at, start, _ = self._mark(1, offset)
        count = len(self.raw)
        while start < offset and at < count:
            start += len(self.raw[at]) + len(_BETWEEN_ENTRIES)
            at += 1
        return at, start

    def _mark(self, field: int, most: int) -> tuple[int, int, int]:
        """The last mark in which this field is at most so much, or the first mark."""
        if not self._marks:
            # The text was cut behind a line end that it does not have.
            start = len(self.preamble) + len(_BETWEEN_ENTRIES) - 1
            line = self.preamble.count("\n") + 1
            for at in range(0, len(self.raw), _MARKED):
                self._marks.append((at, start, line))
                block = _BETWEEN_ENTRIES.join(self.raw[at : at + _MARKED])
                start += len(block) + len(_BETWEEN_ENTRIES)
                line += block.count("\n") + 1
        at = bisect_right(self._marks, most, key=_FIELDS[field])
        return self._marks[max(0, at - 1)] if self._marks else (0, len(self._text), 0)


def _is_preamble(text: str) -> bool:
    return not any(line and not line.startswith("#") for line in text.split("\n")) and (
        _is_plain(text)
    )


def _is_plain(part: str) -> bool:
    if _NOT_A_PLAIN_LIST.search(part):
        return False
    # Nearly every text is plain ASCII, and this test is much faster than the pattern.
    is_plain_ascii = part.isascii() and part.replace("\n", "").isprintable()
    return is_plain_ascii or not re.search(_FOR_YAML_ALONE, part)


def _entry_text(part: str) -> str | None:
    """An entry's text, without the blank lines and comments at its end that are not indented.

    None if the text must be read as a whole.
    """
    if not _is_plain(part):
        return None
    if "+" in part and _KEEPS_BLANK_LINES.search(part):
        return "- " + part
    end = len(part)
    while True:
        while end and part[end - 1] == "\n":
            end -= 1
        begin = part.rfind("\n", 0, end) + 1
        if begin == 0 or part[begin] != "#":
            return "- " + part[: end + 1]
        end = begin
