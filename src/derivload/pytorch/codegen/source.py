"""The inputs of PyTorch's generators, as values and digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Final, cast

import msgspec

from derivload.diagnostics import Invalid
from derivload.engine.inputs import InputEntries
from derivload.engine.lines import DocumentLines
from derivload.loading.memory import base_of
from derivload.pytorch.codegen.kept import Deprecated, Kept, KeptEntry
from derivload.pytorch.codegen.plain import LoadedDefinitions
from derivload.pytorch.errors import UnexpectedTorchgenError

_OUT: Final = "_out"


class Source:
    """The inputs of a run of the generators.

    `entries` are the entries of the YAML files, `lines` the lines of the documents that they load
    to, and `deprecated` the bytes of deprecated.yaml.
    """

    def __init__(self, entries: InputEntries, lines: DocumentLines, deprecated: bytes) -> None:
        self.entries = entries
        self.lines = lines
        self._deprecated = deprecated
        self._values: dict[int, Mapping[str, object]] = {}

    @property
    def path(self) -> str:
        """The name of native_functions.yaml, for messages."""
        return self.entries.texts.native_functions[0].name

    @property
    def loaded(self) -> LoadedDefinitions:
        """What upstream's load_derivatives would load."""
        lines = self.lines
        text = self.entries.texts.derivatives.text
        return LoadedDefinitions(lines.records, [*lines.used_dispatch_keys], text)

    @cached_property
    def tags(self) -> list[str]:
        """The valid tags, sorted."""
        return sorted(self.entries.read_tags())

    def rows(self, kept: Kept | None) -> list[KeptEntry]:
        """The entries of native_functions.yaml. The rows of unchanged entries come from `kept`."""
        old = kept.rows if kept else []
        known = {row.digest: row for row in old}
        by_value = {row.value: row for row in old}
        return [
            known.get(digest) or self._row(i, digest, by_value)
            for i, digest in enumerate(self.entries.natives)
        ]

    def _row(self, index: int, digest: bytes, by_value: Mapping[bytes, KeptEntry]) -> KeptEntry:
        entry = self.value(index)
        value = hashlib.sha256(repr(entry).encode("utf-8", "surrogatepass")).digest()[:16]
        row = by_value.get(value)
        if row is not None:
            return msgspec.structs.replace(row, digest=digest)
        delegate = entry.get("structured_delegate")
        return KeptEntry(
            digest,
            value,
            base_of(str(entry["func"])),
            "" if delegate is None else base_of(str(delegate)),
        )

    def value(self, index: int) -> Mapping[str, object]:
        """An entry of native_functions.yaml, by its index."""
        value = self._values.get(index)
        if value is None:
            value = cast("Mapping[str, object]", self.entries.native(index).value)
            self._values[index] = value
        return value

    def forget(self) -> None:
        """Keep no values: whoever needs one again reads it again."""
        self._values.clear()

    def deprecated(self, kept: Kept | None) -> Deprecated:
        """deprecated.yaml, read. Raises UnexpectedTorchgenError if it is not of the known form."""
        digest = hashlib.sha256(self._deprecated).digest()
        if kept is not None and kept.deprecated.digest == digest:
            return kept.deprecated
        return Deprecated(digest, _read_deprecated(self._deprecated))


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
