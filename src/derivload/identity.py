"""What derivload this is: the digest that every key of the store and every stamp carries.

It covers the bytes of derivload's own source, wherever it is installed, so that no result of
another version, or of a checkout before an edit to it, is ever taken for one of this. Paths
and times do not count. Imports only what the fastest exit of `emit` needs anyway.
"""

from __future__ import annotations

import hashlib
import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_digests: list[bytes] = []


def tool_digest() -> bytes:
    """The sha256 of all source files of the package, by name and content (about 3 ms).

    They are read once in a process: what runs in it is what they were then.
    """
    if not _digests:
        digest = hashlib.sha256()
        for name, path in sorted(_sources(_PACKAGE, "")):
            with open(path, "rb") as file:
                data = file.read()
            digest.update(f"{name}\0{len(data)}\0".encode())
            digest.update(data)
        _digests.append(digest.digest())
    return _digests[0]


def tool_files() -> list[str]:
    """The paths of these files."""
    return sorted(path for _, path in _sources(_PACKAGE, ""))


def _sources(folder: str, prefix: str) -> list[tuple[str, str]]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                found.append((prefix + entry.name, entry.path))
            elif entry.name != "__pycache__" and entry.is_dir():
                found += _sources(entry.path, f"{prefix}{entry.name}/")
    return found
