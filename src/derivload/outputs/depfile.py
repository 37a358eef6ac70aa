"""The depfile: which inputs the outputs were made from, for those who read it.

GNU Make, Ninja and CMake (the DEPFILE of a custom command) each have escapes of their own. For Make
and Ninja, what is written is what both take; where there is no such form, what Make takes, so that
Ninja runs again too often and never too seldom. Found out with GNU Make 4.3, Ninja 1.11 and CMake
3.25, by tests that try these characters, and random names, in each of them:

- a blank and `#` take a backslash, and backslashes before them are doubled; `$` is `$$`. CMake
  knows these, and no others: the rest is for Make and Ninja alone;
- `:` takes a backslash, but not that of a drive;
- Make alone takes `*`, `?`, `|` and a tab, with a backslash, `;` with three, and `"`, `&`, `'`,
  `<`, `>`, `^`, a backquote and control characters as they are. Ninja ends the path there, misses
  the rest, and runs again at every build;
- Make takes `%` in a target for a pattern and never runs again, so it has a backslash there. Ninja
  without `deps = gcc` then runs again at every build;
- Make takes `=` in the first input, or at the beginning of the second, for an assignment, and runs
  what stands after `!=`. So inputs without one come first, and where there are not two of these,
  references to no variable, which are empty to Make. Ninja then runs again at every build;
- Make takes `~` at the start for somebody's home, so such a path is made absolute;
- a path with a line end, or with a blank, a backslash or `:` as its last character, can be written
  for nobody. Such an input is left out: `is_writable` tells it.

Not helped: Make takes `=` in a target for a variable, `x(y)` at the end of a path for a member of
an archive, and `a[b]` for `ab` where there is such a file. Ninja does not take a backslash before
`#` or `:`, and Make none before `|` or `;`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_FOR_CMAKE = {" ": "\\ ", "\t": "\\\t", "#": "\\#", "$": "$$"}
_ANYWHERE = {" ": "\\ ", "#": "\\#", ":": "\\:", "$": "$$", ";": "\\\\\\;"}
_IN_TARGETS = {**_ANYWHERE, "%": "\\%"}
_IN_INPUTS = {**_ANYWHERE, "\t": "\\\t", "*": "\\*", "?": "\\?", "|": "\\|"}
# In a path with a wildcard, Make takes a backslash before any character as an escape.
_AMONG_WILDCARDS = {**_IN_INPUTS, "\\": "\\\\", "[": "\\["}
_LINE_ENDS = "\n\r\v\f"


def render_depfile(
    outputs: Iterable[str], inputs: Iterable[str], *, for_cmake: bool = False
) -> bytes:
    """A rule that says that each output depends on each input, by the paths given."""
    paths = [path for path in inputs if is_writable(path)]
    if for_cmake:
        targets = " ".join(_escape(path, _FOR_CMAKE) for path in outputs)
        escaped = [_escape(path, _FOR_CMAKE) for path in paths]
    else:
        targets = " ".join(_escape(path, _IN_TARGETS) for path in outputs)
        paths.sort(key=lambda path: "=" in path)
        escaped = [_escape_input(path) for path in paths]
        if any("=" in path for path in paths[:2]):
            escaped[:0] = ["$()", "$()"]
    lines = [f"{targets}:", *(f"  {path}" for path in escaped)]
    return (" \\\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def is_writable(path: str) -> bool:
    """Whether there is any way to write the path of an input in a depfile."""
    return not path.endswith(("\\", ":", " ", "\t")) and not any(end in path for end in _LINE_ENDS)


def _escape_input(path: str) -> str:
    if path.startswith("~"):
        path = os.path.abspath(path)
    has_wildcard = "*" in path or "?" in path
    return _escape(path, _AMONG_WILDCARDS if has_wildcard else _IN_INPUTS)


def _escape(path: str, escapes: dict[str, str]) -> str:
    drive, path = os.path.splitdrive(path)
    escaped = [drive]
    backslashes = 0
    for character in path:
        if character in " #:\t" and character in escapes:
            escaped.append("\\" * backslashes)
        escaped.append(escapes.get(character, character))
        backslashes = backslashes + 1 if character == "\\" else 0
    return "".join(escaped)
