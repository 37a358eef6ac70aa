"""Documents that a process knows are not read again, and whatever changes them is seen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from derivload.outputs.files import Writing
from derivload.outputs.known_files import KnownFiles
from derivload.outputs.others import DOCUMENTS
from derivload.outputs.places import find_place
from support.out_dirs import sha256_of

DATA = b"one\n" * 100
OTHER = b"two\n" * 100


class Folder:
    """An out-dir that one process writes to, again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known = KnownFiles()

    def write(self, data: bytes = DATA) -> list[str]:
        """Bring it up to date: what was written."""
        documents = [("a", data, 0, sha256_of(data))]
        with Writing(str(self.path), DOCUMENTS, self.known) as writing:
            return writing.write(documents, ["a"], list).written

    def knows(self) -> bool:
        """Whether its file is known, so that it is not read."""
        return self.known.hold(find_place(str(self.path / "a")), sha256_of(DATA))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """Folders whose files were written a while ago."""
    made = [Folder(tmp_path_factory.mktemp("known") / "out") for _ in range(10)]
    for folder in made:
        assert folder.write() == ["a"]
    time.sleep(2.6)
    return iter(made)


@pytest.fixture
def folder(folders: Iterator[Folder]) -> Folder:
    """A folder whose file is known."""
    made = next(folders)
    assert not made.knows()  # it was written, and not read since
    assert made.write() == []
    assert made.knows()
    return made


def rewrite(path: Path) -> None:
    path.write_bytes(OTHER)


def rewrite_with_the_old_times(path: Path) -> None:
    status = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_an_older_file(path: Path) -> None:
    other = path.with_name("other")
    status = path.stat()
    other.write_bytes(OTHER)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def replace_by_a_link(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(OTHER)
    path.unlink()
    path.symlink_to(other.name)


@pytest.mark.parametrize(
    "change",
    [rewrite, rewrite_with_the_old_times, replace_by_an_older_file, replace_by_a_link, Path.unlink],
)
def test_whatever_changes_a_known_file_is_seen(
    change: Callable[[Path], None], folder: Folder
) -> None:
    path = folder.path / "a"
    change(path)
    assert folder.write() == ["a"]
    assert path.read_bytes() == DATA
    assert folder.write() == []


def test_a_known_file_is_written_where_its_bytes_are_to_be_others(folder: Folder) -> None:
    assert folder.write(OTHER) == ["a"]
    assert folder.write(DATA) == ["a"]


def test_a_file_that_changed_a_moment_ago_is_not_known(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out")
    assert folder.write() == ["a"]
    for _ in range(3):
        assert folder.write() == []
        assert not folder.knows()


def test_digests_are_those_of_the_bytes_that_are_there_now(folder: Folder) -> None:
    path, missing = str(folder.path / "a"), str(folder.path / "b")
    no_file = [str(folder.path), "nu\0l"]
    for _ in range(2):
        found = folder.known.digests([path, missing, *no_file])
        assert found == {path: sha256_of(DATA), missing: "", **dict.fromkeys(no_file, "")}
    rewrite_with_the_old_times(Path(path))
    assert folder.known.digests([path]) == {path: sha256_of(OTHER)}
    assert not folder.knows()


def test_a_file_that_was_read_for_its_digest_is_known(folders: Iterator[Folder]) -> None:
    folder = next(folders)
    path = str(folder.path / "a")
    assert not folder.knows()
    assert folder.known.digests([path]) == {path: sha256_of(DATA)}
    assert folder.knows()
