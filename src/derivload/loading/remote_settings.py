"""Which remote cache a run uses, what for, and how long it may wait: by options and by variables.

A password or key is only ever taken from a variable: options are seen in the list of processes, and
settings are files of a repository.

A build of a pull request runs code that nobody has looked at yet, so it only reads, unless told
otherwise.
"""

from __future__ import annotations

import os
from urllib.parse import quote, urlsplit, urlunsplit

from derivload.identity import sha256
from derivload.loading.cache_settings import REMOTE_CACHE
from derivload.loading.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from derivload.store.remote.remote import Remote, RemoteSettings
    from derivload.store.store import Store

MODE, LIMIT = "DERIVLOAD_REMOTE_CACHE_MODE", "DERIVLOAD_REMOTE_LIMIT"
UPLOAD_LIMIT = "DERIVLOAD_REMOTE_UPLOAD_LIMIT"
USER, PASSWORD, KEY = "DERIVLOAD_REMOTE_USER", "DERIVLOAD_REMOTE_PASSWORD", "DERIVLOAD_REMOTE_KEY"
MODES = ("read", "write", "read-write", "off")
_READ, _WRITE, _BOTH, _OFF = MODES
# Under this key the store has what the remote cache did for all runs.
FIGURES = sha256(b"figures of the remote cache").digest()
# Seconds.
DEFAULT_LIMIT = 0.2
LONGEST = 600
# What CI services set in builds of pull requests. Some set it to "false" in all others.
_OF_PULL_REQUESTS = (
    *("APPVEYOR_PULL_REQUEST_NUMBER", "BITBUCKET_PR_ID", "BUILDKITE_PULL_REQUEST", "CHANGE_ID"),
    *("CIRCLE_PULL_REQUEST", "CIRRUS_PR", "CI_COMMIT_PULL_REQUEST", "CI_EXTERNAL_PULL_REQUEST_IID"),
    *("CI_MERGE_REQUEST_IID", "DRONE_PULL_REQUEST", "GITHUB_HEAD_REF", "SEMAPHORE_GIT_PR_NUMBER"),
    *("SYSTEM_PULLREQUEST_PULLREQUESTID", "TRAVIS_PULL_REQUEST"),
)


def find_remote(options: argparse.Namespace) -> RemoteSettings | None:
    """The remote cache that options and variables name, if any. Raises UsageError."""
    return remote_settings(
        options.remote_cache,
        options.remote_cache_mode,
        options.remote_cache_limit,
        options.remote_cache_upload_limit,
    )


def remote_settings(
    url: str | None, mode: str | None, limit: float | None, upload_limit: float | None
) -> RemoteSettings | None:
    """The same, from the values of the options. Raises UsageError."""
    if url is not None:
        _refuse_password(url)
    found = url or os.environ.get(REMOTE_CACHE)
    if not found:
        return None
    mode = mode or _mode_of_environment()
    if mode == _OFF:
        return None
    from derivload.store.remote.remote import RemoteSettings

    limit = _seconds(LIMIT, DEFAULT_LIMIT) if limit is None else limit
    return RemoteSettings(
        _with_credentials(found),
        place_of(found),
        reads=mode in (_READ, _BOTH),
        writes=mode in (_WRITE, _BOTH),
        secret=os.environ.get(KEY, ""),
        limit=limit,
        upload_limit=_seconds(UPLOAD_LIMIT, limit) if upload_limit is None else upload_limit,
    )


def close_remote(remote: Remote, store: Store) -> None:
    """Wait for uploads, within their limit, and keep in the store what the remote cache did."""
    store.remote = None
    store.keep_packs(remote.close())
    if not remote.figures.is_empty:
        store.put(FIGURES, remote.figures.render(store.get(FIGURES)))


def is_pull_request(environment: Mapping[str, str]) -> bool:
    """Whether these are the variables of a pull request's build."""
    if environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return True
    return any(
        environment.get(name, "").lower() not in ("", "false", "0") for name in _OF_PULL_REQUESTS
    )


def place_of(url: str) -> str:
    """A URL as messages may have it: without user, password, path and options."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}"
    except ValueError:
        return "(no URL)"


def _refuse_password(url: str) -> None:
    try:
        parts = urlsplit(url)
        has_password = bool(parts.username or parts.password)
    except ValueError:
        has_password = True  # if in doubt
    if has_password:
        raise UsageError(
            "--remote-cache holds a user or a password, which others would see in the list of "
            f"processes: write them in {USER} and {PASSWORD}, or the whole URL in {REMOTE_CACHE}"
        )


def _with_credentials(url: str) -> str:
    """The URL with the user and the password of the variables, if it has none itself."""
    user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD, "")
    try:
        parts = urlsplit(url)
        if not (user or password) or parts.username or parts.password:
            return url
    except ValueError:
        return url
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=place))


def _mode_of_environment() -> str:
    named = os.environ.get(MODE)
    if not named:
        return _READ if is_pull_request(os.environ) else _BOTH
    if named not in MODES:
        raise UsageError(f"{MODE} is none of {', '.join(MODES)}")
    return named


def _seconds(variable: str, default: float) -> float:
    """The milliseconds that a variable says, as seconds. Raises UsageError."""
    text = os.environ.get(variable)
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not 0 <= number <= LONGEST * 1000:
        raise UsageError(f"{variable} is not a number from 0 to {LONGEST * 1000}, of milliseconds")
    return number / 1000
