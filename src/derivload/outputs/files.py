"""Files: written whole or not at all, and not touched when their bytes are the same."""

from __future__ import annotations

import contextlib
import os
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
    their places: when one cannot be written, none is replaced. Raises OSError.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    changed = [d for d in documents if _differs(out_dir / d.name, d.data)]
    staged: list[tuple[Path, Path]] = []
    try:
        for document in changed:
            staged.append((_stage(out_dir, document), out_dir / document.name))
        for temporary, target in staged:
            replace(temporary, target)
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    names = {d.name for d in changed}
    return Written(
        written=[d.name for d in documents if d.name in names],
        unchanged=[d.name for d in documents if d.name not in names],
        removed=[name for name in stale if _remove(out_dir / name)],
    )


def write_if_changed(target: Path, data: bytes) -> bool:
    """Write one file, atomically, unless it holds just this; tell whether it was written."""
    if not _differs(target, data):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    write_outputs(target.parent, [Rendered(target.name, data, 0)], ())
    return True


def _differs(target: Path, data: bytes) -> bool:
    try:
        if target.stat().st_size != len(data):
            return True
        return target.read_bytes() != data
    except FileNotFoundError:
        return True


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
    except FileNotFoundError:
        return False
    return True
