"""The remote cache of a run, with a server that is in the process of the test."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from derivload.store.remote import remote as remote_module
from derivload.store.remote import services, transfer
from derivload.store.remote.addresses import AddressError
from derivload.store.remote.packs import derive_secret, make_pack
from derivload.store.remote.remote import (
    Remote,
    RemoteFigures,
    RemoteSettings,
    _Progress,
    path_of,
)
from derivload.store.remote.services import ServiceError
from derivload.store.remote.transfer import INDEX, Transferred, fetch_packs, send_packs

NAME, OTHER = (hashlib.sha256(text).digest() for text in (b"name", b"other"))
VALUES = {b"key": b"value"}
NOTE = "note: going on without the remote cache here: it "


class Server:
    """Stands in for `Service`: has files, counts, fails as it is told, and may be silent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.limits: list[float] = []
        self.error: Exception | None = None
        self.silence = threading.Event()
        self.silence.set()

    def __call__(self, url: str, limit: float) -> Server:
        assert url == "url"
        self.limits.append(limit)
        return self

    def read(self, path: str, largest: int, may_go_on: Callable[[bytearray], bool]) -> bytes | None:
        self._work(path)
        data = self.files.get(path)
        if data is not None and not may_go_on(bytearray(data)):
            raise ServiceError("it is slow")
        return data

    def write(self, path: str, data: bytes) -> None:
        self._work(path)
        self.files[path] = data

    def _work(self, path: str) -> None:
        self.asked.append(path)
        self.silence.wait(20)
        if self.error is not None:
            raise self.error


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(services, "Service", server)
    monkeypatch.setattr(transfer, "Service", server)
    return server


def settings_of(**different: Any) -> RemoteSettings:
    usual = RemoteSettings(
        "url", "here", reads=True, writes=True, secret="", limit=20.0, upload_limit=20.0
    )
    return usual._replace(**different)


class Run:
    """A run with a remote cache, and what it says."""

    def __init__(self, **different: Any) -> None:
        self.said: list[str] = []
        self.remote = Remote(settings_of(**different), self.said.append)

    @property
    def counts(self) -> tuple[int, int]:
        return self.remote.figures.hits, self.remote.figures.misses


# Pulling


def test_a_pack_is_pulled_and_what_it_saved_counts(server: Server) -> None:
    run = Run(secret="ours")
    pack = make_pack(NAME, VALUES, 1000.0, derive_secret("ours"))
    server.files[path_of(NAME, derive_secret("ours"))] = pack
    assert run.remote.figures.is_empty
    assert run.remote.pull(NAME) == VALUES
    assert run.remote.pull(NAME) == VALUES
    figures = run.remote.figures
    assert (run.counts, figures.pulled, figures.pushed) == ((2, 0), 2 * len(pack), 0)
    assert 1980 < figures.saved <= 2000
    assert 0 < figures.waited < 20
    assert figures.saved + figures.waited == pytest.approx(2000)
    assert run.remote.left == 20.0
    assert server.limits == [20.0, 20.0]
    assert run.said == []
    assert not run.remote.is_stuck
    assert not figures.is_empty


def test_a_wait_that_was_longer_than_making_it_counts(server: Server) -> None:
    run = Run()
    server.files[path_of(NAME, b"")] = make_pack(NAME, VALUES, 0.0, b"")
    assert run.remote.pull(NAME) == VALUES
    assert run.remote.figures.saved == 0
    assert run.remote.left == pytest.approx(20.0 - run.remote.figures.waited)
    assert run.remote.left < 20.0


def test_what_is_missing_is_asked_for_once_and_the_wait_counts(server: Server) -> None:
    run = Run()
    assert [run.remote.pull(NAME), run.remote.pull(NAME), run.remote.pull(OTHER)] == [None] * 3
    assert server.asked == [path_of(NAME, b""), path_of(OTHER, b"")]
    assert run.counts == (0, 2)
    assert run.remote.left == pytest.approx(20.0 - run.remote.figures.waited)
    assert run.remote.left < 20.0
    assert run.said == []


def test_a_pack_that_does_not_fit_is_missing_and_told_once(server: Server) -> None:
    run = Run()
    for name in (NAME, OTHER):
        server.files[path_of(name, b"")] = make_pack(name, VALUES, 1.0, b"secret")
    assert [run.remote.pull(NAME), run.remote.pull(OTHER)] == [None, None]
    assert run.counts == (0, 2)
    assert run.said == [
        "warning: a value of the remote cache here counts as missing: its seal does not fit"
    ]
    assert run.remote.left > 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ServiceError("Unexpected"), "failed (Unexpected)"),
        (AddressError("it is no URL"), "failed (it is no URL)"),
        (RuntimeError("url with s3cr3t"), "failed (unexpectedly)"),
        (
            ImportError("opendal"),
            "failed (it needs what `pip install derivload[remote]` installs)",
        ),
    ],
)
def test_a_server_that_fails_is_not_asked_again(
    server: Server, error: Exception, told: str
) -> None:
    run = Run()
    server.error = error
    assert [run.remote.pull(NAME), run.remote.pull(OTHER)] == [None, None]
    run.remote.push(NAME, VALUES)
    assert run.remote.close() == {}
    assert run.said == [NOTE + told]
    assert server.asked == [path_of(NAME, b"")]
    assert (run.remote.left, run.counts) == (0.0, (0, 1))


