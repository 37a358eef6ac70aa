"""The files that Python imports: finds them, and finds compiled files (`.pyc`) that may be stale.

Python uses a compiled file if the size and the time of change noted in it are those of the source.
That time is in whole seconds, so Python may not notice the second of two edits in one second. And
it uses a file compiled with `--invalidation-mode unchecked-hash` whatever the source is.

We trust a compiled file if it was written clearly after the source last changed, or if it has the
hash of the source. Any other one that Python may use is doubtful. It is removed, and Python then
compiles the source again.

This module imports next to nothing, because the fastest exit of `emit` uses it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

# Not from importlib.util: importing that takes longer than all that is done here.
from _frozen_importlib_external import cache_from_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Nanoseconds. The clock of files ticks at least 100 times a second. A file compiled within CLEARLY
# after its source changed may have been compiled from the source before that change.
TICK = 10_000_000
CLEARLY = 2 * TICK
# Some file systems note times in steps of two seconds: within one step, a second edit may not show
# in the status of a file.
_STEP = 2_500_000_000
# Source, compiled files without a source beside them, extension modules.
_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
_COMPILED = "__pycache__"
_HEADER = 16
_IS_HASHED = 1
_STEM = "module"
# By folder: `sys.pycache_prefix` at that time, and the parts of a compiled file's path before and
# after the module's name.
_places: dict[str, tuple[str | None, str, str]] = {}
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


def is_module(name: str) -> bool:
    """Whether a file of this name can be imported. `.#a.py`, Emacs' lock for `a.py`, cannot."""
    return name.endswith(_SUFFIXES) and not name.startswith(".")


def modules_below(
    folder: str, prefix: str = "", without: str | None = None
) -> Iterator[tuple[str, str]]:
    """The files below a folder that have the name of a module.

    Gives for each the name relative to the folder, with slashes and after `prefix`, and the path.
    `without` is the name of a folder directly in it to leave out. Links are followed, but not into
    a folder that they are in themselves. Raises OSError if a folder cannot be listed.
    """
    return _modules_below(folder, prefix, without, ())


def _modules_below(
    folder: str, prefix: str, without: str | None, entered: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """The same; `entered` are the folders that links on the way here led to."""
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        if is_module(entry.name):
            yield prefix + entry.name, entry.path
        elif entry.name not in (_COMPILED, without) and _is_package(entry):
            led = entered
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                if real in entered or _is_in(os.path.realpath(folder), real):
                    continue
                led = (*entered, real)
            yield from _modules_below(entry.path, f"{prefix}{entry.name}/", None, led)


def _is_in(path: str, folder: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def _is_package(entry: os.DirEntry[str]) -> bool:
    return entry.name.isidentifier() and is_folder(entry)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether what is listed is a folder; not a link in a circle, or to where we may not look."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def read_file(path: str) -> tuple[bytes, os.stat_result] | None:
    """The bytes of a file and its status; None if it is not a file (a broken link, for example).

    Raises OSError if a file cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.open(path, flags)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return None
        data = os.read(file, status.st_size + 1)
        while len(data) > status.st_size and (more := os.read(file, 1 << 16)):  # it grew
            data += more
        return data, status
    finally:
        os.close(file)


def file_status(path: str) -> os.stat_result | None:
    """The status of a file; None if it is not a file. Raises OSError if it cannot be had."""
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    return status if stat.S_ISREG(status.st_mode) else None


def forget_compiled(paths: Iterable[str]) -> bool:
    """Remove the compiled files of these source files that are doubtful.

    Returns whether all of these are gone.
    """
    is_gone = True
    for path in paths:
        compiled = doubtful_form(path)
        if compiled is not None:
            is_gone = remove(compiled) and is_gone
    return is_gone


def doubtful_form(path: str, source: os.stat_result | None = None) -> str | None:
    """The compiled file that Python may use for the source file `path`, if it may be stale.

    None if there is no compiled file, if it is certain to be right, or if Python would not use
    it. `source` is the status of the source file, if known.
    """
    try:
        compiled = _compiled_form(path)
        status = os.stat(compiled)
        source = source or os.stat(path)
    except (OSError, NotImplementedError):  # no compiled file
        return None
    is_later = (
        changed_at(status) > changed_at(source) + CLEARLY
        and status.st_mtime_ns > source.st_mtime_ns
    )
    return compiled if not is_later and _is_taken(path, source, compiled) else None


def _compiled_form(path: str) -> str:
    """The path of the compiled file of a source file, whether or not it exists.

    Raises NotImplementedError if this Python keeps no compiled files.
    """
    folder, separator, name = path.rpartition(os.sep)
    folder += separator
    place = _places.get(folder)
    if place is None or place[0] != sys.pycache_prefix:
        head, _, tail = cache_from_source(f"{folder}{_STEM}.py").rpartition(_STEM)
        place = _places[folder] = (sys.pycache_prefix, head, tail)
    return f"{place[1]}{name[:-3]}{place[2]}"


def remove(compiled: str) -> bool:
    """Remove a compiled file. Returns whether it is gone; True also if it did not exist."""
    try:
        os.unlink(compiled)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def recompile(path: str) -> None:
    """Remove the compiled file of a source file, so that Python compiles the source again.

    This is for a source file that was edited, perhaps while Python compiled it.
    """
    try:
        remove(_compiled_form(path))
    except NotImplementedError:
        return


def changed_at(status: os.stat_result) -> int:
    """When a file last changed, in nanoseconds; on Windows, when its content last changed."""
    return status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns


def looks_of(status: os.stat_result) -> tuple[int, ...]:
    """What tells a file from the same file after an edit, once it is settled."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def is_settled(status: os.stat_result, now: int) -> bool:
    """Whether a file changed so long before `now` that each later edit shows in `looks_of`.

    Never on Windows: what it calls the time of the change is another time, and anybody can set the
    time at which the content changed.
    """
    return os.name != "nt" and status.st_ctime_ns + _STEP <= now


def _is_taken(path: str, source: os.stat_result, compiled: str) -> bool:
    """Whether Python may use a compiled file that is not clearly later than its source.

    A compiled file with a hash counts as used unless it has the hash of the source.
    """
    try:
        with open(compiled, "rb") as file:
            header = file.read(_HEADER)
        flags, modified, size = (int.from_bytes(header[i : i + 4], "little") for i in (4, 8, 12))
        if flags & _IS_HASHED:
            from importlib.util import source_hash

            with open(path, "rb") as file:
                return source_hash(file.read()) != header[8:]
    except OSError:
        return False
    noted = (int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF)
    return (modified, size) == noted
