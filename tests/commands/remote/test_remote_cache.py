"""What one container made, another one takes from the remote cache: with real servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cache_servers import Nginx
from support.containers import Container, nginx, place, place_on, redis, url
from support.project import call

__all__ = ["nginx", "place", "redis", "url"]

EDIT = ("grad * luster", "luster * grad")
Make = Callable[..., Container]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a container, of this name and with these variables."""
    return lambda name, url, **variables: Container(tmp_path / name, url, **variables)


def packs_at(nginx: Nginx, url: str) -> list[Path]:
    """The files at a place on nginx."""
    folder = nginx.files / url.removeprefix(f"{nginx.url}/")
    return [path for path in nginx.packs() if path.is_relative_to(folder)]


@pytest.mark.parametrize("server", ["nginx", "redis"])
def test_another_container_parses_nothing(
    request: pytest.FixtureRequest, make: Make, server: str
) -> None:
    url = place_on(request, server)
    first, second = make("a", url), make("other/b", url)
    assert first.exit_of_emit() == "cold"
    assert second.exit_of_emit() == "stored"
    assert first.project.documents() == second.project.documents()


def test_what_was_taken_is_in_the_local_cache(make: Make, url: str) -> None:
    make("a", url).exit_of_emit()
    second = make("b", url)
    second.exit_of_emit()
    shutil.rmtree(second.project.out)
    assert second.exit_of_emit("--remote-cache-mode", "off") == "stored"


def test_an_edit_starts_from_the_state_of_another_container(make: Make, url: str) -> None:
    make("a", url).exit_of_emit()
    second, alone = make("b", url), make("c", url)
    second.project.edit(*EDIT)
    alone.project.edit(*EDIT)
    assert second.exit_of_emit() == "incremental"
    alone.exit_of_emit("--no-cache")
    assert second.project.documents() == alone.project.documents()


def test_a_setting_comes_before_the_variable(make: Make, place: str) -> None:
    make("a", place).exit_of_emit()
    second = make("b", f"{place}/elsewhere")
    (second.folder / "derivload.toml").write_text(f'remote-cache = "{place}"\n', "utf-8")
    assert second.exit_of_emit() == "stored"


def test_each_number_of_shards_has_its_own(make: Make, place: str) -> None:
    make("a", place).exit_of_emit()
    second, alone = make("b", place), make("c", place)
    assert second.exit_of_emit("--shards", "3") == "incremental"
    alone.exit_of_emit("--shards", "3", "--no-cache")
    assert second.project.documents() == alone.project.documents()


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [
        ("read", True, False),
        ("write", False, True),
        ("read-write", True, True),
        ("off", False, False),
    ],
)
def test_a_mode_is_kept_to(
    make: Make, nginx: Nginx, place: str, mode: str, reads: bool, writes: bool
) -> None:
    make("a", place).exit_of_emit()
    second = make("b", place)
    assert second.exit_of_emit("--remote-cache-mode", mode) == ("stored" if reads else "cold")
    for pack in packs_at(nginx, place):
        pack.unlink()
    make("c", place).exit_of_emit("--remote-cache-mode", mode)
    assert bool(packs_at(nginx, place)) == writes


@pytest.mark.parametrize(
    "variables",
    [
        {"GITHUB_EVENT_NAME": "pull_request"},
        {"CI_MERGE_REQUEST_IID": "7"},
        pytest.param({"GITHUB_EVENT_NAME": "pull_request_target"}, marks=pytest.mark.thorough),
        pytest.param({"TRAVIS_PULL_REQUEST": "12"}, marks=pytest.mark.thorough),
    ],
)
def test_the_build_of_a_pull_request_writes_nothing(
    make: Make, nginx: Nginx, place: str, variables: dict[str, str]
) -> None:
    make("a", place, **variables).exit_of_emit()
    assert packs_at(nginx, place) == []
    make("b", place, **variables).exit_of_emit("--remote-cache-mode", "read-write")
    assert packs_at(nginx, place)


