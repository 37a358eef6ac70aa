"""Whether git is changing the files of a checkout: what it has not finished is no set of inputs.

While it writes the working tree, in checkout, stash, reset and each step of a rebase, git keeps
a file `index.lock` in its folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

_LINK: Final = "gitdir: "


def git_locks(paths: Iterable[str]) -> list[str]:
    """The path that the lock of each file's checkout would have. Raises OSError."""
    folders = {os.path.dirname(os.path.realpath(path)) for path in paths}
    found = {_git_folder(folder) for folder in folders}
    return [os.path.join(folder, "index.lock") for folder in sorted(found) if folder]


def _git_folder(folder: str) -> str:
    """The folder in which git keeps the index for files in this one, "" outside of checkouts."""
    while True:
        path = os.path.join(folder, ".git")
        if os.path.isdir(path):
            return path
        if os.path.isfile(path):
            return _linked(path)
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent


def _linked(path: str) -> str:
    """The folder that the `.git` of a submodule or a further working tree names."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError:
        return ""
    if not text.startswith(_LINK):
        return ""
    return os.path.join(os.path.dirname(path), text[len(_LINK) :].strip())
