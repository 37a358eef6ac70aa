"""What is shared of a run names files by places, and a server can make a run leave nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from derivload.outputs.shared_runs import (
    DAMAGED,
    Places,
    allowed_folders,
    is_allowed,
    is_of_pytorch,
    read_left,
    read_names,
)
from support.out_dirs import posix

DIGEST = hashlib.sha256(b"text").hexdigest()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/builds").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "home/builds")
    return Places(is_fixed=False)


def left(*outputs: tuple[str, str], made: tuple[str, ...] = ()) -> dict[bytes, bytes]:
    told = {"outputs": outputs, "made": made, "printed": []}
    return {b"left": json.dumps(told).encode(), b"data " + DIGEST.encode(): b"text"}


def test_a_path_is_that_of_the_longest_place(places: Places, tmp_path: Path) -> None:
    builds = tmp_path / "home/builds"
    assert places.shared(str(builds / "a")) == f"\x010{os.sep}a"
    assert places.shared(str(builds)) == "\x010"
    assert places.shared(f"{builds}er{os.sep}a") == f"\x014{os.sep}buildser{os.sep}a"
    for path in (str(builds / "a"), str(builds), str(tmp_path / "home/x"), f"{os.sep}else"):
        assert places.own(places.shared(path)) == path


def test_nothing_is_a_place_where_all_are_fixed(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    assert Places(is_fixed=True).shared(path) == path
    assert Places(is_fixed=True).in_text(path) == path


def test_a_text_has_the_names_of_folders_replaced(places: Places, tmp_path: Path) -> None:
    builds = str(tmp_path / "home/builds")
    assert builds not in places.in_text(f"--out={builds}/gen:{builds}")
    assert "buildser" in places.in_text(f"{builds}er")


def test_files_are_left_in_the_current_folder(places: Places, tmp_path: Path) -> None:
    found = read_left(places, left(("\x010/a/b", DIGEST), made=("\x010/a",)), allowed_folders([]))
    assert found.files == {str(tmp_path / "home/builds/a/b"): b"text"}
    assert found.folders == [str(tmp_path / "home/builds/a")]


@pytest.mark.parametrize(
    "path",
    [
        "\x014/.bashrc",
        "/etc/passwd",
        "\x010/../x",
        "\x010/a/../../x",
        "relative",
        "\x010x",
        "\x019/x",
    ],
)
def test_a_file_elsewhere_is_refused(places: Places, path: str) -> None:
    for values in (left((path, DIGEST)), left(made=(path,))):
        with pytest.raises((ValueError, LookupError)):
            read_left(places, values, allowed_folders([]))


@posix
@pytest.mark.parametrize("path", ["\x010/link/.bashrc", "\x010/file"])
def test_no_link_leads_elsewhere(places: Places, tmp_path: Path, path: str) -> None:
    Path("link").symlink_to(tmp_path / "home")
    Path("file").symlink_to(tmp_path / "home" / ".bashrc")
    for values in (left((path, DIGEST)), left(made=(path,))):
        with pytest.raises(ValueError, match=r"link|file"):
            read_left(places, values, allowed_folders([]))
    Path("inside").mkdir()
    Path("other").symlink_to("inside")
    assert read_left(places, left(("\x010/other/a", DIGEST)), allowed_folders([])).files
    # What the command names by a link is allowed there.
    named = allowed_folders([f"link{os.sep}gen"])
    assert read_left(places, left(("\x010/link/gen/a", DIGEST)), named).files


@pytest.mark.skipif(sys.platform != "linux", reason="no folder can be made in /proc")
def test_without_a_temporary_folder_there_is_one_place_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/proc"])
    monkeypatch.chdir(tmp_path)
    assert Places(is_fixed=False).shared(str(tmp_path / "a")) == f"\x010{os.sep}a"


def test_a_folder_that_the_command_names_is_allowed(tmp_path: Path) -> None:
    gen = str(tmp_path / "gen")
    for arguments in (["--out", gen], [f"--out={gen}"]):
        assert is_allowed(f"{gen}{os.sep}a", allowed_folders(arguments))
    assert not is_allowed(f"{gen}{os.sep}a", allowed_folders(["--out", "gen"]))
    assert os.sep not in allowed_folders(["--out", os.sep])
    for path in ("gen/a", "/gen/../gen/a", "/gen/a\n", "/gen//a", "/generated"):
        assert not is_allowed(path, ["gen", "/gen"])
    assert is_allowed("/gen", ["gen", "/gen"]) and is_allowed("/gen/a", ["gen", "/gen"])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {b"left": b"no json", b"names": b"no json"},
        {b"left": b"[]", b"names": b"[]"},
        {b"left": b"{}", b"names": b"{}"},
        {b"left": b'{"made": 1, "outputs": []}', b"names": b'{"names": 1, "bound": []}'},
        {b"left": b'{"made": [], "outputs": [], "printed": [["1", "no hex"]]}',
         b"names": b'{"names": [["kind"]], "bound": []}'},
        {**left(("\x010/a", DIGEST)), b"data " + DIGEST.encode(): b"other",
         b"names": b'{"names": [], "bound": [99]}'},
    ],
)  # fmt: skip
def test_what_is_damaged_is_told_by_one_of_these_errors(
    places: Places, values: dict[bytes, bytes]
) -> None:
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        read_left(places, values, allowed_folders([]))
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        read_names(places, b"name", values)


@pytest.mark.parametrize(
    "names",
    [
        b"[" * 100_000,
        b'{"names": [["terminal", "99999999999999999999"]], "bound": []}',
        b'{"names": [], "bound": [Infinity]}',
    ],
)
def test_lists_that_are_deep_and_numbers_that_are_large_are_damage(
    places: Places, names: bytes
) -> None:
    with pytest.raises(DAMAGED):
        read_names(places, b"name", {b"names": names})


@pytest.mark.parametrize(
    ("is_module", "target", "expected"),
    [
        (True, "torchgen.gen", True),
        (True, "tools.setup_helpers.generate_code", True),
        (True, "mytools.gen", False),
        (False, "tools/setup_helpers/generate_code.py", True),
        (False, "/src/tools/setup_helpers/generate_code.py", True),
        (False, "generate_code.py", False),
    ],
)
def test_pytorchs_own_generators_are_known(is_module: bool, target: str, expected: bool) -> None:
    assert is_of_pytorch(is_module, target) == expected
