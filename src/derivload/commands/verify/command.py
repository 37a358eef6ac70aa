"""`derivload verify`: is what derivload loads what others make of the same files?

With `--pytorch`, the tree's own torchgen runs in a child process, and its documents are compared
with derivload's. With `--compiled`, the nodes that are compiled into a torch are.
"""

from __future__ import annotations

import argparse

from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, say_files
from derivload.loading.errors import UsageError
from derivload.loading.request import Request
from derivload.terminal.stderr import say


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    if options.no_tree_code and options.compiled is None:
        raise UsageError("--no-tree-code leaves nothing to compare with but --compiled")
    try:
        files = files_of(options)
        say_files(options, files)
        request = Request(files)
        if options.compiled is None and request.files.tree is None:
            raise UsageError("verify needs a torchgen to compare with: write --pytorch DIR")
        if request.inputs.note:
            say(f"note: {request.inputs.note}")
        if options.compiled is not None:
            from derivload.commands.verify.compiled import verify_compiled

            status = verify_compiled(request, options.compiled)
        else:
            from derivload.commands.verify.tree import verify_tree

            status = verify_tree(request, options.keep)
        if request.files.told and not options.quiet:
            say(request.files.told)
        return status
    except Exception as error:
        return report(error, "; nothing was compared")
