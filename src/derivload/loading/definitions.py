"""`derivload.load`: the inputs' files in, their definitions out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.loading.additions import add_to
from derivload.loading.cache_settings import open_store
from derivload.loading.parameters import (
    PathLike,
    flag_of,
    path_of,
    paths_of,
    spell_parameter,
    texts_of,
    version_of,
)
from derivload.loading.paths import Files, find_files
from derivload.loading.request import Request
from derivload.loading.run import LoadedInputs, load_inputs
from derivload.outputs.documents import DifferentiabilityDocument, FunctionsDocument
from derivload.sources.additions import Additions
from derivload.store.owned import StoreError
from derivload.store.store import Store


class Definitions(NamedTuple):
    """Everything that the documents hold, as typed values.

    Attributes:
        torch_version: The release whose rules were followed, as X.Y.
        used_dispatch_keys: The dispatch keys that the definitions name, sorted.
        differentiability: What upstream's load_derivatives returns, in its order.
        functions: What match_differentiability_info returns, sorted by C++ name.
        generated: The records that it makes for foreach functions.
    """

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    differentiability: tuple[DifferentiabilityRecord, ...]
    functions: tuple[FunctionRecord, ...]
    generated: tuple[DifferentiabilityRecord, ...]


def load(
    derivatives: PathLike | Sequence[PathLike] | None = None,
    native_functions: PathLike | Sequence[PathLike] = (),
    tags: PathLike | None = None,
    torch_version: str | None = None,
    pytorch: PathLike | None = None,
    *,
    override: bool = False,
    dispatch_keys: Sequence[str] = (),
    entry_keys: Sequence[str] = (),
    sections: Sequence[str] = (),
    backend_yaml: PathLike | Sequence[PathLike] = (),
    catalogue: bool = False,
    cache_dir: PathLike | None = None,
) -> Definitions:
    """Load autograd definitions.

    What is loaded depends on the arguments alone: no settings are read, and no tree is looked for
    around the current folder.

    Args:
        derivatives: derivatives.yaml, or a list of it and its overlays in order.
        native_functions: native_functions.yaml, or a list of it and its overlays in order.
        tags: tags.yaml; the one beside native_functions.yaml when left out.
        torch_version: "X.Y", the release to follow; the newest known when left out.
        pytorch: a PyTorch checkout or unpacked torchgen in place of the files. Its rules are
            followed; `native_functions` are then overlays.
        override: an entry of an overlay takes the place of the earlier entry of the same name.
        dispatch_keys: keys that a backend adds to those that torchgen lists for kernels.
        entry_keys: keys of entries that only a backend's own tools read, or patterns such as
            "gen_*".
        sections: sections of an overlay that declare operators, besides `custom` and
            `custom_autograd`.
        backend_yaml: a file that says what a backend registers, as torchgen.gen_backend_stubs
            reads it, or a list of them. They are checked.
        catalogue: the small catalogue that ships with derivload, in place of the files.
        cache_dir: the folder of a cache, to read from and to keep the results in; no cache when
            left out. One that cannot be used is done without, with a warning.

    Raises:
        UsageError: an argument has another type, or the arguments mean nothing together.
        InputError: the input has errors; it has all diagnostics.
        TreeCodeError: the rules of a tree are not known, and its own torchgen refuses the input
            or cannot be run.
    """
    sources = _Sources(derivatives, native_functions, tags, torch_version, pytorch, catalogue)
    additions = _Additions(dispatch_keys, entry_keys, override, sections, backend_yaml)
    folder = path_of("cache_dir", cache_dir)
    files = _files_of(sources, additions)
    store = None if folder is None else _open(folder)
    try:
        loaded = load_inputs(Request(files), store)
    finally:
        if store is not None:
            store.close()
    return _definitions_of(loaded)


class _Sources(NamedTuple):
    """The parameters of `load` that name PyTorch's files, as they were passed."""

    derivatives: PathLike | Sequence[PathLike] | None
    native_functions: PathLike | Sequence[PathLike]
    tags: PathLike | None
    torch_version: str | None
    pytorch: PathLike | None
    catalogue: bool


class _Additions(NamedTuple):
    """The parameters of `load` that say what a backend adds, as they were passed."""

    dispatch_keys: Sequence[str]
    entry_keys: Sequence[str]
    override: bool
    sections: Sequence[str]
    backend_yaml: PathLike | Sequence[PathLike]


def _files_of(sources: _Sources, passed: _Additions) -> Files:
    """The files that the parameters mean. Raises UsageError."""
    derivatives = sources.derivatives
    given = [] if derivatives is None else paths_of("derivatives", derivatives)
    additions = Additions(
        texts_of("dispatch_keys", passed.dispatch_keys),
        texts_of("entry_keys", passed.entry_keys),
        override=flag_of("override", passed.override),
        sections=texts_of("sections", passed.sections),
    )
    files = find_files(
        derivatives=given[0] if given else None,
        native_functions=paths_of("native_functions", sources.native_functions),
        tags=path_of("tags", sources.tags),
        torch_version=version_of(sources.torch_version),
        pytorch=path_of("pytorch", sources.pytorch),
        catalogue=flag_of("catalogue", sources.catalogue),
        spell=spell_parameter,
    )
    backends = paths_of("backend_yaml", passed.backend_yaml)
    add_to(files, given[1:], additions, spell_parameter, backends)
    return files


def _definitions_of(loaded: LoadedInputs) -> Definitions:
    """What was loaded, as typed values."""
    whole = loaded.whole
    if whole is None:
        return _definitions_in({name: bytes(data) for name, data, _, _ in loaded.documents})
    matched = whole.load.matched
    return Definitions(
        torch_version=whole.torch_version,
        used_dispatch_keys=whole.used_dispatch_keys,
        differentiability=tuple(record for _, record in whole.records()),
        functions=tuple(m.record for m in matched),
        generated=tuple(m.generated for m in matched if m.generated is not None),
    )


def _open(folder: str) -> Store | None:
    try:
        return open_store(folder)
    except StoreError as error:
        warnings.warn(f"going on without the cache: {error}", stacklevel=3)
        return None


def _definitions_in(documents: Mapping[str, bytes]) -> Definitions:
    own = msgspec.json.decode(documents["differentiability.json"], type=DifferentiabilityDocument)
    all_ = msgspec.json.decode(documents["functions.json"], type=FunctionsDocument)
    return Definitions(
        own.torch_version, own.used_dispatch_keys, own.functions, all_.functions, all_.generated
    )
