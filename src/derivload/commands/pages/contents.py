"""What pages are made of: the functions of one load, and what is known of other releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from derivload.engine.coverage import CoverageGroup, coverage_of
from derivload.engine.facts import FunctionFacts
from derivload.engine.lines import encode_line
from derivload.engine.operators import Operator, join_operators
from derivload.loading.operators import add_places, add_warnings
from derivload.loading.placing import placed_functions

if TYPE_CHECKING:
    from derivload.engine.lines import DocumentLines
    from derivload.loading.paths import Files
    from derivload.loading.request import Request
    from derivload.loading.run import LoadedInputs
    from derivload.outputs.documents import PlacedFunction
    from derivload.wanted import Wanted


class ShownWarning(msgspec.Struct, frozen=True):
    """A warning about a function, and the line that it is about."""

    operator: str
    code: str
    message: str
    help: str
    file: str
    line: int


class ReleaseCoverage(msgspec.Struct, frozen=True):
    """The coverage of one side."""

    name: str
    groups: tuple[CoverageGroup, ...]


class SideComparison(NamedTuple):
    """What changed from one side to the next: their names, and the document of `diff`."""

    before: str
    after: str
    document: bytes


class Contents(NamedTuple):
    """What pages are made of.

    `name` is what was loaded, as the user calls it. `placed` says where the functions come from, in
    their order; none for documents, which do not say. `tags` is the text of tags.yaml. `changed`
    has the names of the functions that changed, once for each comparison that has them. `original`
    says how to call a file.
    """

    name: str
    lines: DocumentLines
    operators: Sequence[Operator]
    placed: Sequence[PlacedFunction] = ()
    warnings: Sequence[ShownWarning] = ()
    tags: str = ""
    coverage: Sequence[ReleaseCoverage] = ()
    comparisons: Sequence[SideComparison] = ()
    changed: Sequence[str] = ()
    original: Callable[[str], str] = str


def operators_of(lines: DocumentLines) -> list[Operator]:
    """The functions of lines, which may have no facts."""
    if lines.facts is None:
        schemas = [msgspec.json.decode(line, type=SchemaLine).schema for line in lines.functions]
        lines = lines._replace(facts=[encode_line(FunctionFacts(schema)) for schema in schemas])
    return join_operators(lines)


def name_of(files: Files) -> str:
    """What to call the inputs: the name of their tree, or of the folder of the first of them."""
    named = Path(files.paths[0]).parent if files.tree is None else Path(files.tree.root)
    return named.resolve().name


class SchemaLine(msgspec.Struct):
    """The schema on the line of a record, which begins with it."""

    schema: str


def contents_of(
    name: str,
    request: Request,
    loaded: LoadedInputs,
    wanted: Wanted | None,
    original: Callable[[str], str] = str,
) -> Contents:
    """The contents of a load with facts. `wanted` says which warnings are shown."""
    lines = loaded.lines
    placed = [*placed_functions(request, lines.facts or (), request.inputs.kernels())]
    judged = loaded.warnings(wanted)
    operators = add_places(join_operators(lines), request.files, placed)
    operators = add_warnings(operators, judged)
    warnings = []
    for told in () if judged is None else judged.shown:
        found = told.place()
        file = original(found.file)
        warnings.append(
            ShownWarning(told.operator, told.code, found.sentence, found.advice, file, found.line)
        )
    # A load that takes over what an earlier one found has them in another order.
    warnings.sort(key=lambda one: (one.file, one.line, one.code, one.message))
    return Contents(
        name,
        lines,
        operators,
        placed,
        warnings,
        request.inputs.texts.tags.text,
        (ReleaseCoverage(name, coverage_of(operators)),),
        original=original,
    )


def contents_of_documents(name: str, lines: DocumentLines) -> Contents:
    """The contents of documents, of which nobody knows the inputs."""
    operators = operators_of(lines)
    return Contents(
        name, lines, operators, coverage=(ReleaseCoverage(name, coverage_of(operators)),)
    )
