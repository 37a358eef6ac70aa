"""What becomes of a wheel that was downloaded, and how a signal ends a fetch."""

from __future__ import annotations

import os
import signal
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from derivload.commands.fetch.command import FetchError, _noted_signals, fetch, fetch_and_say
from support.fetching import at_once, home, wheels
from support.torch_index import TORCHGEN, make_wheel, tree

__all__ = ["at_once", "home", "wheels"]  # fixtures

pytestmark = pytest.mark.usefixtures("at_once")

# What becomes of a wheel


def test_of_a_wheel_torchgen_is_unpacked_and_its_version_noted(home: Path, wheels: Path) -> None:
    folder = zipfile.ZipInfo("torchgen/empty/")
    regular = zipfile.ZipInfo("torchgen/regular")
    regular.external_attr = (stat.S_IFREG | 0o644) << 16
    wheel = make_wheel(wheels, "2.15.0+cpu")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(folder, "")
        archive.writestr(regular, "text")
    result = fetch("2.15.0", home / "a" / "b")
    assert result == (home / "a" / "b", "2.15.0", True)
    assert tree(result.folder) == {
        **{name: text.encode() for name, text in TORCHGEN.items()},
        "torchgen/regular": b"text",
        "version.txt": b"2.15.0\n",
    }
    assert fetch("2.15", result.folder) == (result.folder, "2.15.0", False)


def test_what_lies_there_keeps_its_place_and_its_mode(home: Path, wheels: Path) -> None:
    make_wheel(wheels)
    home.chmod(0o700)
    number = home.stat().st_ino
    assert fetch("2.15.0", home).downloaded
    assert (home.stat().st_ino, stat.S_IMODE(home.stat().st_mode)) == (number, 0o700)
    assert sorted(path.name for path in home.iterdir()) == ["torchgen", "version.txt"]


@pytest.mark.parametrize(
    ("held", "version", "is_same"),
    [
        ("2.15.0", "2.15.0", True),
        ("2.15.3", "2.15", True),
        ("2.14.0", "2.15", False),
        ("2.15.0", "2.1", False),
        ("2.15.0.1", "2.15.0", False),
        ("2.15.1", "2.15.0", False),
    ],
)
def test_a_folder_is_taken_for_the_release_that_its_note_names(
    held: str, version: str, is_same: bool, home: Path
) -> None:
    (home / "torchgen" / "packaged").mkdir(parents=True)
    (home / "version.txt").write_text(f"{held}\n")
    if is_same:
        assert fetch(version, home) == (home, held, False)
        return
    with pytest.raises(FetchError, match="holds something other than"):
        fetch(version, home)


