"""What a watch has of what it is told, and what goes into the journal before it is changed."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from derivload.outputs.journal import Journal, restore, saved
from derivload.outputs.kept_runs import current
from derivload.pytorch.script.events import Events
from derivload.pytorch.script.watching import CopySaw, Watch


class Folder:
    """A folder with a few things in it, and a watch."""

    def __init__(self, path: Path) -> None:
        self.path = path / "work"
        self.notes = path / "notes"
        (self.path / "folder").mkdir(parents=True)
        self.notes.mkdir()
        (self.path / "file").write_text("one", "utf-8")
        (self.path / "link").symlink_to("file")
        self.watch = Watch(Journal(str(self.notes)))
        self.events = Events(self.watch)

    def of(self, name: str) -> str:
        return str(self.path / name)

    def seen(self) -> dict[str, Any]:
        """What was noted, without what is as it was; paths are told by their names."""
        found = {}
        for name, value in vars(self.watch.seen).items():
            if value:
                told = [each.replace(f"{self.path}/", "") for each in value]
                found[name] = dict(zip(told, value.values(), strict=True)) if any(
                    value.values()
                ) else told  # fmt: skip
        return found

    def saved(self) -> list[str]:
        return [os.path.relpath(path, self.path) for path in saved(str(self.notes))]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    made = Folder(tmp_path)
    monkeypatch.chdir(made.path)
    return made


def test_what_was_seen_first_counts(work: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = work.watch
    monkeypatch.setenv("X1", "1")

    def note() -> None:
        watch.note_lists("folder", ".")
        watch.note_link(work.of("link"))
        watch.note_status(work.of("file"))
        watch.note_variables("X1", "", "X2")
        watch.note_kind(work.of("file"), "file")
        watch.note_absent("none")
        watch.note_terminal(0)
        watch.note_terminal(3)

    note()
    first = work.seen()
    assert first == {
        "kinds": {"file": "file", "none": "absent"},
        "links": {"link": current("link", work.of("link"))},
        "statuses": {"file": current("status", work.of("file"))},
        "listed": {"folder": current("listed", work.of("folder")),
                   str(work.path): current("listed", str(work.path))},
        "variables": {name: current("variable", name) for name in ("X1", "", "X2")},
        "terminals": {"0": current("terminal", "0")},
    }  # fmt: skip
    assert len(set(first["listed"].values())) == 2
    (work.path / "folder" / "new").touch()
    (work.path / "file").write_text("longer", "utf-8")
    (work.path / "link").unlink()
    monkeypatch.setenv("X1", "2")
    monkeypatch.setenv("X2", "2")
    watch.note_kind(work.of("file"), "absent")
    note()
    assert work.seen() == first


def test_variables_that_the_script_set_are_its_own(work: Folder) -> None:
    work.watch.note_set("MINE")
    work.watch.note_variables("MINE", "OTHER")
    assert [*work.seen()["variables"]] == ["OTHER"]


def test_files_and_values_are_noted_by_their_paths(work: Folder) -> None:
    watch = work.watch
    watch.note_values("a.yaml", work.of("b.yaml"))
    watch.note_files("c", work.of("d"))
    assert work.seen() == {"values": ["a.yaml", "b.yaml"], "files": ["c", "d"]}
    assert watch.value_path is None
    with watch.reading_values("e.yaml", "f.yaml"):
        assert watch.value_path == "e.yaml"
        assert not watch.is_watched()
        with pytest.raises(ZeroDivisionError), watch.reading_values("g.yaml"):
            assert watch.value_path == "g.yaml"
            1 / 0  # noqa: B018
        assert watch.value_path == "e.yaml"
        assert not watch.is_watched()
    assert watch.value_path is None
    assert watch.is_watched()
    assert work.seen()["values"] == [f"{name}.yaml" for name in "abefg"]


def test_what_is_no_file_and_what_is_no_module(work: Folder) -> None:
    watch = work.watch
    for path in (os.__file__, watch.__class__.__module__, work.of("none"), work.of("file")):
        watch.note_module(path)
    watch.note_read(os.devnull)
    watch.note_write(os.devnull)
    watch.note_write("/dev/zero")
    assert work.seen() == {
        "files": ["file"],
        "kinds": {os.devnull: "other"},
        "reasons": ["it wrote to /dev/zero, which is no file"],
    }
    watch.note_read("/dev/zero")
    assert work.seen()["reasons"][1:] == ["it read from /dev/zero, which is no file"]
    assert work.seen()["kinds"] == {os.devnull: "other"}


def test_each_thread_is_watched_by_itself(work: Folder) -> None:
    watch, found = work.watch, []
    with watch.unwatched():
        with watch.comparing("folder/a"):
            thread = threading.Thread(
                target=lambda: found.append((watch.is_watched(), watch.is_known(work.of("folder"))))
            )
            thread.start()
            thread.join()
        watch.note_terminal(1)
    assert found == [(True, False)]
    assert "terminals" not in work.seen()


def test_what_is_compared_is_known_meanwhile(work: Folder) -> None:
    watch = work.watch
    names = ("folder/a", "folder", ".", "folder/ab", "folder/a/b", "fold")
    paths = [str(Path(name).absolute()) for name in names]
    with watch.comparing("folder/a"):
        assert [watch.is_known(path) for path in paths] == [True, True, True, False, False, False]
        assert not watch.is_own(paths[0])
    assert [watch.is_known(path) for path in paths] == [True] + [False] * 5
    assert watch.is_own(paths[0])
    assert work.seen() == {"written": ["folder/a"]}
    with pytest.raises(ZeroDivisionError), watch.comparing("folder/b"):
        1 / 0  # noqa: B018
    assert not watch.is_known(work.of("folder/b"))
    assert work.seen() == {"written": ["folder/a"]}


def test_what_the_run_wrote_itself_does_not_count_as_read(work: Folder) -> None:
    watch = work.watch
    watch.note_output("file")
    watch.note_read(work.of("file"))
    with watch.comparing("new"):
        watch.note_read(work.of("new"))
    assert work.seen() == {"written": ["file", "new"]}
    assert watch.read_of_own == {work.of("file")}
    assert not watch.is_opened(work.of("file"))


def test_files_count_by_value_if_a_parser_read_them_as_often_as_they_were_opened(
    work: Folder,
) -> None:
    for name in "abcde":
        (work.path / name).touch()
    opened = {"a": 1, "b": 2, "c": 2, "d": 1, "e": 1}
    for name, count in opened.items():
        for _ in range(count):
            work.watch.note_read(work.of(name))
    for name in ("a", "b", "c", "c", "d", "e"):
        work.watch.note_parsed(name)
    work.watch.note_lines_used("d")
    work.watch.note_values("e", "x")
    work.watch.note_files("e")
    assert work.watch.is_opened(work.of("a"))
    assert not work.watch.is_opened(work.of("x"))
    seen = work.watch.finish()
    assert sorted(map(os.path.basename, seen.values)) == ["a", "c", "x"]
    assert sorted(map(os.path.basename, seen.files)) == ["b", "d", "e"]
    assert work.watch.finish() is seen


def test_a_file_is_copied_before_it_is_written(work: Folder) -> None:
    watch = work.watch
    for name in ("file", "file", "new", "folder"):
        watch.note_write(work.of(name))
    for name in ("file", "new"):
        (work.path / name).write_text("changed", "utf-8")
    assert work.saved() == ["file"]
    assert work.seen() == {"written": ["file", "new"]}
    assert not restore(str(work.notes))
    assert (work.path / "file").read_text("utf-8") == "one"
    assert not (work.path / "new").exists()


def test_a_link_is_replaced_itself_or_written_through(work: Folder) -> None:
    work.watch.note_write(work.of("link"))
    assert work.saved() == ["file"]
    other = Folder(work.path / "other")
    other.events._on_event("os.remove", (other.of("link"), -1))
    assert other.saved() == ["link"]
    assert other.seen() == {"written": ["link"]}
    third = Folder(work.path / "third")
    third.events._on_event("os.rename", (third.of("link"), third.of("new"), -1, -1))
    assert third.saved() == ["link"]
    (third.path / "link").rename(third.path / "new")
    restore(str(third.notes))
    assert (third.path / "link").readlink() == Path("file")
    assert not (third.path / "new").exists()


def test_a_file_that_cannot_be_copied_is_told(work: Folder) -> None:
    work.watch.about_to_write("a\0")
    assert work.seen() == {"reasons": ["a\0 cannot be copied"]}


def test_what_is_written_in_the_scripts_stead(work: Folder) -> None:
    work.watch.write(work.of("a/b/c"), b"1")
    work.watch.write(work.of("a/b/c"), b"2")
    work.watch.write(work.of("file"), b"3")
    assert (work.path / "a" / "b" / "c").read_bytes() == b"2"
    assert (work.path / "file").read_bytes() == b"3"
    assert work.seen() == {"made": ["a/b"]}
    restore(str(work.notes))
    assert (work.path / "file").read_text("utf-8") == "one"
    assert not (work.path / "a" / "b").exists()


def test_folders_that_are_made_are_removed_again(work: Folder) -> None:
    work.watch.note_folders(work.of("a/b/c"))
    work.watch.note_folders(work.of("folder"))
    (work.path / "a" / "b" / "c").mkdir(parents=True)
    work.watch.note_folders(work.of("a/b/c"))
    assert work.seen() == {"made": ["a", "a/b", "a/b/c", "folder"]}
    restore(str(work.notes))
    assert sorted(path.name for path in work.path.iterdir()) == ["file", "folder", "link"]


def test_what_a_copy_of_the_process_saw_is_taken(work: Folder, tmp_path: Path) -> None:
    watch = work.watch
    watch.note_read(work.of("file"))
    watch.note_parsed("file")
    watch.note_output("own")
    copy = Watch(Journal(str(tmp_path)))
    vars(copy).update(vars(watch))
    copy.begin_copy()
    assert copy.tell() == CopySaw(type(watch.seen)().render(), {}, {}, [], [])
    assert copy.seen is not watch.seen
    for _ in range(2):
        copy.note_read(work.of("file"))
    copy.note_read(work.of("own"))
    copy.note_parsed("file")
    copy.note_lines_used("other")
    copy.note_kind(work.of("none"), "absent")
    saw = copy.tell()
    assert saw[1:] == ({work.of("file"): 2}, {work.of("file"): 1}, [work.of("other")],
                       [work.of("own")])  # fmt: skip
    watch.take(saw)
    assert watch.read_of_own == {work.of("own")}
    assert watch.seen.kinds == {work.of("none"): "absent"}
    assert [*watch.finish().files] == [work.of("file")]
    watch.note_parsed("file")
    watch.seen.files.clear()
    assert [*watch.finish().values] == [work.of("file")]


def test_the_paths_that_events_name(work: Folder) -> None:
    path_of = work.watch.path_of
    file, folder = os.open("file", os.O_RDONLY), os.open("folder", os.O_RDONLY)
    read, write = os.pipe()
    try:
        named = ("file", b"file", Path("file"), "folder/../file", work.of("file"), file)
        assert {path_of(name) for name in named} == {work.of("file")}
        assert path_of(b"\xff") == work.of("\udcff")
        assert path_of("inside", folder) == work.of("folder/inside")
        assert path_of(work.of("file"), folder) == work.of("file")
        assert path_of("file", "folder") == work.of("file")
        assert [path_of(name) for name in (None, 3.5, read, 9999)] == [None] * 4
        assert work.seen() == {}
        assert path_of("file", read) is None
        assert work.seen() == {"reasons": ["it used a folder by a number"]}
    finally:
        for end in (file, folder, read, write):
            os.close(end)
    other = Folder(work.path / "other")
    assert path_of("file", -1) == work.of("file")
    other.watch.path_of(0)
    assert other.seen() == {"reasons": ["it read from stdin"]}
    other.watch.path_of(1)
    assert other.seen() == {"reasons": ["it read from stdin"]}


@pytest.mark.parametrize(
    ("mode", "flags", "seen"),
    [
        ("r", 0, "kind"),
        ("rb", os.O_WRONLY, "kind"),
        ("w", 0, "written"),
        ("x", 0, "written"),
        ("a", 0, "kind written"),
        ("r+", 0, "kind written"),
        ("w+", 0, "kind written"),
        (None, os.O_RDONLY, "kind"),
        (None, os.O_WRONLY, "kind written"),
        (None, os.O_RDWR, "kind written"),
        ("", os.O_RDWR | os.O_TRUNC, "written"),
        (None, os.O_WRONLY | os.O_TRUNC, "written"),
    ],
)
def test_files_that_are_opened(mode: str | None, flags: int, seen: str, work: Folder) -> None:
    work.events._on_event("open", (work.of("none"), mode, flags))
    expected: dict[str, Any] = {"kinds": {"none": "absent"}} if "kind" in seen else {}
    if "written" in seen:
        expected["written"] = ["none"]
    assert work.seen() == expected
    with work.watch.unwatched():
        work.events._on_event("open", (work.of("other"), mode, flags))
        work.events._on_event("os.system", ())
        work.events._on_event("os.mkdir", (work.of("other"), 0, -1))
        work.events._on_event("os.remove", (work.of("other"), -1))
    assert work.seen() == expected


def test_events_that_name_nothing(work: Folder) -> None:
    read, write = os.pipe()
    for event, arguments in (
        ("open", (read, "r", 0)),
        ("open", (None, "r", 0)),
        ("os.rename", (None, "x", -1, -1)),
        ("os.rename", ("x", None, -1, -1)),
        ("os.remove", (None, -1)),
        ("os.mkdir", (3.5, 0, -1)),
        ("os.chmod", (read, 0, -1)),
        ("import", ("name", None)),
        ("osmium", ()),
    ):
        work.events._on_event(event, arguments)
    os.close(read)
    os.close(write)
    assert work.seen() == {}
    work.events._on_event("os.rename", ("x", "y"))
    assert "reasons" in work.seen()
