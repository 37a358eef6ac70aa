"""What a shell needs to complete the command line: a script, made from the parser by shtab."""

from __future__ import annotations

import argparse
from typing import Final

import shtab

from derivload.commands.options.command_line import make_parser
from derivload.terminal.stdout import Stdout

# What completes a value or an argument, by how the help calls it.
_COMPLETE: Final = {
    "FILE": shtab.FILE,
    "SCRIPT": shtab.FILE,
    "ARGS": shtab.FILE,
    "PYTHON": shtab.FILE,
    "DIR": shtab.DIRECTORY,
    "SIDE": shtab.DIRECTORY,
}


def print_completion(shell: str, program: str) -> None:
    """Print the script for `shell`; `program` is derivload or derivwatch."""
    parser: argparse.ArgumentParser = make_parser()
    if program == "derivwatch":
        parser = make_parser().commands["watch"]
        parser.prog = program
    _mark(parser)
    Stdout().write(f"{shtab.complete(parser, shell).rstrip()}\n")


def _mark(parser: argparse.ArgumentParser) -> None:
    """Tell shtab which values are files and folders."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark(command)
        elif action.metavar in _COMPLETE:
            setattr(action, "complete", _COMPLETE[str(action.metavar)])  # noqa: B010 - shtab's own
