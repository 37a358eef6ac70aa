"""What a tree's own torchgen says of an operator, where we do not know its rules.

What we would show by the rules of the nearest release is shown where it comes to the very records
that the torchgen gives; where it does not, these records are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from derivload.derivatives.model import FunctionRecord
from derivload.engine.lines import DocumentLines
from derivload.loading.inputs import load_alone
from derivload.loading.memory import schema_of
from derivload.loading.run import load_inputs

if TYPE_CHECKING:
    from derivload.commands.show.groups import Group
    from derivload.commands.show.query import OperatorQuery
    from derivload.engine.outcome import Outcome
    from derivload.loading.request import Request
    from derivload.store.store import Store


def find_by_own_code(
    request: Request, store: Store | None, queries: Sequence[OperatorQuery]
) -> tuple[list[Group], DocumentLines | None]:
    """The groups that the first of `queries` asks for that names any function, or else their
    records; None of these if there is no such function.

    Raises TreeCodeError with what the torchgen refuses.
    """
    return find_in(load_inputs(request, store).lines, load_alone(request.inputs), queries)


def find_in(
    lines: DocumentLines, own: Outcome, queries: Sequence[OperatorQuery]
) -> tuple[list[Group], DocumentLines | None]:
    """The same, in the lines that the torchgen gave; `own` is what we loaded."""
    from derivload.commands.show.groups import find_groups

    own_lines = None if own.diagnostics else own.make_lines()
    for query in queries:
        if own_lines is not None:
            groups = find_groups(own.load, query)
            schemas = {member.schema for group in groups for member in group.members}
            if groups and _of(own_lines, schemas) == _of(lines, schemas):
                return groups, None
        asked = {schema for schema, nodes in _nodes(lines) if query.means_schema(schema, nodes)}
        if asked:
            return [], _of(lines, asked)
    return [], None


def _nodes(lines: DocumentLines) -> Iterator[tuple[str, set[str]]]:
    """The schema of each function, and the backward nodes that it makes."""
    for line in lines.functions:
        record = msgspec.json.decode(line, type=FunctionRecord)
        ops = [info.op for info in (record.differentiability or {}).values()]
        yield record.schema, {op for op in ops if op is not None}


def _of(lines: DocumentLines, schemas: set[str]) -> DocumentLines:
    """The records of these functions alone."""
    records, functions, generated = (
        [line for line in some if schema_of(line) in schemas]
        for some in (lines.records, lines.functions, lines.generated)
    )
    return DocumentLines(lines.torch_version, (), records, [], functions, generated)


def render_records(lines: DocumentLines) -> Iterator[str]:
    """Records as lines of JSON, for a person."""
    for some in (lines.records, lines.functions, lines.generated):
        for line in some:
            yield from json.dumps(json.loads(line), indent=1, ensure_ascii=False).split("\n")
