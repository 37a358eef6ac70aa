"""The names of the files that the generators of a torchgen write."""

from __future__ import annotations

import os

from derivload.pytorch.codegen.capture import EVERYTHING, Captured, SchemaTexts
from derivload.pytorch.codegen.entry_points import Catalogue, parts_of, run_generators
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import RAISED, UnexpectedTorchgenError


def list_files(upstream: Upstream, selection: Selection) -> list[str]:
    """The names of all files that the generators write.

    They write the same files for any functions, so they are run here for no function at all.
    Raises UnexpectedTorchgenError and SelectionError.
    """
    captured = Captured(os.path.abspath("out"), SchemaTexts())
    nothing = Catalogue([], {}, frozenset(), frozenset(), [])
    with Running(upstream.root):
        modules = Modules(upstream)
        parts = parts_of(selection, modules)
        try:
            run_generators(upstream, modules, nothing, parts, captured)
        except RAISED as error:  # upstream's own exception
            raise UnexpectedTorchgenError(str(error)) from error
    return [
        output.file_name(shard)
        for output in captured.outputs.values()
        for shard in (range(EVERYTHING, output.shards) if output.shards else (EVERYTHING,))
    ]
