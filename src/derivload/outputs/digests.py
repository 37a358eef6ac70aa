"""The digests of files, two at a time: hashing is most of what a run with nothing to do does.

Imports nothing but what hashing needs; threading alone would take longer than it saves.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread

from derivload.identity import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def digest_of(data: bytes) -> str:
    """The sha256 of some bytes, in hex."""
    return sha256(data).hexdigest()


def digests_of_files(paths: Iterable[str]) -> dict[str, str]:
    """The sha256 of each file's bytes in hex, by path; "" for what is no file that can be read."""
    waiting = list(paths)
    digests: dict[str, str] = {}

    def work() -> None:
        while waiting:
            try:
                path = waiting.pop()
            except IndexError:  # the other was faster
                return
            digests[path] = _digest_of_file(path)

    is_done = allocate_lock()
    is_done.acquire()

    def work_beside() -> None:
        try:
            work()
        finally:
            is_done.release()

    try:
        start_new_thread(work_beside, ())
    except RuntimeError:  # no more threads are to be had
        is_done.release()
    work()
    is_done.acquire()
    return digests


def names_like(pattern: str) -> list[str]:
    """The names in a folder that are like the last part of `pattern`, which has one `*`, sorted;
    none where it cannot be listed. Small and capital letters are the same.
    """
    folder, _, name = pattern.rpartition(os.sep)
    start, _, end = name.lower().partition("*")
    try:
        names = os.listdir(folder or os.sep if os.sep in pattern else os.curdir)
    except OSError:
        return []
    found = [name for name in names if name.lower().startswith(start) and not _is_passing(name)]
    return sorted(name for name in found if name.lower().endswith(end))


def _is_passing(name: str) -> bool:
    """Whether a name is of what Python or an editor makes beside a file."""
    return name == "__pycache__" or name.startswith(".") or name.endswith("~")


def digest_of_variable(name: str) -> str:
    """A digest of an environment variable, "none" where there is none of this name."""
    value = os.environ.get(name)
    return "none" if value is None else digest_of(value.encode("utf-8", "surrogateescape"))


def digest_of_names(names: Iterable[str]) -> str:
    """A digest of names in a folder."""
    return digest_of("\0".join(names).encode("utf-8", "surrogateescape"))


def _digest_of_file(path: str) -> str:
    try:
        if not os.path.isfile(path):  # a pipe can be read once, which is the run's to do
            return ""
        with open(path, "rb") as file:
            return digest_of(file.read())
    except (OSError, ValueError):  # a NUL in the path
        return ""
