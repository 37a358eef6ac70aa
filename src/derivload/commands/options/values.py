"""The values of options: text of the command line to what a command gets."""

from __future__ import annotations

import argparse

_MAX_SHARDS = 10_000
_MAX_DEBOUNCE = 10_000


def path(text: str) -> str:
    """A path, which is not empty."""
    # An empty path usually comes from a variable that was never set. It would mean the current
    # folder.
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return text


def codes(text: str) -> list[str]:
    """Codes of rules, or beginnings of codes, separated by commas."""
    from derivload.wanted import codes_of

    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        for name in names or [text]:
            codes_of(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return names


def shards(text: str) -> int:
    """A number of shards."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _MAX_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_SHARDS}")
    return number


def milliseconds(text: str) -> float:
    """A time in milliseconds, as seconds."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= _MAX_DEBOUNCE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_MAX_DEBOUNCE}")
    return number / 1000
