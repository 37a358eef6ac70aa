"""A file's text, split into its top-level entries without parsing it.

The constraint: one edit must change one entry's text, and splitting must cost next to nothing.
So the text is cut at each `- ` that begins a line.

That is safe because such a line ends whatever stood before it, except inside quotes and flow
collections, and an entry that holds only part of one of those is no YAML by itself. So the only
texts that are not split are those with anything else at the beginning of a line but a comment
or a space (a top-level mapping, a document marker, a directive, a tab), and those with a line
break that only YAML knows.
"""

from __future__ import annotations

import hashlib
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What PyYAML takes for a line end and Python's universal newlines do not, and what it turns
# away wherever it stands, even in a comment.
_FOR_YAML_ALONE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n-]|-[^ ])")
_KEEPS_BLANK_LINES = re.compile(r"[|>]\d?\+")
_DIGEST_SIZE = 16


def with_plain_line_ends(text: str) -> str:
    """The text with `\\n` alone for line ends, as Python's universal newlines have it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_text(text: str) -> list[tuple[int, str]] | None:
    """The entries of a text that is a plain block list, each with the number of its first line.

    None when the text has to be read whole. Line ends are `\n` alone. Comments and blank lines
    behind the last key of an entry are no part of its text, so that an edit to them changes no
    entry.
    """
    preamble, parts = _parts(text)
    if not _is_preamble(preamble):
        return None
    line = preamble.count("\n") + 1
    entries = []
    for part in parts:
        entry = _entry_text(part)
        if entry is None:
            return None
        entries.append((line, entry))
        line += part.count("\n")
    return entries


class Split:
    """A text's entries by digest; `digests` is None when the text has to be read whole.

    A digest is of what the entry says, wherever it stands: 16 bytes of a sha256.
    """

    __slots__ = ("_parts", "digests")

    def __init__(self, parts: Sequence[str], digests: Sequence[bytes] | None) -> None:
        self._parts = parts
        self.digests = digests

    def entry(self, index: int) -> str:
        """The text of an entry. Raises ValueError where there are none."""
        entry = _entry_text(self._parts[index])
        if entry is None:
            raise ValueError("this text has to be read whole")
        return entry

    def known(self) -> dict[str, bytes]:
        """What `split_digests` need not look at again in the next text."""
        return dict(zip(self._parts, self.digests or (), strict=False))


def split_digests(text: str, known: Mapping[str, bytes] | None = None) -> Split:
    """Split as `split_text` does. `known` is what is known of a text that this is an edit of."""
    preamble, parts = _parts(text)
    if not _is_preamble(preamble):
        return Split(parts, None)
    digests = []
    for part in parts:
        digest = None if known is None else known.get(part)
        if digest is None:
            entry = _entry_text(part)
            if entry is None:
                return Split(parts, None)
            digest = hashlib.sha256(entry.encode("utf-8")).digest()[:_DIGEST_SIZE]
        digests.append(digest)
    return Split(parts, digests)


def _parts(text: str) -> tuple[str, list[str]]:
    """What stands before the first entry, and what follows the `- ` of each, up to the next."""
    preamble, *parts = ("\n" + text).split("\n- ")
    return preamble, [part + "\n" for part in parts[:-1]] + parts[-1:]


def _is_preamble(text: str) -> bool:
    return not any(line and not line.startswith("#") for line in text.split("\n")) and (
        _is_plain(text)
    )


def _is_plain(part: str) -> bool:
    if _NOT_A_PLAIN_LIST.search(part):
        return False
    # Nearly every text is plain ASCII, which is told much faster than by the pattern.
    is_plain_ascii = part.isascii() and part.replace("\n", "").isprintable()
    return is_plain_ascii or not _FOR_YAML_ALONE.search(part)


def _entry_text(part: str) -> str | None:
    """An entry's text without what stands behind it: blank lines, and comments not indented.

    None when it is none.
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
