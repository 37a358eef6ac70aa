"""Files are looked at until one is another than the one that was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.outputs import digests
from derivload.outputs.digests import digest_of, digests_of_files, have_digests

COUNT = 9


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files, each with its digest."""
    made = {}
    for number in range(COUNT):
        path = tmp_path / str(number)
        path.write_bytes(b"%d" % number)
        made[str(path)] = digest_of(path.read_bytes())
    return made


def test_digests_are_of_what_is_in_the_files(files: dict[str, str]) -> None:
    assert digests_of_files(files) == files
    assert have_digests(files)
    assert have_digests({})


def edit(path: Path) -> None:
    path.write_bytes(b"another")


@pytest.mark.parametrize("change", [edit, Path.unlink])
@pytest.mark.parametrize("number", [0, 4, COUNT - 1])
def test_one_other_file_is_enough(
    change: Callable[[Path], None], number: int, files: dict[str, str]
) -> None:
    change(Path([*files][number]))
    assert not have_digests(files)
    assert digests_of_files(files) != files


def test_nothing_behind_the_first_other_file_is_read(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def digest(path: str) -> str:
        read.append(path)
        return files[path] if path != changed else "another"

    def no_thread(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(digests, "_digest_of_file", digest)
    monkeypatch.setattr(digests, "start_new_thread", no_thread)
    changed = [*files][2]
    assert not have_digests(files)
    assert read == [*files][:3]
