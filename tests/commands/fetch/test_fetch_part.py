"""`derivload fetch` from an index with HTTP ranges: little is read, and what comes is checked."""

from __future__ import annotations

import functools
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import zipfile
import zlib
from importlib import metadata
from pathlib import Path

import pytest
from pip._vendor import requests

from derivload.commands.fetch.command import FetchError, fetch, fetch_and_say
from derivload.commands.fetch.part import PartError, RangeFile, save_torchgen
from support.child import child_environment
from support.paths import SOURCE
from support.torch_index import (
    OTHERS,
    TORCHGEN,
    Answer,
    Index,
    Spoil,
    as_it_is,
    look_only_in,
    make_wheel,
    recorded,
    served,
    tree,
    without_ranges,
)

thorough = functools.partial(pytest.param, marks=pytest.mark.thorough)
HEADERS = {f"torch/include/{number}.h": "" for number in range(100)}
LARGE = {"torch/library": os.urandom(500_000).hex(), **HEADERS, **OTHERS, **TORCHGEN}
WANTED = {name: text.encode() for name, text in {**TORCHGEN, "version.txt": "2.15.0\n"}.items()}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of half a megabyte and more, next to all of it not torchgen's."""
    return make_wheel(tmp_path / "wheels", files=LARGE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder in which nothing but the release may be left."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_only_torchgen_is_read(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        assert fetch_and_say("2.15.0", str(home / "new")) == 0
    assert tree(home / "new") == WANTED
    assert (index.whole, index.ranges) == (0, 4)
    assert index.sent < wheel.stat().st_size / 40
    assert [path.name for path in home.iterdir()] == ["new"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[2] for line in said] == ["downloading", "fetched"]


def test_a_list_of_members_with_a_long_comment_is_found(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.comment = b"#" * 60_000
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        fetch("2.15.0", home)
    assert tree(home) == WANTED
    assert index.whole == 0


def test_the_newest_patch_is_chosen_as_pip_chooses(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("2.15.2", "2.15.10", "2.15.11rc1", "2.150.0"):
        make_wheel(wheel.parent, version)
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        assert fetch("2.15", home).version == "2.15.10"
    assert index.whole == 0


def test_a_release_that_is_not_there_is_asked_for_once(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        assert fetch_and_say("2.14.0", str(home / "new")) == 3
    assert (index.whole, index.ranges, index.listed) == (0, 0, 1)
    assert "ERROR: No matching distribution found for torch==2.14.0\n" in capsys.readouterr().err


def test_the_child_needs_no_derivload_of_its_own(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An isolated Python, which was told at run time where derivload is."""
    code = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); "
        "from derivload.commands.fetch.command import fetch_and_say; "
        "sys.exit(fetch_and_say(*sys.argv[1:]))"
    )
    # Modules that would be found before pip's, if it looked here or beside its own script.
    (home / "cache.py").write_text("raise SystemExit(9)\n")
    (home / "pip.py").write_text("raise SystemExit(9)\n")
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        command = [sys.executable, "-I", "-c", code, "2.15.0", "new"]
        subprocess.run(command, cwd=home, check=True, capture_output=True)
    assert index.whole == 0
    assert tree(home / "new") == WANTED


def test_pip_comes_with_derivload() -> None:
    """uv and pipx make environments without it."""
    required = [line for line in metadata.requires("derivload") or () if "extra ==" not in line]
    assert "pip" in [re.split(r"[<>=;]", line)[0] for line in required]


# An answer that is not what was asked for


ENDLESS = 50 << 20


def garbage(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(body=os.urandom(len(answer.body)))


def one_wrong_byte(number: int, answer: Answer, wheel: bytes) -> Answer:
    """In the fourth answer, with the members, one that no member's text can do without."""
    if number < 3:
        return answer
    place = answer.body.index(b"torchgen/model.py") + len("torchgen/model.py") + 3
    body = bytearray(answer.body)
    body[place] ^= 1
    return answer._replace(body=bytes(body))


def another_part(number: int, answer: Answer, wheel: bytes) -> Answer:
    headers = {**answer.headers, "Content-Range": f"bytes 5-{4 + len(answer.body)}/{len(wheel)}"}
    return answer._replace(headers=headers, body=wheel[5 : 5 + len(answer.body)])


def another_part_unsaid(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(body=wheel[5 : 5 + len(answer.body)])


def too_short(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(body=answer.body[:-1])


def broken_off(number: int, answer: Answer, wheel: bytes) -> Answer:
    headers = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
    return answer._replace(headers=headers, body=answer.body[:-1])


def too_long(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(body=answer.body + bytes(ENDLESS))


def changed(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(headers={**answer.headers, "ETag": f'"{number}"'})


def grown(number: int, answer: Answer, wheel: bytes) -> Answer:
    said = answer.headers["Content-Range"].partition("/")[0]
    headers = {**answer.headers, "Content-Range": f"{said}/{len(wheel) + number}"}
    return answer._replace(headers=headers)


def not_called_a_part(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(status=200)


def without_saying_which(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(headers={})


def refused(number: int, answer: Answer, wheel: bytes) -> Answer:
    return Answer(416, {"Content-Range": f"bytes */{len(wheel)}"}, b"")


def unnumbered(number: int, answer: Answer, wheel: bytes) -> Answer:
    return answer._replace(headers={"Content-Range": "bytes */*"})


def save_from(index: Index, wheel: Path, saved: Path) -> None:
    """Do what the child does once pip has found the wheel, with a session like pip's."""
    with requests.Session() as session:
        url = f"{index.url}{wheel.name}"
        save_torchgen(RangeFile(lambda more: session.get(url, headers=more, stream=True)), saved)


def test_what_is_saved_is_a_wheel_with_torchgen_alone(wheel: Path, home: Path) -> None:
    with served(wheel.parent) as index:
        save_from(index, wheel, home / wheel.name)
    with zipfile.ZipFile(home / wheel.name) as saved:
        names = [name for name in saved.namelist() if "__pycache__" not in name]
        assert {name: saved.read(name).decode() for name in names} == TORCHGEN


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        *((spoil, "did not send a range") for spoil in (without_ranges, refused)),
        *((spoil, "did not send a range") for spoil in (unnumbered, without_saying_which)),
        (not_called_a_part, "did not send a range"),
        (another_part, "sent another range"),
        *((spoil, "changed while it was read") for spoil in (changed, grown)),
        *((spoil, "bytes instead of") for spoil in (too_short, too_long)),
        *((spoil, ".") for spoil in (broken_off, garbage, one_wrong_byte, another_part_unsaid)),
    ],
)
def test_a_wrong_answer_saves_nothing(spoil: Spoil, why: str, wheel: Path, home: Path) -> None:
    errors = (PartError, requests.RequestException, zipfile.BadZipFile, zlib.error)
    with served(wheel.parent, spoil) as index, pytest.raises(errors, match=why):
        save_from(index, wheel, home / wheel.name)
    assert not (home / wheel.name).exists()
    assert index.sent < ENDLESS


@pytest.mark.parametrize(
    "record",
    [
        recorded({**LARGE, "torchgen/model.py": "# another\n"}),
        recorded({name: text for name, text in LARGE.items() if "model" not in name}),
        recorded(LARGE).replace("sha256=", "md5="),
        "",
    ],
    ids=["another text", "not listed", "another algorithm", "empty"],
)
def test_what_record_does_not_vouch_for_is_not_saved(
    record: str, tmp_path: Path, home: Path
) -> None:
    wheel = make_wheel(tmp_path / "wheels", files=LARGE, record=record)
    with served(wheel.parent) as index, pytest.raises(PartError, match="RECORD"):
        save_from(index, wheel, home / wheel.name)
    assert not (home / wheel.name).exists()


def test_a_torchgen_scattered_over_the_wheel_is_not_read_in_parts(wheel: Path, home: Path) -> None:
    between = zipfile.ZipInfo("torch/library2")  # stored as it is, so that it takes its size
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(between, bytes(17 << 20))
        archive.writestr("torchgen/last.py", "")
    with served(wheel.parent) as index, pytest.raises(PartError, match="too much"):
        save_from(index, wheel, home / wheel.name)
    assert index.sent < 1 << 20


@pytest.mark.parametrize("spoil", [thorough(without_ranges), another_part_unsaid])
def test_all_of_the_wheel_is_downloaded_when_its_part_cannot_be_had(
    spoil: Spoil,
    wheel: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with served(wheel.parent, spoil) as index:
        look_only_in(index.url, monkeypatch)
        assert fetch_and_say("2.15.0", str(home / "new")) == 0
    assert tree(home / "new") == WANTED
    assert index.whole == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[2:4] for line in said] == [
        ["downloading", "torch"],
        ["downloading", "all"],
        ["fetched", "torch"],
    ]


def test_what_pip_has_in_its_cache_does_not_answer_for_a_range(
    wheel: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(wheel.parent, without_ranges) as index:
        look_only_in(index.url, monkeypatch)
        monkeypatch.delenv("PIP_NO_CACHE_DIR")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
        fetch("2.15.0", home / "one")
        index.spoil = as_it_is
        fetch("2.15.0", home / "two")
    assert index.whole == 1
    assert tree(home / "two") == WANTED


@pytest.mark.parametrize(("version", "status"), [thorough("2.15.0", 0), thorough("2.15", 3)])
def test_whether_a_withdrawn_wheel_will_do_is_for_pip_to_say(
    version: str, status: int, wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip takes it for an exact version alone."""
    (wheel.parent / "index.html").write_text(
        f'<!DOCTYPE html><a href="{wheel.name}" data-yanked="broken">{wheel.name}</a>'
    )
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        assert fetch_and_say(version, str(home / "new")) == status
    assert index.ranges == 0


# What fails in the whole wheel fails as ever


def test_a_damaged_wheel_is_refused(
    wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("torchgen/stored.py", "the right bytes", zipfile.ZIP_STORED)
    wheel.write_bytes(wheel.read_bytes().replace(b"the right bytes", b"the wrong bytes"))
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        with pytest.raises(FetchError, match="is damaged"):
            fetch("2.15.0", home / "new")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["torchgen/../../evil", thorough("torchgen/C:evil")])
def test_a_member_that_would_leave_torchgen_is_refused(
    name: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "wheels", files={**LARGE, name: "evil"})
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        with pytest.raises(FetchError, match="unsafe member"):
            fetch("2.15.0", home / "new")
    assert index.whole == 0
    assert list(home.iterdir()) == []


def test_a_symlink_is_refused(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "torchgen/packaged/link"
    record = recorded({**LARGE, name: "../../.."})
    wheel = make_wheel(tmp_path / "wheels", files=LARGE, record=record)
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(link, "../../..")
    with served(wheel.parent) as index:
        look_only_in(index.url, monkeypatch)
        with pytest.raises(FetchError, match="unsafe member"):
            fetch("2.15.0", home / "new")
    assert index.whole == 0
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
@pytest.mark.parametrize(
    ("number", "status"), [thorough(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_between_the_ranges_leaves_nothing(
    number: signal.Signals,
    status: int,
    wheel: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(count: int, answer: Answer, wheel: bytes) -> Answer:
        if count == 3:
            asked.set()
            go_on.wait(20)
        return answer

    with served(wheel.parent, slow) as index:
        look_only_in(index.url, monkeypatch)
        code = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from derivload.commands.fetch.command import fetch_and_say; "
            "sys.exit(fetch_and_say(*sys.argv[1:]))"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code, "2.15.0", str(home / "new")],
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert asked.wait(20)
            child.send_signal(number)
            out, err = child.communicate(timeout=10)
        finally:
            go_on.set()
    assert (child.returncode, out, err.count("\n")) == (status, "", 2)
    assert index.whole == 0
    assert list(home.iterdir()) == []
