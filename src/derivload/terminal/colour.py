"""Colour: only on a terminal, unless an option or a variable says otherwise.

`--color` decides first, then NO_COLOR, which is not empty, then FORCE_COLOR, which is neither empty
nor 0. A terminal that says that it is dumb gets none.
"""

from __future__ import annotations

import os
import sys

from derivload.terminal.text import as_line, as_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

# What `--color` says.
_chosen = ["auto"]


def choose(when: str) -> None:
    """Heed `--color` from now on: "always", "never", or "auto"."""
    _chosen[:] = [when]


def is_wanted(stream: TextIO | None = None) -> bool:
    """Whether what is printed to a stream, by default stdout, is to be coloured."""
    if _chosen[0] in ("always", "never"):
        return _chosen[0] == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


class Painter:
    """Colours lines for stdout. `styles` has rich's style for each kind of part."""

    def __init__(self, styles: Mapping[str, str]) -> None:
        from rich.console import Console

        self._styles = styles
        # Whether there is colour at all is decided: rich has its own view of the variables.
        self._console = Console(
            file=sys.stdout,
            highlight=False,
            no_color=False,
            color_system="standard",
        )

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
