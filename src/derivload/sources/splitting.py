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

import re

# What PyYAML takes for a line end and Python's universal newlines do not, and what it turns
# away wherever it stands, even in a comment.
_FOR_YAML_ALONE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n-]|-[^ ])")
_KEEPS_BLANK_LINES = re.compile(r"[|>]\d?\+")


def with_plain_line_ends(text: str) -> str:
    """The text with `\\n` alone for line ends, as Python's universal newlines have it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_text(text: str) -> list[tuple[int, str]] | None:
    """The entries of a text that is a plain block list, each with the number of its first line.

    None when the text has to be read whole. Line ends are `\\n` alone. Comments and blank lines
    behind the last key of an entry are no part of its text, so that an edit to them changes no
    entry.
    """
    framed = "\n" + text
    if _NOT_A_PLAIN_LIST.search(framed):
        return None
    # Nearly every text is plain ASCII, which is told much faster than by the pattern.
    is_plain_ascii = text.isascii() and text.replace("\n", "").isprintable()
    if not is_plain_ascii and _FOR_YAML_ALONE.search(text):
        return None
    preamble, *parts = framed.split("\n- ")
    if any(line and not line.startswith("#") for line in preamble.split("\n")):
        return None
    line = preamble.count("\n") + 1
    entries = []
    last = len(parts) - 1
    for index, part in enumerate(parts):
        ended = part if index == last else part + "\n"
        entries.append((line, "- " + _own_text(ended)))
        line += part.count("\n") + 1
    return entries


def _own_text(part: str) -> str:
    """An entry's text without what stands behind it: blank lines, and comments not indented."""
    if "+" in part and _KEEPS_BLANK_LINES.search(part):
        return part
    end = len(part)
    while True:
        while end and part[end - 1] == "\n":
            end -= 1
        begin = part.rfind("\n", 0, end) + 1
        if begin == 0 or part[begin] != "#":
            return part[: end + 1]
        end = begin
