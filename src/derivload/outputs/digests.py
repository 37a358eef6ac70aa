"""The digests of files. Two threads hash them: a run with nothing to do spends most time here.

This module imports only what hashing needs. Importing `threading` would take longer than the
second thread saves.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread

from derivload.identity import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def digest_of(data: bytes) -> str:
    """The sha256 of some bytes, in hex."""
    return sha256(data).hexdigest()


def sealed(lines: Sequence[str]) -> bytes:
    """The bytes of a file of lines, with their digest in the last one; `unsealed` reads them.

    b"" if a line has a line end in it: such a file is never valid.
    """
    if any("\n" in line or "\r" in line for line in lines):
        return b""
    body = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    return body + f"check {digest_of(body)}\n".encode()


def unsealed(path: str, first: str) -> list[str]:
    """The lines of a sealed file behind its first line, which has to be `first`.

    Empty if the file is not valid. Raises OSError and ValueError.
    """
    if not os.path.isfile(path):  # opening a pipe would wait for a writer
        return []
    with open(path, "rb") as file:
        data = file.read()
    body, _, check = data.rpartition(b"check ")
    if check.strip().decode() != digest_of(body):
        return []
    lines = body.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return lines[1:] if lines[:1] == [first] else []


def digests_of_files(paths: Iterable[str]) -> dict[str, str]:
    """The sha256 of each file's bytes in hex, by path; "" if the file cannot be read."""
    return _digests(paths, lambda _path, _digest: True)


def have_digests(files: Mapping[str, str]) -> bool:
    """Whether each of these files, by path, has the sha256 given. Ends at the first that has not.

    The first files are the first to be looked at.
    """
    paths = [*files]
    paths.reverse()
    return _digests(paths, lambda path, digest: files[path] == digest) == files


def _digests(paths: Iterable[str], goes_on: Callable[[str, str], bool]) -> dict[str, str]:
    """The digests of files, the last one first, until one is found with which it does not go on."""
    waiting = list(paths)
    digests: dict[str, str] = {}

    def work() -> None:
        while waiting:
            try:
                path = waiting.pop()
            except IndexError:  # the other thread was faster
                return
            digest = digests[path] = _digest_of_file(path)
            if not goes_on(path, digest):
                waiting.clear()

    is_done = allocate_lock()
    is_done.acquire()

    def work_beside() -> None:
        try:
            work()
        finally:
            is_done.release()

    try:
        start_new_thread(work_beside, ())
    except RuntimeError:  # the system allows no more threads
        is_done.release()
    work()
    is_done.acquire()
    return digests


def names_like(pattern: str) -> list[str]:
    """The names in a folder that match the last part of `pattern`, sorted (see `is_like`).

    If the folder cannot be listed, there are no names.
    """
    folder, _, part = pattern.rpartition(os.sep)
    try:
        names = os.listdir(folder or os.sep if os.sep in pattern else os.curdir)
    except OSError:
        return []
    return sorted(name for name in names if is_like(name, part))


def is_like(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern with one `*`. Case does not matter.

    Names that Python or an editor makes beside a file match none.
    """
    start, _, end = pattern.lower().partition("*")
    lower = name.lower()
    return lower.startswith(start) and lower.endswith(end) and not _is_passing(name)


def _is_passing(name: str) -> bool:
    """Whether this is the name of a file that Python or an editor makes beside another one."""
    return name == "__pycache__" or name.startswith(".") or name.endswith("~")


def digest_of_variable(name: str) -> str:
    """A digest of the value of an environment variable; "none" if the variable is not set."""
    value = os.environ.get(name)
    return "none" if value is None else digest_of(value.encode("utf-8", "surrogateescape"))


def digest_of_names(names: Iterable[str]) -> str:
    """A digest of a list of names."""
    return digest_of("\0".join(names).encode("utf-8", "surrogateescape"))


def _digest_of_file(path: str) -> str:
    try:
        if not os.path.isfile(path):  # a pipe can be read only once, and the run must read it
            return ""
        with open(path, "rb") as file:
            return digest_of(file.read())
    except OSError:
        return ""
