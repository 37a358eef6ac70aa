"""A run that another container did, and one that cannot be kept, as the command tells of them."""

from __future__ import annotations

import json
import os
import tempfile
from argparse import Namespace
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.run import command, sharing
from derivload.outputs.kept_runs import RecordLine

Captured = pytest.CaptureFixture[str]
REMOTE = ["--remote-cache", "http://host"]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that the remote cache was asked for: it has them all."""
    monkeypatch.chdir(tmp_path)
    Path("script.py").touch()
    asked: list[str] = []
    items = [RecordLine("printed", "1", b"said\n".hex()), RecordLine("output", "x", "out")]

    def take(path: str, now: str) -> list[RecordLine]:
        asked.append(path)
        return items

    monkeypatch.setattr(sharing, "begin_sharing", lambda *_: Namespace(take=take))
    return asked


def test_a_run_that_was_taken_is_told_as_one_that_was_kept(
    asked: list[str], capsys: Captured
) -> None:
    run = ["run", *REMOTE, "--state-dir", "kept", "--stats", "json", "script.py"]
    assert main(run) == 0
    out, err = capsys.readouterr()
    first, stats = out.splitlines()
    assert (first, err) == ("said", "derivload: script.py: up to date\n")
    found = json.loads(stats)
    assert (found["exit"], found["counts"]) == ("stored", {"depends": 1, "outputs": 1})
    assert [*found["seconds"]] == ["take"]
    assert 0 <= found["seconds"]["take"] < 100
    assert [Path(path).parent.name for path in asked] == ["kept"]


def test_without_a_record_or_a_remote_cache_no_run_is_taken(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_run_script", lambda *_: 7)
    assert main(["run", "--no-cache", *REMOTE, "script.py"]) == 7
    assert main(["run", "--state-dir", "kept", "script.py"]) == 7
    assert asked == []


def test_notes_go_elsewhere_if_there_is_no_room_beside_the_record(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = str(tmp_path / "record")
    folder, path = command._make_journal(record)
    assert path == record
    assert folder.startswith(f"{record}.")
    assert Path(folder).stat().st_mode & 0o777 == 0o700

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", full)
        patch.setattr(tempfile, "mkdtemp", lambda prefix: f"made {prefix}")
        assert command._make_journal(record) == ("made derivload-", None)
    said = "this run is not kept: No space left on device; --state-dir names another folder"
    assert capsys.readouterr().err == f"derivload: warning: {said}\n"