def test_a_silent_server_is_given_up_within_the_limit(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "_LAST_WAIT", 0.0)
    run = Run(limit=0.001)
    server.silence.clear()
    assert [run.remote.pull(NAME), run.remote.pull(OTHER)] == [None, None]
    assert run.said == [NOTE + "did not answer within 1 ms"]
    assert server.asked == [path_of(NAME, b"")]
    assert run.remote.is_stuck
    assert run.remote.left == 0.0
    assert run.remote.figures.waited >= 0.001
    # The process may end meanwhile.
    assert [thread.daemon for thread in threading.enumerate() if "_run" in thread.name] == [True]
    server.silence.set()
    run.remote._abandoned[0].wait(20)
    assert not run.remote.is_stuck


def test_a_remote_cache_that_is_only_written_is_not_read_and_the_other_way_round(
    server: Server,
) -> None:
    run = Run(reads=False)
    server.files[path_of(NAME, b"")] = make_pack(NAME, VALUES, 1.0, b"")
    assert run.remote.pull(NAME) is None
    assert server.asked == []
    run = Run(writes=False)
    run.remote.push(OTHER, VALUES)
    assert run.remote.close() == {}
    assert server.asked == []


def test_a_pack_that_is_here_is_opened_if_it_fits() -> None:
    remote = Run(secret="ours").remote
    assert remote.opened(NAME, make_pack(NAME, VALUES, 1.0, derive_secret("ours"))) == VALUES
    assert remote.opened(NAME, make_pack(NAME, VALUES, 1.0, b"")) is None
    assert remote.figures.is_empty


# Pushing


def test_a_pack_is_pushed_with_the_time_since_it_was_missing(server: Server) -> None:
    run = Run(limit=7.0, upload_limit=5.0)
    assert run.remote.pull(NAME) is None
    run.remote._missed[NAME] -= 100
    values = dict(VALUES)
    run.remote.push(NAME, values)
    run.remote.push(OTHER, values)
    values.clear()
    made = run.remote.close()
    assert {path_of(name, b""): data for name, data in made.items()} == server.files
    assert {*made} == {NAME, OTHER}
    assert run.remote.figures.pushed == sum(map(len, made.values()))
    assert server.limits == [7.0, 7.0, 7.0]
    assert run.said == []
    reader = Run()
    assert reader.remote.pull(NAME) == VALUES
    assert 80 < reader.remote.figures.saved < 120
    assert reader.remote.pull(OTHER) == VALUES
    assert 80 < reader.remote.figures.saved < 120
    assert [*run.remote.close()] == [*made]


def test_an_upload_that_fails_is_told(server: Server) -> None:
    run = Run(limit=1.0, upload_limit=5.0)
    server.error = ServiceError("PermissionDenied")
    run.remote.push(NAME, VALUES)
    assert [*run.remote.close()] == [NAME]
    assert run.said == [NOTE + "took no upload (PermissionDenied)"]
    assert (run.remote.left, run.remote.figures.pushed) == (0.0, 0)
    assert server.limits == [5.0]


@pytest.mark.parametrize(("names", "what"), [([NAME], "1 upload"), ([NAME, OTHER], "2 uploads")])
def test_uploads_that_take_long_are_given_up(server: Server, names: list[bytes], what: str) -> None:
    run = Run(upload_limit=0.0)
    server.silence.clear()
    for name in names:
        run.remote.push(name, VALUES)
    assert {*run.remote.close()} == {*names}
    assert run.said == [NOTE + f"took {what} too slowly"]
    assert run.remote.is_stuck
    server.silence.set()
    for action in run.remote._abandoned:
        assert action.wait(20)
    assert not run.remote.is_stuck


# How far a pack has come


