"""deprecated.yaml, of which PyTorch's generators refuse old signatures that fit no function."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derivload.cpp.dialect import DIALECTS
from derivload.diagnostics import Diagnostic, Invalid
from derivload.generators.deprecated import DeprecatedEntry, check_deprecated, read_deprecated
from derivload.generators.tables import TABLES
from derivload.schema.reader import SchemaReader

if TYPE_CHECKING:
    from derivload.cpp.dialect import Dialect
    from derivload.engine.lint import Entries, Linted
    from derivload.loading.request import Request
    from derivload.schema.function_schema import FunctionSchema


def find_deprecated(request: Request, linted: Linted) -> list[Diagnostic]:
    """The old signatures in a tree's deprecated.yaml that fit none of what was loaded (DL839)."""
    path = request.files.deprecated
    if path is None:
        return []
    text = request.deprecated.decode("utf-8", "replace").replace("\r\n", "\n")
    lines = text.split("\n")
    found = check_old(read_deprecated(text), linted.entries, request.inputs.dialect)
    return [
        Diagnostic(
            path,
            entry.line,
            lines[entry.line - 1].index(entry.call) + 1,
            "DL839",
            message,
            source_line=lines[entry.line - 1],
            length=len(entry.call),
        )
        for entry, message in found
    ]


def check_old(
    old: Sequence[DeprecatedEntry], entries: Entries, dialect: Dialect
) -> Sequence[tuple[DeprecatedEntry, str]]:
    """The entries that fit no function, or several, each with a sentence."""
    bases = frozenset(entry.name.removesuffix("_") for entry in old)
    schemas = tuple(entries.schemas_of(bases)) if bases else ()
    return _check(tuple(old), schemas, dialect.version)


@functools.lru_cache(maxsize=2)  # few edits are to these functions
def _check(
    old: tuple[DeprecatedEntry, ...], schemas: tuple[str, ...], version: str
) -> Sequence[tuple[DeprecatedEntry, str]]:
    dialect = DIALECTS[version]
    reader = SchemaReader(frozenset(dialect.cpp_types) | dialect.unspelled_types, dialect.grammar)
    hidden = TABLES[version].hidden.schemas
    by_name: dict[str, list[FunctionSchema]] = {}
    for text in schemas:
        try:
            schema = reader.schema(text)
        except Invalid:
            continue
        if schema.text not in hidden:
            by_name.setdefault(schema.name.name, []).append(schema)
    return tuple(check_deprecated(old, by_name, reader))
