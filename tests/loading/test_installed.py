"""Which torch was installed into a folder, by the notes of installers."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import pytest

from derivload.loading.installed import find_installed

ROOT: Final = "/site"


def found(files: dict[str, bytes], *names: str) -> dict[str, str]:
    """The versions, by the name of the folder of their notes."""
    contents = {f"{ROOT}/{name}": data for name, data in files.items()}
    installed = find_installed(ROOT, [*names], contents.get)
    assert [one.where for one in installed] == [f"{ROOT}/{one.name}" for one in installed]
    return {one.name: one.version for one in installed}


@pytest.mark.parametrize(
    ("name", "notes", "expected"),
    [
        ("torch-2.14.0.dist-info", {}, "2.14.0"),
        ("Torch-2.14.0.DIST-INFO", {}, "2.14.0"),
        ("torch-2.14.0-py3.11.egg-info", {}, "2.14.0"),
        ("torch-2.14.0.dist-info", {"METADATA": b"Name: torch\nVersion: 2.9.1 \n"}, "2.9.1"),
        ("torch-2.14.0.dist-info", {"METADATA": b"version:2.9.1"}, "2.9.1"),
        ("torch-2.14.0.dist-info", {"METADATA": b"Name: \xff\nVersion: 2.9.1"}, "2.9.1"),
        ("torch-2.14.0.dist-info", {"METADATA": b"Version:\nVersion: 2.9"}, "2.14.0"),
        ("torch-2.14.0.dist-info", {"METADATA": b"Name: x\n\nVersion: 2.9.1"}, "2.14.0"),
        ("torch-2.14.0.dist-info", {"PKG-INFO": b"Version: 2.9.1"}, "2.14.0"),
        ("torch-2.14.0.egg-info", {"PKG-INFO": b"Version: 2.9.1"}, "2.9.1"),
        ("torch-.dist-info", {"METADATA": b"Version: 2.9.1"}, "2.9.1"),
        ("torch-.dist-info", {}, None),
        ("torch-note-info", {}, None),
        ("torchvision-0.1.dist-info", {}, None),
        ("torch-2.14.0.data", {}, None),
    ],
)
def test_the_version_of_one(name: str, notes: dict[str, bytes], expected: str | None) -> None:
    files = {f"{name}/{each}": data for each, data in notes.items()}
    assert found(files, name) == ({} if expected is None else {name: expected})


OLD, NEW, OTHER = "torch-2.9.0.dist-info", "torch-2.14.0.dist-info", "torch-2.15.0.dist-info"


def record(**modules: bytes) -> bytes:
    lines = ["torch/__init__.py,sha256=x,1", "torchgen/packaged/x.py,sha256=x,1"]
    for name, text in modules.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
        lines.append(f"torchgen/{name}.py,sha256={digest},{len(text)}")
    return "\n".join(
        ["\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), *lines]
    ).encode("latin-1")


def test_of_several_the_one_with_the_torchgen_that_is_there() -> None:
    here = {"torchgen/gen.py": b"new", "torchgen/model.py": b"same"}
    notes = {
        f"{OLD}/RECORD": record(gen=b"old", model=b"same"),
        f"{NEW}/RECORD": record(gen=b"new", model=b"same"),
    }
    assert found({**here, **notes}, OLD, NEW, OTHER) == {NEW: "2.14.0"}
    assert found({**here, **notes}, OTHER, NEW, OLD) == {NEW: "2.14.0"}
    # What lies deeper, and what is no module, says nothing.
    notes[f"{OLD}/RECORD"] = record(**{"packaged/x": b"deep", "packaged/y": b"deep"})
    deeper = {"torchgen/packaged/x.py": b"deep", "torchgen/packaged/y.py": b"deep"}
    assert found({**here, **deeper, **notes}, OLD, NEW) == {NEW: "2.14.0"}


def test_where_nothing_tells_all_are_found() -> None:
    assert found({}, OLD, NEW) == {OLD: "2.9.0", NEW: "2.14.0"}
    notes = {f"{OLD}/RECORD": record(gen=b"x"), f"{NEW}/RECORD": record(gen=b"x")}
    assert [*found({**notes, "torchgen/gen.py": b"x"}, OLD, NEW)] == [OLD, NEW]


def test_several_of_one_release_are_one() -> None:
    assert found({}, NEW, "torch-2.14.1.dist-info") == {NEW: "2.14.0"}