def test_what_cannot_be_put_in_its_place_is_taken_back(
    home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(wheels)
    original = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if target.name == "version.txt" and target.parent == home:
            raise PermissionError(13, "Permission denied")
        assert stat.S_IMODE(next(home.parent.glob(".derivload-fetch-*")).stat().st_mode) == 0o700
        return original(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(FetchError, match=r"cannot write .*: Permission denied"):
        fetch("2.15.0", home)
    assert list(home.iterdir()) == []


WHEEL = "torch-2.15.0-cp311-cp311-macosx_14_0_arm64.whl"


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ({}, 3, f"{WHEEL} has no torchgen/packaged: try another release"),
        ({"torchgen": ""}, 3, "the wheel holds an unsafe member: 'torchgen'"),
        ({"torchgen/./a": ""}, 3, "the wheel holds an unsafe member: 'torchgen/./a'"),
        ({"torchgen//a": ""}, 3, "the wheel holds an unsafe member: 'torchgen//a'"),
        (None, 3, f"{WHEEL} is damaged: File is not a zip file"),
    ],
)
def test_a_wheel_that_will_not_do_is_told(
    files: dict[str, str] | None, status: int, said: str, home: Path, wheels: Path
) -> None:
    wheel = make_wheel(wheels, files=files or {})
    if files is None:
        wheel.write_text("no wheel")
    with pytest.raises(FetchError) as raised:
        fetch("2.15.0", home / "new")
    assert (raised.value.status, raised.value.message, raised.value.advice) == (status, said, "")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "to", "status", "said"),
    [
        ("2.15.0", "", 2, "--to is empty: name an empty or new folder"),
        ("2", "new", 2, "'2' is not a PyTorch version: write it like 2.15.0 or 2.15"),
        ("2.0", "new", 2, "PyTorch 2.0 is too old: name 2.1 or later"),
        ("1.20.0", "new", 2, "PyTorch 1.20.0 is too old: name 2.1 or later"),
        ("2.15.0", "file", 1, "{}/file is not a folder: name an empty or new folder"),
        (
            "2.15.0",
            "held",
            1,
            "{}/held holds something other than torch 2.15.0's torchgen: name an empty or new fo",
        ),
        ("2.14.0", "new", 3, "it is not there\nLook elsewhere."),
        ("2.1.0", "new", 3, "it is not there\nLook elsewhere."),
        ("2.15.0", "file/new", 3, "cannot write file/new: Not a directory"),
    ],
)
def test_why_nothing_was_fetched_is_one_sentence_and_a_status(
    version: str,
    to: str,
    status: int,
    said: str,
    home: Path,
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(home)
    Path("file").touch()
    Path("held").mkdir()
    # A text in no encoding, which is not taken for the version.
    Path("held/version.txt").write_bytes(b"2.15.0\xff")
    make_wheel(wheels)
    assert fetch_and_say(version, to) == status
    assert capsys.readouterr().err.startswith(f"derivload fetch: error: {said.format(home)}")
    assert fetch_and_say(version, to, quiet=True) == status
    assert capsys.readouterr().err.startswith(f"derivload fetch: error: {said.format(home)}")
    assert sorted(path.name for path in home.iterdir()) == ["file", "held"]


def test_what_was_fetched_is_said_unless_it_is_to_be_quiet(
    home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel(wheels)
    monkeypatch.chdir(home)
    for quiet, done in (
        (False, "fetched torch 2.15.0's torchgen"),
        (False, "nothing to do, the folder already holds torch 2.15.0's torchgen"),
        (True, ""),
    ):
        assert fetch_and_say("2.15.0", "new", quiet=quiet) == 0
        said = f"derivload fetch: {done}\n" if done else ""
        assert capsys.readouterr() == ("new\n", said)


# Signals


@pytest.mark.parametrize(
    ("number", "error", "said"),
    [
        (signal.SIGINT, KeyboardInterrupt, "^$"),
        (signal.SIGTERM, FetchError, "stopped by SIGTERM; nothing was fetched"),
        (signal.SIGHUP, FetchError, "stopped by SIGHUP; nothing was fetched"),
    ],
)
def test_a_signal_ends_it_between_two_steps(
    number: signal.Signals, error: type[BaseException], said: str
) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGHUP, signal.SIGINT)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with _noted_signals() as check:
            check()
            signal.raise_signal(number)
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(error, match=said) as raised:
                check()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if isinstance(raised.value, FetchError):
        assert raised.value.status == 128 + number


def test_a_signal_that_somebody_ignores_or_handles_is_left_to_them() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _noted_signals() as check:
            signal.raise_signal(signal.SIGHUP)
            check()
    finally:
        signal.signal(signal.SIGHUP, before)
    found: list[object] = []

    def look() -> None:
        with _noted_signals() as check:
            found.append(signal.getsignal(signal.SIGTERM))
            check()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("step", range(5))
def test_it_ends_at_any_step(
    step: int, home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each member, and before all is put in its place."""
    make_wheel(wheels)
    left = [step]
    original = zipfile.ZipFile.open

    def opened(self: zipfile.ZipFile, *arguments: object) -> object:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGTERM)
        left[0] -= 1
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    if step == 4:  # there are four members
        assert fetch("2.15.0", home / "new").downloaded
        return
    with pytest.raises(FetchError) as raised:
        fetch("2.15.0", home / "new")
    assert raised.value.status == 143
    assert left[0] == -1
    assert list(home.iterdir()) == []
