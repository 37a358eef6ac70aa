"""Which remote cache options and variables name, for what, and how long a run waits for it."""

from __future__ import annotations

import os

import pytest

from derivload.loading.cache_settings import REMOTE_CACHE
from derivload.loading.errors import UsageError
from derivload.loading.remote_settings import (
    FIGURES,
    KEY,
    LIMIT,
    MODE,
    PASSWORD,
    UPLOAD_LIMIT,
    USER,
    close_remote,
    is_pull_request,
    place_of,
    remote_settings,
)
from derivload.store.remote.remote import Remote, RemoteFigures, RemoteSettings
from support.sessions import StoreInMemory

URL = "https://cache.test:8080/team?x=1"
_SECONDS = "is not a number from 0 to 600000, of milliseconds"


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of no CI, and none of ours."""
    for name, value in [*os.environ.items()]:
        if name.startswith("DERIVLOAD_REMOTE") or is_pull_request({name: value}):
            monkeypatch.delenv(name)


def _settings(
    monkeypatch: pytest.MonkeyPatch, url: str | None = URL, mode: str | None = None, **named: str
) -> RemoteSettings | None:
    for name, value in named.items():
        monkeypatch.setenv(f"DERIVLOAD_REMOTE_{name}", value)
    return remote_settings(url, mode, None, None)


def test_nothing_is_used_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _settings(monkeypatch, None) is None
    assert _settings(monkeypatch, None, CACHE="") is None
    found = _settings(monkeypatch, None, CACHE=URL)
    assert found is not None
    assert found.url == URL


def test_an_option_goes_before_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _settings(monkeypatch, CACHE="https://other.test", LIMIT="50", UPLOAD_LIMIT="70")
    assert found is not None
    assert (found.url, found.place, found.secret) == (URL, "https://cache.test:8080", "")
    assert (found.limit, found.upload_limit) == (0.05, 0.07)
    given = remote_settings(URL, "read", 0.0, 3.0)
    assert given is not None
    assert (given.limit, given.upload_limit, given.writes) == (0.0, 3.0, False)


def test_uploads_are_waited_for_as_long_as_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _settings(monkeypatch)
    assert found is not None
    assert (found.limit, found.upload_limit) == (0.2, 0.2)
    found = _settings(monkeypatch, LIMIT="1500")
    assert found is not None
    assert (found.limit, found.upload_limit) == (1.5, 1.5)


@pytest.mark.parametrize(
    ("option", "variable", "uses"),
    [
        (None, "", (True, True)),
        (None, "read", (True, False)),
        (None, "write", (False, True)),
        (None, "read-write", (True, True)),
        (None, "off", None),
        ("off", "read", None),
        ("write", "off", (False, True)),
    ],
)
def test_what_it_is_used_for(
    option: str | None,
    variable: str,
    uses: tuple[bool, bool] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _settings(monkeypatch, mode=option, CACHE_MODE=variable)
    assert (None if found is None else (found.reads, found.writes)) == uses


def test_a_mode_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as caught:
        _settings(monkeypatch, CACHE_MODE="reads")
    modes = "read, write, read-write, off"
    assert str(caught.value) == f"DERIVLOAD_REMOTE_CACHE_MODE is none of {modes}"


@pytest.mark.parametrize("text", ["-1", "1.5", "600001", "²", "9999999999", "a"])
def test_a_time_is_a_number_of_milliseconds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIMIT", "UPLOAD_LIMIT"):
        with monkeypatch.context() as inside, pytest.raises(UsageError) as caught:
            _settings(inside, **{name: text})
        assert str(caught.value) == f"DERIVLOAD_REMOTE_{name} {_SECONDS}"
    found = _settings(monkeypatch, LIMIT="600000", UPLOAD_LIMIT="0")
    assert found is not None
    assert (found.limit, found.upload_limit) == (600.0, 0.0)


@pytest.mark.parametrize(
    ("user", "password", "url", "expected"),
    [
        ("", "", URL, URL),
        ("me", "", "https://a.test/b", "https://me:@a.test/b"),
        ("", "key", "https://a.test:1/b", "https://:key@a.test:1/b"),
        ("m/e", "k:e@y", "https://a.test", "https://m%2Fe:k%3Ae%40y@a.test"),
        ("me", "key", "https://you:his@a.test", "https://you:his@a.test"),
        ("me", "key", "https://you@a.test", "https://you@a.test"),
        ("me", "key", "https://[a", "https://[a"),
    ],
)
def test_credentials_are_put_into_the_url(
    user: str, password: str, url: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _settings(monkeypatch, None, CACHE=url, USER=user, PASSWORD=password, KEY="secret")
    assert found is not None
    assert (found.url, found.secret) == (expected, "secret")
    assert "key" not in found.place


@pytest.mark.parametrize("url", ["https://me@a.test", "https://:key@a.test", "https://[a"])
def test_an_option_holds_no_password(url: str) -> None:
    with pytest.raises(UsageError, match=r"^--remote-cache holds a user or a password"):
        remote_settings(url, None, None, None)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://me:key@a.test:8080/b?c", "https://a.test:8080"),
        ("s3://bucket/path", "s3://bucket"),
        ("memory:", "memory://"),
        ("https://[a", "(no URL)"),
        ("https://a.test:port", "(no URL)"),
    ],
)
def test_a_url_as_messages_have_it(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GITHUB_EVENT_NAME", "pull_request", True),
        ("GITHUB_EVENT_NAME", "pull_request_target", True),
        ("GITHUB_EVENT_NAME", "push", False),
        *((name, "17", True) for name in ("GITHUB_HEAD_REF", "CHANGE_ID", "CIRRUS_PR")),
        *((name, "17", True) for name in ("CI_MERGE_REQUEST_IID", "DRONE_PULL_REQUEST")),
        *((name, "17", True) for name in ("APPVEYOR_PULL_REQUEST_NUMBER", "BITBUCKET_PR_ID")),
        *((name, "17", True) for name in ("BUILDKITE_PULL_REQUEST", "CIRCLE_PULL_REQUEST")),
        *((name, "17", True) for name in ("CI_COMMIT_PULL_REQUEST", "TRAVIS_PULL_REQUEST")),
        *((name, "17", True) for name in ("CI_EXTERNAL_PULL_REQUEST_IID",)),
        *((name, "17", True) for name in ("SEMAPHORE_GIT_PR_NUMBER",)),
        *((name, "17", True) for name in ("SYSTEM_PULLREQUEST_PULLREQUESTID",)),
        ("TRAVIS_PULL_REQUEST", "False", False),
        ("TRAVIS_PULL_REQUEST", "", False),
        ("CIRRUS_PR", "0", False),
        ("OTHER", "17", False),
    ],
)
def test_a_pull_requests_build_only_reads(
    name: str, value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_pull_request({name: value}) is expected
    monkeypatch.setenv(name, value)
    found = _settings(monkeypatch)
    assert found is not None
    assert (found.reads, found.writes) == (True, not expected)


def test_what_the_remote_cache_did_is_kept_if_it_did_anything() -> None:
    made = _remote()
    store = StoreInMemory()
    store.remote = made
    close_remote(made, store)
    assert store.values == {}
    assert store.remote is None
    for hits in (1, 3):
        made = _remote()
        made.figures.hits = 1 if hits == 1 else 2
        made.figures.waited = 0.5
        close_remote(made, store)
        kept = RemoteFigures.read(store.values[FIGURES])
        assert (kept.hits, kept.misses, kept.waited) == (hits, 0, 0.5 if hits == 1 else 1.0)


def _remote() -> Remote:
    settings = remote_settings("https://cache.test", "read", 0.0, 0.0)
    assert settings is not None
    return Remote(settings, print)


def test_a_build_names_it_by_these_variables() -> None:
    assert [
        f"DERIVLOAD_REMOTE_{name}"
        for name in ("CACHE", "CACHE_MODE", "LIMIT", "UPLOAD_LIMIT", "USER", "PASSWORD", "KEY")
    ] == [REMOTE_CACHE, MODE, LIMIT, UPLOAD_LIMIT, USER, PASSWORD, KEY]