def test_a_pack_is_worth_to_be_awaited_that_comes_in_half_of_the_time_of_making_it() -> None:
    pack = bytearray(make_pack(NAME, {b"key": bytes(range(256)) * 50}, 8.0, b""))
    half = pack[: len(pack) // 2]
    now = time.monotonic()
    for seconds, is_worth_it in ((1.5, True), (2.5, False)):
        # Half of it has come after so many seconds: all of it needs twice as many.
        late = _Progress(now - seconds, now - 1)
        assert not late.is_promising(10)
        assert late.may_go_on(half) == is_worth_it
        assert late.is_promising(10) == is_worth_it
        assert not late.is_promising(-1)
        in_time = _Progress(now - seconds, now + 100)
        assert in_time.may_go_on(half)
        assert in_time.is_promising(10) == is_worth_it


def test_what_is_promised_is_believed_up_to_a_minute() -> None:
    pack = bytearray(make_pack(NAME, VALUES, 1e6, b""))
    now = time.monotonic()
    assert _Progress(now - 25, now - 1).may_go_on(pack)
    assert not _Progress(now - 35, now - 1).may_go_on(pack)
    # What is no pack promises nothing.
    assert not _Progress(now, now - 1).may_go_on(bytearray(b"<html>" * 100))
    assert _Progress(now, now + 100).may_go_on(bytearray(b"<"))


# Figures and names


def test_figures_add_up_and_what_is_no_figures_is_none() -> None:
    assert RemoteFigures.read(None).is_empty
    figures = RemoteFigures()
    figures.hits, figures.misses, figures.pulled = 1, 2, 3
    figures.pushed, figures.saved, figures.waited = 4, 5.5, 6.25
    assert figures.render(None) == b"1 2 3 4 5.5 6.25"
    assert figures.render(b"1 2 3 4 5.5 6.25") == b"2 4 6 8 11.0 12.5"
    assert vars(RemoteFigures.read(b"1 2 3 4 5.5 6.25")) == vars(figures)
    for data in (b"", b"1 2 3", b"1 2 3 4 5 6 7", b"x 2 3 4 5 6", b"\xff"):
        assert RemoteFigures.read(data).is_empty


@pytest.mark.parametrize(
    ("reads", "writes", "mode"),
    [
        (True, True, "read-write"),
        (True, False, "read"),
        (False, True, "write"),
        (False, False, "off"),
    ],
)
def test_a_mode_has_a_name(reads: bool, writes: bool, mode: str) -> None:
    assert settings_of(reads=reads, writes=writes).mode == mode


def test_packs_of_each_secret_have_a_place_of_their_own() -> None:
    digits = NAME.hex()
    assert path_of(NAME, b"") == f"derivload-1/open/{digits[:2]}/{digits[2:]}"
    team = hashlib.sha256(b"teamours").hexdigest()[:8]
    assert path_of(NAME, b"ours") == f"derivload-1/{team}/{digits[:2]}/{digits[2:]}"


# All packs of a store


def test_packs_are_sent_with_an_index_and_those_that_are_new_are_fetched(server: Server) -> None:
    packs = {name: make_pack(name, VALUES, 1.0, b"") for name in (NAME, OTHER)}
    bad = hashlib.sha256(b"bad").digest()
    sent = send_packs(settings_of(), {NAME: packs[NAME], bad: b"no pack"})
    assert sent == Transferred({NAME: packs[NAME]}, len(packs[NAME]))
    assert server.files.keys() == {path_of(NAME, b""), path_of(INDEX, b"")}
    assert send_packs(settings_of(), {OTHER: packs[OTHER]}).packs.keys() == {OTHER}
    size = sum(map(len, packs.values()))
    assert fetch_packs(settings_of(), ()) == Transferred(packs, size)
    assert [*fetch_packs(settings_of(), ()).packs] == [NAME, OTHER]
    assert fetch_packs(settings_of(), {NAME}).packs.keys() == {OTHER}
    server.files[path_of(OTHER, b"")] = b"damaged"
    del server.files[path_of(NAME, b"")]
    assert fetch_packs(settings_of(), ()) == Transferred({}, 0)
    assert {*server.limits} == {60.0}
    server.files[path_of(INDEX, b"")] = b"damaged"
    assert fetch_packs(settings_of(), ()) == Transferred({}, 0)


def test_the_index_has_the_names_that_were_sent_last(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_MOST", 2)
    names = [hashlib.sha256(b"%d" % number).digest() for number in range(3)]
    packs = {name: make_pack(name, VALUES, 1.0, b"") for name in names}
    send_packs(settings_of(), packs)
    assert [*fetch_packs(settings_of(), ()).packs] == names[1:]
    send_packs(settings_of(), {names[1]: packs[names[1]]})
    assert [*fetch_packs(settings_of(), ()).packs] == [names[2], names[1]]
    index = make_pack(INDEX, {names[0]: b"", b"short": b""}, 0.0, b"")
    server.files[path_of(INDEX, b"")] = index
    assert [*fetch_packs(settings_of(), ()).packs] == names[:1]
