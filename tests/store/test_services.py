"""Reading from a server ends, whatever it does, and no text of an error says where it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.store.remote.addresses import AddressError, options_of
from derivload.store.remote.services import Service, ServiceError, until
from support.cache_servers import Nginx, Proxy, free_port
from support.containers import nginx, proxy

__all__ = ["nginx", "proxy"]

LARGE = 1_000_000


def soon() -> Callable[[bytearray], bool]:
    return until(time.monotonic() + 0.3)


def late() -> Callable[[bytearray], bool]:
    return until(time.monotonic() + 20)


def test_it_reads_what_was_written(nginx: Nginx) -> None:
    service = Service(f"{nginx.url}/folder", 20)
    service.write("a/b", b"bytes")
    assert service.read("a/b", LARGE, late()) == b"bytes"
    assert service.read("a/c", LARGE, late()) is None
    assert [path.relative_to(nginx.files) for path in nginx.packs()] == [Path("folder/a/b")]


def test_bytes_that_come_one_by_one_are_not_awaited(nginx: Nginx, proxy: Proxy) -> None:
    Service(nginx.url, 20).write("slow", b"bytes" * 1000)
    proxy.trickle = 0.02
    with pytest.raises(ServiceError, match="it is slow"):
        Service(proxy.url, 20).read("slow", LARGE, soon())


def test_bytes_without_end_are_not_kept(nginx: Nginx) -> None:
    Service(nginx.url, 20).write("large", b"b" * 5000)
    with pytest.raises(ServiceError, match="it sends too much"):
        Service(nginx.url, 20).read("large", 4999, late())


def test_silence_is_not_awaited(proxy: Proxy) -> None:
    proxy.silence = 30
    with pytest.raises(ServiceError):
        Service(proxy.url, 0.2).read("a", LARGE, soon())
    with pytest.raises(ServiceError):
        Service(proxy.url, 0.2).write("a", b"bytes")


def test_an_error_does_not_say_where() -> None:
    service = Service(f"http://user:s3cr3t@127.0.0.1:{free_port()}/where", 0.5)
    with pytest.raises(ServiceError) as read:
        service.read("a", LARGE, soon())
    with pytest.raises(ServiceError) as written:
        service.write("a", b"")
    for caught in (read, written):
        assert str(caught.value).isalpha()
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p%40@host/3", ("redis", {"endpoint": "redis://host:6379", "db": "3",
                                            "username": "u", "password": "p@"})),
        ("rediss://host:7000", ("redis", {"endpoint": "rediss://host:7000"})),
        ("s3://bucket/a/b?region=x", ("s3", {"bucket": "bucket", "root": "/a/b", "region": "x"})),
        ("s3://b?endpoint=e&enable_virtual_host_style=true", ("s3", {"bucket": "b", "root": "/",
            "endpoint": "e", "enable_virtual_host_style": "true"})),
        ("redis://h?default_ttl=1d", ("redis", {"endpoint": "redis://h:6379",
                                                "default_ttl": "1d"})),
        ("gs://b?endpoint=e", ("gcs", {"bucket": "b", "root": "/", "endpoint": "e"})),
        ("azblob://b?endpoint=e", ("azblob", {"container": "b", "root": "/", "endpoint": "e"})),
        ("gs://bucket", ("gcs", {"bucket": "bucket", "root": "/"})),
        ("azblob://box/a?account_name=n", ("azblob", {"container": "box", "root": "/a",
                                                     "account_name": "n"})),
    ],
)  # fmt: skip
def test_a_url_names_a_service(url: str, expected: tuple[str, dict[str, str]]) -> None:
    assert options_of(url) == expected


@pytest.mark.parametrize("url", ["s3://key:secret@bucket", "redis://host?password=x", "http://"])
def test_a_url_that_names_none_is_not_repeated(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        options_of(url)
    assert "secret" not in str(caught.value)
