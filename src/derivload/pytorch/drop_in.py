"""Replaces upstream's load_derivatives: the same signature and objects, from derivload's engine.

Upstream remembers each result by the paths of its files until the process ends. Its generators
depend on that: one of them adds infos to the result, and the next one finds them there. So we also
return the same object again, but only while the bytes of the files are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from derivload.loading.cache_settings import try_to_open_store
from derivload.loading.inputs import choose_dialect
from derivload.loading.parameters import PathLike, checked_path, version_of
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import Result, Torchgen, find_torchgen
from derivload.pytorch.live_rules import find_live_rules
from derivload.pytorch.objects import differentiability_infos
from derivload.pytorch.parsing import Parser
from derivload.pytorch.torchgen_types import ParsedYaml
from derivload.sources.additions import NOTHING, Additions
from derivload.terminal.stderr import say

# The variable in which upstream remembers its results, by the paths of two files.
_RESULTS: Final = "_GLOBAL_LOAD_DERIVATIVE_CACHE"


class _HeldResult(NamedTuple):
    torchgen: Torchgen
    contents: list[bytes | OSError]
    result: Result


class _Document(msgspec.Struct):
    """The part of differentiability.json that is needed here."""

    used_dispatch_keys: list[str]
    functions: list[dict[str, object]]


class DropIn:
    """Loads derivatives instead of upstream. `overlays` are laid over every native_functions.yaml.

    `additions` say how. `torch_version` names the release whose rules to follow. Without it,
    torchgen's own source decides. `use_cache` reads results from the cache and keeps them there.
    """

    def __init__(
        self,
        overlays: Sequence[str],
        torch_version: str | None,
        additions: Additions = NOTHING,
        *,
        use_cache: bool,
    ) -> None:
        """Raises UsageError if derivload does not know the rules of this version."""
        self._version = version_of(torch_version)
        if self._version is not None:
            choose_dialect(self._version)
        self._overlays = tuple(overlays)
        self._use_cache = use_cache
        self._additions = additions
        self._parser = Parser(overlays, additions)
        self._held: dict[tuple[str, str], _HeldResult] = {}

    def load_derivatives(
        self, torchgen: Torchgen, derivatives: str, native: str, tags: str
    ) -> Result:
        """The result of upstream's load_derivatives for these files and the overlays.

        Raises InputError if the input has errors.
        """
        files = Files(derivatives, [native, *self._overlays], tags, self._version)
        files.additions = self._additions
        contents = files.read()
        held = self._held.get((derivatives, native))
        if held is None or held.torchgen != torchgen or held.contents != contents:
            held = _HeldResult(torchgen, contents, self._load(torchgen, files, contents))
            self._held[derivatives, native] = held
        return held.result

    def parse_native_yaml(
        self, torchgen: Torchgen, path: str, tags: str, *more: object, **named: object
    ) -> ParsedYaml:
        """The result of upstream's parse_native_yaml for these files and the overlays."""
        return self._parser.parse(torchgen, path, tags, *more, **named)

    def forget(self) -> None:
        """Remove our results from torchgen's variables."""
        self._parser.forget()
        for (derivatives, native), held in self._held.items():
            _forget_result(held.torchgen, derivatives, native)
        self._held.clear()

    def _load(self, torchgen: Torchgen, files: Files, contents: list[bytes | OSError]) -> Result:
        try:
            return self._build(torchgen, files, contents)
        except UnexpectedTorchgenError as error:
            say(f"using torchgen's own load_derivatives: {error}")
            native, *_ = files.native_functions
            _forget_result(torchgen, files.derivatives, native)
            with suppress(UnexpectedTorchgenError):  # so that torchgen does not use old functions
                self._parser.parse(torchgen, native, files.tags)
            return torchgen.load_derivatives(files.derivatives, native, files.tags)

    def _build(self, torchgen: Torchgen, files: Files, contents: list[bytes | OSError]) -> Result:
        document = self._load_document(torchgen, Request(files, contents))
        derivatives, *others = [content for content in contents if isinstance(content, bytes)]
        native, *_ = files.native_functions
        functions = self._parser.functions(torchgen, native, files.tags, others)
        infos = differentiability_infos(
            document.functions, functions, derivatives=derivatives.decode()
        )
        return infos, set(document.used_dispatch_keys)

    def _load_document(self, torchgen: Torchgen, request: Request) -> _Document:
        """differentiability.json. Raises InputError, and UnexpectedTorchgenError."""
        store = try_to_open_store() if self._use_cache else None
        try:
            if self._version is None:
                rules = request.files.rules = find_live_rules(torchgen, store)
                request.files.version = rules.release
            _, data, _, _ = load_inputs(request, store).documents[0]
        finally:
            if store is not None:
                store.close()
        return msgspec.json.decode(bytes(data), type=_Document)


def _forget_result(torchgen: Torchgen, derivatives: str, native: str) -> None:
    results = getattr(torchgen.loader, _RESULTS, {})
    results.pop((derivatives, native), None)


# The results of this process, by the requested version and whether the cache is used.
_OF_THIS_PROCESS: Final[dict[tuple[str | None, bool], DropIn]] = {}


def load_derivatives(
    derivatives_yaml_path: PathLike,
    native_yaml_path: PathLike,
    tags_yaml_path: PathLike,
    *,
    torch_version: str | None = None,
    use_cache: bool = True,
) -> Result:
    """The result of upstream's load_derivatives: infos by schema, and the used dispatch keys.

    The objects are of the classes of the importable torchgen, and equal the objects that it would
    make itself. A second call returns the same dict, as upstream does, unless a file has changed.

    Args:
        derivatives_yaml_path: derivatives.yaml.
        native_yaml_path: native_functions.yaml.
        tags_yaml_path: tags.yaml.
        torch_version: "X.Y", the release whose rules to follow, whatever torchgen's source says.
            Without it, torchgen's source decides. If that is not the source of a release,
            torchgen's own load_derivatives runs, and a line on stderr says so.
        use_cache: read results from derivload's cache and keep them there: in the folder of
            DERIVLOAD_CACHE_DIR, or the user's.

    Raises:
        InputError: the input has errors.
        UsageError: derivload does not know the version.
        UnexpectedTorchgenError: no torchgen can be imported.
    """
    given = {
        "derivatives_yaml_path": derivatives_yaml_path,
        "native_yaml_path": native_yaml_path,
        "tags_yaml_path": tags_yaml_path,
    }
    paths = [checked_path(name, path) for name, path in given.items()]
    settings = (version_of(torch_version), use_cache)
    drop_in = _OF_THIS_PROCESS.get(settings)
    if drop_in is None:
        drop_in = DropIn((), torch_version, use_cache=use_cache)
        _OF_THIS_PROCESS[settings] = drop_in
    return drop_in.load_derivatives(find_torchgen(), *paths)
