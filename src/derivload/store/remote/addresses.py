"""What a URL means to OpenDAL: which service, with which options. Imports nothing of OpenDAL.

No secret may stand behind the `?` of a URL, and no text of an error here holds the URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult


class AddressError(Exception):
    """A URL names no service. The text does not hold the URL."""


def options_of(url: str) -> tuple[str, dict[str, str]]:
    """The service that a URL names, and its options. Raises AddressError."""
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        make, allowed = _SERVICES[parts.scheme]
        port = parts.port
    except KeyError:
        known = ", ".join(f"{scheme}://" for scheme in _SERVICES)
        raise AddressError(f"it must begin with one of {known}") from None
    except ValueError:
        raise AddressError("it is no URL") from None
    for name in given:
        if name not in allowed:
            raise AddressError(f"{name} is no option of {parts.scheme}://")
    if not parts.hostname:
        raise AddressError(f"nothing stands behind {parts.scheme}://")
    scheme, options = make(parts, port)
    return scheme, {**options, **given}


def _webdav(parts: SplitResult, port: int | None) -> tuple[str, dict[str, str]]:
    place = f"{parts.hostname}:{port}" if port else str(parts.hostname)
    options = {
        "endpoint": f"{parts.scheme}://{place}",
        "root": parts.path or "/",
        # A PUT makes the folders above on every server that docs/team-cache.md has. OpenDAL would
        # ask with PROPFIND, which nginx's own module does not know.
        "disable_create_dir": "true",
    }
    return "webdav", {**options, **_credentials(parts)}


def _redis(parts: SplitResult, port: int | None) -> tuple[str, dict[str, str]]:
    options = {"endpoint": f"{parts.scheme}://{parts.hostname}:{port or 6379}"}
    if number := parts.path.strip("/"):
        options["db"] = number
    return "redis", {**options, **_credentials(parts)}


def _credentials(parts: SplitResult) -> dict[str, str]:
    named = {"username": parts.username, "password": parts.password}
    return {name: unquote(value) for name, value in named.items() if value}


def _bucket(service: str, word: str) -> Callable[..., tuple[str, dict[str, str]]]:
    def make(parts: SplitResult, port: int | None) -> tuple[str, dict[str, str]]:
        if parts.username or parts.password or port:
            raise AddressError(f"{parts.scheme}:// takes its credentials from the environment")
        return service, {word: str(parts.hostname), "root": parts.path or "/"}

    return make


# By scheme, what makes the options, and which options may stand behind a `?`: none is a secret.
_SERVICES: Final[
    dict[
        str, tuple[Callable[[SplitResult, int | None], tuple[str, dict[str, str]]], frozenset[str]]
    ]
] = {
    "http": (_webdav, frozenset()),
    "https": (_webdav, frozenset()),
    "redis": (_redis, frozenset(["default_ttl"])),
    "rediss": (_redis, frozenset(["default_ttl"])),
    "s3": (
        _bucket("s3", "bucket"),
        frozenset(["endpoint", "region", "enable_virtual_host_style"]),
    ),
    "gs": (_bucket("gcs", "bucket"), frozenset(["endpoint"])),
    "azblob": (_bucket("azblob", "container"), frozenset(["endpoint", "account_name"])),
}
