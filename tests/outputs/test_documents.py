"""The bytes of documents, and that a series of them is rendered as each would be alone."""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from derivload.outputs import documents, folders
from derivload.outputs.documents import Renderer, shard_name, shard_of
from derivload.outputs.files import (
    Writing,
    listed_documents,
    write_changed,
    write_if_changed,
)
from derivload.outputs.folders import locked
from derivload.outputs.others import DOCUMENTS
from support.out_dirs import listing, sha256_of


def lines(count: int, text: str = "a") -> list[bytes]:
    return [b'{"%s":%d}' % (text.encode(), number) for number in range(count)]


def test_each_document_has_its_head_and_a_line_for_each_record() -> None:
    render = Renderer()
    (whole,) = render.differentiability("2.15", ("A", "B"), lines(2), ("x", "y"), None)
    assert whole.data == (
        b'{"format":"derivload.differentiability","version":1,"torch_version":"2.15",'
        b'"used_dispatch_keys":["A","B"],"functions":[\n{"a":0},\n{"a":1}\n]}\n'
    )
    assert (whole.name, whole.functions) == ("differentiability.json", 2)
    assert whole.sha256 == hashlib.sha256(bytes(whole.data)).hexdigest()
    both = render.functions("2.15", lines(1), lines(1, "b"))
    assert both.data == (
        b'{"format":"derivload.functions","version":1,"torch_version":"2.15",'
        b'"functions":[\n{"a":0}\n],"generated":[\n{"b":0}\n]}\n'
    )
    assert (both.name, both.functions) == ("functions.json", 1)
    none = render.functions("2.15", [], [])
    assert bytes(none.data).endswith(b'"functions":[],"generated":[]}\n')
    manifest = render.manifest("2.15", [whole, both])
    assert manifest.name == "manifest.json"
    assert json.loads(bytes(manifest.data)) == {
        "format": "derivload.manifest",
        "version": 1,
        "torch_version": "2.15",
        "files": [
            {"name": each.name, "sha256": each.sha256, "functions": each.functions}
            for each in (whole, both)
        ],
    }


def test_shards_are_chosen_by_the_base_name_alone() -> None:
    bases = [f"op{number}" for number in range(50)]
    shards = Renderer().differentiability("2.15", (), lines(50), bases, 3)
    assert [shard.name for shard in shards] == [shard_name(number) for number in range(3)]
    assert [shard.name for shard in shards][2] == "differentiability_2.json"
    for number, shard in enumerate(shards):
        expected = [i for i, base in enumerate(bases) if shard_of(base, 3) == number]
        assert [record["a"] for record in json.loads(bytes(shard.data))["functions"]] == expected
        assert shard.functions == len(expected) > 5


