"""When a run is answered from its record, and what is printed then."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from derivload.commands.run.answer import is_answered
from derivload.commands.run.asked import Asked
from derivload.outputs.digests import digest_of
from derivload.outputs.kept_runs import RecordLine, context, read_record, sign_of_settled
from derivload.outputs.kept_values import write_record
from support.out_dirs import posix

pytestmark = posix
Captured = pytest.CaptureFixture[str]


class Kept:
    """A run that was kept: of a script that reads two files, writes one, and prints."""

    def __init__(self) -> None:
        self.files = {"in": "input", "in.yaml": "value", "out": "output"}
        for name in self.files:
            Path(name).write_text(f"- {name}: 1\n")
            os.utime(name, (1, 1))
        self.items = [
            RecordLine("context", context(), ""),
            *(RecordLine(kind, self.digest(name), name) for name, kind in self.files.items()),
            RecordLine("printed", "1", b"said\n".hex()),
            RecordLine("printed", "2", b"complained\n".hex()),
        ]
        self.path = self.asked().record_path() or ""
        Path("state").mkdir()

    def write(self) -> None:
        write_record(self.path, self.items)

    @staticmethod
    def digest(name: str) -> str:
        return digest_of(Path(name).read_bytes())

    @staticmethod
    def asked(*own: str) -> Asked:
        return Asked([*own, "--state-dir", "state"], False, "script.py", ["-q"])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.chdir(tmp_path)
    return Kept()


def test_what_was_printed_is_printed_again_and_nothing_else_is_done(
    kept: Kept, capsys: Captured
) -> None:
    kept.write()
    assert is_answered(kept.asked())
    assert capsys.readouterr() == ("said\n", "complained\nderivload: script.py: up to date\n")
    assert is_answered(kept.asked("--quiet"))
    assert capsys.readouterr() == ("said\n", "complained\n")


def test_figures_tell_how_much_a_record_has(kept: Kept, capsys: Captured) -> None:
    kept.write()
    assert is_answered(kept.asked("--quiet", "--stats=json"))
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["exit"] == "up-to-date"
    assert found["counts"] == {"depends": 5, "outputs": 1}
    assert [*found["seconds"]] == ["check"]
    assert 0 < found["seconds"]["check"] < 100


def test_without_a_record_nothing_is_answered(
    kept: Kept, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_answered(kept.asked())
    Path(kept.path).write_bytes(b"damaged")
    assert not is_answered(kept.asked())
    kept.write()
    assert not is_answered(kept.asked("--no-cache"))
    monkeypatch.setattr(Asked, "record_path", lambda self: None)
    assert not is_answered(kept.asked())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["in", "in.yaml", "out"])
def test_a_file_that_has_other_bytes_is_not_as_it_was(
    kept: Kept, name: str, capsys: Captured
) -> None:
    kept.write()
    Path(name).write_text("a: [1]\n")
    assert not is_answered(kept.asked())
    assert capsys.readouterr() == ("", "")


def test_comments_in_a_yaml_file_do_not_count_and_are_taken_into_the_record(
    kept: Kept, capsys: Captured
) -> None:
    kept.write()
    Path("in.yaml").write_text("# a comment\n- in.yaml: 1\n")
    assert is_answered(kept.asked("--quiet", "--stats=json"))
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["exit"] == "stored"
    values = {item.name: item.value for item in read_record(kept.path)}
    assert values["in.yaml"] == kept.digest("in.yaml")
    # Beside another change, they do.
    Path("in.yaml").write_text("- in.yaml: 1 # another comment\n")
    Path("in").write_text("other")
    assert not is_answered(kept.asked())


def test_a_status_that_is_not_known_is_noted_once_it_tells_of_edits(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10**10)
    assert is_answered(kept.asked())
    signs = {item.name: item.sign for item in read_record(kept.path) if item.name in kept.files}
    assert signs == {name: sign_of_settled(name) for name in kept.files}
    # Then there is nothing to be noted.
    before = Path(kept.path).stat().st_ino
    assert is_answered(kept.asked())
    assert Path(kept.path).stat().st_ino == before


def test_a_record_that_is_used_is_noted_as_used(kept: Kept) -> None:
    kept.write()
    os.utime(kept.path, (1, 1))
    assert is_answered(kept.asked())
    assert Path(kept.path).stat().st_mtime > 1000


def test_that_nobody_reads_what_was_printed_changes_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write()
    for name in ("stdout", "stderr"):
        reader, writer = os.pipe()
        os.close(reader)
        stream = os.fdopen(writer, "w")
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, stream)
            assert is_answered(kept.asked("--quiet"))
            assert is_answered(kept.asked("--quiet"))
        stream.close()


def test_a_full_disk_is_told_if_results_are_lost(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write()
    for name, is_told in (("stdout", True), ("stderr", False)):
        stream = Path("/dev/full").open("w")  # noqa: SIM115 - only `let_go` lets it be closed
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, stream)
            if is_told:
                with pytest.raises(OSError, match="No space left"):
                    is_answered(kept.asked("--quiet"))
            else:
                assert is_answered(kept.asked("--quiet"))
        stream.close()


def test_what_was_printed_before_comes_first(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.write()
    with Path("shown").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        stream.write("before\n")
        assert is_answered(kept.asked("--quiet"))
        assert Path("shown").read_text() == "before\nsaid\n"
