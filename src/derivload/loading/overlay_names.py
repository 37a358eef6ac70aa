"""The operators that overlays and the files of backends name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivload.engine.overlays import name_of
from derivload.sources.entries import read_source

if TYPE_CHECKING:
    from derivload.loading.request import Request


def names_in_overlays(request: Request) -> set[str]:
    """The names, with overloads, of the operators that overlays and files of backends name."""
    texts = request.inputs.texts
    names: set[str] = set()
    for overlays, key, sections in (
        (texts.more_derivatives, "name", ()),
        (texts.native_functions[1:], "func", texts.additions.sections),
    ):
        for text in overlays:
            source = read_source(text.name, text.text, sections)
            found = [name_of(value, key) for _, value in source.entries]
            names.update(name.rpartition("::")[2] for name in found)
    return {*names, *request.inputs.kernels()} - {""}
