"""What a tree's own torchgen says of an operator, where we do not know its rules.

What we would show by the rules of the nearest release is shown where it comes to the very records
that the torchgen gives; where it does not, these records are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from derivload.engine.lines import DocumentLines, encode_lines
from derivload.loading.inputs import load_alone
from derivload.loading.memory import schema_of
from derivload.loading.run import load_inputs

if TYPE_CHECKING:
    from derivload.commands.show.groups import Group
    from derivload.commands.show.query import OperatorQuery
    from derivload.loading.request import Request
    from derivload.store.store import Store


def find_by_own_code(
    request: Request, store: Store | None, query: OperatorQuery
) -> tuple[list[Group], list[str]]:
    """The groups that `query` asks for, or else the records of its functions, as lines of JSON.

    Raises TreeCodeError with what the torchgen refuses.
    """
    from derivload.commands.show.groups import find_groups

    lines = load_inputs(request, store).lines
    whole = load_alone(request.inputs).whole
    if whole is not None and not whole.diagnostics:
        groups = find_groups(whole.load, query)
        schemas = {member.schema for group in groups for member in group.members}
        ours = encode_lines(whole)
        if groups and _records(ours, schemas) == _records(lines, schemas):
            return groups, []
    asked = {schema for line in lines.functions if query.means_schema(schema := schema_of(line))}
    return [], [*_render(_records(lines, asked))]


def _records(lines: DocumentLines, schemas: set[str]) -> list[list[bytes]]:
    every: Sequence[list[bytes]] = (lines.records, lines.functions, lines.generated)
    return [[line for line in some if schema_of(line) in schemas] for some in every]


def _render(records: list[list[bytes]]) -> Iterator[str]:
    for some in records:
        for line in some:
            yield from json.dumps(json.loads(line), indent=1, ensure_ascii=False).split("\n")
