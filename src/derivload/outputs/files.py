"""Files: written whole or not at all, and not touched when their bytes are the same."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    # A file's name, its bytes, how many functions it holds, and its sha256; the last two are
    # nothing to this module.
    File = tuple[str, bytes, int, str]


_MANIFEST = "manifest.json"
_PREFIX, _SUFFIX = "differentiability", ".json"


class Written:
    """What became of a set of outputs: which were written, left as they were, or removed."""

    __slots__ = ("removed", "unchanged", "written")

    def __init__(self, written: list[str], unchanged: list[str], removed: list[str]) -> None:
        self.written = written
        self.unchanged = unchanged
        self.removed = removed


def write_outputs(out_dir: str, documents: Iterable[File], stale: Iterable[str]) -> Written:
    """Bring `out_dir` up to date with `documents`, and take out the files named in `stale`.

    Each file that changed is replaced atomically, after all of them have been written beside
    their places: when one cannot be written, or made, none is replaced. The last document comes
    after the removals: it is the one that lists the files, and a run that is killed half-way must
    not leave files there that nothing lists. Of documents that are made when they are asked for,
    one is in memory at a time. Raises OSError.
    """
    _make_folder(out_dir)
    staged: list[tuple[str, str]] = []
    written: list[str] = []
    unchanged: list[str] = []
    removed: list[str] = []
    try:
        for name, data, *_ in documents:
            target = os.path.join(out_dir, name)
            if _differs(target, data):
                staged.append((_stage(out_dir, name, data), target))
                written.append(name)
            else:
                unchanged.append(name)
        is_last_written = bool(written) and name == written[-1]
        before = staged[:-1] if is_last_written else staged
        for temporary, target in before:
            replace(temporary, target)
        removed = [name for name in stale if _remove(os.path.join(out_dir, name))]
        for temporary, target in staged[len(before) :]:
            replace(temporary, target)
    finally:
        for temporary, _ in staged:
            _remove(temporary)
    return Written(written, unchanged, removed)


def stale_documents(out_dir: str, documents: Sequence[File]) -> list[str]:
    """The documents that the manifest there lists and this run does not make."""
    current = {name: data for name, data, _, _ in documents}
    try:
        with open(os.path.join(out_dir, _MANIFEST), "rb") as file:
            manifest = file.read()
    except OSError:
        return []
    if manifest == current[_MANIFEST]:
        return []
    import json

    try:
        listed = [str(file["name"]) for file in json.loads(manifest)["files"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return [name for name in listed if name not in current and _is_document(name)]


def _is_document(name: str) -> bool:
    middle = name[len(_PREFIX) : -len(_SUFFIX)]
    return name == f"{_PREFIX}{middle}{_SUFFIX}" and (not middle or middle[1:].isdigit())


def write_if_changed(target: str, data: bytes) -> bool:
    """Write one file, atomically, unless it holds just this; tell whether it was written."""
    folder, name = os.path.split(target)
    return bool(write_outputs(folder or os.curdir, [(name, data, 0, "")], ()).written)


def _differs(target: str, data: bytes) -> bool:
    """Whether a file holds anything but `data`. Raises IsADirectoryError for what is no file."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be", target)
    if status.st_size != len(data):
        return True
    with open(target, "rb") as file:
        return file.read() != data


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(
            errno.ENOTDIR, "is a file, where a folder is to be", folder
        ) from None


def _stage(out_dir: str, name: str, data: bytes) -> str:
    """Write a file beside its place, under a name that no other process takes."""
    folder, name = os.path.split(os.path.join(out_dir, name))
    _make_folder(folder)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            _reserve(file.fileno(), len(data))
            file.write(data)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.filename is None:  # writing knows no name
            error.filename = os.path.join(folder, name)
        raise
    return temporary


def _reserve(descriptor: int, size: int) -> None:
    """Have a new file's blocks allocated at once, where a system can.

    ext4 puts off allocating them, but not past a rename over another file: that waits until it
    is done, which takes longer than the writing. And a full disk shows before anything is
    written.
    """
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise


def replace(source: str, target: str) -> None:
    """Put `source` in the place of `target`, atomically.

    The one place where systems differ: Windows refuses while somebody has `target` open, so
    there it is tried again for a moment.
    """
    if os.name != "nt":
        os.replace(source, target)
        return
    import time

    for delay in (0.01, 0.05, 0.1, 0.2, 0.4):
        with contextlib.suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(delay)
    os.replace(source, target)


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False  # gone already, or none of ours
    return True
