"""The values of options: text of the command line to what a command gets."""

from __future__ import annotations

import argparse


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


# The kinds of changes: `engine.narrowing` has what each means.
GROUPS = (
    *("added", "removed", "renamed", "schema", "variants", "dispatch", "tags", "autogen"),
    *("formula", "saved", "node", "gradients", "differentiability"),
)


def groups(text: str) -> list[str]:
    """Kinds of changes, separated by commas."""
    named = [name.strip() for name in text.split(",") if name.strip()]
    for name in named or [text]:
        if name not in GROUPS:
            from derivload.spelling import did_you_mean, nearest

            guess = did_you_mean(nearest(name, GROUPS, 1))
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(GROUPS)}{guess}")
    return named


class WholeNumber:
    """A whole number from `low` to `high`, divided by `per` if that is given.

    `none` is a text that means no number: an option needs one to beat the setting of its name.
    """

    def __init__(
        self, low: int, high: int, per: int | None = None, none: str | None = None
    ) -> None:
        self.low = low
        self.high = high
        self._per = per
        self._none = none

    def __call__(self, text: str) -> float | None:
        """The number that a text means."""
        if text == self._none:
            return None
        is_number = text.isascii() and text.isdigit()
        if not is_number or not self.low <= int(text) <= self.high:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a number from {self.low} to {self.high}"
            )
        number = int(text)
        return number if self._per is None else number / self._per

    def text(self, value: float) -> str:
        """The text of a number."""
        return str(round(value * (self._per or 1)))


shards = WholeNumber(1, 10_000, none="none")
jobs = WholeNumber(1, 1000)
# As seconds.
milliseconds = WholeNumber(0, 10_000, per=1000)
many_milliseconds = WholeNumber(0, 600_000, per=1000)
