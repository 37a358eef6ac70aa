"""`derivload fetch`, against the real pip: a small fake torch wheel, found offline."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from derivload.commands.fetch.command import FetchError, fetch, fetch_and_say
from support.child import child_environment
from support.fetching import SIGNALS, at_once, home, silent_index, start, wheels
from support.torch_index import TORCHGEN, make_wheel, tree

__all__ = ["at_once", "home", "wheels"]  # fixtures

# For tests of what becomes of a wheel, however it came.
AT_ONCE = pytest.mark.usefixtures("at_once")


# What is fetched


def test_the_folder_holds_torchgen_and_its_version(
    wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(wheels)
    assert fetch_and_say("2.15.0", str(home / "new")) == 0
    wanted = {**TORCHGEN, "version.txt": "2.15.0\n"}
    assert tree(home / "new") == {name: text.encode() for name, text in wanted.items()}
    assert [path.name for path in home.iterdir()] == ["new"]
    out, err = capsys.readouterr()
    assert out == f"{home / 'new'}\n"
    assert [line.split()[2] for line in err.splitlines()] == ["downloading", "fetched"]


@AT_ONCE
def test_a_local_version_is_left_out_of_version_txt(wheels: Path, home: Path) -> None:
    make_wheel(wheels, "2.15.0+cpu")
    assert fetch("2.15.0", home).version == "2.15.0"
    assert (home / "version.txt").read_text() == "2.15.0\n"


@pytest.mark.thorough
def test_two_numbers_mean_the_newest_patch(wheels: Path, home: Path) -> None:
    for version in ("2.9.9", "2.15.0", "2.15.2", "2.15.10", "2.15.11rc1", "2.150.0"):
        make_wheel(wheels, version)
    assert fetch("2.15", home).version == "2.15.10"


@AT_ONCE
def test_missing_parents_are_made(wheels: Path, home: Path) -> None:
    make_wheel(wheels)
    fetch("2.15.0", home / "a" / "b")
    assert (home / "a" / "b" / "version.txt").is_file()
    assert [path.name for path in home.iterdir()] == ["a"]


@AT_ONCE
def test_an_empty_folder_is_filled_and_stays_the_same_folder(wheels: Path, home: Path) -> None:
    make_wheel(wheels)
    empty = home / "empty"
    empty.mkdir(mode=0o750)
    before = empty.stat()
    fetch("2.15.0", empty)
    after = empty.stat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert (empty / "torchgen" / "model.py").is_file()
    assert [path.name for path in home.iterdir()] == ["empty"]


def test_modules_in_the_current_folder_are_not_imported_by_pip(
    wheels: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("Python 3.10 has no PYTHONSAFEPATH")
    make_wheel(wheels)
    (home / "pip.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(home)
    assert fetch_and_say("2.15.0", "new") == 0


# A second call


@AT_ONCE
def test_the_same_release_is_not_fetched_twice(
    wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = make_wheel(wheels)
    assert fetch_and_say("2.15.0", str(home / "new")) == 0
    wheel.unlink()
    capsys.readouterr()
    for again in ("2.15.0", "2.15"):
        assert fetch_and_say(again, str(home / "new")) == 0
        out, err = capsys.readouterr()
        assert out == f"{home / 'new'}\n"
        assert "already holds torch 2.15.0" in err


@pytest.mark.parametrize(
    "content",
    [
        {"notes.txt": "mine"},
        {"version.txt": "2.15.0\n"},
        {"version.txt": "2.14.0\n", "torchgen/packaged/tags.yaml": ""},
        {"torchgen/packaged/tags.yaml": ""},
    ],
)
def test_a_folder_with_something_else_is_refused_and_unchanged(
    content: dict[str, str], wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(wheels)
    for name, text in content.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    before = tree(home)
    assert fetch_and_say("2.15.0", str(home)) == 1
    assert tree(home) == before
    assert "name an empty or new folder" in capsys.readouterr().err


def test_a_file_is_refused_and_unchanged(home: Path) -> None:
    (home / "file").write_text("mine")
    assert fetch_and_say("2.15.0", str(home / "file")) == 1
    assert tree(home) == {"file": b"mine"}


# Wrong usage


@pytest.mark.parametrize(
    "version",
    [
        *("", "--help", "-r/etc/passwd", "2.15.0; rm", "2.15.0\n", "2", "2.15.0.1", "2.*", ">=2.1"),
        *("v2.15.0", "2.015.0", "2.15.0+cpu", "\uff12.15.0", "1.13", "1.13.1", "2.0", "2.0.1"),
    ],
)
def test_what_is_no_release_since_2_1_is_wrong_usage(version: str, home: Path) -> None:
    assert fetch_and_say(version, str(home / "new")) == 2
    assert list(home.iterdir()) == []


def test_an_empty_name_is_not_the_current_folder() -> None:
    assert fetch_and_say("2.15.0", "") == 2


# What fails leaves nothing behind


@pytest.mark.parametrize("exists", [False, True])
def test_a_release_that_pip_does_not_find(
    exists: bool, wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(wheels)
    if exists:
        (home / "new").mkdir()
    before = sorted(home.rglob("*"))
    assert fetch_and_say("2.14.0", str(home / "new")) == 3
    assert sorted(home.rglob("*")) == before
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        "ERROR: No matching distribution found for torch==2.14.0\nCheck that this release exists"
        in err
    )


def test_an_index_that_cannot_be_reached_is_called_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with silent_index() as closed:
        port = closed.getsockname()[1]
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert fetch_and_say("2.15.0", str(home / "new")) == 3
    assert "Check the network" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_a_python_without_pip_says_how_to_get_it(tmp_path: Path, home: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run(
        start(home / "new", python=str(python)),
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"{python} -m ensurepip" in done.stderr
    assert list(home.iterdir()) == []


def test_a_parent_that_is_a_file(home: Path) -> None:
    (home / "file").write_text("mine")
    assert fetch_and_say("2.15.0", str(home / "file" / "new")) == 3
    assert tree(home) == {"file": b"mine"}


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that not even root may write in")
def test_a_parent_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_and_say("2.15.0", "/proc/self/new") == 3
    assert "cannot write /proc/self/new" in capsys.readouterr().err


@SIGNALS
def test_a_full_disk_leaves_nothing(wheels: Path, home: Path) -> None:
    make_wheel(wheels, files={**TORCHGEN, "torchgen/packaged/big.yaml": "#" * 3_000_000})
    limited = ["sh", "-c", 'ulimit -f 1024; exec "$@"', "sh", *start(home / "new")]
    done = subprocess.run(
        limited, env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert list(home.iterdir()) == []


@AT_ONCE
@pytest.mark.parametrize(
    "name",
    [
        "torchgen/../../evil",
        "torchgen/__pycache__/../../evil",
        "torchgen/..\\..\\evil",
        "torchgen/C:evil",
    ],
)
def test_a_member_that_would_leave_torchgen_is_refused(
    name: str, wheels: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(wheels, files={**TORCHGEN, name: "evil"})
    assert fetch_and_say("2.15.0", str(home / "new")) == 3
    assert "unsafe member" in capsys.readouterr().err
    assert list(home.iterdir()) == []


@AT_ONCE
def test_a_symlink_is_refused(wheels: Path, home: Path) -> None:
    link = zipfile.ZipInfo("torchgen/packaged/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(make_wheel(wheels), "a") as archive:
        archive.writestr(link, "../../..")
    with pytest.raises(FetchError, match="unsafe member"):
        fetch("2.15.0", home / "new")
    assert list(home.iterdir()) == []


@AT_ONCE
def test_a_damaged_wheel_is_refused(wheels: Path, home: Path) -> None:
    wheel = make_wheel(wheels)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("torchgen/stored.py", "the right bytes", zipfile.ZIP_STORED)
    wheel.write_bytes(wheel.read_bytes().replace(b"the right bytes", b"the wrong bytes"))
    with pytest.raises(FetchError, match="is damaged"):
        fetch("2.15.0", home / "new")
    assert list(home.iterdir()) == []


@AT_ONCE
def test_a_wheel_without_packaged_files_is_refused(wheels: Path, home: Path) -> None:
    make_wheel(wheels, files={"torchgen/model.py": ""})
    with pytest.raises(FetchError, match="no torchgen/packaged"):
        fetch("2.15.0", home / "new")
    assert list(home.iterdir()) == []
