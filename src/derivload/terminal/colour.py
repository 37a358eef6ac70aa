"""Colour: only on a terminal, and never if NO_COLOR is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from derivload.terminal.text import as_line, as_part


def is_wanted() -> bool:
    """Whether what is printed to stdout may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Painter:
    """Colours lines for the terminal on stdout. `styles` has rich's style for each kind of part."""

    def __init__(self, styles: Mapping[str, str]) -> None:
        from rich.console import Console

        self._styles = styles
        self._console = Console(file=sys.stdout, highlight=False)

    def line(self, parts: Iterable[tuple[str, str]]) -> str:
        """A coloured line, with its line end. Each part has a text, which is made fit, and a kind.

        The line is not wrapped: a caret must stay under the words that it points at.
        """
        from rich.text import Text

        text = Text()
        for part, style in parts:
            fit = as_part(part) if text.plain.strip() else as_line(part)
            text.append(fit, self._styles[style])
        with self._console.capture() as captured:
            self._console.print(text, soft_wrap=True)
        return captured.get()
