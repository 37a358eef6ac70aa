"""The parts of a wheel on a server, and what pip is asked and says, without either of them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from derivload.commands.fetch import download as downloading
from derivload.commands.fetch import part
from derivload.commands.fetch.download import PipError, _error_of_pip, _wait, download
from derivload.commands.fetch.part import PartError, RangeFile, main, save_torchgen
from derivload.terminal import colour
from support.torch_index import TORCHGEN, make_wheel, recorded

DATA = bytes(range(200))


class Server:
    """Answers as a server that knows ranges."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.asked: list[Mapping[str, str]] = []
        self.closed = 0
        self.status = 206
        self.spoilt: dict[str, str] = {}

    def request(self, headers: Mapping[str, str]) -> part.Answer:
        self.asked.append(headers)
        first, last = map(int, headers["Range"].removeprefix("bytes=").split("-"))
        return Sent(self, first, last)

    @property
    def ranges(self) -> list[str]:
        return [headers["Range"] for headers in self.asked]


class Sent:
    """An answer."""

    def __init__(self, server: Server, first: int, last: int) -> None:
        self._server = server
        self.status_code = server.status
        self._body = server.data[first : last + 1]
        self.headers: Mapping[str, str] = {
            "Content-Range": f"bytes {first}-{last}/{len(server.data)}",
            **server.spoilt,
        }

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        assert chunk_size == 1 << 16
        yield self._body[:3]
        yield self._body[3:]

    def close(self) -> None:
        self._server.closed += 1


def test_a_file_on_a_server_is_read_as_one_that_is_here() -> None:
    server = Server()
    remote = RangeFile(server.request)
    assert (remote.size, remote.tell(), remote.seekable()) == (200, 0, True)
    assert remote.read(2) == DATA[:2]
    assert remote.tell() == 2
    assert (remote.seek(10), remote.read(5)) == (10, DATA[10:15])
    assert (remote.seek(2, 1), remote.read(1)) == (17, DATA[17:18])
    assert (remote.seek(-3, 2), remote.read(), remote.tell()) == (197, DATA[-3:], 200)
    assert (remote.read(), remote.read(4)) == (b"", b"")
    assert (remote.seek(-1, 2), remote.read(9), remote.tell()) == (199, DATA[-1:], 200)
    assert (remote.seek(250), remote.read(1), remote.tell()) == (250, b"", 250)
    assert (remote.seek(0), remote.read(0), remote.tell()) == (0, b"", 0)
    assert server.ranges == [
        *("bytes=0-0", "bytes=0-1", "bytes=10-14", "bytes=17-17", "bytes=197-199"),
    ]
    assert server.asked[0] == {
        "Range": "bytes=0-0",
        "Accept-Encoding": "identity",
        "Cache-Control": "no-cache",
    }
    assert server.closed == len(server.asked)


def test_what_was_read_is_not_asked_for_again() -> None:
    server = Server()
    remote = RangeFile(server.request)
    remote.hold(10, 20)
    remote.hold(30, 40)
    server.asked.clear()
    for first, end in ((10, 20), (30, 40), (12, 15), (0, 1)):
        remote.seek(first)
        assert remote.read(end - first) == DATA[first:end]
    assert server.ranges == []
    for first, end in ((9, 12), (18, 21), (19, 31)):
        remote.seek(first)
        assert remote.read(end - first) == DATA[first:end]
    assert server.ranges == ["bytes=9-11", "bytes=18-20", "bytes=19-30"]


def test_all_parts_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "_MOST_BYTES", 100)
    server = Server()
    remote = RangeFile(server.request)
    remote.hold(0, 49)
    remote.hold(100, 150)  # one byte was read to know the size
    with pytest.raises(PartError, match=r"^too much of the wheel would have to be read$"):
        remote.hold(0, 1)
    assert len(server.ranges) == 3
    with pytest.raises(PartError, match="too much"):
        RangeFile(server.request).hold(0, 100)


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (200, {}, "the server did not send a range"),
        (206, {"Content-Range": "bytes 1-2"}, "the server did not send a range"),
        (206, {"Content-Range": "bytes 1-2/200"}, "the server sent another range"),
        (206, {"Content-Range": "bytes 0-3/200"}, "the server sent another range"),
        (206, {"Content-Range": "bytes 0-2/201"}, "the wheel changed while it was read"),
        (206, {"ETag": "2"}, "the wheel changed while it was read"),
        (206, {"Last-Modified": "2"}, "the wheel changed while it was read"),
    ],
)
def test_an_answer_is_what_was_asked_for(status: int, headers: dict[str, str], why: str) -> None:
    server = Server()
    server.spoilt = {"ETag": "1", "Last-Modified": "1"}
    remote = RangeFile(server.request)
    remote.hold(0, 3)
    server.status = status
    server.spoilt |= headers
    with pytest.raises(PartError) as raised:
        remote.hold(0, 3)
    assert str(raised.value) == why
    assert server.closed == len(server.asked)


