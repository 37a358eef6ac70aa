"""Colour, on a terminal alone, and never with NO_COLOR."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from derivload.terminal.text import as_line, as_part


def is_wanted() -> bool:
    """Whether what is printed to stdout may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Painter:
    """Paints lines for the terminal that stdout is. `styles` are rich's, by what a part is."""

    def __init__(self, styles: Mapping[str, str]) -> None:
        from rich.console import Console

        self._styles = styles
        self._console = Console(file=sys.stdout, highlight=False)

    def line(self, parts: Iterable[tuple[str, str]]) -> str:
        """A line in colour, with its end: parts as text, which is made fit, and what they are.

        It is not wrapped: that would part a caret from what it points at.
        """
        from rich.text import Text

        text = Text()
        for part, style in parts:
            fit = as_part(part) if text.plain.strip() else as_line(part)
            text.append(fit, self._styles[style])
        with self._console.capture() as captured:
            self._console.print(text, soft_wrap=True)
        return captured.get()
