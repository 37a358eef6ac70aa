"""Records on the disk: written with copies of YAML files, held by value, and removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from derivload.outputs.digests import digest_of
from derivload.outputs.kept_runs import INPUT, VALUE, RecordLine, read_record, render_record
from derivload.outputs.kept_values import (
    holds_by_value,
    records_in,
    remove_records,
    write_record,
)
from derivload.outputs.same_value import is_same_value
from support.out_dirs import listing

RECORD = "0f" * 32
TEXT = b"- a: 1\n- b: [x, 'y']\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in.yaml").write_bytes(TEXT)
    return tmp_path


def value(name: str = "in.yaml") -> RecordLine:
    return RecordLine(VALUE, digest_of(TEXT), name)


def copies() -> list[Path]:
    return sorted(Path().glob(f"{RECORD}.value-*"))


def test_a_record_is_written_with_copies_of_what_counts_by_value() -> None:
    items = [RecordLine(INPUT, "0f", "other"), value()]
    write_record(RECORD, items)
    assert Path(RECORD).read_bytes() == render_record(items)
    (copy,) = copies()
    assert copy.read_bytes() == TEXT
    assert len(copy.name) == 64 + len(".value-") + 16


@pytest.mark.parametrize("what", ["edited", "gone", "a name with a line end"])
def test_what_cannot_be_copied_is_not_recorded(what: str) -> None:
    items = [value()]
    if what == "edited":
        Path("in.yaml").write_bytes(b"- a: 2\n")
    elif what == "gone":
        Path("in.yaml").unlink()
    else:
        items.append(RecordLine(INPUT, "0f", "a\nb"))
    write_record(RECORD, items)
    assert not Path(RECORD).exists()


def test_comments_are_taken_into_a_record() -> None:
    items = [RecordLine(INPUT, "0f", "other"), value()]
    write_record(RECORD, items)
    commented = b"# one\n" + TEXT
    Path("in.yaml").write_bytes(commented)
    assert holds_by_value(RECORD, items, items[1:])
    assert items[1].value == digest_of(commented)
    assert [item.value for item in read_record(RECORD)] == ["0f", digest_of(commented)]
    assert copies()[0].read_bytes() == commented
    assert not holds_by_value(RECORD, items, items)


@pytest.mark.parametrize("what", ["another value", "no file", "no copy", "another copy", "no text"])
def test_all_else_is_another_value(what: str) -> None:
    items = [value()]
    write_record(RECORD, items)
    before = Path(RECORD).read_bytes()
    (copy,) = copies()
    Path("in.yaml").write_bytes(b"# one\n" + TEXT)
    if what == "another value":
        Path("in.yaml").write_bytes(b"- a: 2\n- b: [x, 'y']\n")
    elif what == "no text":
        Path("in.yaml").write_bytes(b"# \xff\n" + TEXT)
    elif what == "no file":
        Path("in.yaml").unlink()
    elif what == "no copy":
        copy.unlink()
    else:
        copy.write_bytes(b"# two\n" + TEXT)
    assert not holds_by_value(RECORD, items, items)
    assert Path(RECORD).read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("- a: 1\n", "- a: 1 # one\n", True),
        ("- a: 1\n- b: 2\n", "\n- a: 1\n\n# two\n- b: 2\n", True),
        ("- a: 1\n", "- a: 1\r\n", True),
        ("- a: 1\n", "- a: 1.0\n", False),
        ("- a: 1\n", "- a: '1'\n", False),
        ("- a: x\n", "- a: 'x'\n", False),
        ("- a: x\n", "-  a:  x\n", True),
        ("- {a: 1}\n", "- a: 1\n", True),
        ("- a: 1\n  b: 2\n", "- b: 2\n  a: 1\n", False),
        ("- [1, 2]\n", "- [2, 1]\n", False),
        ("- a: &x 1\n", "- a: &x 1 # one\n", False),
        ("- a: *x\n", "- a: *x # one\n", False),
        ("- a: x&y z\n", "- a: x&y z # one\n", False),
        ("- a: 1\n", "- a: 1\n- a: 1\n", False),
        ("- a: [\n", "- a: [ # one\n", False),
        ("- a: !t 1\n", "- a: !u 1\n", False),
    ],
)
def test_two_texts_have_the_same_value(old: str, new: str, is_same: bool) -> None:
    assert is_same_value(old.encode(), new.encode()) == is_same
    assert is_same_value(old.encode(), old.encode())
    assert not is_same_value(b"\xff", b"\xff")
    for one, other in ((TEXT, b"a: 1\n"), (b"a: 1\n", TEXT), (b"a: 1\n", b"b: 1\n")):
        assert not is_same_value(one, other)  # such a text is no list of entries


NAMES = [
    RECORD,
    f"{RECORD}.part-gen-12",
    f"{RECORD}.value-0123456789abcdef",
    f"{RECORD}.part-gen-12.value-0123456789abcdef",
    f"{RECORD}.0123456789ab.tmp",
]
OTHERS = [
    *("mine.txt", RECORD[1:], f"{RECORD}0", RECORD.upper(), f"{RECORD}.part-gen", f"{RECORD}.x"),
    *(f"{RECORD}.value-0123456789abcde", f"{RECORD}.0123456789a.tmp", f"{RECORD}.part-gen-1x"),
]


def test_nothing_but_records_is_removed() -> None:
    Path("state").mkdir()
    for name in (*NAMES, *OTHERS):
        path = Path("state", name)
        path.mkdir() if name in NAMES and name.endswith(".tmp") else path.touch()
    assert sorted(records_in("state")) == sorted(f"state/{name}" for name in NAMES)
    assert records_in("none") == []
    assert remove_records("state") == len(NAMES)
    assert listing(Path("state")) == sorted(OTHERS)


def test_what_was_used_lately_stays() -> None:
    Path("state").mkdir()
    now = time.time()
    for name, age in zip(NAMES, (0, 50, 150, 250, 350), strict=True):
        path = Path("state", name)
        if name.endswith(".tmp"):
            path.mkdir()
            (path / "notes").touch()
        else:
            path.touch()
        os.utime(path, (now - age, now - age))
    assert remove_records("state", 100.0) == 3
    assert listing(Path("state")) == sorted(NAMES[:2])
    # A link to a folder is not followed.
    Path("mine").mkdir()
    Path("mine", "file").touch()
    Path("state", NAMES[4]).symlink_to("../mine")
    assert remove_records("state") == 2
    assert Path("mine", "file").exists()


def test_what_has_the_name_of_a_record_and_is_none_stays() -> None:
    """Other programs call files and folders by digests, too."""
    Path("state", RECORD).mkdir(parents=True)
    Path("state", RECORD, "file").touch()
    blob = "f" * 64
    Path("state", blob).write_text("of a store of blobs")
    Path("state", f"{RECORD}.0123456789ab.tmp").write_text("mine")
    before = listing(Path("state"))
    assert remove_records("state") == 0
    assert listing(Path("state")) == before
    write_record(f"state/{blob}", [RecordLine("variable", "none", "X")])
    assert remove_records("state") == 1
