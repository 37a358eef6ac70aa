"""Which names lead into a folder, and when a file in it is removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derivload.outputs import folders
from derivload.outputs.collisions import find_collision
from derivload.outputs.digests import digest_of
from derivload.outputs.folders import is_plain, lock, locked, open_folder, remove
from support.out_dirs import listing

MADE = digest_of(b"made")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", True),
        ("a/b.json", True),
        ("..a/b", True),
        ("", False),
        ("/a", False),
        ("a/", False),
        ("a//b", False),
        ("./a", False),
        ("a/../b", False),
        ("..", False),
        ("a\0b", False),
    ],
)
def test_a_plain_name_leads_into_the_folder(name: str, expected: bool) -> None:
    assert is_plain(name) is expected


@pytest.fixture(params=[True, False])
def _descriptors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With folders that can be opened, and as on systems where they cannot."""
    monkeypatch.setattr(folders, "_HAS_DESCRIPTORS", request.param)


@pytest.mark.usefixtures("_descriptors")
def test_a_file_is_removed_while_it_holds_what_was_written(tmp_path: Path) -> None:
    inside = tmp_path / "out" / "more"
    inside.mkdir(parents=True)
    for name in ("a", "more/b"):
        path = tmp_path / "out" / name
        path.write_bytes(b"edited")
        assert not remove(str(tmp_path / "out"), name, MADE)
        assert path.exists()
        path.write_bytes(b"made")
        assert remove(str(tmp_path / "out"), name, MADE)
        assert not path.exists()
        assert not remove(str(tmp_path / "out"), name, MADE)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="it lists what is open")
def test_no_folder_stays_open(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b").write_bytes(b"made")
    before = listing(Path("/dev/fd"))
    assert not remove(str(tmp_path), "more/b", "other")
    assert remove(str(tmp_path), "more/b", MADE)
    with locked(str(tmp_path)):
        assert len(listing(Path("/dev/fd"))) == len(before) + 1
    assert listing(Path("/dev/fd")) == before


@pytest.mark.usefixtures("_descriptors")
def test_no_link_is_followed_below_the_folder(tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir()
    other.mkdir()
    (other / "a").write_bytes(b"made")
    (out / "link").symlink_to(other)
    (out / "a").symlink_to(other / "a")
    for name in ("link/a", "a", "../other/a", "link"):
        assert not remove(str(out), name, MADE)
    assert (other / "a").exists()
    (tmp_path / "of").symlink_to(other)
    assert remove(str(tmp_path / "of"), "a", MADE)


def test_one_process_has_the_lock_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_PATIENCE", 0.01)
    descriptor = open_folder(str(tmp_path))
    assert descriptor is not None
    with locked(str(tmp_path)):
        assert lock(descriptor) is False
    assert lock(descriptor) is True
    with locked(str(tmp_path)), locked(str(tmp_path / "none")):
        pass  # it goes on without the lock
    assert lock(descriptor) is True
    os.close(descriptor)
    (tmp_path / "link").symlink_to(tmp_path)
    descriptor = open_folder(str(tmp_path))
    assert descriptor is not None
    with locked(str(tmp_path / "link")):
        assert lock(descriptor) is False
    os.close(descriptor)
    assert lock(descriptor) is None


@pytest.mark.parametrize(
    ("outputs", "inputs", "found"),
    [
        (["a", "b"], ["c"], None),
        (["a", "./a"], [], ("./a", "a", "output")),
        (["a", "link"], [], ("link", "a", "output")),
        (["new", "folder/../new"], [], ("folder/../new", "new", "output")),
        (["a", "b"], ["c", "link"], ("a", "link", "input")),
        (["new"], ["gone"], None),
        (["hard"], ["a"], None),
        (["/dev/null", "/dev/null"], [], None),
        (["a"], ["a\0b"], None),
    ],
)
def test_outputs_that_are_one_file(
    outputs: list[str],
    inputs: list[str],
    found: tuple[str, str, str] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path(name).touch()
    Path("folder").mkdir()
    Path("link").symlink_to("a")
    Path("hard").hardlink_to("a")
    assert find_collision(outputs, inputs) == found
