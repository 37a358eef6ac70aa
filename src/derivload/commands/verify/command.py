"""`derivload verify`: compares what derivload loads with the results of others for the same files.

With `--pytorch`, the tree's own torchgen runs in a child process, and its documents are compared
with derivload's; with `--codegen`, the files of its generators too. With `--compiled`, the nodes
that are compiled into a torch are compared.
"""

from __future__ import annotations

import argparse

from derivload.commands.notes import say_note
from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, say_files, say_told
from derivload.loading.errors import UsageError
from derivload.loading.request import Request


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    _refuse(options)
    try:
        files = files_of(options)
        say_files(options, files)
        request = Request(files)
        if options.compiled is None and files.tree is None:
            raise UsageError("verify needs a torchgen to compare with: write --pytorch DIR")
        say_note(request.inputs.note, options)
        if options.compiled is not None:
            from derivload.commands.verify.compiled import verify_compiled

            status = verify_compiled(request, options.compiled)
        else:
            from derivload.commands.verify.tree import verify_tree

            status = verify_tree(request, options.keep, with_files=options.codegen)
        say_told(options, files)
        return status
    except Exception as error:
        return report(error, "; nothing was compared")


def _refuse(options: argparse.Namespace) -> None:
    """Refuse what leaves no torchgen to compare with. Raises UsageError."""
    if options.compiled is not None:
        return
    if options.no_tree_code:
        raise UsageError(
            "--no-tree-code leaves nothing to compare with: verify runs the tree's code"
        )
    if options.pytorch is not None and options.torch_version is not None:
        raise UsageError("verify follows the rules of the tree: leave out --torch-version")
