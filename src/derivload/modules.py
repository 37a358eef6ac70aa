"""The files that Python imports: which of them there are, and what was compiled of other source.

Python takes a compiled form while the source has the size and the second of change that are noted
in it, so two edits in one second may be one to it; and one that was compiled with
`--invalidation-mode unchecked-hash` it takes whatever the source is. What was compiled clearly
after the source last changed is right, and so is one that has the hash of the source. Any other is
doubtful, and is removed: Python then compiles the source again.

Imports nothing: the fastest exit of `emit` looks here.
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

# Nanoseconds. The clock of files ticks 100 times a second at the least; and what was compiled
# so soon after its source changed may have been read before.
TICK = 10_000_000
CLEARLY = 2 * TICK
# Source, what was compiled and stands without its source, extensions.
_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
_COMPILED = "__pycache__"
_HEADER = 16
_IS_HASHED = 1
_STEM = "module"
# By folder: Python's prefix when it was found, and what stands before and behind a module's name.
_places: dict[str, tuple[str | None, str, str]] = {}
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


def is_module(name: str) -> bool:
    """Whether a file of this name can be imported: not `.#a.py`, by which Emacs marks `a.py`."""
    return name.endswith(_SUFFIXES) and not name.startswith(".")


def modules_below(folder: str, prefix: str = "", without: str = "") -> Iterator[tuple[str, str]]:
    """The files below a folder that have the name of a module: each its name there, with
    slashes, and its path.

    `without` is the name of a folder in it that does not count. Raises OSError where one cannot
    be listed.
    """
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        if is_module(entry.name):
            yield prefix + entry.name, entry.path
        elif entry.name not in (_COMPILED, without) and _is_package(entry):
            yield from modules_below(entry.path, f"{prefix}{entry.name}/")


def _is_package(entry: os.DirEntry[str]) -> bool:
    return entry.name.isidentifier() and entry.is_dir()


def read_file(path: str) -> tuple[bytes, os.stat_result] | None:
    """The bytes of a file and its status; None for what is no file, a link to nowhere say.

    Raises OSError where a file cannot be read.
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


def forget_compiled(paths: Iterable[str]) -> bool:
    """Remove the compiled form of each source file where it is doubtful; whether none is left."""
    is_gone = True
    for path in paths:
        compiled = doubtful_form(path)
        if compiled is not None:
            is_gone = remove(compiled) and is_gone
    return is_gone


def doubtful_form(path: str, source: os.stat_result | None = None) -> str | None:
    """The compiled form that Python may take for a source file, and that may be of other source.

    `source` is the status of the file, where it is known.
    """
    try:
        compiled = _compiled_form(path)
        status = os.stat(compiled)
        source = source or os.stat(path)
    except (OSError, NotImplementedError):  # there is none
        return None
    is_later = (
        changed_at(status) > changed_at(source) + CLEARLY
        and status.st_mtime_ns > source.st_mtime_ns
    )
    return compiled if not is_later and _is_taken(path, source, compiled) else None


def _compiled_form(path: str) -> str:
    """Where the compiled form of a source file is. Raises NotImplementedError where Python keeps
    none.
    """
    folder, separator, name = path.rpartition(os.sep)
    folder += separator
    place = _places.get(folder)
    if place is None or place[0] != sys.pycache_prefix:
        head, _, tail = cache_from_source(f"{folder}{_STEM}.py").rpartition(_STEM)
        place = _places[folder] = (sys.pycache_prefix, head, tail)
    return f"{place[1]}{name[:-3]}{place[2]}"


def remove(compiled: str) -> bool:
    """Remove a compiled form; whether it is gone."""
    try:
        os.unlink(compiled)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def recompile(path: str) -> None:
    """Have Python compile a source file again: it was edited, while it was compiled perhaps."""
    try:
        remove(_compiled_form(path))
    except NotImplementedError:
        return


def changed_at(status: os.stat_result) -> int:
    """When a file last changed, in nanoseconds: on Windows, that its content did."""
    return status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns


def _is_taken(path: str, source: os.stat_result, compiled: str) -> bool:
    """Whether Python may take a compiled form that is no later than its source."""
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