@pytest.mark.parametrize(
    "variables", [{"GITHUB_EVENT_NAME": "push"}, {"TRAVIS_PULL_REQUEST": "false"}]
)
def test_another_build_writes(
    make: Make, nginx: Nginx, place: str, variables: dict[str, str]
) -> None:
    make("a", place, **variables).exit_of_emit()
    assert packs_at(nginx, place)


def test_the_server_is_asked_once_for_what_it_has(make: Make, nginx: Nginx, place: str) -> None:
    make("a", place).exit_of_emit()
    before = len(nginx.requests())
    make("b", place).exit_of_emit()
    assert nginx.requests()[before:] == ["GET 200"]


def test_a_run_with_nothing_to_do_asks_nothing(make: Make, nginx: Nginx, place: str) -> None:
    first = make("a", place)
    first.exit_of_emit()
    before = len(nginx.requests())
    assert first.exit_of_emit() == "up-to-date"
    assert nginx.requests()[before:] == []


def test_a_team_with_a_secret_shares(make: Make, place: str) -> None:
    make("a", place, DERIVLOAD_REMOTE_KEY="ours").exit_of_emit()
    assert make("b", place, DERIVLOAD_REMOTE_KEY="ours").exit_of_emit() == "stored"


@pytest.mark.parametrize(("wrote", "reads"), [("", "ours"), ("theirs", "ours"), ("ours", "")])
def test_what_others_wrote_does_not_count(
    make: Make, nginx: Nginx, place: str, wrote: str, reads: str
) -> None:
    make("a", place, DERIVLOAD_REMOTE_KEY=wrote).exit_of_emit()
    second = make("b", place, DERIVLOAD_REMOTE_KEY=reads)
    # Where the second team looks, whoever may write there puts what the first team made.
    own = make("c", place, DERIVLOAD_REMOTE_KEY=reads)
    before = packs_at(nginx, place)
    own.exit_of_emit("--remote-cache-mode", "write")
    for pack in packs_at(nginx, place):
        if pack not in before:
            [same] = [other for other in before if other.parts[-2:] == pack.parts[-2:]]
            shutil.copyfile(same, pack)
    ran = second.emit()
    assert (ran.status, ran.err.count("its seal does not fit")) == (0, 1)
    assert '"exit": "cold"' in ran.out
    assert second.project.documents() == own.project.documents()


def test_no_output_has_a_secret(make: Make, nginx: Nginx, place: str) -> None:
    secrets = {"DERIVLOAD_REMOTE_KEY": "s3cr3t1", "DERIVLOAD_REMOTE_PASSWORD": "s3cr3t2"}
    for address in (place, "http://me:s3cr3t3@127.0.0.1:1/x"):
        own = make(f"a{len(address)}", address, DERIVLOAD_REMOTE_USER="me", **secrets)
        ran = own.emit("--verbose")
        assert ran.status == 0
        assert "s3cr3t" not in ran.out + ran.err
        files = [path for path in own.project.folder.parent.rglob("*") if path.is_file()]
        assert not [path for path in files if b"s3cr3t" in path.read_bytes()]


def test_a_password_among_options_is_refused() -> None:
    ran = call(["emit", "--catalogue", "--out-dir", "out", "--remote-cache", "http://a:b@host/"])
    assert ran.status == 2
    assert "DERIVLOAD_REMOTE_PASSWORD" in ran.err
    assert "a:b" not in ran.err


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ftp://host/x", "it must begin with one of http://, https://, redis://"),
        ("nothing", "it must begin with one of"),
        ("s3://", "nothing stands behind s3://"),
        ("s3://bucket?secret_access_key=x", "secret_access_key is no option of s3://"),
        ("http://host:port/", "it is no URL"),
    ],
)
def test_a_url_that_names_nothing_is_wrong_usage(tmp_path: Path, address: str, told: str) -> None:
    ran = call(
        ["emit", "--catalogue", "--out-dir", str(tmp_path / "out"), "--remote-cache", address]
    )
    assert ran.status == 2
    assert told in ran.err
