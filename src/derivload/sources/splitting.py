"""Splits a file's text into its top-level entries, without parsing it.

One edit must change the text of one entry only, and splitting must be very fast. So the text is cut
at each `- ` that begins a line.

This is safe: such a line always begins a new entry, except inside quotes and flow collections. If
these are cut in two, the parts are not valid YAML alone, and that is noticed when they are read.

A text is not split if its first line, but for comments, begins with anything but `- `, or a later
line with a sign that may mean something to the whole file: a document marker, a directive or a tab.
Nor is it split if it contains a line break that only YAML knows. A line that begins with a word, as
one that is half typed does, makes the entry above it invalid, and no other one.
"""

from __future__ import annotations

import hashlib
import re
from itertools import accumulate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")

# Characters that are line ends for PyYAML but not for Python's universal newlines, and characters
# that PyYAML refuses anywhere, even in a comment.
_FOR_YAML_ALONE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n\w\"'-]|-[^ \w])")
_DASH_ALONE = re.compile(r"\n-(?=\n|\Z)")
_KEEPS_BLANK_LINES = re.compile(r"[|>]\d?\+")
_DIGEST_SIZE = 16
_STRIDE = 16**3


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

    __slots__ = ("_lines", "_parts", "digests")

    def __init__(self, parts: _Parts, digests: list[bytes] | None) -> None:
        self._parts = parts
        self._lines: list[int] = []
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
        if not self._lines:
            parts = (self._parts.preamble, *self._parts.raw)
            self._lines = [*accumulate(part.count("\n") + 1 for part in parts)]
        return self._lines[index]

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
    parts = _Parts(text)
    if not _is_preamble(parts.preamble):
        return Split(parts, None)
    count = len(parts.raw)
    begin, before_end, end = 0, 0, count
    kept: list[bytes] = []
    if before is not None and before.digests and before._parts.is_ended and parts.is_ended:
        begin, before_end, end = find_window(before._parts.raw, parts.raw)
        kept = before.digests
    digests = kept[:begin]
    for index in range(begin, end):
        entry = parts.entry(index)
        if entry is None:
            return Split(parts, None)
        digests.append(hashlib.sha256(entry.encode("utf-8")).digest()[:_DIGEST_SIZE])
    return Split(parts, digests + kept[before_end:])


def find_window(old: Sequence[T], new: Sequence[T]) -> tuple[int, int, int]:
    """The window in which two lists differ: its begin, its end in `old`, and its end in `new`.

    The items before and after the window are the same in both lists.
    """
    shorter = min(len(old), len(new))
    begin = _common(shorter, lambda at, to: old[at:to] == new[at:to])
    n, m = len(old), len(new)
    ending = _common(shorter - begin, lambda at, to: old[n - to : n - at] == new[m - to : m - at])
    return begin, n - ending, m - ending


def _common(limit: int, is_same: Callable[[int, int], bool]) -> int:
    """The number of items that two lists share at their begin, at most `limit`.

    Slices compare fast, so this goes in steps that get smaller.
    """
    at = 0
    step = _STRIDE
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

    __slots__ = ("is_ended", "preamble", "raw")

    def __init__(self, text: str) -> None:
        self.is_ended = text.endswith("\n")
        framed = "\n" + (text[:-1] if self.is_ended else text)
        if "\n-\n" in framed or framed.endswith("\n-"):
            # A dash alone begins an entry too. To YAML, a space behind it makes no difference.
            framed = _DASH_ALONE.sub("\n- ", framed)
        self.preamble, *self.raw = framed.split("\n- ")

    def entry(self, index: int) -> str | None:
        """The text of an entry; None if the text must be read as a whole."""
        is_last = index == len(self.raw) - 1
        part = self.raw[index]
        return _entry_text(part if is_last and not self.is_ended else part + "\n")


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
