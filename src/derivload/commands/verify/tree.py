"""`derivload verify --pytorch`: does the tree's own torchgen give the same?"""

from __future__ import annotations

from contextlib import closing

from derivload.commands.verify.documents import compare_documents
from derivload.commands.verify.shown import print_first
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.own_code.process import start_torchgen
from derivload.loading.request import Request
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout


def verify_tree(request: Request, keep: str | None, *, with_files: bool) -> int:
    """Compare with the tree's own torchgen; the exit status: 1 if anything differs.

    `keep` is a folder for what both sides give; `with_files` has the files of the generators
    compared too. Raises UsageError, InputError, TreeCodeError, GeneratorError, and OSError where
    something cannot be written.
    """
    with closing(start_torchgen(request.files, request.rules)) as torchgen:
        compared = [compare_documents(request, torchgen, keep)]
        if with_files:
            from derivload.commands.verify.files import compare_files

            compared.append(compare_files(request, torchgen, keep))
    differences = [line for one in compared for line in one.differences]
    if differences:
        print_first(differences)
        what = "documents" if compared[0].differences else "files"
        say(f"derivload's {what} are not those of the tree's own torchgen")
        return BAD_INPUT
    *counted, last = (count for one in compared for count in one.counted)
    own, theirs = sum(one.own for one in compared), sum(one.theirs for one in compared)
    equal = f"{', '.join(counted)} and {last} equal those of the tree's own torchgen"
    Stdout().print_lines([f"{request.files.derivatives}: {equal} ({own:.2f} s and {theirs:.2f} s)"])
    return DONE
