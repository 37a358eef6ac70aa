"""Tells who does something, and what for, from the frames of the running functions.

The standard library asks for more than it uses: `os.path.exists` for the whole status of a file,
argparse for the width of a help that nobody asked for. What counts is what the script learns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FrameType
from typing import Final

from derivload.identity import PACKAGE

# Functions that look at nothing but what kind of thing is there.
_ASK_FOR_KIND: Final = frozenset(
    """
    exists isfile isdir islink lexists is_file is_dir is_symlink is_mount ismount samefile
    realpath _joinrealpath resolve
    """.split()
)
_RESOLVE: Final = frozenset(("realpath", "_joinrealpath", "resolve"))
_MAKE_FOLDERS: Final = frozenset(("makedirs", "mkdir"))
_STANDARD: Final = (os.path.join(os.path.dirname(os.path.abspath(os.__file__)), ""), "<frozen ")
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_IMPORTING: Final = "<frozen importlib"
_OWN: Final = os.path.join(PACKAGE, "")


def is_not_scripts(frame: FrameType | None) -> bool:
    """Whether Python's import does something, which `imports.py` watches, or derivload does,
    perhaps through the standard library.
    """
    return _is_by(frame, (_IMPORTING, _OWN))


def is_importing(frame: FrameType | None) -> bool:
    """Whether Python's import does something."""
    return _is_by(frame, (_IMPORTING,))


def is_standard(path: str) -> bool:
    """Whether a file is of the standard library."""
    return path.startswith(_STANDARD) and not is_installed(path)


def is_installed(path: str) -> bool:
    """Whether a path is of installed packages."""
    return not _INSTALLED.isdisjoint(path.split(os.sep))


def _is_by(frame: FrameType | None, names: tuple[str, ...]) -> bool:
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(names):
            return True
        if not is_standard(name):
            return False
        frame = frame.f_back
    return False


def is_derivloads(path: str) -> bool:
    """Whether a file is derivload's own."""
    return path.startswith(_OWN)


def asks_for_kind(frame: FrameType | None) -> bool:
    """Whether a path is looked at only to see what kind of thing is there."""
    return bool(_ASK_FOR_KIND & {*_functions(frame)})


def is_about_links(frame: FrameType | None) -> bool:
    """Whether a path is looked at only for links, whether it exists or not."""
    resolving = [each for each in _frames(frame) if each.f_code.co_name in _RESOLVE]
    return bool(resolving) and not resolving[0].f_locals.get("strict")


def makes_folders(frame: FrameType | None) -> bool:
    """Whether a path is looked at in order to make a folder there, unless it is one."""
    return bool(_MAKE_FOLDERS & {*_functions(frame)})


def is_adding_option(frame: FrameType | None) -> bool:
    """Whether argparse looks for the width of its help while no help is asked for."""
    return "add_argument" in _functions(frame)


def _functions(frame: FrameType | None) -> list[str]:
    """The functions of the standard library that are running, up to the script's own code."""
    return [each.f_code.co_name for each in _frames(frame)]


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and is_standard(frame.f_code.co_filename):
        yield frame
        frame = frame.f_back
