"""What is in the way of an output, and which files a process need not read again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from derivload.outputs.known_files import KnownFiles
from derivload.outputs.others import DOCUMENTS, PAGES, is_of_others
from derivload.outputs.places import find_place


@pytest.mark.parametrize(
    ("text", "is_others"),
    [
        ("", False),
        ("{}", False),
        ("[]", False),
        ("0", False),
        ("no JSON", False),
        ("[" * 100_000, False),
        ("\udcff", False),
        ('{"format":"derivload.manifest","files":[]}', False),
        ('{"files":3}', False),
        ('{"format":"derivload.pages","files":[]}', True),
        ('{"format":"derivload.pages"}', True),
        ('{"name":"x"}', True),
        ("[1]", True),
        ('["files"]', True),
        ('"files"', True),
    ],
)
def test_a_manifest_of_something_else_is_of_others(
    text: str, is_others: bool, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text, "utf-8", "surrogateescape")
    place = find_place(str(path))
    assert is_of_others(place, DOCUMENTS) is is_others
    # Those who read the manifest of pages have looked already.
    assert not is_of_others(place, PAGES)
    assert not is_of_others(place, "")


@pytest.mark.parametrize("name", ["functions.json", "differentiability-003.json", "places.json"])
@pytest.mark.parametrize(
    ("text", "is_others"),
    [
        ("", False),
        ("{}", False),
        ("{", False),
        ('{"format":"derivload.functions","version":1', False),
        ('{"version": 0,\n "format": "derivload.functions"}', False),
        ('{"functions":[]}', True),
        ('{"files":[]}', True),
        ('{"format":"derivload.pages"}', True),
        ('{"format":3}', True),
        ("[1]", True),
    ],
)
def test_a_document_of_something_else_is_of_others(
    name: str, text: str, is_others: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    place = find_place(str(tmp_path / name))
    assert is_of_others(place, DOCUMENTS) is is_others
    assert not is_of_others(place, "")


def test_a_page_of_somebody_is_of_others_and_a_document_is_not(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("x")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, is_page in (("full", True), ("empty", False), ("none", False), ("pipe", False)):
        place = find_place(str(tmp_path / name))
        assert is_of_others(place, PAGES) is is_page
        assert not is_of_others(place, DOCUMENTS)


def test_journals_have_these_words_for_outputs() -> None:
    assert (DOCUMENTS, PAGES) == ("documents", "pages")


def test_a_file_that_was_settled_when_it_was_read_is_known(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    known = KnownFiles()
    known.note(find_place(str(path)), "0f")  # it changed a moment ago
    assert not known.hold(find_place(str(path)), "0f")
    with pytest.MonkeyPatch.context() as patched:
        now = time.time_ns()
        patched.setattr(time, "time_ns", lambda: now + 3_000_000_000)
        known.note(find_place(str(path)), "0f")
        known.note(find_place(str(tmp_path / "none")), "0f")
    assert known.hold(find_place(str(path)), "0f")
    assert not known.hold(find_place(str(path)), "0e")
    assert not known.hold(find_place(str(tmp_path / "none")), "0f")
    path.write_text("two")
    assert not known.hold(find_place(str(path)), "0f")
    path.unlink()
    assert not known.hold(find_place(str(path)), "0f")
