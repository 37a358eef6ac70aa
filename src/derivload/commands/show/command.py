"""`derivload show`: prints everything about one operator, for a person.

In a pipe, lines are not wrapped, so that grep finds whole lines. On a terminal, lines are wrapped
to its width, and coloured unless NO_COLOR is set. The text is the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from derivload.commands.notes import say_note
from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, open_store_of, say_files, say_told
from derivload.commands.show.groups import Group, find_groups
from derivload.commands.show.query import OperatorQuery, read_query, unknown
from derivload.commands.show.text import group_lines
from derivload.engine.load import find_replaced
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.terminal import colour
from derivload.terminal.layout import Line, wrap
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

if TYPE_CHECKING:
    from derivload.loading.inputs import Inputs
    from derivload.store.store import Store

_STYLES: Final = {
    "": "",
    "title": "bold",
    "section": "bold",
    "label": "cyan",
    "kind": "green",
    "absent": "yellow",
    "note": "dim",
    "place": "dim",
}


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        files = files_of(options)
        say_files(options, files)
        request = Request(files)
        store = request.rules_from = open_store_of(options, to_read=True)
        say_note(request.inputs.note, options)
        status = show(request, options.operator, store)
        say_told(options, files)
        return status
    except Exception as error:
        return report(error, "")


def show(request: Request, operator: str, store: Store | None = None) -> int:
    """Print everything about `operator` and return the exit status: 1 if it does not exist.

    `operator` is a base name (`add`), a name with overload (`add_.Tensor`) or a whole schema, each
    with or without a namespace (`aten::add`). Raises InputError when the inputs have errors.
    """
    query = read_query(operator)
    if request.rules.why:
        return _show_own_code(request, query, store)
    groups = [] if store is None else _find_in_family(request, store, query)
    if not groups:
        load = load_inputs(request).outcome.load
        groups = find_groups(load, query)
        if not groups:
            say(unknown(query, load.natives))
            return BAD_INPUT
    _print_lines(show_lines(groups, request.inputs))
    return DONE


def _show_own_code(request: Request, query: OperatorQuery, store: Store | None) -> int:
    """Print what the tree's own torchgen says of an operator, and return the exit status."""
    from derivload.commands.show.own_code import find_by_own_code

    groups, records = find_by_own_code(request, store, query)
    if not groups and not records:
        say(f"there is no operator `{query.text}`")
        return BAD_INPUT
    if records:
        Stdout().print_lines(records)
    _print_lines(show_lines(groups, request.inputs))
    return DONE


def _find_in_family(request: Request, store: Store, query: OperatorQuery) -> list[Group]:
    """The groups, found in the operator's family alone; none if everything has to be loaded.

    That needs the state in the store, which is only ever that of inputs without mistakes.
    """
    from derivload.loading.memory import Memory

    family = query.family
    memory = Memory(store)
    if family is None or memory.begin(request).content() is None:
        return []
    outcome = load_inputs(request, memory=memory).outcome
    load = memory.session.load_family(family) if outcome.is_incremental else outcome.load
    return [] if load is None else find_groups(load, query)


def show_lines(groups: Iterable[Group], inputs: Inputs) -> list[Line]:
    """The lines about these groups, which `inputs` came to."""
    lines: list[Line] = []
    texts = inputs.texts
    kernels = inputs.kernels()
    derivatives = [text.name for text in (texts.derivatives, *texts.more_derivatives)]
    replaced = find_replaced(texts)
    for group in groups:
        lines += [Line(), Line()] if lines else []
        lines += group_lines(group, derivatives, replaced, kernels)
    return lines


def _print_lines(lines: Iterable[Line]) -> None:
    """Print the lines to stdout: wrapped on a terminal, and in colour if that is wanted."""
    stdout = Stdout()
    if stdout.is_terminal:
        import shutil

        width = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in wrap(line, width)]
    if colour.is_wanted():
        painter = colour.Painter(_STYLES)
        stdout.write("".join(painter.line(line.segments) for line in lines))
    else:
        stdout.print_lines(line.text for line in lines)
