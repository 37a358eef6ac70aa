"""`derivload emit`: load the inputs and bring the documents in a folder up to date."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from derivload.commands.inputs import Inputs
from derivload.commands.load import load_inputs
from derivload.outputs.depfile import render_depfile
from derivload.outputs.documents import (
    ManifestDocument,
    Rendered,
    render_differentiability,
    render_functions,
    render_manifest,
)
from derivload.outputs.files import Written, write_if_changed, write_outputs

_DOCUMENT = re.compile(r"differentiability(_\d+)?\.json")
_MANIFEST = "manifest.json"


def emit(
    inputs: Inputs, out_dir: Path, shards: int | None = None, depfile: Path | None = None
) -> Written:
    """Write the documents into `out_dir`, and the depfile if one is named.

    A document that an earlier run with other shards left there, by its manifest, is removed.
    Raises InputError with nothing written when the input has errors, OSError when a file
    cannot be written.
    """
    loaded = load_inputs(inputs)
    documents = [
        *render_differentiability(
            loaded.torch_version, loaded.used_dispatch_keys, loaded.records(), shards
        ),
        render_functions(loaded.torch_version, loaded.functions, loaded.generated),
    ]
    documents.append(render_manifest(loaded.torch_version, documents))
    written = write_outputs(out_dir, documents, _stale(out_dir, documents))
    if depfile is not None:
        targets = [str(out_dir / document.name) for document in documents]
        write_if_changed(depfile, render_depfile(targets, map(str, inputs.paths)))
    return written


def _stale(out_dir: Path, documents: list[Rendered]) -> list[str]:
    """The documents that the manifest there lists and this run does not make."""
    try:
        manifest = msgspec.json.decode((out_dir / _MANIFEST).read_bytes(), type=ManifestDocument)
    except (OSError, msgspec.DecodeError):
        return []
    current = {document.name for document in documents}
    return [
        file.name
        for file in manifest.files
        if file.name not in current and _DOCUMENT.fullmatch(file.name)
    ]
