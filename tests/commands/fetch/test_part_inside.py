"""The script that reads a part of a wheel with classes of pip, in the process of the test."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from derivload.commands.fetch import part
from derivload.commands.fetch.download import OPTIONS, SETTINGS, _run
from support.torch_index import Index, look_only_in, make_wheel, served, tree

Fetch = Callable[[str], int]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    make_wheel(tmp_path / "wheels")
    with served(tmp_path / "wheels") as index:
        yield index


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Runs the script; the wheel goes into the folder `got`."""
    (tmp_path / "got").mkdir()
    root = logging.getLogger()
    before = (root.level, [*root.handlers])
    look_only_in("", monkeypatch)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)

    def run(place: str) -> int:
        monkeypatch.setenv("PIP_FIND_LINKS", place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are pip's
            return part.main([*OPTIONS, "-d", str(tmp_path / "got"), "torch==2.15.0"])

    yield run
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_of_a_wheel_on_a_server_only_ranges_are_read(
    fetch: Fetch, index: Index, tmp_path: Path
) -> None:
    assert fetch(index.url) == 0
    (wheel,) = (tmp_path / "got").iterdir()
    assert wheel.name == next((tmp_path / "wheels").glob("*.whl")).name
    assert (index.whole, index.listed) == (0, 1)


def test_a_wheel_that_is_here_is_left_to_pip(fetch: Fetch, index: Index, tmp_path: Path) -> None:
    assert fetch(str(tmp_path / "wheels")) == part.LOCAL
    assert tree(tmp_path / "got") == {}


def test_a_release_that_is_not_there_is_told(
    fetch: Fetch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(str(tmp_path)) == part.HOPELESS
    said = "ERROR: No matching distribution found for torch==2.15.0"
    assert said in capsys.readouterr().err.splitlines()


def test_a_wheel_that_was_withdrawn_is_left_to_pip(
    fetch: Fetch, index: Index, tmp_path: Path
) -> None:
    (wheel,) = (tmp_path / "wheels").iterdir()
    (wheel.parent / "index.html").write_text(
        f'<!DOCTYPE html><a href="{wheel.name}" data-yanked="broken">{wheel.name}</a>'
    )
    assert fetch(index.url) not in (0, part.LOCAL, part.HOPELESS)
    assert index.ranges == 0


# How a child is started


def test_a_child_sees_its_own_folder_and_settings_and_its_words_are_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_PRE", "1")
    names = ["TMPDIR", "TEMP", "TMP", "PYTHONSAFEPATH", "PIP_PRE", "PATH"]
    program = (
        "import os, sys; print(*map(os.environ.get, sys.argv[1:]), sep='|', file=sys.stderr); "
        "print(repr(sys.stdin.read())); sys.exit(7)"
    )
    own = [*[str(tmp_path)] * 3, "1", "0", os.environ["PATH"]]
    command = ["-c", program, *names]
    assert _run(command, tmp_path, None, lambda: None) == (7, "|".join(own) + "\n")
    assert capfd.readouterr() == ("", "")
    with (tmp_path / "shown").open("w") as shown:
        assert _run(command, tmp_path, shown, lambda: None)[0] == 7
    assert (tmp_path / "shown").read_text() == "''\n"
