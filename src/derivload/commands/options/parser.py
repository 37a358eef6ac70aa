"""The parser: argparse, with our way to print."""

from __future__ import annotations

import argparse
import os
import sys

from derivload.exit_status import BAD_USAGE
from derivload.terminal.stderr import say, say_lines
from derivload.terminal.stdout import Stdout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from _typeshed import SupportsWrite

    Commands = argparse._SubParsersAction["OptionParser"]

# Columns, if the terminal does not tell its width.
_WIDTH = 80


class _Formatter(argparse.HelpFormatter):
    """Formats help as wide as the terminal.

    argparse makes a formatter for each option. Without a given width, the formatter asks for it
    through shutil, which imports a compression library or two.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)


def _terminal_width() -> int:
    """The terminal's width in columns, found as shutil.get_terminal_size does."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(1).columns or _WIDTH
    except OSError:  # no terminal
        return _WIDTH


class OptionParser(argparse.ArgumentParser):
    """A parser that takes no shortened options, and prints as all of derivload does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=_Formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with the command line, and exit."""
        self.color = False  # Python 3.14 and later would print colour escapes
        self.print_usage(sys.stderr)
        say(f"error: {message}", self.prog)
        self.exit(BAD_USAGE)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse prints everything through this method. The text is argparse's and ours; values
        # from the user occur only in error messages, which `error` prints.
        if file is sys.stderr:
            say_lines(message.splitlines())
        else:
            Stdout().write(message)
