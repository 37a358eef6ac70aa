"""`derivload.load`: the inputs' files in, their definitions out. The commands use it too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.engine.load import Loaded, load_texts
from derivload.loading.errors import InputError
from derivload.loading.inputs import Inputs, read_inputs
from derivload.loading.paths import find_files

PathLike = str | os.PathLike[str]


class Definitions(NamedTuple):
    """Everything that the documents hold, as typed values.

    `differentiability` is what upstream's load_derivatives returns, in its order; `functions`
    what match_differentiability_info returns, sorted by C++ name; `generated` the records that
    it makes for foreach functions. `torch_version` is the release whose rules were followed.
    """

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    differentiability: tuple[DifferentiabilityRecord, ...]
    functions: tuple[FunctionRecord, ...]
    generated: tuple[DifferentiabilityRecord, ...]


def load(
    derivatives: PathLike | None = None,
    native_functions: PathLike | Sequence[PathLike] = (),
    tags: PathLike | None = None,
    torch_version: str | None = None,
    pytorch: PathLike | None = None,
) -> Definitions:
    """Load autograd definitions.

    derivatives: derivatives.yaml.
    native_functions: native_functions.yaml, or a list of it and its overlays in order.
    tags: tags.yaml; the one beside native_functions.yaml when left out.
    torch_version: "X.Y", the release to follow; the newest known when left out.
    pytorch: a PyTorch checkout or unpacked torchgen in place of the files, which gives the
        version too; `native_functions` are then overlays.
    With nothing at all, the catalogue that ships with derivload.

    Raises UsageError for a combination that means nothing, InputError, with all diagnostics,
    when the input has errors.
    """
    natives = (
        [native_functions] if isinstance(native_functions, str | os.PathLike) else native_functions
    )
    files = find_files(
        derivatives=None if derivatives is None else os.fspath(derivatives),
        native_functions=[os.fspath(path) for path in natives],
        tags=None if tags is None else os.fspath(tags),
        torch_version=torch_version,
        pytorch=None if pytorch is None else os.fspath(pytorch),
    )
    loaded = load_inputs(read_inputs(files))
    return Definitions(
        torch_version=loaded.torch_version,
        used_dispatch_keys=loaded.used_dispatch_keys,
        differentiability=tuple(record for _, record in loaded.records()),
        functions=tuple(m.record for m in loaded.load.matched),
        generated=tuple(m.generated for m in loaded.load.matched if m.generated is not None),
    )


def load_inputs(inputs: Inputs) -> Loaded:
    """Load the texts. Raises InputError when there is anything wrong with them."""
    loaded = load_texts(inputs.texts, inputs.dialect)
    if loaded.diagnostics:
        raise InputError(loaded.diagnostics)
    return loaded
