"""Writing and removing records of runs, and whether one holds by value.

Of a YAML file of which only the value counts, a copy is kept beside the record: what an edit
changed is found by comparing the two texts.

The folder may be one that the user named, so only files of the exact form are removed, and no
links.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time

from derivload.outputs.digests import digest_of
from derivload.outputs.files import write_if_changed
from derivload.outputs.kept_runs import FORMAT, VALUE, render_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.outputs.kept_runs import RecordLine

_COPY, _NOTES = ".value-", ".tmp"
_SHORT = 16
# The digest of a command, then what the record is of: a part of a run, a copy, notes of a run.
_RECORD = re.compile(r"[0-9a-f]{64}(\.part-\w+-\d+)?(\.value-[0-9a-f]{16}|\.[0-9a-f]{12}\.tmp)?")


def write_record(path: str, items: Sequence[RecordLine]) -> None:
    """Write a record, and copies of the files of which the value counts, if that can be done."""
    with contextlib.suppress(OSError):
        for item in items:
            if item.kind == VALUE:
                with open(item.name, "rb") as file:
                    data = file.read()
                if digest_of(data) != item.value:
                    return
                write_if_changed(_copy_path(path, item.name), data)
        data = render_record(items)
        if data:
            write_if_changed(path, data)


def holds_by_value(path: str, items: Sequence[RecordLine], differing: Sequence[RecordLine]) -> bool:
    """Whether all that differs from a record are comments in YAML files. Takes them into it."""
    from derivload.outputs.same_value import is_same_value

    texts: list[tuple[RecordLine, bytes]] = []
    for item in differing:
        if item.kind != VALUE:
            return False
        try:
            with open(_copy_path(path, item.name), "rb") as file:
                old = file.read()
            with open(item.name, "rb") as file:
                new = file.read()
        except OSError:
            return False
        if digest_of(old) != item.value or not is_same_value(old, new):
            return False
        texts.append((item, new))
    for item, text in texts:
        item.value = digest_of(text)
    write_record(path, items)
    return True


def _copy_path(path: str, name: str) -> str:
    return f"{path}{_COPY}{digest_of(name.encode('utf-8', 'surrogateescape'))[:_SHORT]}"


def records_in(folder: str) -> list[str]:
    """The paths of all that runs keep in a folder; none where there is no such folder."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if _RECORD.fullmatch(name)]


def remove_records(folder: str, older_than: float | None = None) -> int:
    """Remove what was not used for so many seconds, or everything; how many files that were."""
    removed = 0
    oldest = float("inf") if older_than is None else time.time() - older_than
    for path in records_in(folder):
        with contextlib.suppress(OSError):
            if os.lstat(path).st_mtime >= oldest or not _is_ours(path):
                continue
            if path.endswith(_NOTES):
                shutil.rmtree(path)
            else:
                os.unlink(path)
            removed += 1
    return removed


def _is_ours(path: str) -> bool:
    """Whether what has the name of a record is one: other programs call files by digests, too.

    Raises OSError.
    """
    mode = os.lstat(path).st_mode
    if path.endswith(_NOTES):
        return stat.S_ISDIR(mode)
    if not stat.S_ISREG(mode):
        return False
    if _COPY in path:
        return True
    with open(path, "rb") as file:
        return file.read(len(FORMAT)) in (b"", FORMAT.encode())
