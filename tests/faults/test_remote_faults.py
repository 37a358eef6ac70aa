"""A remote cache that does harm costs a little time, never a wrong byte, never a build."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cache_servers import Nginx, Proxy, free_port
from support.containers import PATIENT, Container, nginx, place, proxy
from support.project import Ran

__all__ = ["nginx", "place", "proxy"]

_OFF = "note: going on without the remote cache"
_BAD = "counts as missing: its seal does not fit"


class Harmed:
    """A container whose remote cache has what it needs, behind a proxy; and what it must make."""

    def __init__(self, folder: Path, place: str, proxy: Proxy) -> None:
        self.path = place.rpartition("/")[2]
        self.first = Container(folder / "first", place)
        self.first.exit_of_emit()
        self.own = Container(folder / "own", f"{proxy.url}/{self.path}")

    def emit(self, limit: str = PATIENT) -> Ran:
        """A run that must end well, with the same bytes."""
        ran = self.own.emit(limit=limit)
        assert ran.status == 0, ran.err
        assert self.own.project.documents() == self.first.project.documents()
        assert "Traceback" not in ran.err
        return ran


@pytest.fixture
def harmed(tmp_path: Path, place: str, proxy: Proxy) -> Harmed:
    return Harmed(tmp_path, place, proxy)


def answering(text: str) -> bytes:
    head, _, body = text.partition("|")
    lines = [*head.split("\n"), f"Content-Length: {len(body)}", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


def test_without_harm_the_cache_is_used(harmed: Harmed) -> None:
    assert '"exit": "stored"' in harmed.emit().out


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    own = Container(tmp_path / "own", f"http://127.0.0.1:{free_port()}/x")
    ran = own.emit()
    assert (ran.status, ran.err.count(_OFF)) == (0, 1)


def test_a_server_that_closes_connections(harmed: Harmed, proxy: Proxy) -> None:
    proxy.reset = True
    assert harmed.emit().err.count(_OFF) == 1


def test_a_server_that_is_silent(harmed: Harmed, proxy: Proxy) -> None:
    proxy.silence = 5
    ran = harmed.emit(limit="200")
    assert ran.err.count(_OFF) == 1
    assert '"exit": "cold"' in ran.out


def test_a_server_that_sends_byte_by_byte(harmed: Harmed, proxy: Proxy) -> None:
    proxy.trickle = 0.02
    ran = harmed.emit(limit="200")
    assert ran.err.count(_OFF) == 1
    assert '"exit": "cold"' in ran.out


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 500 Internal Server Error|sorry",
        "HTTP/1.1 302 Found\nLocation: /elsewhere/and/nowhere|",
        "SSH-2.0-OpenSSH_9.2|",
        *(
            pytest.param(answer, marks=pytest.mark.thorough)
            for answer in (
                "HTTP/1.1 403 Forbidden|no",
                "HTTP/1.1 401 Unauthorized|who",
                "HTTP/1.1 429 Too Many Requests|later",
                "HTTP/1.1 302 Found\nLocation: http://127.0.0.1:1/|",
            )
        ),
    ],
)
def test_a_server_that_refuses(harmed: Harmed, proxy: Proxy, answer: str) -> None:
    proxy.answer = answering(answer)
    ran = harmed.emit()
    assert ran.err.count(_OFF) == 1
    assert '"exit": "cold"' in ran.out
    if "302" not in answer:
        assert proxy.connections == 1  # it is not asked again


@pytest.mark.parametrize(
    "answer", ["HTTP/1.1 200 OK|", "HTTP/1.1 200 OK|<html>a login page</html>"]
)
def test_a_server_that_answers_with_something_else(
    harmed: Harmed, proxy: Proxy, answer: str
) -> None:
    proxy.answer = answering(answer)
    ran = harmed.emit()
    assert ran.err.count("counts as missing: it is no pack") == 1
    assert '"exit": "cold"' in ran.out


def test_a_server_that_sends_a_wrong_length(harmed: Harmed, proxy: Proxy) -> None:
    for length in (5, 500, 5_000_000):
        proxy.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{'x' * 100}".encode()
        harmed.emit()
        shutil.rmtree(harmed.own.project.out)


def test_a_server_that_is_full(harmed: Harmed, proxy: Proxy) -> None:
    harmed.own.variables["DERIVLOAD_REMOTE_CACHE_MODE"] = "write"
    proxy.answer = answering("HTTP/1.1 507 Insufficient Storage|full")
    assert harmed.emit().err.count(_OFF) == 1


def flipped(data: bytes) -> bytes:
    at = random.Random(len(data)).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


@pytest.mark.parametrize(
    "change",
    [flipped, lambda data: data[: len(data) // 2], lambda data: data + b"x", lambda _: b"\0" * 500],
    ids=["flipped", "half", "longer", "zeros"],
)
def test_a_pack_that_is_damaged(
    harmed: Harmed, nginx: Nginx, change: Callable[[bytes], bytes]
) -> None:
    for pack in packs_of(harmed, nginx):
        pack.write_bytes(change(pack.read_bytes()))
    ran = harmed.emit()
    assert ran.err.count("counts as missing") == 1  # of the two that were asked for
    assert '"exit": "cold"' in ran.out


def test_a_pack_that_was_damaged_is_replaced(harmed: Harmed, nginx: Nginx, tmp_path: Path) -> None:
    for pack in packs_of(harmed, nginx):
        pack.write_bytes(flipped(pack.read_bytes()))
    harmed.emit()
    assert Container(tmp_path / "next", harmed.own.url).exit_of_emit() == "stored"


def test_a_pack_under_the_name_of_another_one(harmed: Harmed, nginx: Nginx) -> None:
    one, other = packs_of(harmed, nginx)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    assert harmed.emit().err.count(_BAD) == 1


def test_an_old_pack_under_its_own_name(harmed: Harmed, nginx: Nginx, tmp_path: Path) -> None:
    old = {pack: pack.read_bytes() for pack in packs_of(harmed, nginx)}
    edit = ("grad * luster", "luster * grad")
    newer = Container(tmp_path / "newer", harmed.own.url)
    newer.project.edit(*edit)
    newer.exit_of_emit()
    assert len(packs_of(harmed, nginx)) == 3  # that of the state was replaced
    for pack, data in old.items():
        pack.write_bytes(data)
    for container in (harmed.first, harmed.own):
        container.project.edit(*edit)
        container.project.edit("- name: ", "# edited\n- name: ")
    harmed.first.exit_of_emit("--no-cache")
    assert '"exit": "incremental"' in harmed.emit().out


def packs_of(harmed: Harmed, nginx: Nginx) -> list[Path]:
    return [path for path in nginx.packs() if path.is_relative_to(nginx.files / harmed.path)]
