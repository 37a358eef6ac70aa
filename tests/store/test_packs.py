"""A pack comes back as it was made, or not at all."""

from __future__ import annotations

import hashlib
import random

import pytest
import zstandard

from derivload.store.remote import packs
from derivload.store.remote.packs import (
    BadPackError,
    derive_secret,
    make_pack,
    read_pack,
    read_promise,
)

NAME = hashlib.sha256(b"name").digest()
OTHER = hashlib.sha256(b"other").digest()
VALUES = {b"": b"", b"key": b"value" * 1000, b"k" * 32: random.Random(1).randbytes(5000)}
OURS, THEIRS = derive_secret("ours"), derive_secret("theirs")
SECRETS = [b"", OURS]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("values", [VALUES, {}])
def test_it_has_the_values_and_the_seconds(secret: bytes, values: dict[bytes, bytes]) -> None:
    assert read_pack(NAME, make_pack(NAME, values, 1.5, secret), secret) == (values, 1.5)


@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_compressed(secret: bytes) -> None:
    assert len(make_pack(NAME, {b"key": b"value" * 10_000}, 1.5, secret)) < 500


@pytest.mark.parametrize("secret", SECRETS)
def test_each_flipped_bit_is_seen(secret: bytes) -> None:
    data = make_pack(NAME, {b"key": b"value"}, 1.5, secret)
    for at in range(8 * len(data)):
        broken = bytearray(data)
        broken[at // 8] ^= 1 << at % 8
        with pytest.raises(BadPackError):
            read_pack(NAME, bytes(broken), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_each_other_length_is_seen(secret: bytes) -> None:
    data = make_pack(NAME, {b"key": b"value"}, 1.5, secret)
    for size in range(len(data)):
        with pytest.raises(BadPackError):
            read_pack(NAME, data[:size], secret)
    with pytest.raises(BadPackError):
        read_pack(NAME, data + b"\0", secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_one_of_another_name_is_none(secret: bytes) -> None:
    with pytest.raises(BadPackError, match="its seal does not fit"):
        read_pack(NAME, make_pack(OTHER, VALUES, 1.5, secret), secret)


@pytest.mark.parametrize(("made", "read"), [(b"", OURS), (THEIRS, OURS), (OURS, b"")])
def test_one_of_another_secret_is_none(made: bytes, read: bytes) -> None:
    with pytest.raises(BadPackError, match="its seal does not fit"):
        read_pack(NAME, make_pack(NAME, VALUES, 1.5, made), read)


def sealed(content: bytes, seconds: float = 1.0) -> bytes:
    """A pack that somebody made who may write to the server, with a seal that fits."""
    body = packs._HEAD.pack(seconds, len(content)) + content
    return packs.MARK + packs._seal(NAME, body, b"") + body


@pytest.mark.parametrize(
    "data",
    [
        sealed(b"no frame"),
        sealed(zstandard.compress(b"\1")),
        sealed(zstandard.compress(packs._LENGTHS.pack(10, 10) + b"short")),
        sealed(zstandard.compress(packs._LENGTHS.pack(0, 2**63))),
        sealed(zstandard.compress(b""), float("nan")),
        sealed(zstandard.compress(b""), -1.0),
        sealed(zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100)),
    ],
)
def test_one_of_another_form_is_none(data: bytes) -> None:
    with pytest.raises(BadPackError):
        read_pack(NAME, data, b"")


def test_a_content_that_is_too_large_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_pack(NAME, {b"key": b"v" * 100_000}, 1.0, b"")
    monkeypatch.setattr(packs, "_LARGEST_CONTENT", 50_000)
    with pytest.raises(BadPackError, match="too large"):
        read_pack(NAME, data, b"")


def test_its_beginning_says_what_it_saves_and_its_size() -> None:
    data = make_pack(NAME, VALUES, 1.5, b"")
    assert read_promise(data[:100]) == (1.5, len(data))
    head = len(packs.MARK) + 32 + packs._HEAD.size
    assert read_promise(data[:head]) == (1.5, len(data))
    assert read_promise(data[: head - 1]) is None
    assert read_promise(sealed(b"", float("inf"))) is None
    assert read_promise(b"HTTP" * 100) is None


def test_any_text_may_be_a_secret() -> None:
    """An environment may hold bytes that are no UTF-8."""
    secrets = [derive_secret(text) for text in ("ours", "theirs", "\udcff", "\xff")]
    assert len({*secrets}) == 4
    assert {len(secret) for secret in secrets} == {32}
    assert derive_secret("") == b""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"HTTP" * 100, "it is no pack"),
        (packs.MARK + bytes(32 + packs._HEAD.size), "it is no pack"),
        (sealed(b"no frame"), "it cannot be decompressed"),
        (sealed(b""), "it is no pack"),
        (sealed(zstandard.compress(b""), -1.0), "its head is wrong"),
        (sealed(zstandard.compress(packs._LENGTHS.pack(10, 10) + b"short")), "it ends early"),
        (sealed(zstandard.compress(b"short")), "it ends early"),
        (
            sealed(zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100)),
            "its size is not known, or too large",
        ),
    ],
)
def test_why_it_is_none_is_told(data: bytes, why: str) -> None:
    with pytest.raises(BadPackError) as raised:
        read_pack(NAME, data, b"")
    assert str(raised.value) == why
