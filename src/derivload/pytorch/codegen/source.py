"""The inputs of PyTorch's generators, as values and digests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final, cast

import msgspec

from derivload.diagnostics import Invalid
from derivload.engine.inputs import InputEntries
from derivload.engine.lines import DocumentLines
from derivload.outputs.documents import read_lines
from derivload.pytorch.codegen.kept import Deprecated, Kept, NativeRow
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.schema.names import read_operator_name

_SCHEMA: Final = re.compile(rb'\{"schema":("(?:[^"\\]|\\.)*")')
_KEYS: Final = re.compile(rb'"used_dispatch_keys":(\[[^\]]*\])')
_VERSION: Final = re.compile(rb'"torch_version":"([^"]*)"')
_GENERATED: Final = b'"generated":['
_OUT: Final = "_out"


def lines_of(documents: Mapping[str, bytes]) -> DocumentLines:
    """The lines of differentiability.json and functions.json, as a load would give them.

    `documents` has the bytes of both by name; they come from the store.
    """
    head = _KEYS.search(documents["differentiability.json"])
    assert head is not None
    functions = documents["functions.json"]
    at = functions.index(_GENERATED)
    version = _VERSION.search(functions)
    assert version is not None
    records = read_lines(documents["differentiability.json"])
    return DocumentLines(
        torch_version=version[1].decode(),
        used_dispatch_keys=tuple(msgspec.json.decode(head[1], type=list[str])),
        records=records,
        bases=[base_of(_schema(line)) for line in records],
        functions=read_lines(functions[:at]),
        generated=read_lines(functions[at:]),
    )


class Source:
    """The inputs of a run of the generators.

    `entries` are the entries of the YAML files, `lines` the lines of the documents that they load
    to, and `deprecated` the bytes of deprecated.yaml.
    """

    def __init__(self, entries: InputEntries, lines: DocumentLines, deprecated: bytes) -> None:
        self.entries = entries
        self.lines = lines
        self._deprecated = deprecated

    @property
    def path(self) -> str:
        """The name of native_functions.yaml, for messages."""
        return self.entries.texts.native_functions[0].name

    @cached_property
    def tags(self) -> list[str]:
        """The valid tags, sorted."""
        return sorted(self.entries.read_tags())

    @cached_property
    def infos(self) -> list[str]:
        """The schemas of all records, including those generated for foreach functions."""
        return [_schema(line) for line in [*self.lines.records, *self.lines.generated]]

    @cached_property
    def by_cpp_name(self) -> list[str]:
        """The schemas of all functions, sorted by their C++ names."""
        return [_schema(line) for line in self.lines.functions]

    def rows(self, kept: Kept | None) -> list[NativeRow]:
        """The entries of native_functions.yaml. The rows of unchanged entries come from `kept`."""
        old = kept.rows if kept else []
        known = {row.digest: row for row in old}
        by_value = {row.value: row for row in old}
        return [
            known.get(digest) or self._row(i, digest, by_value)
            for i, digest in enumerate(self.entries.natives)
        ]

    def _row(self, index: int, digest: bytes, by_value: Mapping[bytes, NativeRow]) -> NativeRow:
        entry = self.value(index)
        value = hashlib.sha256(repr(entry).encode("utf-8", "surrogatepass")).digest()[:16]
        row = by_value.get(value)
        if row is not None:
            return msgspec.structs.replace(row, digest=digest)
        delegate = entry.get("structured_delegate")
        return NativeRow(
            digest,
            value,
            base_of(str(entry["func"])),
            "" if delegate is None else base_of(str(delegate)),
        )

    def value(self, index: int) -> Mapping[str, object]:
        """An entry of native_functions.yaml, by its index."""
        value = self.entries.native(index).value
        return cast("Mapping[str, object]", value)

    def deprecated(self, kept: Kept | None) -> Deprecated:
        """deprecated.yaml, read. Raises UnexpectedTorchgenError if it is not of the known form."""
        digest = hashlib.sha256(self._deprecated).digest()
        if kept is not None and kept.deprecated.digest == digest:
            return kept.deprecated
        return Deprecated(digest, _read_deprecated(self._deprecated))


def _schema(line: bytes) -> str:
    found = _SCHEMA.match(line)
    assert found is not None
    quoted = found[1]
    return msgspec.json.decode(quoted, type=str) if b"\\" in quoted else quoted[1:-1].decode()


def base_of(text: str) -> str:
    """The base name of the operator of a schema, or of an operator name."""
    return read_operator_name(text.partition("(")[0], namespaces=True).base


def _read_deprecated(content: bytes) -> dict[str, list[tuple[str, str]]]:
    import yaml

    by_base: dict[str, list[tuple[str, str]]] = {}
    try:
        for entry in yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            name, aten = entry["name"], entry["aten"]
            called = aten.partition("(")[0].removesuffix(_OUT)
            by_base.setdefault(base_of(called), []).append((name, aten))
            if len(entry) != 2:
                raise UnexpectedTorchgenError("deprecated.yaml has unknown keys")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, Invalid) as error:
        raise UnexpectedTorchgenError(f"deprecated.yaml has an unknown form: {error}") from None
    return by_base
