"""Where the inputs can change, where git's lock is, and what watches them."""

from __future__ import annotations

import errno
import os
import queue
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from derivload.commands.watch import sources
from derivload.commands.watch.decisions import DELAYS, Hint, Watching
from derivload.commands.watch.git import git_locks
from derivload.commands.watch.lookups import (
    current_folder,
    lookups,
    return_to,
    signature,
    signatures,
)
from derivload.commands.watch.sources import WatchedInputs
from derivload.loading.paths import Files, find_files
from derivload.outputs.digests import names_like
from support.derivwatch import Inputs
from support.out_dirs import posix

pytestmark = posix

# git's lock


def test_git_has_its_lock_in_the_checkout_above_a_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for checkout in (one, two):
        (checkout / ".git").mkdir(parents=True)
    (one / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(two)
    names = ["a/b/x.yaml", "y.yaml", "../link/z.yaml", "a/x.yaml"]
    assert git_locks([str(one / name) for name in names]) == [
        str(one / ".git" / "index.lock"),
        str(two / ".git" / "index.lock"),
    ]


def test_where_there_is_no_checkout_there_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert git_locks([str(tmp_path / "a" / "x.yaml")]) == []


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("gitdir: ../real\n", "../real/index.lock"),
        ("gitdir: /else where\n", "/else where/index.lock"),
        ("gitdir: /\udcff\n", "/\udcff/index.lock"),
        ("another: ../real\n", None),
        ("", None),
    ],
)
def test_a_linked_working_tree_names_gits_folder(
    tmp_path: Path, text: str, lock: str | None
) -> None:
    (tmp_path / ".git").write_text(text, "utf-8", "surrogateescape")
    expected = [] if lock is None else [f"{tmp_path}/{lock}" if lock[0] != "/" else lock]
    assert git_locks([str(tmp_path / "x.yaml")]) == expected


# Where a file can change


def looked_up(path: str, root: Path) -> list[tuple[str, str]]:
    """The names that are looked up below a folder on the way to a file."""
    found = [(lookup.folder, lookup.name) for lookup in lookups([path])]
    assert found[0][0] == os.sep
    below = [(folder, name) for folder, name in found if Path(folder).is_relative_to(root)]
    return [(os.path.relpath(folder, root), name) for folder, name in below]


def test_each_name_is_looked_up_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch()
    expected = [(".", "a"), ("a", "b"), ("a/b", "x")]
    for path in ("a/b/x", "./a//b/./x", "a/b/../b/x", str(tmp_path / "a" / "b" / "x")):
        assert looked_up(path, tmp_path) == expected
    first, *_, last = lookups(["x"])
    assert first.path == str(Path(os.sep, tmp_path.parts[1]))
    assert (last.path, last.is_folder) == (str(tmp_path / "x"), False)


