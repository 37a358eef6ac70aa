"""What a run changes is taken back after a failure, and not touched after a success."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from derivload.outputs.journal import Journal, keep_times, restore, saved
from support.out_dirs import posix
from support.script_runs import contents, times

pytestmark = posix


class Run:
    """A folder that a script changes, and the journal of its run."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.work = folder / "work"
        for made in (self.notes, self.work):
            made.mkdir()
        for name in ("one", "two", "three"):
            (self.work / name).write_text(f"{name}\n")
            os.utime(self.work / name, (1_000, 2_000))
        (self.work / "link").symlink_to("one")
        self.journal = Journal(str(self.notes))

    def note(self, name: str, *, follow: bool = True) -> Path:
        path = self.work / name
        self.journal.note_file(str(path), follow=follow)
        return path

    def restore(self) -> None:
        restore(str(self.notes))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_after_a_failure_everything_is_what_it_was(run: Run) -> None:
    before, when = contents(run.work), times(run.work)
    run.note("one").write_text("1")
    run.note("one").write_text("11")
    run.note("two", follow=False).unlink()
    run.note("made").write_text("made")
    run.note("three", follow=False).unlink()
    (run.work / "three").symlink_to("one")
    run.restore()
    assert (contents(run.work), times(run.work)) == (before, when)
    assert not (run.work / "three").is_symlink()
    assert sorted(path.name for path in run.work.iterdir()) == ["link", "one", "three", "two"]


def test_a_file_that_holds_the_same_is_not_written_anew(run: Run) -> None:
    one = run.note("one")
    number = one.stat().st_ino
    one.touch()
    one.chmod(0o600)
    run.restore()
    assert (one.stat().st_ino, one.stat().st_mtime) == (number, 2_000)
    assert stat.S_IMODE(one.stat().st_mode) == 0o644
    one.write_text("six")  # it is as long
    run.restore()
    assert one.read_text() == "one\n"


def test_a_link_is_what_it_leads_to_or_itself(run: Run) -> None:
    run.note("link").write_text("through the link")
    assert saved(str(run.notes)) == [str(run.work / "one")]
    run.note("link", follow=False).unlink()
    (run.work / "link").write_text("in its place")
    run.restore()
    assert (run.work / "one").read_text() == "one\n"
    assert (run.work / "link").readlink() == Path("one")
    # A link that is gone comes back, too.
    run.note("link", follow=False).unlink()
    run.restore()
    assert (run.work / "link").readlink() == Path("one")


def test_folders_that_were_made_go_if_nobody_has_put_something_there(run: Run) -> None:
    for name in ("a", "a/b", "c"):
        run.journal.note_folder(str(run.work / name))
        (run.work / name).mkdir()
    run.note("a/b/made").write_text("made")
    (run.work / "c" / "mine").write_text("mine")
    run.restore()
    assert not (run.work / "a").exists()
    assert (run.work / "c" / "mine").read_text() == "mine"
    # A file in a folder that went comes back with it.
    run.note("c/mine", follow=False).unlink()
    (run.work / "c").rmdir()
    run.restore()
    assert (run.work / "c" / "mine").read_text() == "mine"


def test_a_file_keeps_its_other_names(run: Run) -> None:
    one = run.work / "one"
    os.link(one, run.work / "same")
    run.note("one").write_text("longer than it was")
    run.restore()
    assert (run.work / "same").read_text() == "one\n"
    assert one.samefile(run.work / "same")


def test_another_file_in_its_place_keeps_what_it_has(run: Run) -> None:
    one = run.note("one", follow=False)
    (run.work / "kept").write_text("kept")
    one.unlink()
    os.link(run.work / "kept", one)
    run.restore()
    assert (run.work / "kept").read_text() == "kept"
    assert one.read_text() == "one\n"


def test_a_pipe_in_the_place_of_an_empty_file_is_not_opened(run: Run) -> None:
    (run.work / "one").write_text("")
    one = run.note("one", follow=False)
    one.unlink()
    os.mkfifo(one)
    run.restore()
    assert one.is_file() and one.read_text() == ""


def test_what_cannot_be_put_back_is_told_and_the_rest_is_put_back(run: Run) -> None:
    for name in ("one", "two", "three"):
        run.note(name, follow=False).unlink()
    (run.work / "two").mkdir()
    lost = restore(str(run.notes))
    assert [file.path for file in lost] == [str(run.work / "two")]
    assert Path(lost[0].copy).read_text() == "two\n"
    assert lost[0].why and not lost[0].why.startswith("[")  # without the number and the path
    assert (run.work / "one").read_text() == "one\n"
    assert (run.work / "three").read_text() == "three\n"


def test_what_is_a_folder_now_is_nobodys_file(run: Run) -> None:
    made = run.note("made")
    made.mkdir()
    run.journal.note_file(str(run.work), follow=True)  # nor is a folder copied
    run.restore()
    assert made.is_dir()
    assert saved(str(run.notes)) == []


def test_after_a_success_only_what_differs_has_a_new_time(run: Run) -> None:
    for name in ("one", "two", "three"):
        run.note(name).write_text(f"{name}\n")
    (run.work / "two").write_text("six\n")
    run.note("three", follow=False).unlink()
    (run.work / "link").unlink()
    (run.work / "link").symlink_to("two")
    run.note("link", follow=False)
    after = (run.work / "two").stat().st_mtime_ns
    keep_times(str(run.notes))
    assert (run.work / "one").stat().st_mtime == 2_000
    assert (run.work / "two").stat().st_mtime_ns == after
    assert not (run.work / "three").exists()
    names = [Path(path).name for path in saved(str(run.notes))]
    assert names == ["one", "two", "three", "three", "link"]


def test_a_run_that_noted_nothing_changes_nothing(tmp_path: Path) -> None:
    assert saved(str(tmp_path)) == []
    restore(str(tmp_path))
    keep_times(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_names_of_any_bytes_are_noted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.work)
    name = "two words\n\udcff"
    Path(name).write_text("first")
    run.journal.note_file(name, follow=True)
    Path(name).write_text("second")
    monkeypatch.chdir(run.notes)
    assert saved(str(run.notes)) == [str(run.work / name)]
    run.restore()
    assert (run.work / name).read_text() == "first"
    assert stat.S_IMODE((run.notes / "index").stat().st_mode) == 0o600
