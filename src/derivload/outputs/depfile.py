"""The depfile: it tells Make, Ninja or CMake which inputs the outputs were made from.

GNU Make, Ninja and CMake (the DEPFILE of a custom command) escape characters differently. For Make
and Ninja we write the form that both read correctly. If a character has no such form, we write the
one for Make: Ninja then runs again too often, but never too seldom. These rules were found with GNU
Make 4.3, Ninja 1.11 and CMake 3.25; tests try the characters, and random names, in each of them:

- A blank and `#` get a backslash, and backslashes before them are doubled. `$` becomes `$$`. CMake
  has only these escapes; the other rules are for Make and Ninja alone.
- `:` gets a backslash, except the one of a drive.
- Only Make can read these characters: `*`, `?`, `|` and a tab with one backslash, `;` with three,
  and `"`, `&`, `'`, `<`, `>`, `^`, a backquote and control characters as they are. Ninja ends the
  path there, does not find the rest, and runs again at every build.
- Make reads `%` in a target as a pattern and would never run again, so it gets a backslash there.
  Ninja without `deps = gcc` then runs again at every build.
- Make reads `=` in the first input, or at the beginning of the second, as an assignment, and after
  `!=` it would execute the rest. So inputs without `=` come first. If there are fewer than two of
  them, we write two empty variable references `$()` first. Ninja then runs again at every build.
- Make reads `~` at the start as a home folder, so such a path is made absolute.
- No form works for a path that contains a line end, or that ends in a blank, a tab, a backslash or
  `:`. Such an input is left out; see `is_writable`.

These cases stay wrong: Make reads `=` in a target as a variable, `x(y)` at the end of a path as a
member of an archive, and `a[b]` as `ab` if that file exists. Ninja does not accept a backslash
before `#` or `:`, and Make does not accept one before `|` or `;`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_FOR_CMAKE = {" ": "\\ ", "\t": "\\\t", "#": "\\#", "$": "$$"}
_ANYWHERE = {" ": "\\ ", "#": "\\#", ":": "\\:", "$": "$$", ";": "\\\\\\;"}
_IN_TARGETS = {**_ANYWHERE, "%": "\\%"}
_IN_INPUTS = {**_ANYWHERE, "\t": "\\\t", "*": "\\*", "?": "\\?", "|": "\\|"}
# In a path with a wildcard, Make reads a backslash before any character as an escape.
_AMONG_WILDCARDS = {**_IN_INPUTS, "\\": "\\\\", "[": "\\["}
_LINE_ENDS = "\n\r\v\f"


def render_depfile(
    outputs: Iterable[str], inputs: Iterable[str], *, for_cmake: bool = False
) -> bytes:
    """The depfile: one rule, by which each output depends on each input.

    Paths are written as given. Inputs that cannot be written are left out.
    """
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
    """Whether the path of an input can be written in a depfile at all."""
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
