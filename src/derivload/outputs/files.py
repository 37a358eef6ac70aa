"""Files: written whole or not at all, and not touched when their bytes are the same."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from derivload.outputs.documents import Rendered


class Written(NamedTuple):
    """What became of a set of outputs: which were written, left as they were, or removed."""

    written: list[str]
    unchanged: list[str]
    removed: list[str]


def write_outputs(out_dir: Path, documents: Sequence[Rendered], stale: Iterable[str]) -> Written:
    """Bring `out_dir` up to date with `documents`, and take out the files named in `stale`.

    Each file that changed is replaced atomically, after all of them have been written beside
    their places: when one cannot be written, none is replaced. The last document comes after
    the removals: it is the one that lists the files, and a run that is killed half-way must not
    leave files there that nothing lists. Raises OSError.
    """
    _make_folder(out_dir)
    changed = [d for d in documents if _differs(out_dir / d.name, d.data)]
    staged: list[tuple[Path, Path]] = []
    removed: list[str] = []
    try:
        for document in changed:
            staged.append((_stage(out_dir, document), out_dir / document.name))
        for temporary, target in staged[:-1]:
            replace(temporary, target)
        removed = [name for name in stale if _remove(out_dir / name)]
        for temporary, target in staged[-1:]:
            replace(temporary, target)
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    names = {d.name for d in changed}
    return Written(
        written=[d.name for d in documents if d.name in names],
        unchanged=[d.name for d in documents if d.name not in names],
        removed=removed,
    )


def write_if_changed(target: Path, data: bytes) -> bool:
    """Write one file, atomically, unless it holds just this; tell whether it was written."""
    return bool(write_outputs(target.parent, [Rendered(target.name, data, 0)], ()).written)


def _differs(target: Path, data: bytes) -> bool:
    """Whether a file holds anything but `data`. Raises IsADirectoryError for what is no file."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be", str(target))
    return status.st_size != len(data) or target.read_bytes() != data


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(
            errno.ENOTDIR, "is a file, where a folder is to be", str(folder)
        ) from None


def _stage(out_dir: Path, document: Rendered) -> Path:
    """Write a document beside its place, under a name that no other process takes."""
    temporary = out_dir / f".{document.name}.{os.urandom(6).hex()}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(document.data)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def replace(source: Path, target: Path) -> None:
    """Put `source` in the place of `target`, atomically.

    The one place where systems differ: Windows refuses while somebody has `target` open, so
    there it is tried again for a moment.
    """
    if os.name != "nt":
        source.replace(target)
        return
    import time

    for delay in (0.01, 0.05, 0.1, 0.2, 0.4):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(delay)
        else:
            return
    source.replace(target)


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False  # gone already, or none of ours
    return True