@pytest.mark.parametrize(("first", "end"), [(0, 210), (0, 190)])
def test_an_answer_has_as_many_bytes(first: int, end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    remote = RangeFile(server.request)
    server.spoilt = {"Content-Range": f"bytes 0-{end - 1}/200"}
    if end < 200:  # it sends more
        monkeypatch.setattr(Sent, "iter_content", lambda self, size: iter([DATA[:100], DATA[100:]]))
    with pytest.raises(PartError, match=f"sent 200 bytes instead of {end}"):
        remote.hold(first, end)


def test_what_is_saved_of_a_wheel_is_a_wheel_with_torchgen_alone(tmp_path: Path) -> None:
    files = {"torch/a": "a" * 9000, "torchgenerator/b": "b", **TORCHGEN}
    wheel = make_wheel(tmp_path / "wheels", files=files)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(zipfile.ZipInfo("torchgen/empty/"), "")
    server = Server(wheel.read_bytes())
    saved = tmp_path / wheel.name
    save_torchgen(RangeFile(server.request), saved)
    with zipfile.ZipFile(saved) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == TORCHGEN
        assert {member.external_attr >> 16 for member in archive.infolist()} == {0o600}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [wheel.name]
    # The size, the end, and all of torchgen with RECORD.
    assert len(server.ranges) == 3
    assert server.ranges[1] == f"bytes={len(server.data) - 1024}-{len(server.data) - 1}"


@pytest.mark.parametrize(
    ("files", "record", "why"),
    [
        ({"torch/a": ""}, None, "this is not a torch wheel with a torchgen"),
        ({**TORCHGEN, "torch-1.dist-info/RECORD": ""}, None, "this is not a torch wheel with a t"),
        (TORCHGEN, recorded(TORCHGEN).replace("=", "=x"), "torchgen/__init__.py does not match RE"),
        (TORCHGEN, recorded(TORCHGEN).replace(",", ";", 2), "torchgen/__init__.py does not match"),
    ],
)
def test_a_wheel_that_cannot_be_trusted_is_not_saved(
    tmp_path: Path, files: dict[str, str], record: str | None, why: str
) -> None:
    wheel = make_wheel(tmp_path / "wheels", files=files, record=record)
    server = Server(wheel.read_bytes())
    with pytest.raises(PartError) as raised:
        save_torchgen(RangeFile(server.request), tmp_path / "saved.whl")
    assert str(raised.value).startswith(why)
    assert not (tmp_path / "saved.whl").exists()


def test_without_pip_there_is_no_hope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    assert main([]) == 40
    assert capsys.readouterr() == ("", "No module named pip\n")


# What pip says


@pytest.mark.parametrize(
    ("said", "last", "advice"),
    [
        ("", "it ended with status 9", "Fix that, and try again."),
        ("  one  \n two\n\n", "two", "Fix that, and try again."),
        ("ERROR: one\nlast", "ERROR: one", "Fix that, and try again."),
        ("ERROR: one\n\u00d7 two\nthree", "\u00d7 two", "Fix that, and try again."),
        ("ERROR: Exception:\n  File x\nValueError: no", "ValueError: no", "Fix that, and try a"),
        (
            "WARNING: after connection broken by x\nERROR: No matching distribution found",
            "ERROR: No matching distribution found",
            "Check the network, and pip's index and proxy settings.",
        ),
        (
            "ERROR: No matching distribution found",
            "ERROR: No matching distribution found",
            "Check that this release exists, and that pip can reach its index.",
        ),
    ],
)
def test_of_what_pip_says_the_line_that_tells_why(said: str, last: str, advice: str) -> None:
    error = _error_of_pip("2.15.0", 9, said)
    assert error.message == str(error) == f"pip could not download torch 2.15.0: {last}"
    assert error.advice.startswith(advice)


def test_a_python_without_pip_is_told_how_to_get_it() -> None:
    error = _error_of_pip("2.15.0", 1, "python: No module named pip")
    assert error.advice == ""
    assert error.message == (
        f"this Python has no pip: run `{sys.executable} -m ensurepip --upgrade`, or install your"
        " system's package of it"
    )


# Whom it asks


class Pip:
    """What the processes that are started come to, and how they are started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *statuses: int) -> None:
        self.started: list[list[str]] = []
        self.said: list[str] = []
        self._statuses = [*statuses]
        monkeypatch.setattr(downloading, "_run", self._run)

    def _run(
        self, arguments: list[str], temporary: Path, stdout: object, check: object
    ) -> tuple[int, str]:
        assert temporary.is_dir()
        assert stdout is None
        self.started.append(arguments)
        status = self._statuses.pop(0)
        if status == 0:
            (temporary.parent / "wheels" / "torch-2.15.0-x.whl").touch()
        return max(status, 0), "ERROR: no"

    def download(self, folder: Path, version: str = "2.15.0") -> Path:
        return download(version, folder, self.said.append, lambda: None)


PART = "downloading torch 2.15.0's torchgen (2 MB) with pip"
WHOLE = "downloading all of torch 2.15.0 (60 to 140 MB) with pip"


@pytest.mark.parametrize(
    ("statuses", "said", "is_found"),
    [
        ([0], [PART], True),
        ([part.LOCAL, 0], [PART], True),
        ([1, 0], [PART, WHOLE], True),
        ([part.HOPELESS], [PART], False),
        ([1, 2], [PART, WHOLE], False),
        ([-1], [PART], False),  # it ended well, and left no wheel
    ],
)
def test_all_of_a_wheel_is_asked_for_where_a_part_cannot_be_had(
    tmp_path: Path,
    statuses: list[int],
    said: list[str],
    is_found: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip = Pip(monkeypatch, *statuses)
    if is_found:
        assert pip.download(tmp_path / "box").name == "torch-2.15.0-x.whl"
    else:
        with pytest.raises(PipError, match=r"pip could not download torch 2.15.0: ERROR: no"):
            pip.download(tmp_path / "box")
    assert pip.said == said
    first, *others = pip.started
    assert Path(first[0]) == Path(part.__file__)
    assert [Path(first[0]).name, *first[-3:]] == [
        *("part.py", "-d"),
        *(str(tmp_path / "box" / "wheels"), "torch==2.15.0"),
    ]
    assert others == [["-m", "pip", "download", "--no-color", *first[1:]]] * (len(statuses) - 1)


def test_of_two_numbers_the_newest_patch_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch, 0)
    pip.download(tmp_path / "box", "2.15")
    assert pip.started[0][-1] == "torch==2.15.*"


@pytest.mark.parametrize(("when", "more"), [("always", []), ("never", ["--no-color"])])
def test_pip_has_colour_on_a_terminal_that_wants_it(
    tmp_path: Path, when: str, more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch, 1, 0)
    monkeypatch.setattr(colour, "_chosen", [when])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run = pip._run
    # On a terminal it draws its progress there.
    monkeypatch.setattr(
        downloading, "_run", lambda a, t, stdout, c: run(a, t, None if stdout else stdout, c)
    )
    pip.download(tmp_path / "box")
    assert pip.started[1][: 3 + len(more)] == ["-m", "pip", "download", *more]


def test_a_child_is_ended_when_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "_POLL_SECONDS", 0.001)
    for heeds in (True, False):
        if not heeds:
            monkeypatch.setattr(downloading, "_GRACE_SECONDS", 0.001)
        trap = "trap 'exit 9' TERM" if heeds else "trap '' TERM"
        child = subprocess.Popen(
            ["sh", "-c", f"{trap}; echo x; while :; do sleep 0.01; done"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.read(1)
        left = [3]

        def check(left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

        with child:
            with pytest.raises(KeyboardInterrupt):
                _wait(child, check)
            assert child.wait() == (9 if heeds else -9)
    with subprocess.Popen(
        ["sh", "-c", "printf '\\377' >&2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert _wait(child, lambda: None) == "\ufffd"
