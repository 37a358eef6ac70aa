"""Writes the depfile, and the stamp of a successful run."""

from __future__ import annotations

import contextlib
import os

from derivload.identity import is_as_it_began, tool_files
from derivload.outputs.digests import digest_of
from derivload.outputs.files import write_if_changed
from derivload.outputs.places import find_place
from derivload.outputs.stamp import render_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from derivload.outputs.files import Writing
    from derivload.outputs.stamp import Record


class Target:
    """Where the documents go: the folder, the number of shards, and the depfile, if any.

    `depfile_target` is the target of the depfile's rule; if it is left out, the documents are the
    targets. `is_for_cmake` tells that CMake reads the depfile. `install_dir` is where `codegen`
    puts the file that is for Python, if not in `out_dir`. `with_places` asks for places.json.
    """

    __slots__ = (
        *("depfile", "depfile_target", "install_dir", "is_for_cmake", "out_dir", "shards"),
        "with_places",
    )

    def __init__(
        self,
        out_dir: str,
        shards: int | None = None,
        depfile: str | None = None,
        depfile_target: str | None = None,
        *,
        is_for_cmake: bool = False,
        install_dir: str | None = None,
        with_places: bool = False,
    ) -> None:
        self.with_places = with_places
        self.install_dir = install_dir
        self.is_for_cmake = is_for_cmake
        self.out_dir = out_dir
        self.shards = shards
        self.depfile = depfile
        self.depfile_target = depfile_target


def write_depfile(
    target: Target, names: Sequence[str], inputs: Sequence[str]
) -> list[tuple[str, str]]:
    """Write the depfile, if one is named: the outputs depend on `inputs` and on derivload's files.

    Returns its path with its digest, or an empty list. Raises OSError.
    """
    if target.depfile is None:
        return []
    from derivload.outputs.depfile import render_depfile

    outputs = [os.path.join(target.out_dir, name) for name in names]
    named = [target.depfile_target] if target.depfile_target else outputs
    depfile = render_depfile(named, [*inputs, *tool_files()], for_cmake=target.is_for_cmake)
    write_if_changed(target.depfile, depfile)
    # A stream must be written to at each run. This digest never matches, so no stamp is valid.
    is_stream = find_place(target.depfile).is_stream
    return [(target.depfile, "stream" if is_stream else digest_of(depfile))]


def note_of(target: Target, inputs: Iterable[str], note: str) -> str:
    """The note of a run. If its depfile cannot name some inputs, the note says so too."""
    if target.depfile is None:
        return note
    from derivload.outputs.depfile import is_writable

    left_out = ", ".join(ascii(path) for path in inputs if not is_writable(path))
    if not left_out:
        return note
    said = f"a depfile cannot name {left_out}: an edit to it starts no build"
    return f"{note}; {said}" if note else said


def write_stamp(
    writing: Writing,
    name: str,
    arguments: Sequence[str],
    record: Record,
    *,
    is_alone: bool = False,
) -> None:
    """Write the stamp of a successful run. If that fails, go on without one.

    If derivload was edited during the run, no stamp is written: the outputs may come from the old
    code or from the new code. `is_alone` says that no other process took part in the run.
    """
    if not is_as_it_began(is_alone=is_alone):
        return
    with contextlib.suppress(OSError):  # without one, the next run only does more
        writing.write_one(name, render_stamp(arguments, record))
