"""A run that writes to a folder: what it leaves after an error, and what it does not touch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload.outputs import files
from derivload.outputs.files import Writing, write_if_changed
from support.out_dirs import listing, sha256_of

LEFT = ".derivload-"


def write(
    writing: Writing, *texts: str, recorded: list[tuple[str, str]] | None = None
) -> list[str]:
    made = [(text.split()[0], text.encode(), 0, sha256_of(text.encode())) for text in texts]
    done = writing.write(made, [name for name, *_ in made], lambda: recorded or [])
    assert sorted([*done.written, *done.unchanged]) == sorted(name for name, *_ in made)
    return done.written


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(LEFT)]


def test_a_run_that_fails_or_is_not_recorded_leaves_its_journal(tmp_path: Path) -> None:
    with Writing(str(tmp_path), "kind") as writing:
        write(writing, "a 1")
    assert listing(tmp_path) == ["a"]
    with pytest.raises(ZeroDivisionError), Writing(str(tmp_path), "kind") as writing:
        write(writing, "a 2")
        raise ZeroDivisionError
    (folder,) = hidden(tmp_path)
    assert (folder / "journal").read_text() == f"kind {sha256_of(b'a 2')} a\n"
    with Writing(str(tmp_path), "kind") as writing:
        write(writing, "a 3")
        writing.leave_journal()
    (folder,) = hidden(tmp_path)
    # That of the run before is in it.
    lines = (folder / "journal").read_text().splitlines()
    assert lines == [f"kind {sha256_of(text)} a" for text in (b"a 2", b"a 3")]
    with Writing(str(tmp_path), "kind") as writing:
        write(writing, "a 3")
    assert listing(tmp_path) == ["a"]


def test_a_folder_that_is_up_to_date_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[str] = []

    @contextlib.contextmanager
    def locked(folder: str) -> Iterator[None]:
        locks.append(folder)
        yield

    monkeypatch.setattr(files, "locked", locked)
    for texts, recorded, count in (
        (("a 1", "b 1"), [], 1),
        (("a 1", "b 1"), [], 1),
        (("a 1", "b 2"), [], 2),
        (("a 1",), [(sha256_of(b"b 2"), "b")], 3),
        (("a 1",), [], 3),
    ):
        with Writing(str(tmp_path), "kind") as writing:
            write(writing, *texts, recorded=recorded)
        assert len(locks) == count
    assert listing(tmp_path) == ["a"]
    (tmp_path / ".derivload-0123456789ab.tmp").mkdir()
    with Writing(str(tmp_path), "kind") as writing:
        assert write(writing, "a 1") == []
    assert len(locks) == 4 and listing(tmp_path) == ["a"]


def test_folders_of_outputs_are_made(tmp_path: Path) -> None:
    with Writing(str(tmp_path / "out"), "kind") as writing:
        assert write(writing, "data/b/a 1", "c 1") == ["data/b/a", "c"]
        writing.write_one("c", b"one")
        number = (tmp_path / "out" / "c").stat().st_ino
        writing.write_one("c", b"one")
        assert (tmp_path / "out" / "c").stat().st_ino == number
    assert (tmp_path / "out/data/b/a").read_bytes() == b"data/b/a 1"
    assert (tmp_path / "out/c").read_bytes() == b"one"
    assert listing(tmp_path / "out") == ["c", "data"]
    assert listing(tmp_path / "out/data/b") == ["a"]


def test_what_is_in_the_place_of_a_path_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_if_changed("plain", b"x")
    Path("folder").mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        write_if_changed("folder", b"x")
    assert raised.value.filename == "folder"
    assert listing(tmp_path) == ["folder", "plain"]


def test_a_page_of_somebody_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError) as raised, Writing(str(tmp_path), "pages") as writing:
        write(writing, "b 1", "a 1")
    assert raised.value.filename == str(tmp_path / "a")
    assert raised.value.strerror == "is of something else; move it away, or name another folder"
    assert listing(tmp_path) == ["a"]
    with Writing(str(tmp_path), "pages") as writing:
        assert write(writing, "a 1", recorded=[("0f", "a")]) == ["a"]
