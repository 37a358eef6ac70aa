"""What PyTorch's generators read besides the files that are listed: found out by watching them.

A generator may import a module from anywhere in the tree, open any file, find that one is not
there, list a folder or ask for an environment variable. What a run did so is kept by name, and the
next run begins by looking whether it all is still the same (`Sources` in `upstream.py`).
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

_FILE, _FOLDER, _VARIABLE = b"f", b"d", b"v"
_SEPARATOR: Final = b"\0"
_INSIDE: Final = f".{os.sep}"


class Trace(NamedTuple):
    """What was read, by name.

    `files` are paths of files, whether they were there or not, `folders` are patterns of names in
    a folder, as `names_like` has them, and `variables` are of the environment. A path below the
    root of the tree stands relative to it, for a tree may be moved.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()

    def with_other(self, other: Trace) -> Trace:
        """What is in either."""
        return Trace(*(own | others for own, others in zip(self, other, strict=True)))

    def is_within(self, other: Trace) -> bool:
        """Whether all that is in it is in another."""
        return self.with_other(other) == other

    def render(self) -> bytes:
        """Its bytes in the store."""
        named = ((_FILE, self.files), (_FOLDER, self.folders), (_VARIABLE, self.variables))
        return _SEPARATOR.join(
            kind + name.encode("utf-8", "surrogateescape")
            for kind, names in named
            for name in sorted(names)
        )


NOTHING: Final = Trace()


def read_trace(data: bytes | None) -> Trace:
    """A trace from its bytes; that of nothing where there are none, or none of a trace."""
    named: dict[bytes, set[str]] = {_FILE: set(), _FOLDER: set(), _VARIABLE: set()}
    for item in filter(None, (data or b"").split(_SEPARATOR)):
        kind, name = item[:1], item[1:].decode("utf-8", "surrogateescape")
        if kind not in named or not name:
            return NOTHING
        named[kind].add(name)
    return Trace(*(frozenset(names) for names in named.values()))


def without_root(path: str, root: str) -> str:
    """A path as a trace has it."""
    inside = os.path.join(root, "")
    return _INSIDE + path[len(inside) :] if path.startswith(inside) else path


def with_root(path: str, root: str) -> str:
    """The path that a trace means."""
    return os.path.join(root, path[len(_INSIDE) :]) if path.startswith(_INSIDE) else path
