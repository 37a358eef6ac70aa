"""Which notes are given at every run, and which once."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from derivload.commands.notes import lasting, say_note

NEWER = "torch 9.9 is newer than derivload knows; following 2.15"
Captured = pytest.CaptureFixture[str]


def said(note: str, capsys: Captured, **options: object) -> str:
    say_note(note, Namespace(**options))
    return capsys.readouterr().err


def test_that_a_torch_is_newer_is_said_once_for_each_cache_and_torch(
    tmp_path: Path, capsys: Captured
) -> None:
    for folder in ("one", "two"):
        cache = str(tmp_path / folder)
        assert said(NEWER, capsys, cache_dir=cache) == f"derivload: note: {NEWER}\n"
        assert said(NEWER, capsys, cache_dir=cache, no_cache=False) == ""
        other = NEWER.replace("9.9", "9.8")
        assert said(other, capsys, cache_dir=cache) == f"derivload: note: {other}\n"
        more = f"{NEWER}; and more"
        assert said(more, capsys, cache_dir=cache) == f"derivload: note: {more}\n"
        assert said(more, capsys, cache_dir=cache) == "derivload: note: and more\n"


def test_without_a_cache_it_is_said_each_time(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "file"
    file.touch()
    for options in ({"no_cache": True}, {"cache_dir": str(file)}):
        for _ in range(2):
            assert said(NEWER, capsys, **options) == f"derivload: note: {NEWER}\n"


def test_other_notes_last(tmp_path: Path, capsys: Captured) -> None:
    for _ in range(2):
        assert said("it is odd", capsys, cache_dir=str(tmp_path)) == "derivload: note: it is odd\n"
        assert said("", capsys, cache_dir=str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []
    assert lasting(f"a; {NEWER}; b") == "a; b"
    assert lasting(NEWER) == ""
