"""Files that are rendered when they are asked for, where that fails."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen import content, rendering_child
from derivload.pytorch.codegen.content import Content
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.update import LostItemsError


def content_after(error: Exception) -> Content:
    """What gives the files of generators whose rendering raises an exception."""

    def file(name: str) -> bytes:
        raise error

    codegen: Any = SimpleNamespace(file=file)
    running: Any = contextlib.nullcontext()
    source: Any = None
    return Content(codegen, source, lambda: {"a.h": b"plain\n"}, running)


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "gone"), KeyError("x"), ValueError("x")])
def test_a_file_that_cannot_be_rendered_is_upstreams(error: Exception) -> None:
    assert content_after(error)("a.h") == b"plain\n"


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OSError, match="full"):
        content_after(OSError(errno.ENOSPC, "full"))("a.h")


class Rendering:
    """Renders files by their names; of some it has lost the items once."""

    def __init__(self, lost: set[str], processes: int = 1) -> None:
        self.lost, self.kept = lost, "state"
        self.counts = {"processes": processes}
        self.updated: list[object] = []
        self.made: list[str] = []

    def file(self, name: str) -> bytes:
        if name in self.lost:
            raise LostItemsError(name)
        self.made.append(name)
        return name.encode() * 2

    def update(self, source: object) -> None:
        self.updated.append((source, self.kept))
        self.lost = self.lost & {"for good"}


def content_of(codegen: Any, folder: Path) -> Content:
    source: Any = "source"
    return Content(codegen, source, lambda: {"for good": b"plain"}, Running(str(folder)))


def test_items_that_were_lost_are_made_again(tmp_path: Path) -> None:
    codegen = Rendering({"a.h"})
    content = content_of(codegen, tmp_path)
    assert [content("a.h"), content("b.h")] == [b"a.ha.h", b"b.hb.h"]
    assert codegen.updated == [("source", None)]
    codegen = Rendering({"for good"})
    assert content_of(codegen, tmp_path)("for good") == b"plain"


@pytest.mark.parametrize("error", [errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_no_more_is_told(error: int) -> None:
    with pytest.raises(OSError, match="no more"):
        content_after(OSError(error, "no more"))("a.h")


NAMES = [f"{number}.h" for number in range(8)]


@pytest.mark.parametrize(
    ("count", "processes", "forks", "is_divided"),
    [(8, 2, True, True), (7, 2, True, False), (8, 1, True, False), (8, 2, False, False)],
)
def test_a_child_renders_a_part_of_many_files(
    count: int,
    processes: int,
    forks: bool,
    is_divided: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codegen = Rendering(set(), processes)
    made: list[Any] = []

    class Child(rendering_child.RenderingChild):
        def __init__(self, *arguments: Any) -> None:
            made.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(content, "RenderingChild", Child)
    monkeypatch.setattr(content, "can_fork", lambda: forks)
    found = sorted(content_of(codegen, tmp_path).several(NAMES[:count]))
    assert found == [
        (name, name.encode() * 2, sha256(name.encode() * 2).hexdigest()) for name in NAMES[:count]
    ]
    assert [child._child.status in (0, -9) for child in made] == [True] * is_divided
    assert {*codegen.made} <= {*NAMES}


def test_what_a_child_did_not_render_is_rendered_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = os.getpid()

    class Failing(Rendering):
        def file(self, name: str) -> bytes:
            if os.getpid() != main:
                raise ValueError
            return super().file(name)

    monkeypatch.setattr(content, "can_fork", lambda: True)
    codegen = Failing(set(), 2)
    found = [*content_of(codegen, tmp_path).several(NAMES)]
    assert sorted(name for name, _, _ in found) == sorted(codegen.made) == NAMES


def test_what_a_child_rendered_is_not_rendered_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, until = os.getpid(), time.monotonic() + 30

    class Meeting(Rendering):
        def file(self, name: str) -> bytes:
            is_own = os.getpid() == main
            (tmp_path / str(is_own)).touch()
            while not (tmp_path / str(not is_own)).exists():
                assert time.monotonic() < until
            return super().file(name)

    monkeypatch.setattr(content, "can_fork", lambda: True)
    codegen = Meeting(set(), 2)
    found = [*content_of(codegen, tmp_path).several(NAMES)]
    assert 0 < len(codegen.made) < len(NAMES)
    expected = [(name, name.encode() * 2) for name in NAMES]
    assert sorted((name, data) for name, data, _ in found) == expected
    assert all(sha256(data).hexdigest() == sha for _, data, sha in found)


def test_no_child_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise BlockingIOError(11, "no more")

    monkeypatch.setattr(content, "can_fork", lambda: True)
    monkeypatch.setattr(rendering_child, "fork", none)
    before = len([*Path("/proc/self/fd").iterdir()])
    codegen = Rendering(set(), 2)
    assert len([*content_of(codegen, tmp_path).several(NAMES)]) == 8
    assert codegen.made == NAMES
    assert len([*Path("/proc/self/fd").iterdir()]) == before