def test_what_several_files_are_reached_by_is_looked_up_once(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (tmp_path / "link").symlink_to("a")
    (folder / "x").touch()
    paths = [str(folder / "x"), str(folder / "none"), str(tmp_path / "link" / "x")]
    found = [lookup for lookup in lookups(paths) if lookup.folder.startswith(str(tmp_path))]
    assert [(lookup.name, lookup.target, lookup.is_folder) for lookup in found] == [
        *(("a", None, True), ("x", None, False), ("none", None, False)),
        ("link", "a", False),
    ]


def test_links_are_followed_and_their_names_are_looked_up_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("../real")
    (tmp_path / "a" / "y").symlink_to("up/x")
    (tmp_path / "far").symlink_to(tmp_path / "a" / "y")
    assert looked_up(str(tmp_path / "a" / "y"), tmp_path) == [
        *((".", "a"), ("a", "y"), ("a", "up")),
        *((".", "real"), ("real", "x")),
    ]
    through = looked_up(str(tmp_path / "far"), tmp_path)
    assert through[:2] == [(".", "far"), (".", "a")]
    assert through[-1] == ("real", "x")


def test_a_way_ends_where_nothing_is_or_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert looked_up(str(tmp_path / "a" / "x"), tmp_path) == [(".", "a"), ("a", "x")]
    assert looked_up(str(tmp_path / "none" / "x" / "y"), tmp_path) == [(".", "none")]
    assert looked_up(str(tmp_path / "file" / "x"), tmp_path) == [(".", "file")]
    circle = looked_up(str(tmp_path / "one" / "x"), tmp_path)
    assert circle == [(".", "one"), (".", "two")]
    # The system follows as many.
    for number in range(40):
        (tmp_path / f"l{number}").symlink_to(f"l{number + 1}")
    (tmp_path / "l40").touch()
    assert (tmp_path / "l0").exists()
    assert looked_up(str(tmp_path / "l0"), tmp_path)[-1] == (".", "l40")


EDITS: list[Callable[[Path], object]] = [
    lambda path: path.write_text("longer"),
    lambda path: os.utime(path, (1, 1)),
    lambda path: path.chmod(0o600),
    lambda path: (path.rename(path.with_name("old")), path.write_text("x")),
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_signature_tells_a_file_from_a_later_one(
    tmp_path: Path, edit: Callable[[Path], object]
) -> None:
    path = tmp_path / "x"
    path.write_text("x")
    path.chmod(0o644)
    os.utime(path, (5, 5))
    before = signature(str(path))
    assert signatures([str(path), str(tmp_path / "none")]) == [before, None]
    edit(path)
    assert signature(str(path)) not in (before, None)


def test_a_current_folder_that_was_deleted_is_returned_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return_to(str(tmp_path))
    assert current_folder() == str(folder)
    folder.rmdir()
    assert current_folder() == ""
    assert lookups(["x"]) == []
    return_to(str(folder))  # it is not there yet
    assert current_folder() == ""
    folder.mkdir()
    return_to(str(folder))
    assert current_folder() == str(folder)


# What watches


class Watched:
    """Inputs of a project, and what the user is told about watching them."""

    def __init__(self, folder: Path, watching: Watching | None = "events") -> None:
        self.inputs = Inputs(folder)
        self.notes: list[str] = []
        natives = [str(self.inputs.natives)]
        self.sources = WatchedInputs(
            lambda: find_files(str(self.inputs.derivatives), natives),
            watching,
            lambda hint: None,
            self.notes.append,
        )


def test_inputs_that_cannot_be_watched_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path / "inputs")
    error = OSError(errno.EIO, "it is broken")

    def fail(paths: list[str]) -> list[str]:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "git_locks", fail)
        inputs = watched.sources
        inputs.read()
        assert not inputs.is_uncovered
        assert inputs.cover()
        assert inputs.is_uncovered
        assert (inputs.watching, watched.notes) == ("events", [])
    # Then they can, and a failure after that is the first again.
    inputs.cover()
    assert not inputs.is_uncovered
    assert not inputs.cover()
    monkeypatch.setattr(sources, "git_locks", fail)
    tries = 0
    while inputs.watching == "events":
        assert inputs.cover()
        tries += 1
    assert tries == 5
    assert watched.notes == ["no events (it is broken): looking at the inputs 4 times a second"]
    assert not inputs.is_uncovered
    assert not inputs.cover()
    assert inputs._watches is None


def test_without_events_nothing_is_watched(tmp_path: Path) -> None:
    for watching in ("polling", None):
        watched = Watched(tmp_path / str(watching), watching)
        watched.sources.read()
        assert not watched.sources.cover()
        assert watched.sources._watches is None
        watched.sources.close()


def test_a_look_has_all_that_the_outputs_depend_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path / "inputs", None)
    seen = watched.sources.read()
    texts = [path.read_bytes() for path in (watched.inputs.derivatives, watched.inputs.natives)]
    assert list(seen.contents[:2]) == texts
    assert not (seen.finding.is_moving or seen.finding.is_unreadable)
    assert not watched.sources.have_changed()
    watched.inputs.save("grad")
    assert watched.sources.have_changed()
    watched.inputs.derivatives.unlink()
    seen = watched.sources.read()
    assert seen.finding.is_unreadable
    assert str(watched.inputs.derivatives) not in seen.finding.held
    monkeypatch.setattr(sources, "DELAYS", DELAYS._replace(longest_save=0.05))
    watched.sources.settle(0.001)
    monkeypatch.setattr(sources, "signatures", lambda paths: [object()])
    watched.sources.settle(0.001)  # it ends, although they change all the time


def test_names_that_are_listed_are_a_part_of_what_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "listed"
    folder.mkdir()
    inputs = Inputs(tmp_path / "inputs")
    pattern = str(folder / "*")

    def find() -> Files:
        files = find_files(str(inputs.derivatives), [str(inputs.natives)])
        files.listed.append((pattern, names_like(pattern)))
        return files

    hints: queue.Queue[Hint] = queue.Queue()
    with closing(WatchedInputs(find, "events", hints.put, print)) as watched:
        before = watched.read().finding.key
        watched.cover()
        assert not watched.have_changed()
        (folder / ".passing").touch()
        assert not watched.have_changed()
        (folder / "more").touch()
        assert watched.have_changed()
        assert hints.get(timeout=10).path == str(folder / "more")
        assert watched.read().finding.key != before
        assert not watched.have_changed()
