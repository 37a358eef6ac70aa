"""`derivload lsp`: what its options mean, and how the server starts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derivload.commands.options.command_line import make_parser
from derivload.commands.parsed import files_of, open_store_of, wanted_of
from derivload.commands.settings.apply import parse_options
from derivload.exit_status import ENVIRONMENT
from derivload.loading.errors import UsageError
from derivload.terminal.stderr import say

if TYPE_CHECKING:
    from derivload.commands.lsp.workbench import Workbench


def run(options: argparse.Namespace) -> int:
    """Serve until the editor ends it, and return the exit status. Raises UsageError."""
    try:
        from derivload.commands.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        say("error: the language server needs pygls: pip install 'derivload[lsp]'")
        return ENVIRONMENT
    return serve(lambda: find_inputs(options.arguments))


def find_inputs(arguments: Sequence[str]) -> Workbench:
    """The inputs, from the folder that is the current one now. Raises UsageError."""
    from derivload.commands.lsp.workbench import Workbench

    try:
        now = parse_options(make_parser(arguments[0]), arguments)
    except SystemExit:  # argparse has said why
        raise UsageError("the settings do not go with the command line") from None
    files = files_of(now)
    return Workbench(files, open_store_of(now), wanted_of(now, files))
