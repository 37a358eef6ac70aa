"""The depfile: which inputs the outputs were made from, in the words of Make and Ninja."""

from __future__ import annotations

from collections.abc import Iterable


def render_depfile(outputs: Iterable[str], inputs: Iterable[str]) -> bytes:
    """A rule that says that each output depends on each input, by the paths given.

    The escapes are those that GNU Make and Ninja read alike: a backslash before a blank or `#`,
    backslashes before it doubled, and `$$`.
    """
    targets = " ".join(map(_escape, outputs))
    lines = [f"{targets}:", *(f"  {_escape(path)}" for path in inputs)]
    return (" \\\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _escape(path: str) -> str:
    escaped = []
    backslashes = 0
    for character in path:
        if character in " \t#":
            escaped.append("\\" * backslashes + "\\" + character)
        elif character == "$":
            escaped.append("$$")
        else:
            escaped.append(character)
        backslashes = backslashes + 1 if character == "\\" else 0
    return "".join(escaped)
