"""How wide the terminal is."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def terminal_width(stream: TextIO | None, otherwise: int) -> int:
    """The width in columns of the terminal that a stream goes to; `otherwise` if it goes to none.

    As for shutil.get_terminal_size, the variable COLUMNS counts before what the terminal says. But
    only for a terminal: what goes to a file or a pipe does not depend on the environment.
    """
    if stream is None or not stream.isatty():
        return otherwise
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or otherwise
    except (OSError, ValueError):
        return otherwise
