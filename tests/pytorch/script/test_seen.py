"""What a run was seen to do, as it goes from one process to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.pytorch.script.seen import ObservedRun, read_seen, write_seen


def _seen() -> ObservedRun:
    seen = ObservedRun()
    seen.files["a.yaml"] = None
    seen.kinds["a"] = "file"
    seen.modules["folder"] = {"two", "one"}
    seen.printed.append((1, "00"))
    seen.reasons["it read from stdin"] = None
    seen.began = 5
    return seen


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = str(tmp_path / "seen")
    write_seen(path, _seen())
    found = read_seen(path)
    assert found is not None
    assert vars(found) == {
        **vars(_seen()),
        "modules": {"folder": ["one", "two"]},
        "printed": [[1, "00"]],
    }


@pytest.mark.parametrize("content", [None, b"", b'{"files": '])
def test_what_is_no_whole_note_is_none(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "seen").write_bytes(content)
    assert read_seen(str(tmp_path / "seen")) is None


def test_a_note_that_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    seen = _seen()
    write_seen(str(tmp_path / "none" / "seen"), seen)
    assert not [*tmp_path.iterdir()]


def test_what_was_seen_first_stays() -> None:
    seen, other = _seen(), ObservedRun()
    other.kinds.update({"a": "folder", "b": "file"})
    other.files["b.yaml"] = None
    other.modules.update({"folder": {"three"}, "other": {"one"}})
    other.printed.append((2, "ff"))
    other.reasons["it printed too much"] = None
    seen.take(other.render())
    assert seen.kinds == {"a": "file", "b": "file"}
    assert [*seen.files] == ["a.yaml", "b.yaml"]
    assert seen.modules == {"folder": {"one", "two", "three"}, "other": {"one"}}
    assert [*seen.reasons] == ["it read from stdin", "it printed too much"]
    assert seen.printed == [(1, "00")]
    assert seen.began == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_a_note_that_is_not_whole_is_removed(tmp_path: Path) -> None:
    (tmp_path / "seen").symlink_to("/dev/full")
    write_seen(str(tmp_path / "seen"), ObservedRun())
    assert not [*tmp_path.iterdir()]


def test_nothing_was_seen_at_first() -> None:
    assert not any(vars(ObservedRun()).values())
