"""Upstream's load_derivatives, by derivload's engine: the same signature, the same objects.

Upstream keeps a result by path for as long as the process lives, and its generators count on
that: one of them adds infos to the result that the next one finds. So a result is kept here too,
the very same object, but only while the files hold the very same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from derivload.loading.cache_settings import cache_folder, cache_size_limit
from derivload.loading.inputs import choose_dialect
from derivload.loading.paths import Files
from derivload.loading.run import Clock, Started, find_or_load
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import Result, Torchgen, find_torchgen
from derivload.pytorch.objects import differentiability_infos
from derivload.pytorch.parsing import Parser
from derivload.pytorch.releases import release_of_torchgen
from derivload.pytorch.torchgen_types import ParsedYaml
from derivload.store.store import Store, StoreError
from derivload.terminal.stderr import say

PathLike = str | os.PathLike[str]

# Where upstream keeps its results, by the paths of two files.
_RESULTS: Final = "_GLOBAL_LOAD_DERIVATIVE_CACHE"


class _Held(NamedTuple):
    torchgen: Torchgen
    contents: list[bytes | OSError]
    result: Result


class _Document(msgspec.Struct):
    """differentiability.json, as far as it is read here."""

    used_dispatch_keys: list[str]
    functions: list[dict[str, object]]


class DropIn:
    """Loads derivatives in upstream's stead. `overlays` are laid over every native_functions.yaml.

    `torch_version` names the release whose rules to follow; when left out, torchgen's own source
    tells it.
    """

    def __init__(self, overlays: Sequence[str] = (), torch_version: str | None = None) -> None:
        """Raises UsageError for a version that cannot be followed."""
        if torch_version is not None:
            choose_dialect(torch_version)
        self._overlays = tuple(overlays)
        self._version = torch_version
        self._parser = Parser(overlays)
        self._held: dict[tuple[str, str], _Held] = {}

    def load_derivatives(
        self, torchgen: Torchgen, derivatives: str, native: str, tags: str
    ) -> Result:
        """What upstream's load_derivatives returns for these files and the overlays.

        Raises InputError when the input has errors.
        """
        files = Files(derivatives, [native, *self._overlays], tags, self._version)
        contents = files.read()
        held = self._held.get((derivatives, native))
        if held is None or held.torchgen != torchgen or held.contents != contents:
            held = _Held(torchgen, contents, self._load(torchgen, files))
            self._held[derivatives, native] = held
        return held.result

    def parse_native_yaml(
        self, torchgen: Torchgen, path: str, tags: str, *more: object, **named: object
    ) -> ParsedYaml:
        """What upstream's parse_native_yaml returns for these files and the overlays."""
        return self._parser.parse(torchgen, path, tags, *more, **named)

    def forget(self) -> None:
        """Leave nothing behind in torchgen."""
        self._parser.forget()
        for (derivatives, native), held in self._held.items():
            _forget_result(held.torchgen, derivatives, native)
        self._held.clear()

    def _load(self, torchgen: Torchgen, files: Files) -> Result:
        try:
            return self._build(torchgen, files)
        except UnexpectedTorchgenError as error:
            say(f"going on with torchgen's own load_derivatives: {error}")
            native, *_ = files.native_functions
            _forget_result(torchgen, files.derivatives, native)
            with suppress(UnexpectedTorchgenError):  # so that torchgen takes no stale functions
                self._parser.parse(torchgen, native, files.tags)
            return torchgen.load_derivatives(files.derivatives, native, files.tags)

    def _build(self, torchgen: Torchgen, files: Files) -> Result:
        files.version = self._version or release_of_torchgen(torchgen.loader, torchgen.gen)
        document, (derivatives, *others) = _load_document(files)
        native, *_ = files.native_functions
        functions = self._parser.functions(torchgen, native, files.tags, others)
        infos = differentiability_infos(
            document.functions, functions, derivatives=derivatives.decode()
        )
        return infos, set(document.used_dispatch_keys)


def _load_document(files: Files) -> tuple[_Document, list[bytes]]:
    """differentiability.json, from the store where that has it, and the bytes that it is of.

    Raises InputError.
    """
    clock = Clock()
    started = Started(files, None, _open_store, clock)
    try:
        found = find_or_load(files, None, started, clock)
    finally:
        if started.store is not None:
            started.store.close()
    _, data, _, _ = found.kept.documents[0]
    contents = [content for content in started.contents if isinstance(content, bytes)]
    return msgspec.json.decode(data, type=_Document), contents


def _open_store() -> Store | None:
    with suppress(StoreError):
        return Store(cache_folder(None), cache_size_limit())
    return None


def _forget_result(torchgen: Torchgen, derivatives: str, native: str) -> None:
    results = getattr(torchgen.loader, _RESULTS, {})
    results.pop((derivatives, native), None)


# The results of this process, by the version asked for.
_OF_THIS_PROCESS: Final[dict[str | None, DropIn]] = {}


def load_derivatives(
    derivatives_yaml_path: PathLike,
    native_yaml_path: PathLike,
    tags_yaml_path: PathLike,
    *,
    torch_version: str | None = None,
) -> Result:
    """What upstream's load_derivatives returns: infos by schema, and the dispatch keys in use.

    The objects are those of the torchgen that can be imported, and equal its own. A second call
    gives the same dict, as upstream's does, unless a file has changed since.

    torch_version: "X.Y", the release whose rules to follow, whatever torchgen's source says; when
        left out, that source decides, and where it is that of no release, torchgen loads for
        itself, with a line on stderr that says so.

    Raises InputError when the input has errors, UsageError for a version that cannot be
    followed, and UnexpectedTorchgenError when there is no torchgen.
    """
    drop_in = _OF_THIS_PROCESS.get(torch_version)
    if drop_in is None:
        drop_in = _OF_THIS_PROCESS[torch_version] = DropIn((), torch_version)
    return drop_in.load_derivatives(
        find_torchgen(),
        os.fspath(derivatives_yaml_path),
        os.fspath(native_yaml_path),
        os.fspath(tags_yaml_path),
    )