@pytest.mark.parametrize("block", [1, 3, 256])
def test_a_series_is_rendered_as_each_alone(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_BLOCK", block)
    chance = random.Random(block)
    series = Renderer()
    functions, generated, version = lines(10), lines(3, "b"), "2.15"
    for step in range(60):
        some = chance.choice([functions, generated])
        at = chance.randrange(len(some) + 1)
        some[at : at + chance.choice([0, 1, 2])] = lines(chance.choice([0, 1, 1, 2]), f"n{step}")
        version = chance.choice([version, version, version, "2.14"])
        made = series.functions(version, [*functions], [*generated])
        assert made == Renderer().functions(version, [*functions], [*generated]), step
    assert series.functions(version, [*functions], [*generated]) is made


def test_a_series_of_shards_is_rendered_as_each_alone() -> None:
    chance = random.Random(0)
    series, records = Renderer(), [(f"op{number % 40}", number) for number in range(60)]
    for step in range(80):
        at = chance.randrange(len(records))
        match chance.choice(["line", "line", "lines", "name", "gone", "new"]):
            case "line":
                records[at] = (records[at][0], 1000 + step)
            case "lines":
                records[at : at + 9] = [(name, 2000 + step) for name, _ in records[at : at + 9]]
            case "name":
                records[at] = (f"op{step}", records[at][1])
            case "gone":
                del records[at]
            case _:
                records.insert(at, (f"new{step}", step))
        made = [b'{"a":%d}' % number for _, number in records]
        bases, shards = [name for name, _ in records], chance.choice([3, 3, 3, 5])
        rendered = series.differentiability("2.15", (), made, bases, shards)
        assert rendered == Renderer().differentiability("2.15", (), made, bases, shards), step


# Writing


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in ("file/a", "file"):
        with pytest.raises(NotADirectoryError) as raised:
            if path == "file":
                with Writing(str(tmp_path / path), DOCUMENTS) as writing:
                    writing.write([("a", b"", 0, "")], ["a"], list)
            else:
                write_if_changed(str(tmp_path / path), b"")
        assert raised.value.filename == str(tmp_path / "file")
        assert raised.value.strerror == "is a file, but must be a folder"


def test_a_file_is_written_only_if_its_bytes_differ(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert write_if_changed(str(path), b"one")
    number = path.stat().st_ino
    assert not write_if_changed(str(path), b"one")
    assert path.stat().st_ino == number
    (tmp_path / "a" / ".b.0123456789ab.tmp").touch()
    (tmp_path / "a" / ".c.0123456789ab.tmp").touch()
    assert write_if_changed(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert listing(tmp_path / "a") == [".c.0123456789ab.tmp", "b"]


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a/b", "a/c", "d/e")]
    first, *others = paths
    write_if_changed(first, b"one")
    killed = tmp_path / "a/.derivload-0123456789ab.tmp"
    killed.mkdir()
    (killed / "1").touch()
    files = dict.fromkeys(paths, b"one")
    (tmp_path / "f").mkdir()
    with pytest.raises(IsADirectoryError):
        write_changed({**files, str(tmp_path / "f"): b"one"})
    assert listing(tmp_path / "d") == []
    assert write_changed(files) == others
    assert [listing(tmp_path / name) for name in "ad"] == [["b", "c"], ["e"]]
    assert write_changed(files) == []


def test_what_was_written_is_told_and_what_is_stale_goes(tmp_path: Path) -> None:
    def write(*texts: str) -> tuple[list[str], list[str], list[str]]:
        made = [(t[0], t.encode(), 0, sha256_of(t.encode())) for t in texts]
        with Writing(str(tmp_path / "out"), "kind") as writing:
            done = writing.write(made, [t[0] for t in texts], lambda: [*before])
        before[:] = [(sha256, name) for name, _, _, sha256 in made]
        return done.written, done.unchanged, done.removed

    before: list[tuple[str, str]] = []
    assert write("a1", "b1") == (["a", "b"], [], [])
    assert write("a1", "b1") == ([], ["a", "b"], [])
    assert write("a1", "b2", "c1") == (["b", "c"], ["a"], [])
    (tmp_path / "out" / "c").write_text("mine")
    assert write("a1") == ([], ["a"], ["b"])
    assert listing(tmp_path / "out") == ["a", "c"]


def test_two_outputs_are_not_one_file(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("a")
    made = [(name, b"x", 0, sha256_of(b"x")) for name in ("a", "b")]
    with (
        pytest.raises(FileExistsError) as raised,
        Writing(str(tmp_path), "kind") as writing,
    ):
        writing.write(made, ["a", "b"], list)
    assert raised.value.filename == str(tmp_path / "b")
    assert raised.value.strerror == "is the same file as a"
    assert listing(tmp_path) == ["b"]


@pytest.mark.parametrize(
    ("manifest", "listed"),
    [
        (b'{"files":[{"name":"functions.json","sha256":"1"},{"name":"x","sha256":"2"}]}', ["1"]),
        (b'{"files":[{"name":"differentiability_12.json","sha256":"1"}]}', ["1"]),
        (b'{"files":[{"name":"differentiability.json","sha256":"1"}]}', ["1"]),
        (b'{"files":[{"name":"differentiability_x.json","sha256":"1"}]}', []),
        (b'{"files":[{"name":"differentiability12.json","sha256":"1"}]}', ["1"]),
        (b'{"files":[{"name":"places.json","sha256":"1"}]}', ["1"]),
        (b'{"files":[{"name":"manifest.json","sha256":"1"}]}', ["1"]),
        (b'{"files":[{"name":"functions.json"}]}', []),
        (b'{"files":3}', []),
        (b"[]", []),
        (b"\xff", []),
        (b"[" * 100_000, []),
        (b"the same", []),
        (None, []),
    ],
)
def test_a_manifest_lists_documents(
    tmp_path: Path, manifest: bytes | None, listed: list[str]
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_bytes(manifest)
    made = [("manifest.json", b"the same", 0, "")]
    assert [sha256 for sha256, _ in listed_documents(str(tmp_path), made)] == listed


def test_the_lock_of_a_folder_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool | None] = [False, False, True]
    monkeypatch.setattr(folders, "lock", lambda descriptor: answers.pop(0))
    with locked(str(tmp_path)):
        assert answers == []
    with locked(str(tmp_path / "none")):
        pass
    times = iter([0.0, 5.0, 9.99, 10.0, 99.0])
    with monkeypatch.context() as patch:
        patch.setattr(folders, "lock", lambda descriptor: False)
        patch.setattr(time, "monotonic", lambda: next(times))
        with locked(str(tmp_path)):
            pass
    assert [*times] == [99.0]
