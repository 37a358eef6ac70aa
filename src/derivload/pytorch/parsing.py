"""torchgen's own parse of native_functions.yaml, overlays and all, kept while the files stay.

torchgen keeps what it parsed by path, for as long as the process lives. What is made here is put
where torchgen keeps its own, so that whoever parses by another way has the same functions; what
is there of other bytes is thrown out first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

import yaml

from derivload.engine.load import OVERLAY_KEY, collector_off
from derivload.loading.errors import InputError
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import Torchgen
from derivload.pytorch.torchgen_types import NativeFunction, ParsedYaml
from derivload.sources.entries import read_source
from derivload.sources.splitting import with_plain_line_ends

# Where torchgen keeps what it parsed, by path.
_NATIVES: Final = "_GLOBAL_PARSE_NATIVE_YAML_CACHE"
_TAGS: Final = "_GLOBAL_PARSE_TAGS_YAML_CACHE"
_LINE: Final = "__line__"

Entry = dict[str, object]


class _Held(NamedTuple):
    torchgen: Torchgen
    digests: list[bytes]
    parsed: ParsedYaml
    by_schema: dict[str, NativeFunction]


class Parser:
    """Has torchgen parse, and holds the results by path. `overlays` are laid over every file."""

    def __init__(self, overlays: Sequence[str]) -> None:
        self._overlays = tuple(overlays)
        self._held: dict[str, _Held] = {}

    def parse(
        self, torchgen: Torchgen, path: str, tags: str, *more: object, **named: object
    ) -> ParsedYaml:
        """What torchgen's parse_native_yaml returns for these files and the overlays.

        Raises OSError, InputError for an overlay that is no list of entries, what torchgen
        raises, and UnexpectedTorchgenError.
        """
        if named.get("loaded_yaml") is not None:
            return torchgen.parse_native_yaml(path, tags, *more, **named)
        contents = [Path(file).read_bytes() for file in (path, *self._overlays, tags)]
        return self._parse(torchgen, (path, tags), contents, *more, **named).parsed

    def functions(
        self, torchgen: Torchgen, path: str, tags: str, contents: Sequence[bytes]
    ) -> dict[str, NativeFunction]:
        """The functions by schema. `contents` are those of the file, the overlays and the tags."""
        return self._parse(torchgen, (path, tags), contents).by_schema

    def forget(self) -> None:
        """Take back what was put where torchgen keeps its own."""
        for path, held in self._held.items():
            _drop(held.torchgen, path, held.parsed)
        self._held.clear()

    def _parse(
        self,
        torchgen: Torchgen,
        paths: tuple[str, str],
        contents: Sequence[bytes],
        *more: object,
        **named: object,
    ) -> _Held:
        path, tags = paths
        digests = [hashlib.sha256(content).digest() for content in contents]
        held = self._held.get(path)
        if (
            held is None
            or held.torchgen.gen is not torchgen.gen
            or held.digests != digests
            or _kept(torchgen, _NATIVES).get(path) is not held.parsed
        ):
            _drop(torchgen, path)
            _drop_tags(torchgen, tags)
            with collector_off():
                entries = self._entries(torchgen, contents[:-1])
                parsed = torchgen.parse_native_yaml(path, tags, *more, loaded_yaml=entries, **named)
            by_schema = {str(function.func): function for function in parsed.native_functions}
            held = self._held[path] = _Held(torchgen, digests, parsed, by_schema)
        return held

    def _entries(self, torchgen: Torchgen, contents: Sequence[bytes]) -> list[Entry]:
        """The entries of all files; their lines are counted as if the files were one."""
        entries: list[Entry] = []
        before = 0
        for name, content in zip(("", *self._overlays), contents, strict=True):
            if name:
                _check_overlay(name, content)
            for entry in _listed(yaml.load(content, Loader=torchgen.gen.LineLoader)):
                line = entry.get(_LINE)
                if before and isinstance(line, int):
                    entry[_LINE] = line + before
                entries.append(entry)
            before += len(content.splitlines())
        return entries


def _listed(value: object) -> list[Entry]:
    """The entries of a file that has been read; torchgen judges what is none."""
    if isinstance(value, dict) and OVERLAY_KEY in value:
        value = value[OVERLAY_KEY]
    return cast(list[Entry], value or [])


def _check_overlay(name: str, content: bytes) -> None:
    text = with_plain_line_ends(content.decode("utf-8", "replace"))
    diagnostics = read_source(name, text, OVERLAY_KEY, may_be_empty=True).diagnostics
    if diagnostics:
        raise InputError(sorted(diagnostics))


def _kept(torchgen: Torchgen, name: str) -> dict[str, object]:
    kept = getattr(torchgen.gen, name, None)
    if not isinstance(kept, dict):
        raise UnexpectedTorchgenError(f"torchgen.gen has no {name}")
    return kept


def _drop(torchgen: Torchgen, path: str, only: ParsedYaml | None = None) -> None:
    kept = _kept(torchgen, _NATIVES)
    if only is None or kept.get(path) is only:
        kept.pop(path, None)


def _drop_tags(torchgen: Torchgen, path: str) -> None:
    _kept(torchgen, _TAGS).pop(path, None)
    clear = getattr(torchgen.gen.parse_tags_yaml, "cache_clear", None)
    if clear is not None:
        clear()
