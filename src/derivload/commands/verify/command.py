"""`derivload verify`: is what derivload loads what others make of the same files?

With `--pytorch`, the tree's own torchgen runs in a child process, and its documents are compared
with derivload's. With `--compiled`, the nodes that are compiled into a torch are.
"""

from __future__ import annotations

import argparse

from derivload.commands.outcome import report
from derivload.commands.parsed import files_of
from derivload.loading.errors import UsageError
from derivload.loading.request import Request
from derivload.terminal.stderr import say


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        request = Request(files_of(options))
        if options.compiled is None and request.files.tree is None:
            raise UsageError("verify needs a torchgen to compare with: write --pytorch DIR")
        if options.compiled is not None and options.keep is not None:
            raise UsageError("--keep is for documents, and --compiled has none")
        if request.inputs.note:
            say(f"note: {request.inputs.note}")
        if options.compiled is not None:
            from derivload.commands.verify.compiled import verify_compiled

            status = verify_compiled(request, options.compiled)
        else:
            from derivload.commands.verify.tree import verify_tree

            status = verify_tree(request, options.keep)
        if request.files.told:
            say(request.files.told)
        return status
    except Exception as error:
        return report(error, "; nothing was compared")
