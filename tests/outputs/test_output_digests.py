"""Digests of files and names, and files of lines that say whether they are whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from derivload.outputs.digests import (
    digest_of,
    digest_of_names,
    digest_of_variable,
    digests_of_files,
    names_like,
    sealed,
    unsealed,
)

LINES = ["the first", "two é", ""]


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_sealed_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for lines in (LINES, ["the first", "\udcff"]):
        path.write_bytes(sealed(lines))
        assert unsealed(str(path), "the first") == lines[1:]
    assert unsealed(str(path), "another") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[1:],
        lambda data: data.replace(b"two", b"too"),
        lambda data: data[:-2],
        lambda data: data.replace(b"check ", b"checks "),
        lambda data: b"check " + data.rpartition(b"check ")[2],
    ],
)
def test_one_that_is_not_whole_has_no_lines(change: object, tmp_path: Path) -> None:
    assert callable(change)
    path = tmp_path / "file"
    path.write_bytes(change(sealed(LINES)))
    assert unsealed(str(path), "the first") == []


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert unsealed(str(tmp_path / "pipe"), "the first") == []
    assert unsealed(str(tmp_path / "none"), "the first") == []
    assert unsealed(str(tmp_path), "the first") == []


def test_a_line_with_a_line_end_is_not_sealed() -> None:
    for line in ("a\nb", "a\r", "\n"):
        assert sealed(["first", line]) == b""
    assert sealed(["first"]).startswith(b"first\ncheck ")


def test_files_by_their_bytes(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / name).write_bytes(name.encode())
    os.mkfifo(tmp_path / "pipe")
    names = [*(str(tmp_path / name) for name in ("pipe", "none", *"abcdef")), str(tmp_path), "a\0b"]
    found = digests_of_files(names)
    assert found == {
        name: _hex(Path(name).name.encode()) if Path(name).name in {*"abcdef"} else ""
        for name in names
    }
    assert digests_of_files([]) == {}


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="it is a file of Linux")
def test_a_file_that_cannot_be_read_has_no_digest() -> None:
    assert digests_of_files(["/proc/self/mem"]) == {"/proc/self/mem": ""}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("gen_*.py", ["GEN_b.PY", "gen_a.py"]),
        ("GEN_*.PY", ["GEN_b.PY", "gen_a.py"]),
        ("gen_*", ["GEN_b.PY", "gen_a.py", "gen_c.txt"]),
        ("*", ["GEN_b.PY", "gen_a.py", "gen_c.txt", "other"]),
        ("*.py", ["GEN_b.PY", "gen_a.py"]),
        ("none*", []),
    ],
)
def test_names_like_a_pattern(
    pattern: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gen_a.py", "GEN_b.PY", "gen_c.txt", "other", ".#gen_d.py", "gen_a.py~"):
        (tmp_path / name).touch()
    (tmp_path / "__pycache__").mkdir()
    assert names_like(str(tmp_path / pattern)) == found
    assert names_like(str(tmp_path / "none" / pattern)) == []
    monkeypatch.chdir(tmp_path)
    assert names_like(pattern) == found


def test_names_in_the_root() -> None:
    assert names_like("/et*") == [name for name in ["etc"] if Path("/etc").exists()]


def test_variables_and_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DERIVLOAD_X", raising=False)
    assert digest_of_variable("DERIVLOAD_X") == "none"
    monkeypatch.setenv("DERIVLOAD_X", "é\udcff")
    assert digest_of_variable("DERIVLOAD_X") == _hex("é".encode() + b"\xff")
    assert digest_of_names(["a", "b\udcff"]) == _hex(b"a\0b\xff")
    assert digest_of(b"a") == _hex(b"a")
