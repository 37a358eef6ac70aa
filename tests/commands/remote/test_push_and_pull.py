"""A job that warms a cache for others: `cache push`, `cache pull`, and what `cache stats` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cache_servers import free_port
from support.child import child_environment
from support.containers import Container, nginx, place, redis, url

__all__ = ["nginx", "place", "redis", "url"]


@pytest.fixture
def first(tmp_path: Path, url: str) -> Container:
    """A container that made everything while the server was away."""
    own = Container(tmp_path / "first", f"http://127.0.0.1:{free_port()}/x")
    ran = own.emit("--remote-cache-mode", "write")
    assert "going on without" in ran.err
    own.url = url
    return own


def test_what_was_not_sent_is_pushed(first: Container, tmp_path: Path) -> None:
    ran = first.call("cache", "push")
    assert (ran.status, ran.out.count("pushed 2 packs")) == (0, 1), ran
    assert Container(tmp_path / "second", first.url).exit_of_emit() == "stored"


def test_what_was_pulled_needs_no_server(first: Container, tmp_path: Path) -> None:
    first.call("cache", "push")
    second = Container(tmp_path / "second", first.url)
    assert "pulled 2 packs" in second.call("cache", "pull").out
    assert "pulled 0 packs" in second.call("cache", "pull").out
    second.url = f"http://127.0.0.1:{free_port()}/x"
    assert second.exit_of_emit() == "stored"


@pytest.mark.parametrize("has_packs", [False, True])
def test_a_run_goes_on_where_its_libraries_are_missing(
    tmp_path: Path, place: str, *, has_packs: bool
) -> None:
    first, second = Container(tmp_path / "first", place), Container(tmp_path / "second", place)
    first.exit_of_emit()
    if has_packs:
        first.call("cache", "push")
        assert "pulled 2 packs" in second.call("cache", "pull").out
    folder = tmp_path / "missing"
    folder.mkdir()
    for name in ("opendal", "zstandard"):
        (folder / f"{name}.py").write_text("raise ImportError", "utf-8")
    second.variables["PYTHONPATH"] = child_environment(folder)["PYTHONPATH"]
    ran = second.emit()
    assert (ran.status, '"exit": "cold"' in ran.out) == (0, True), ran
    assert ran.err.count("pip install derivload[remote]") == 1
    assert second.project.documents() == first.project.documents()


def test_packs_of_another_secret_are_neither_pushed_nor_pulled(
    first: Container, tmp_path: Path
) -> None:
    first.call("cache", "push")
    first.variables["DERIVLOAD_REMOTE_KEY"] = "ours"
    assert "pushed 0 packs" in first.call("cache", "push").out
    assert "pulled 0 packs" in first.call("cache", "pull").out


def test_a_later_push_adds_to_an_earlier_one(first: Container, tmp_path: Path) -> None:
    first.call("cache", "push")
    other = Container(tmp_path / "other", first.url)
    other.project.edit("grad * luster", "luster * grad")
    other.emit()
    other.call("cache", "push")
    third = Container(tmp_path / "third", first.url)
    assert "pulled 3 packs" in third.call("cache", "pull").out


@pytest.mark.parametrize("action", ["push", "pull"])
def test_a_server_that_is_not_there_is_told(tmp_path: Path, action: str) -> None:
    own = Container(tmp_path / "own", f"http://127.0.0.1:{free_port()}/x")
    ran = own.call("cache", action)
    assert (ran.status, ran.err.count("error: the remote cache")) == (3, 1)


@pytest.mark.parametrize("action", [("push",), ("stats", "--remote")])
def test_a_store_that_is_not_there_is_an_empty_one(
    tmp_path: Path, place: str, action: tuple[str, ...]
) -> None:
    own = Container(tmp_path / "own", place)
    ran = own.call("cache", *action)
    assert (ran.status, ran.err) == (0, "")
    assert ("0 packs" in ran.out, "0 here" in ran.out) == (action == ("push",), len(action) == 2)
    assert list((own.folder / "home").iterdir()) == []


@pytest.mark.parametrize(("action", "mode"), [("push", "read"), ("pull", "write"), ("push", "off")])
def test_a_mode_is_kept_to(tmp_path: Path, place: str, action: str, mode: str) -> None:
    own = Container(tmp_path / "own", place)
    assert own.call("cache", action, "--remote-cache-mode", mode).status == 2


def test_stats_tell_what_the_remote_cache_did(place: str, tmp_path: Path) -> None:
    for name, hits, misses in (("first", 0, 2), ("second", 1, 0)):
        own = Container(tmp_path / name, place)
        own.emit()
        said = own.call("cache", "stats", "--remote").out
        lines = dict(line.split(maxsplit=1) for line in said.splitlines())
        assert (lines["hits"], lines["misses"]) == (str(hits), str(misses))
        assert lines["remote"] == place.rpartition("/")[0]
        assert (lines["pushed"] == "0 bytes") == (name == "second")
        assert (lines["pulled"] == "0 bytes") == (name == "first")


def test_stats_without_a_remote_cache_say_so(tmp_path: Path) -> None:
    own = Container(tmp_path / "own", "")
    own.exit_of_emit()
    assert "remote  none" in own.call("cache", "stats", "--remote").out
    assert "hits" not in own.call("cache", "stats").out
