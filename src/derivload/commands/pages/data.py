"""The data that a page reads: by name, each a text of JSON.

The records of functions are the lines of the documents as they are, split over files by family, so
that an edit changes one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from derivload.commands.pages.contents import Contents, SchemaLine, ShownWarning
from derivload.commands.pages.table import CHUNKS, Table, chunk_of
from derivload.outputs.documents import Place

_ENCODER: Final = msgspec.json.Encoder()


class _PagePlaces(msgspec.Struct, frozen=True):
    """Where functions come from: for each the number of a file and a line, both 0 for nowhere.

    `files` begins with no file. `kernels` are those of backends: key, file and line, by function.
    `warnings` are by the name of their function.
    """

    files: list[str]
    native: list[tuple[int, int]]
    definition: list[tuple[int, int]]
    kernels: dict[int, list[tuple[str, str, int]]]
    warnings: dict[str, list[ShownWarning]]


def data_of(contents: Contents, table: Table) -> Iterator[tuple[str, bytes]]:
    """The data of some contents, whose table is `table`, in the order of what is needed first."""
    yield "table", _ENCODER.encode(table)
    yield from _records(contents, table)
    yield "places", _ENCODER.encode(_places(contents))
    yield "coverage", _ENCODER.encode(contents.coverage)
    for number, comparison in enumerate(contents.comparisons, 1):
        yield f"comparison_{number}", comparison.document.strip()


def _records(contents: Contents, table: Table) -> Iterator[tuple[str, bytes]]:
    """The records of functions and definitions, and the facts, in chunks."""
    lines = contents.lines
    functions: list[list[bytes]] = [[] for _ in range(CHUNKS)]
    facts: list[list[bytes]] = [[] for _ in range(CHUNKS)]
    definitions: list[list[bytes]] = [[] for _ in range(CHUNKS)]
    for chunk, line in zip(table.chunk, lines.functions, strict=True):
        functions[chunk].append(line)
    for chunk, line in zip(table.chunk, lines.facts or (), strict=False):
        facts[chunk].append(line)
    chunks = dict(zip(table.schema, table.chunk, strict=True))
    for line in (*lines.records, *lines.generated):
        schema = msgspec.json.decode(line, type=SchemaLine).schema
        at = chunks[schema] if schema in chunks else chunk_of(schema.partition("(")[0])
        definitions[at].append(line)
    for chunk in range(CHUNKS):
        parts = (functions[chunk], facts[chunk], definitions[chunk])
        names = ("functions", "facts", "definitions")
        body = b",".join(
            [
                b'"%s":[%s]' % (name.encode(), b",".join(part))
                for name, part in zip(names, parts, strict=True)
            ]
        )
        yield f"operators_{chunk}", b"{%s}" % body


def _places(contents: Contents) -> _PagePlaces:
    files = {"": 0}

    def numbers(place: Place | None) -> tuple[int, int]:
        if place is None:
            return 0, 0
        return files.setdefault(place.file, len(files)), place.line

    native = [numbers(placed.native_function) for placed in contents.placed]
    definition = [numbers(placed.definition) for placed in contents.placed]
    warnings: dict[str, list[ShownWarning]] = {}
    for warning in contents.warnings:
        warnings.setdefault(warning.operator, []).append(warning)
    return _PagePlaces(
        files=[contents.original(file) for file in files],
        native=native,
        definition=definition,
        kernels={
            at: [
                (kernel.dispatch_key, contents.original(kernel.file), kernel.line)
                for kernel in placed.backend_kernels
            ]
            for at, placed in enumerate(contents.placed)
            if placed.backend_kernels
        },
        warnings=warnings,
    )
