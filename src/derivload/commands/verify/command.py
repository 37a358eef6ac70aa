"""`derivload verify`: is what derivload loads what others make of the same files?

With `--pytorch`, the tree's own torchgen runs in a child process, and its documents are compared
with derivload's. With `--compiled`, the nodes that are compiled into a torch are.
"""

from __future__ import annotations

import argparse

from derivload.commands.notes import say_note
from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, say_files
from derivload.loading.errors import UsageError
from derivload.loading.request import Request


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
        say_note(request.inputs.note, options)
        if options.compiled is not None:
            from derivload.commands.verify.compiled import verify_compiled

            return verify_compiled(request, options.compiled)
        from derivload.commands.verify.tree import verify_tree

        return verify_tree(request, options.keep)
    except Exception as error:
        return report(error, "; nothing was compared")
