"""The trace: what PyTorch's generators read besides their listed files. We learn it by watching.

A generator may import a module from anywhere in the tree, open any file, find that a file does not
exist, list a folder or ask for an environment variable. The names of all these are stored. The next
run begins by checking that they are still the same (`Sources` in `upstream.py`).
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from derivload.identity import PACKAGE

# Python itself asks for these variables, for example when it makes a temporary folder.
OF_THE_SYSTEM: Final = frozenset({"TMPDIR", "TEMP", "TMP"})
_PASSED: Final = tuple(
    os.path.join(folder, "") for folder in (PACKAGE, os.path.dirname(os.path.abspath(os.__file__)))
)
# Folders of installed packages. Of these, the versions count, not the single files.
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_OF_PYTORCH: Final = frozenset({"torchgen", "tools"})
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


def is_watched(path: str, root: str) -> bool:
    """Whether it counts that the code of the tree at `root` reads what is at a path.

    Not watched are files of Python, of derivload and of installed packages, and compiled files.
    """
    inside = os.path.join(root, "")
    is_inside = path.startswith(inside)
    names = path[len(inside) if is_inside else 0 :].split(os.sep)
    if "__pycache__" in names:
        return False
    if is_inside and os.path.basename(root) in _INSTALLED:
        return names[0] in _OF_PYTORCH
    return not path.startswith(_PASSED) and _INSTALLED.isdisjoint(names)


def without_root(path: str, root: str) -> str:
    """A path in the form of a trace: relative to the root if it is below it."""
    inside = os.path.join(root, "")
    return _INSIDE + path[len(inside) :] if path.startswith(inside) else path


def with_root(path: str, root: str) -> str:
    """The path for a path of a trace; the reverse of `without_root`."""
    return os.path.join(root, path[len(_INSIDE) :]) if path.startswith(_INSIDE) else path
