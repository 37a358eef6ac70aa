"""Which of the inputs a file is, by what is in it."""

from __future__ import annotations

import re

# The key that each entry of an input has, and no entry of another.
KEYS = {"name": "derivatives", "func": "native_functions", "tag": "tags"}
ENTRY = re.compile(r"^ *(?:- +)?(name|func|tag) *:(?= |$)", re.MULTILINE)


def recognise(content: bytes) -> str | None:
    """The input that a file with this content is: derivatives, native_functions or tags.

    None if it has no entries of one of these, or as many of another.
    """
    counts = dict.fromkeys(KEYS, 0)
    for found in ENTRY.findall(content.decode("utf-8", "replace").replace("\r", "\n")):
        counts[found] += 1
    second, first = sorted(counts, key=counts.__getitem__)[1:]
    return KEYS[first] if counts[first] > counts[second] else None
