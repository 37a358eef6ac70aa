"""`derivload show`: prints everything about one operator, for a person.

In a pipe, lines are not wrapped, so that grep finds whole lines. On a terminal, lines are wrapped
to its width, and coloured unless NO_COLOR is set. The text is the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from derivload.commands.notes import say_note
from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, open_store_of, say_files, say_told
from derivload.commands.show.groups import Group, find_groups
from derivload.commands.show.own_code import render_records
from derivload.commands.show.query import OperatorQuery, read_queries, read_query, unknown
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
    from derivload.engine.lines import DocumentLines
    from derivload.engine.pipeline import Load
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
        status = show(request, options.operator, store, as_json=options.json)
        say_told(options, files)
        return status
    except Exception as error:
        return report(error, "")


def show(
    request: Request, operators: Sequence[str], store: Store | None = None, *, as_json: bool = False
) -> int:
    """Print everything about operators and return the exit status: 1 if one does not exist.

    An operator is a base name (`add`), a name with overload (`add_.Tensor`) or a whole schema, each
    with or without a namespace (`aten::add`); or a pattern, a backward node, or what Python calls
    it. Raises InputError when the inputs have errors.
    """
    finder = _OperatorFinder(request, store, is_alone=len(operators) == 1)
    groups: list[Group] = []
    status = DONE
    for operator in operators:
        found = finder.find(operator)
        status = status if found is not None else BAD_INPUT
        known = {group.members[0].schema: group for group in groups}
        groups += [group for group in found or () if known.get(group.members[0].schema) != group]
    if not groups and not finder.records:
        return status
    if as_json:
        Stdout().write_json(_document(request, groups, finder.records))
        return status
    for records in finder.records:
        Stdout().print_lines(render_records(records))
    _print_lines(show_lines(groups, request.inputs))
    return status


def _document(request: Request, groups: Sequence[Group], records: Sequence[DocumentLines]) -> bytes:
    from derivload.commands.show.document import render_groups

    texts = request.inputs.texts
    derivatives = [text.name for text in (texts.derivatives, *texts.more_derivatives)]
    own = None
    for one in records:
        own = (
            one
            if own is None
            else own._replace(
                records=[*own.records, *one.records],
                functions=[*own.functions, *one.functions],
                generated=[*own.generated, *one.generated],
            )
        )
    version = request.inputs.dialect.version
    return render_groups(groups, version, derivatives, request.inputs.kernels(), own)


class _OperatorFinder:
    """Finds operators. `is_alone` tells that only one is asked for.

    `records` are those of a tree's own torchgen, where they are not what we would show.
    """

    def __init__(self, request: Request, store: Store | None, *, is_alone: bool) -> None:
        self._request = request
        self._store = store
        self._is_alone = is_alone
        self.records: list[DocumentLines] = []

    @cached_property
    def _load(self) -> Load:
        return load_inputs(self._request).outcome.load

    def find(self, operator: str) -> list[Group] | None:
        """The groups of an operator; None, having said so, if it does not exist."""
        queries = read_queries(operator)
        if self._request.rules.why:
            return self._find_by_own_code(queries)
        if self._is_alone and self._store is not None:
            for query in queries:
                groups = _find_in_family(self._request, self._store, query)
                if groups:
                    return groups
        for query in queries:
            groups = find_groups(self._load, query)
            if groups:
                return groups
        say(unknown(read_query(operator), self._load.natives))
        return None

    def _find_by_own_code(self, queries: Sequence[OperatorQuery]) -> list[Group] | None:
        """What the tree's own torchgen says of an operator."""
        from derivload.commands.show.own_code import find_by_own_code

        groups, records = find_by_own_code(self._request, self._store, queries)
        if records is not None:
            self.records.append(records)
        elif not groups:
            say(f"there is no operator `{queries[-1].text}`")
            return None
        return groups


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
