"""What an edit costs in a process that goes on: the same, however large the files are."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

import derivload
from derivload.loading.live import LiveDocuments
from derivload.loading.paths import Files, find_files
from support.paths import DERIVATIVES, FILES, NATIVES
from support.sampling import one_in
from support.sessions import START, Inputs, cut, joined

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_SOURCE = str(Path(derivload.__file__).parent)
_NAMED = re.compile(r"(?m)^(- func: |- name: |  structured_delegate: |  autogen: )(.*)$")
_TIMES = 20


def other_names(entry: str, number: int) -> str:
    """An entry of operators with other names, which belong together as those of the entry do."""

    def other(named: re.Match[str]) -> str:
        names = named[2].split(", ") if "autogen" in named[1] else [named[2]]
        return named[1] + ", ".join(
            re.sub(r"^(\w+::)?(_foreach_)?", rf"\g<0>x{number}", n) for n in names
        )

    return _NAMED.sub(other, entry)


def times(inputs: Inputs, factor: int) -> Inputs:
    """A catalogue so many times as large: each entry again under other names."""
    for file in (0, 1):
        # Where a comment may suppress a warning, all texts are searched for more of these.
        head, *entries = cut(inputs.files[file].replace("derivload:", "derivload,"))
        more = [other_names(entry, n) for n in range(1, factor) for entry in entries]
        inputs = inputs.with_file(file, joined([head, *entries, *more]))
    return inputs


class Steps:
    """Counts the instructions that Python runs in derivload, which no other process changes."""

    def __init__(self) -> None:
        self.count = 0
        self._before = sys.gettrace()

    def __enter__(self) -> Steps:
        sys.settrace(self._step)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _step(self, frame: FrameType, event: str, arg: object) -> TraceFunction | None:
        del arg
        if not frame.f_code.co_filename.startswith(_SOURCE):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        self.count += event == "opcode"
        return self._step


class Catalogue:
    """A catalogue on the disk, and its documents, which a process keeps up to date."""

    def __init__(self, folder: Path, inputs: Inputs) -> None:
        folder.mkdir()
        self.folder = folder
        self.entries = sum(text.count("\n- ") for text in inputs.files)
        for name, text in zip(FILES, inputs.files, strict=True):
            (folder / name).write_text(text, "utf-8")
        self.live = LiveDocuments(str(folder / "out"), 8)
        self.update()

    @property
    def files(self) -> Files:
        paths = [str(self.folder / name) for name in FILES]
        return find_files(paths[0], [paths[1]], paths[2])

    def update(self) -> list[str]:
        """Bring the documents up to date: those that were written."""
        updated = self.live.load(self.files).write()
        self.live.settle()
        return updated.written.written

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def age(self) -> None:
        """Wait until the documents have stood there for so long that they are known."""
        path = self.folder / "out" / "functions.json"
        while time.time() - path.stat().st_ctime < 3:
            time.sleep(0.1)


def steps(catalogue: Catalogue, edit: Callable[[Catalogue], None]) -> int:
    """How many steps an edit takes."""
    for number in range(1, 4):  # what is looked up is made with the first
        old = "grad * luster" if number == 1 else f"luster * {number - 1}"
        catalogue.edit(DERIVATIVES, old, f"luster * {number}")
        catalogue.update()
    edit(catalogue)
    with Steps() as counted:
        updated = catalogue.live.load(catalogue.files).write()
    assert updated.exit == "incremental"
    assert updated.written.written
    return counted.count


def formula(catalogue: Catalogue) -> None:
    catalogue.edit(DERIVATIVES, "luster * 3", "luster * 4")


def tangent(catalogue: Catalogue) -> None:
    catalogue.edit(DERIVATIVES, "self_t.gild(luster)", "auto_linear")


def schema(catalogue: Catalogue) -> None:
    for name in (DERIVATIVES, NATIVES):
        catalogue.edit(name, "float luster=0.5", "float luster=0.25")


def variants(catalogue: Catalogue) -> None:
    catalogue.edit(NATIVES, "  variants: function, method", "  variants: function")


# A loop over all entries takes ten steps for each. What changes functions.json goes over its
# blocks.
@pytest.mark.parametrize(
    ("edit", "most"), one_in(2, [(formula, 1), (tangent, 3), (schema, 4), (variants, 3)])
)
def test_an_edit_takes_hardly_a_step_more_for_each_entry_more(
    edit: Callable[[Catalogue], None], most: int, tmp_path: Path
) -> None:
    small, large = (Catalogue(tmp_path / str(n), times(START, n)) for n in (5, 5 + _TIMES))
    more = large.entries - small.entries
    for catalogue in (small, large):
        catalogue.age()
    assert more > 1000
    assert steps(large, edit) - steps(small, edit) < most * more
