"""Hidden folders of runs, and where the bytes of an output go."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from derivload.outputs import staging
from derivload.outputs.folders import open_folder
from derivload.outputs.places import find_place
from derivload.outputs.staging import (
    Staging,
    Waiting,
    has_left,
    is_hidden_folder,
    naming,
    take_over,
)
from support.out_dirs import listing, posix, sha256_of

LEFT = ".derivload-0123456789ab.tmp"


def no_output(name: str) -> bool:
    return False


# The hidden folder of a run


def test_a_run_has_a_folder_of_its_own_that_others_cannot_enter(tmp_path: Path) -> None:
    first, second = Staging(str(tmp_path)), Staging(str(tmp_path))
    assert first.path != second.path
    for made in (first, second):
        assert is_hidden_folder(Path(made.path).name)
        assert stat.S_IMODE(Path(made.path).stat().st_mode) == 0o700
    paths = [first.new_path() for _ in range(3)]
    assert paths == [f"{first.path}/{number}" for number in (1, 2, 3)]
    Path(paths[0]).touch()
    first.write_journal("kind", [("0f", "a b"), ("1f", "\udcff")])
    assert Path(first.path, "journal").read_bytes() == b"kind 0f a b\nkind 1f \xff\n"
    first.close(keep_journal=True)
    assert listing(Path(first.path)) == ["journal"]
    first.close()
    second.close()
    assert listing(tmp_path) == []
    second.close()


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        (LEFT, True),
        (".derivload-0123456789aB.tmp", False),
        (".derivload-0123456789a.tmp", False),
        (".derivload-0123456789abc.tmp", False),
        ("derivload-0123456789ab.tmp", False),
        (".derivload-0123456789ab.tmp~", False),
        (".derivload-0123456789ab", False),
        (".derivload.tmp", False),
    ],
)
def test_hidden_folders_are_known_by_their_names(tmp_path: Path, name: str, is_ours: bool) -> None:
    assert is_hidden_folder(name) == is_ours
    (tmp_path / name).mkdir()
    assert has_left(str(tmp_path), no_output) == is_ours
    assert not has_left(str(tmp_path / "none"), no_output)


@pytest.mark.parametrize(
    ("name", "is_left"),
    [
        (".a.b.0123456789ab.tmp", True),
        (".c.0123456789ab.tmp", False),
        ("a.b.0123456789ab.tmp", False),
        (".a.b.0123456789a.tmp", False),
    ],
)
def test_files_of_old_versions_are_known_by_their_outputs(
    tmp_path: Path, name: str, is_left: bool
) -> None:
    (tmp_path / name).touch()
    assert has_left(str(tmp_path), lambda name: name == "a.b") == is_left


@pytest.mark.parametrize(
    ("locks", "hours", "is_removed"),
    [
        ("none", 23.9, False),
        ("none", 24.1, True),
        ("refused", 23.9, False),
        ("refused", 24.1, True),
    ],
)
def test_without_locks_what_is_a_day_old_is_left(
    tmp_path: Path, locks: str, hours: float, is_removed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LEFT).mkdir()
    (tmp_path / LEFT / "1").write_text("half")
    at = time.time() - hours * 3600
    os.utime(tmp_path / LEFT, (at, at))
    if locks == "none":
        monkeypatch.setattr(staging, "open_folder", lambda path, follow=True: None)
    else:
        monkeypatch.setattr(staging, "lock", lambda descriptor: None)
    own = Staging(str(tmp_path))
    assert take_over(str(tmp_path), "kind", no_output, own) == []
    assert (tmp_path / LEFT).exists() == (not is_removed)
    own.close()


def test_a_run_that_goes_on_keeps_what_is_its_own(tmp_path: Path) -> None:
    running, own = Staging(str(tmp_path)), Staging(str(tmp_path))
    running.write_journal("kind", [("0f", "a")])
    for path in (running, own):  # however old it is
        os.utime(path.path, (1, 1))
    assert take_over(str(tmp_path), "kind", no_output, own) == []
    assert Path(running.path, "journal").exists()
    running.close(keep_journal=True)
    assert take_over(str(tmp_path), "kind", no_output, own) == [("0f", "a")]
    assert listing(tmp_path) == [Path(own.path).name]


def test_a_folder_that_another_run_removes_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[object] = [False, None, True]
    original = open_folder

    def vanish(path: str, **options: bool) -> int | None:
        if len(answers) == 3:
            answers.pop()
            Path(path).rmdir()
        return original(path, **options)

    monkeypatch.setattr(staging, "open_folder", vanish)
    monkeypatch.setattr(staging, "lock", lambda descriptor: answers.pop(0) if answers else True)
    own = Staging(str(tmp_path))
    # One vanished, one was locked by somebody else; of the third it is unknown.
    assert answers == []
    assert Path(own.path).is_dir()
    own.close()


JOURNALS = [
    ("kind 0f a\nkind 1f b\n", [("0f", "a"), ("1f", "b")], []),
    ("kind 0f a\nother 1f b\n", [("0f", "a")], ["journal"]),
    ("other 0f a\n", [], ["journal"]),
    ("kind 0f ../a\nkind\n\nkind 0f\n", [], []),
    ("kind 0f a b\n", [("0f", "a b")], []),
    ("kind 0f \udcff\n", [("0f", "\udcff")], []),
]


@pytest.mark.parametrize(("journal", "taken", "left"), JOURNALS)
def test_a_journal_is_taken_over_by_a_run_of_its_kind(
    tmp_path: Path, journal: str, taken: list[tuple[str, str]], left: list[str]
) -> None:
    (tmp_path / LEFT).mkdir()
    for name, text in (("journal", journal), ("1", "half")):
        (tmp_path / LEFT / name).write_text(text, "utf-8", "surrogateescape")
    own = Staging(str(tmp_path))
    assert take_over(str(tmp_path), "kind", no_output, own) == taken
    assert Path(own.path, "journal").exists() == bool(taken)
    assert (listing(tmp_path / LEFT) if left else []) == left
    assert (tmp_path / LEFT).exists() == bool(left)
    own.close()


@posix
def test_nothing_but_files_is_removed_from_a_hidden_folder(tmp_path: Path) -> None:
    (tmp_path / LEFT / "folder").mkdir(parents=True)
    (tmp_path / LEFT / "journal").mkdir()
    (tmp_path / LEFT / "link").symlink_to("folder")
    (tmp_path / LEFT / "1").touch()
    own = Staging(str(tmp_path))
    assert take_over(str(tmp_path), "kind", no_output, own) == []
    assert listing(tmp_path / LEFT) == ["folder", "journal", "link"]
    own.close()


# An output, before it is in its place


def waiting(own: Staging | None, path: Path, data: bytes) -> Waiting:
    return Waiting(own, find_place(str(path)), path.name, data, sha256_of(data))


def test_an_output_has_the_mode_of_the_one_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)
    own = Staging(str(tmp_path))
    for name in ("a", "b"):
        output = waiting(own, tmp_path / name, b"new")
        assert (output.name, output.sha256) == (name, sha256_of(b"new"))
        assert (tmp_path / name).exists() == (name == "a")
        output.move()
        output.close()
        assert (tmp_path / name).read_bytes() == b"new"
    waiting(own, tmp_path / "c", b"").move()
    assert (tmp_path / "c").read_bytes() == b""
    own.close()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_an_output_has_the_owner_of_the_one_it_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Staging(str(tmp_path))
    for user, group in ((7, 0), (0, 8), (7, 8)):
        (tmp_path / "a").write_text("old")
        os.chown(tmp_path / "a", user, group)
        waiting(own, tmp_path / "a", b"new").move()
        status = (tmp_path / "a").stat()
        assert (status.st_uid, status.st_gid) == (user, group)

    def refuse(*arguments: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    waiting(own, tmp_path / "a", b"newer").move()
    assert (tmp_path / "a").read_bytes() == b"newer"
    own.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EOPNOTSUPP])
def test_a_full_disk_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*arguments: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    own = Staging(str(tmp_path))
    if number == errno.ENOSPC:
        with pytest.raises(OSError, match="No space") as raised:
            waiting(own, tmp_path / "a", b"new")
        assert raised.value.filename == str(tmp_path / "a")
    else:
        waiting(own, tmp_path / "a", b"new").move()
    own.close()
    assert listing(tmp_path) == ([] if number == errno.ENOSPC else ["a"])


def test_errors_name_the_file_that_the_user_knows() -> None:
    with pytest.raises(OSError, match="no") as raised, naming("mine"):
        raise OSError(errno.EIO, "no", "hidden", None, "other")
    assert (raised.value.filename, raised.value.filename2) == ("mine", None)
