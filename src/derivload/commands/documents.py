"""The documents of a load, rendered from its lines."""

from __future__ import annotations

from derivload.engine.lines import DocumentLines
from derivload.outputs.documents import (
    Rendered,
    render_differentiability,
    render_functions,
    render_manifest,
)


def render_documents(lines: DocumentLines, shards: int | None) -> list[Rendered]:
    """All documents, over so many shards, the manifest last."""
    records = [(record.base, record.line) for record in lines.records]
    documents = [
        *render_differentiability(lines.torch_version, lines.used_dispatch_keys, records, shards),
        render_functions(lines.torch_version, lines.functions, lines.generated),
    ]
    return [*documents, render_manifest(lines.torch_version, documents)]
