"""The trace: what PyTorch's generators read besides their listed files. We learn it by watching.

A generator may import a module from anywhere in the tree, open any file, find that a file does not
exist, list a folder or ask for an environment variable. The names of all these are stored. The next
run begins by checking that they are still the same (`Sources` in `upstream.py`).
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

_FILE, _FOLDER, _VARIABLE = b"f", b"d", b"v"
_SEPARATOR: Final = b"\0"
_INSIDE: Final = f".{os.sep}"


class Trace(NamedTuple):
    """The names of what was read.

    `files` are paths that were opened or looked for, whether they exist or not. `folders` are
    patterns of names in the folders that were listed, as `names_like` takes them. `variables` are
    environment variables. Paths below the root of the tree are relative to it, because a tree may
    be moved.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()

    def with_other(self, other: Trace) -> Trace:
        """Everything that is in one of the two."""
        return Trace(*(own | others for own, others in zip(self, other, strict=True)))

    def is_within(self, other: Trace) -> bool:
        """Whether another trace has everything that this one has."""
        return self.with_other(other) == other

    def render(self) -> bytes:
        """The bytes for the store."""
        named = ((_FILE, self.files), (_FOLDER, self.folders), (_VARIABLE, self.variables))
        return _SEPARATOR.join(
            kind + name.encode("utf-8", "surrogateescape")
            for kind, names in named
            for name in sorted(names)
        )


NOTHING: Final = Trace()


def read_trace(data: bytes | None) -> Trace:
    """A trace from its bytes; an empty trace if `data` is None or not valid."""
    named: dict[bytes, set[str]] = {_FILE: set(), _FOLDER: set(), _VARIABLE: set()}
    for item in filter(None, (data or b"").split(_SEPARATOR)):
        kind, name = item[:1], item[1:].decode("utf-8", "surrogateescape")
        if kind not in named or not name:
            return NOTHING
        named[kind].add(name)
    return Trace(*(frozenset(names) for names in named.values()))


def without_root(path: str, root: str) -> str:
    """A path in the form of a trace: relative to the root if it is below it."""
    inside = os.path.join(root, "")
    return _INSIDE + path[len(inside) :] if path.startswith(inside) else path


def with_root(path: str, root: str) -> str:
    """The path for a path of a trace; the reverse of `without_root`."""
    return os.path.join(root, path[len(_INSIDE) :]) if path.startswith(_INSIDE) else path
