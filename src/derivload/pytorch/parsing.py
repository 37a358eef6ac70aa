"""Lets torchgen parse native_functions.yaml with overlays. Keeps the result until a file changes.

torchgen itself remembers parsed files by their path until the process ends. Our result is put into
torchgen's memory too, so that code that calls torchgen's parser in another way gets the same
functions. A result from other bytes is removed from there first.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

import yaml

from derivload.engine.overlays import lay_over, name_of, without_kernels
from derivload.engine.texts import collector_off
from derivload.loading.errors import InputError
from derivload.native.keys import EntryKeys
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import PARSE_NATIVE_YAML, Torchgen, original
from derivload.pytorch.overlay_places import OverlayPlaces
from derivload.pytorch.torchgen_types import NativeFunction, ParsedYaml
from derivload.sources.additions import NOTHING, Additions
from derivload.sources.entries import Mapping, read_source
from derivload.sources.splitting import with_plain_line_ends

# The variables in which torchgen remembers parsed files, by path.
_NATIVES: Final = "_GLOBAL_PARSE_NATIVE_YAML_CACHE"
_TAGS: Final = "_GLOBAL_PARSE_TAGS_YAML_CACHE"
_LINE: Final = "__line__"
_LOADED: Final = "loaded_yaml"

Entry = dict[str, object]


class _Held(NamedTuple):
    torchgen: Torchgen
    digests: list[bytes]
    parsed: ParsedYaml
    by_schema: dict[str, NativeFunction]


class Parser:
    """Lets torchgen parse, and keeps the results by path. `overlays` are laid over every file.

    `additions` say how.
    """

    def __init__(self, overlays: Sequence[str], additions: Additions = NOTHING) -> None:
        self._overlays = tuple(overlays)
        self._additions = additions
        self._held: dict[str, _Held] = {}

    def parse(
        self, torchgen: Torchgen, path: str, tags: str, *more: object, **named: object
    ) -> ParsedYaml:
        """The result of torchgen's parse_native_yaml for these files and the overlays.

        Raises OSError, InputError if an overlay is not a list of entries, UnexpectedTorchgenError,
        and any exception that torchgen raises.
        """
        if named.get("loaded_yaml") is not None or not self._can_parse(torchgen):
            return torchgen.parse_native_yaml(path, tags, *more, **named)
        contents = [Path(file).read_bytes() for file in (path, *self._overlays, tags)]
        return self._parse(torchgen, (path, tags), contents, *more, **named).parsed

    def _can_parse(self, torchgen: Torchgen) -> bool:
        """Whether torchgen's parser takes entries; one that somebody has put there may not.

        Raises UnexpectedTorchgenError where there are overlays that it cannot be given.
        """
        if takes_entries(torchgen):
            return True
        if self._overlays:
            raise UnexpectedTorchgenError(
                "its parse_native_yaml is somebody else's, and takes no overlays"
            )
        return False

    def functions(
        self, torchgen: Torchgen, path: str, tags: str, contents: Sequence[bytes]
    ) -> dict[str, NativeFunction]:
        """The functions by schema. `contents` are the bytes of the file, the overlays, the tags."""
        self._can_parse(torchgen)
        return self._parse(torchgen, (path, tags), contents).by_schema

    def forget(self) -> None:
        """Remove our results from torchgen's memory."""
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
                with OverlayPlaces(path, self._overlays, contents).told():
                    parsed = torchgen.parse_native_yaml(
                        path, tags, *more, loaded_yaml=entries, **named
                    )
            by_schema = {str(function.func): function for function in parsed.native_functions}
            held = self._held[path] = _Held(torchgen, digests, parsed, by_schema)
        return held

    def _entries(self, torchgen: Torchgen, contents: Sequence[bytes]) -> list[Entry]:
        """The entries of all files. Line numbers go on from one file to the next."""
        keys = EntryKeys(self._additions.entry_keys)
        files: list[list[Entry]] = []
        before = 0
        for name, content in zip(("", *self._overlays), contents, strict=True):
            if name:
                _check_overlay(name, content, self._additions)
            loaded = yaml.load(content, Loader=torchgen.gen.LineLoader)
            entries = _listed(loaded, self._additions)
            for entry in entries:
                line = entry.get(_LINE)
                # Of the first file it stays the same object: that may tell who reads it.
                if before and isinstance(line, int):
                    entry[_LINE] = line + before
            files.append([cast(Entry, keys.without(cast(Mapping, entry))) for entry in entries])
            before += len(content.splitlines())
        return joined(files, "func", self._additions)


def joined(files: Sequence[Sequence[Entry]], key: str, additions: Additions) -> list[Entry]:
    """The entries of several files as one list. `key` is that of their schemas."""
    names = [[name_of(cast(Mapping, entry), key) for entry in entries] for entries in files]
    order = lay_over(names, override=additions.override).order
    return [files[place.file][place.entry] for place in order]


def takes_entries(torchgen: Torchgen) -> bool:
    """Whether the parser that stands in torchgen can be given entries instead of a file's."""
    try:
        parameters = inspect.signature(original(torchgen.gen, PARSE_NATIVE_YAML)).parameters
    except (TypeError, ValueError):
        return False
    return _LOADED in parameters


def _listed(value: object, additions: Additions) -> list[Entry]:
    """The entries of a file that has been read. torchgen reports values that are not entries."""
    if isinstance(value, dict) and not value.keys().isdisjoint(additions.sections):
        lists = [held or [] for key, held in value.items() if key in additions.sections]
        value = [entry for entries in lists for entry in entries]
    return cast(list[Entry], value or [])


def _check_overlay(name: str, content: bytes, additions: Additions) -> None:
    text = with_plain_line_ends(content.decode("utf-8", "replace"))
    source = without_kernels(read_source(name, text, additions.sections, may_be_empty=True))
    diagnostics = source.diagnostics
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
