"""Where git's lock is: while it exists, git is changing the checkout, and the inputs may be mixed.

git keeps a file `index.lock` in its folder while it writes the working tree: in checkout, stash,
reset and each step of a rebase.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

_LINK: Final = "gitdir: "


def git_locks(paths: Iterable[str]) -> list[str]:
    """The path of git's lock for the checkout of each file, if it had one. Raises OSError."""
    # Many files are in one folder, which is resolved once.
    ways = {os.path.realpath(p) if os.path.islink(p) else p for p in paths}
    folders = {os.path.realpath(folder) for folder in {os.path.dirname(path) for path in ways}}
    found = {_git_folder(folder) for folder in folders}
    return [os.path.join(folder, "index.lock") for folder in sorted(found) if folder]


def _git_folder(folder: str) -> str:
    """The folder in which git keeps the index for this folder; "" outside a checkout."""
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
    """The folder that a `.git` file names. Submodules and linked working trees have such a file."""
    try:
        with open(path, "rb") as file:
            text = os.fsdecode(file.read())
    except OSError:
        return ""
    if not text.startswith(_LINK):
        return ""
    return os.path.join(os.path.dirname(path), text[len(_LINK) :].strip())
