"""The record of a script's run: what it holds, and when it holds no more."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from derivload.modules import CLEARLY
from derivload.outputs import kept_runs
from derivload.outputs.digests import digest_of, digest_of_variable
from derivload.outputs.kept_runs import (
    ABSENT,
    FILE,
    FOLDER,
    INPUT,
    NO_LINK,
    OTHER,
    OUTPUT,
    VALUE,
    RecordLine,
    check,
    context,
    current,
    digest_of_folder,
    digest_of_modules,
    kind_of,
    link_of,
    read_record,
    render_record,
    run_key,
    sign_of_settled,
)
from support.out_dirs import posix

pytestmark = posix


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file, a folder and a link."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("text")
    Path("folder").mkdir()
    Path("link").symlink_to("file")
    return tmp_path


def parts(items: list[RecordLine]) -> list[tuple[str, str, str, str]]:
    return [(item.kind, item.value, item.name, item.sign) for item in items]


# The file


def test_a_record_is_read_as_it_was_written(folder: Path) -> None:
    items = [
        RecordLine(INPUT, "0f", "two words", "1.2.3"),
        RecordLine("kind", FILE, "\udcff"),
        RecordLine("variable", "none", ""),
    ]
    Path("record").write_bytes(render_record(items))
    assert parts(read_record("record")) == parts(items)
    assert items[1].sign == "-"
    first = Path("record").read_text("utf-8", "surrogateescape").splitlines()
    assert first[:2] == ["derivload-run 1", "input 0f 1.2.3 two words"]


def test_a_name_with_a_line_end_makes_no_record() -> None:
    assert render_record([RecordLine(INPUT, "0f", "a\nb")]) == b""


@pytest.mark.parametrize("damage", [b"x", b"\xff", None])
def test_a_record_that_is_damaged_or_not_there_is_none(folder: Path, damage: bytes | None) -> None:
    data = render_record([RecordLine(INPUT, "0f", "file")])
    if damage is not None:
        Path("record").write_bytes(data + damage)
    assert read_record("record") == []
    Path("record").write_bytes(data.replace(b"file", b"life"))
    assert read_record("record") == []


def test_a_record_of_another_version_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_runs, "FORMAT", "derivload-run 0")
    Path("record").write_bytes(render_record([RecordLine(INPUT, "0f", "file")]))
    assert len(read_record("record")) == 1
    monkeypatch.undo()
    assert read_record(str(folder / "record")) == []


def test_each_command_in_each_folder_has_a_record_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[bool, str, list[str]]] = [
        *((False, "a", []), (True, "a", []), (False, "a", ["b"]), (False, "a", ["b", "c"])),
        *((False, "a", ["b c"]), (False, "a", [""]), (False, "a\udcff", [])),
    ]
    keys = {run_key(*command) for command in commands}
    assert keys == {run_key(*command) for command in commands}
    monkeypatch.chdir("folder")
    assert len(keys | {run_key(*command) for command in commands}) == 2 * len(commands)


# What it compares


def test_what_there_is_now_has_a_value_for_each_kind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X", "1")
    status = Path("file").stat()
    assert current("kind", "file") == FILE
    assert current("link", "link") == digest_of(b"file")
    assert current("status", "file") == (
        f"4.{status.st_mtime_ns}.{status.st_ctime_ns}.{status.st_ino}"
    )
    assert current("status", "none") == current("status", "\0") == ABSENT
    assert current("listed", "folder") == digest_of_folder("folder")
    assert current("modules", ".\0file") == digest_of_modules(".\0file")
    assert current("variable", "X") == digest_of_variable("X") == digest_of(b"1")
    assert current("variable", "") not in (current("variable", "X"), "")
    assert current("context", "") == context()
    assert current("printed", "00", "1") == "1"
    ours, theirs = os.pipe()
    assert current("terminal", str(ours)) == "False"
    for descriptor in (ours, theirs):
        os.close(descriptor)


def test_all_variables_together_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before = current("variable", "")
    monkeypatch.setenv("X", "\udcff")
    assert current("variable", "") != before
    monkeypatch.delenv("X")
    assert current("variable", "") == before


def test_kinds_and_links(folder: Path) -> None:
    os.mkfifo("pipe")
    Path("dangling").symlink_to("none")
    names = ["file", "link", "folder", "pipe", "none", "dangling", "a\0b", "file/none"]
    assert [kind_of(name) for name in names] == [
        *(FILE, FILE, FOLDER, OTHER),
        *(ABSENT, ABSENT, ABSENT, ABSENT),
    ]
    links = [link_of(name) for name in names]
    assert links == [NO_LINK, digest_of(b"file"), *([NO_LINK] * 3), digest_of(b"none"), *links[6:]]
    assert links[6:] == [NO_LINK, NO_LINK]
    Path("of bytes").symlink_to("\udcff")
    assert link_of("of bytes") == digest_of(b"\xff")


LISTED: list[Callable[[], object]] = [
    lambda: Path("folder/b").touch(),
    lambda: Path("folder/a").unlink(),
    lambda: Path("folder/a").rename("folder/A"),
    lambda: [change("folder/a") for change in (os.unlink, os.mkdir)],
]


@pytest.mark.parametrize("change", LISTED)
def test_a_listing_has_names_and_kinds(folder: Path, change: Callable[[], object]) -> None:
    Path("folder/a").touch()
    before = digest_of_folder("folder")
    Path("folder/a").write_text("text")
    assert digest_of_folder("folder") == before
    change()
    changed = digest_of_folder("folder")
    assert changed not in (before, ABSENT)
    Path("folder/no text \udcff").touch()
    assert digest_of_folder("folder") not in (changed, ABSENT)
    assert digest_of_folder("none") == ABSENT


@posix
@pytest.mark.parametrize("target", ["loop", "none"])
def test_a_listing_shows_an_edit_beside_a_link_to_nowhere(folder: Path, target: str) -> None:
    Path("folder/loop").symlink_to(target)
    before = digest_of_folder("folder")
    assert before != ABSENT
    Path("folder/more").touch()
    assert digest_of_folder("folder") not in (before, ABSENT)


def test_a_look_for_modules_has_what_may_be_one_of_them(folder: Path) -> None:
    name = "folder\0a\0b"
    before = digest_of_modules(name)
    Path("folder/c.py").touch()
    Path("folder/aa").mkdir()
    assert digest_of_modules(name) == before
    found = {before}
    for new in ("a.py", "a.so", "b", "b.x.y"):
        Path("folder", new).touch()
        found.add(digest_of_modules(name))
    assert len(found) == 5
    assert digest_of_modules("none\0a") == ABSENT
    Path("folder/a.\udcff").touch()
    assert digest_of_modules(name) not in found


CONTEXTS: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "executable": lambda m: m.setattr(sys, "executable", "x"),
    "prefix": lambda m: m.setattr(sys, "prefix", "x"),
    "path": lambda m: m.setattr(sys, "path", [*sys.path, "x\udcff"]),
    "an option": lambda m: m.setitem(sys._xoptions, "x", "1"),
    **{
        name: lambda m, name=name: m.setenv(name, "x\udcff")  # type: ignore[misc]
        for name in ("LANG", "LANGUAGE", "TZ", "PYTHONX", "LC_X")
    },
}


@pytest.mark.parametrize("what", CONTEXTS)
def test_what_decides_how_python_runs_is_the_context(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = context()
    monkeypatch.setenv("OTHER", "x")
    monkeypatch.setattr(sys, "path", ["y", *sys.path[1:]])  # the folder of the script is its own
    assert context() == before
    CONTEXTS[what](monkeypatch)
    assert context() != before


def test_the_mask_of_new_files_is_the_context_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before = context()
    mask = os.umask(0o077)
    try:
        assert context() != before
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(mask)
    for name in ("tool_digest", "python_digest"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kept_runs, name, lambda: b"other")
            other = context()
            assert other != before
            if name == "python_digest":  # which has some of the flags itself
                patch.setattr(sys, "flags", (*sys.flags, 1))
                assert context() != other
    assert context() == before


# What holds


@pytest.mark.parametrize("kind", [INPUT, VALUE, OUTPUT])
def test_a_file_is_what_its_bytes_are(folder: Path, kind: str) -> None:
    item = RecordLine(kind, digest_of(b"text"), "file")
    assert check([item]).differing == []
    Path("file").write_text("TEXT")
    assert check([item]).differing == [item]
    Path("file").unlink()
    assert check([item]).differing == [item]


def test_a_file_with_the_status_of_its_digest_is_not_read(folder: Path) -> None:
    os.utime("file", (1, 1))
    item = RecordLine(INPUT, "of other bytes", "file", current("status", "file"))
    found = check([item])
    assert (found.differing, found.is_stale) == ([], False)
    os.utime("file", (2, 2))
    assert check([item]).differing == [item]


def test_a_file_gets_its_status_as_soon_as_that_tells_of_each_edit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = RecordLine(INPUT, digest_of(b"text"), "file")
    status = Path("file").stat()
    for name in ("file", "none", "a\0b"):
        monkeypatch.setattr(time, "time_ns", lambda: status.st_ctime_ns)
        assert sign_of_settled(name) == "-"
    assert not check([item]).is_stale
    assert item.sign == "-"
    monkeypatch.setattr(time, "time_ns", lambda: status.st_ctime_ns + 3_000_000_000)
    assert check([item]).is_stale
    assert item.sign == sign_of_settled("file") == current("status", "file")
    assert not check([item]).is_stale


@pytest.mark.parametrize(
    ("modified", "changed", "needed"),
    [(7, 7, CLEARLY), (7, 5, CLEARLY), (5, 7, CLEARLY), (1, 2_000_000_000, 2_000_000_000)],
)
def test_a_status_counts_once_it_is_clearly_older_than_now(
    monkeypatch: pytest.MonkeyPatch, modified: int, changed: int, needed: int
) -> None:
    """No file system here notes whole seconds, or has its clock set back."""
    found = SimpleNamespace(st_mtime_ns=modified, st_ctime_ns=changed, st_size=1, st_ino=2)
    monkeypatch.setattr(os, "stat", lambda path: found)
    latest = max(modified, changed)
    for now, sign in (
        (latest + needed, "-"),
        (latest + needed + 1, f"1.{modified}.{changed}.2"),
    ):
        monkeypatch.setattr(time, "time_ns", lambda now=now: now)
        assert sign_of_settled("file") == sign


def test_what_is_no_file_is_compared_by_its_value(folder: Path) -> None:
    items = [
        RecordLine("kind", FILE, "file"),
        RecordLine("kind", ABSENT, "file"),
        RecordLine("printed", "1", "00"),
        RecordLine("link", NO_LINK, "link"),
    ]
    assert check(items).differing == [items[1], items[3]]
    assert not check(items).is_stale
