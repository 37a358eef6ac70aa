"""What is in the way of outputs, and is somebody else's work, stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivload.cli import main
from support.out_dirs import emit, listing


def explore(out: Path, *options: str) -> int:
    return main(["explore", "--catalogue", "--out-dir", str(out), "--no-cache", *options])


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a web page", "icons": []}',
        '[{"Config": "1.json"}]',
        '{"format":"derivload.pages","files":[]}',
        '{"files":[],\n"format":"derivload.pages"}',
    ],
)
def test_a_manifest_of_something_else_is_not_replaced(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    assert emit(tmp_path) == 3
    told = f"{path}: is of something else; move it away, or name another folder\n"
    assert told in capsys.readouterr().err
    assert listing(tmp_path) == ["manifest.json"]
    assert path.read_text() == text


@pytest.mark.parametrize("name", ["functions.json", "differentiability.json"])
def test_a_document_of_something_else_is_not_replaced(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text('{"functions": "mine"}')
    assert emit(tmp_path) == 3
    told = f"{path}: is of something else; move it away, or name another folder\n"
    assert told in capsys.readouterr().err
    assert listing(tmp_path) == [name]
    assert path.read_text() == '{"functions": "mine"}'


@pytest.mark.parametrize(
    "text", ["", "{}", "{", '{"format":"derivload.manifest","files":', '{\n"files": 1}', "[" * 9999]
)
def test_a_damaged_manifest_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert emit(tmp_path) == 0
    assert json.loads((tmp_path / "manifest.json").read_bytes())["files"]


def test_documents_do_not_take_the_folder_of_pages(tmp_path: Path) -> None:
    assert explore(tmp_path) == 0
    before = (tmp_path / "manifest.json").read_bytes()
    assert emit(tmp_path) == 3
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert explore(tmp_path, "--single-file") == 0
    assert (tmp_path / "index.html").is_file() and not (tmp_path / "explore.js").exists()


@pytest.mark.parametrize("name", ["index.html", "explore.css", "data/table.js"])
@pytest.mark.parametrize("is_of_a_killed_run", [True, False])
def test_pages_replace_no_file_of_somebody(
    tmp_path: Path, name: str, is_of_a_killed_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    if is_of_a_killed_run:
        journal = tmp_path / ".derivload-0123456789ab.tmp" / "journal"
        journal.parent.mkdir()
        journal.write_text(f"pages {'0' * 64} {name}\n")
    assert explore(tmp_path) == (0 if is_of_a_killed_run else 3)
    assert (path.read_text() == "mine") != is_of_a_killed_run
    assert ("is of something else" in capsys.readouterr().err) != is_of_a_killed_run


def test_pages_replace_their_own(tmp_path: Path) -> None:
    assert explore(tmp_path) == 0
    before = (tmp_path / "index.html").read_bytes()
    (tmp_path / "index.html").write_text("edited")
    assert explore(tmp_path) == 0
    assert (tmp_path / "index.html").read_bytes() == before
