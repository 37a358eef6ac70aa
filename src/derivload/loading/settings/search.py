"""Finds the settings, and a PyTorch tree, in the current folder or the nearest above it.

A search ends with the folder that is the root of a repository, or with the file system's. What it
saw on the way is noted, so that the exit that does nothing can tell that it would end alike: which
files were not there, which were there and passed over, and the folder where it began.

This module imports nothing but the least, because that exit passes here.
"""

from __future__ import annotations

import os

from derivload.loading.errors import SettingsError
from derivload.loading.reading import read_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SETTINGS = "derivload.toml"
PYPROJECT = "pyproject.toml"
_ROOTS = (".git", ".hg")
_CHECKOUT = os.path.join("tools", "autograd", "derivatives.yaml")
_PACKAGED = os.path.join("torchgen", "packaged", "autograd", "derivatives.yaml")
# What `derivload fetch` writes beside torchgen; a folder of installed packages has none.
_VERSION = "version.txt"


class Search:
    """What searches from the current folder upwards saw.

    `folder` is the current folder, "" as long as nothing was searched for. `absent` are paths that
    did not exist, `there` paths that did and whose content does not matter. `passed` are files
    that turned out to be none of ours, with what they held. Paths are relative to the folder.
    """

    __slots__ = ("_folders", "absent", "folder", "passed", "there")

    def __init__(self) -> None:
        self.folder = ""
        self.absent: list[str] = []
        self.there: list[str] = []
        self.passed: list[tuple[str, bytes]] = []
        self._folders: list[str] | None = None

    def find_settings(self, is_ours: Callable[[str, bytes], bool]) -> tuple[str, bytes] | None:
        """The settings file, and what it holds. Raises SettingsError if it cannot be read.

        `is_ours` tells whether a pyproject.toml has settings of derivload.
        """
        for folder in self._around():
            path = os.path.join(folder, SETTINGS)
            # A link that leads nowhere is meant to be one: reading it says why it is not.
            if self._is_file(path) or os.path.islink(path):
                return path, read_settings_file(path)
            path = os.path.join(folder, PYPROJECT)
            if not self._is_file(path):
                continue
            content = read_settings_file(path)  # it may be ours: nobody knows until it is read
            if b"derivload" in content and is_ours(path, content):
                return path, content
            self.passed.append((path, content))
        return None

    def find_tree(self) -> str | None:
        """The folder of a PyTorch checkout, or one that `derivload fetch` made.

        It is "" for the current folder.
        """
        for folder in self._around():
            if self._is_file(os.path.join(folder, _CHECKOUT)):
                return folder
            if self._is_file(os.path.join(folder, _PACKAGED)) and self._is_file(
                os.path.join(folder, _VERSION)
            ):
                return folder
        return None

    def _is_file(self, path: str) -> bool:
        if os.path.isfile(path):
            return True
        self.absent.append(path)
        return False

    def _around(self) -> list[str]:
        """The current folder and those above it, up to the repository's root."""
        if self._folders is None:
            self._folders = self._find_folders()
        return self._folders

    def _find_folders(self) -> list[str]:
        try:
            folder = self.folder = os.getcwd()
        except OSError:  # it was deleted
            return []
        folders = [""]
        while not self._is_root(folders[-1]):
            above = os.path.dirname(folder)
            if above == folder:
                break
            folder = above
            folders.append(os.path.join(folders[-1], os.pardir))
        return folders

    def _is_root(self, folder: str) -> bool:
        for name in _ROOTS:
            path = os.path.join(folder, name)
            if os.path.exists(path):
                self.there.append(path)
                return True
            self.absent.append(path)
        return False


def value_of(arguments: Sequence[str], option: str) -> str | None:
    """The value of an option, before anything is parsed; the last one if there are several.

    None if it is not given, or is empty.
    """
    found = None
    for at, argument in enumerate(arguments):
        if argument == option:
            found = next(iter(arguments[at + 1 :]), None)
        elif argument.startswith(f"{option}="):
            found = argument[len(option) + 1 :]
    return found or None


def beside(settings: str, path: str) -> str:
    """A path in a file of settings, which is relative to that file. A `~` is the home folder."""
    if path == "~" or path.startswith(("~/", "~" + os.sep)):
        return os.path.expanduser(path)
    return os.path.join(os.path.dirname(settings), path)


def read_settings_file(path: str) -> bytes:
    """What a settings file holds. Raises SettingsError."""
    content = read_path(path)
    if isinstance(content, OSError):
        why = content.strerror or content
        raise SettingsError([f"{path}: error: cannot read this file: {why}"])
    return content
