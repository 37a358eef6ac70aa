"""Sizes and ages, as they are written in options and variables, and as they are shown."""

from __future__ import annotations

import re

from derivload.loading.errors import UsageError

_SIZE = re.compile(r"([0-9]{1,15})(?:([KMGT])(?:i?B)?|B)?", re.IGNORECASE | re.ASCII)
_SIZE_UNITS = ("", "K", "M", "G", "T")
_AGE = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_AGE_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_size(text: str) -> int:
    """The bytes that a size such as `200M`, `512MiB` or `4096` means. Raises UsageError."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a size: write it like 200M, 1G, 512MiB, or in bytes")
    return int(found[1]) * int(1024 ** _SIZE_UNITS.index((found[2] or "").upper()))


def parse_age(text: str) -> float:
    """The seconds that an age such as `30d`, `12h`, `45m` or `90s` means. Raises UsageError."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not an age: write it like 30d, 12h, 45m or 90s")
    return float(int(found[1]) * _AGE_SECONDS[found[2]])


def size_text(size: int) -> str:
    """A size as a person reads it, with the bytes behind it."""
    power = min(max(size.bit_length() - 1, 0) // 10, len(_SIZE_UNITS) - 1)
    if power == 0:
        return f"{size} bytes"
    return f"{size / 1024**power:.1f} {_SIZE_UNITS[power]}iB ({size} bytes)"
