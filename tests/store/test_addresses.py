"""What the URL of a remote cache means, and why one will not do."""

from __future__ import annotations

import pytest

from derivload.store.remote.addresses import AddressError, options_of


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://host", {"endpoint": "http://host", "root": "/"}),
        (
            "https://u:p%2F@host:8443/a/b",
            {
                "endpoint": "https://host:8443",
                "root": "/a/b",
                "username": "u",
                "password": "p/",
            },
        ),
    ],
)
def test_a_url_of_the_web_is_one_of_webdav(url: str, options: dict[str, str]) -> None:
    assert options_of(url) == ("webdav", {**options, "disable_create_dir": "true"})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (
            "ftp://host",
            (
                "it must begin with one of http://, https://, redis://, rediss://, s3://, gs://, "
                "azblob://"
            ),
        ),
        ("http://host:x", "it is no URL"),
        ("http://host?a", "it is no URL"),
        ("s3://b?region=x&colour=red", "colour is no option of s3://"),
        ("https://h?region=x", "region is no option of https://"),
        ("redis://", "nothing stands behind redis://"),
        ("s3://key@bucket", "s3:// takes its credentials from the environment"),
        ("gs://:secret@bucket", "gs:// takes its credentials from the environment"),
        ("azblob://box:80", "azblob:// takes its credentials from the environment"),
    ],
)
def test_why_a_url_will_not_do(url: str, why: str) -> None:
    with pytest.raises(AddressError) as raised:
        options_of(url)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://host", {"endpoint": "redis://host:6379"}),
        ("rediss://:p@host:7000/3", {"endpoint": "rediss://host:7000", "db": "3", "password": "p"}),
        ("redis://host/?default_ttl=1d", {"endpoint": "redis://host:6379", "default_ttl": "1d"}),
    ],
)
def test_a_url_of_redis_has_a_port_and_a_number(url: str, options: dict[str, str]) -> None:
    assert options_of(url) == ("redis", options)
