"""places.json: where the functions of a load come from.

Lines are found in the texts of now, each time: a comment moves lines and changes nothing else. What
an entry is of, the facts of the load say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from derivload.engine.facts import read_facts
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import EntryLine, NotCertainError
from derivload.native.function import qualified
from derivload.outputs.documents import (
    ManifestDocument,
    Place,
    PlacedFunction,
    PlacedKernel,
    Rendered,
    Renderer,
)

if TYPE_CHECKING:
    from derivload.engine.backends import Kernels
    from derivload.loading.memory import Memory
    from derivload.loading.request import Request
    from derivload.store.results import Document

_Places = Mapping[str, Sequence[EntryLine]]


def with_places(
    request: Request,
    documents: Sequence[Document],
    facts: Sequence[bytes],
    kernels: Kernels,
    memory: Memory | None = None,
) -> list[Document]:
    """The documents with places.json, the manifest last. `kernels` are those of backends.

    `memory` is that of the load, which has its entries, and the places.json before it.
    """
    renderer = Renderer()
    *others, (_, manifest, _, _) = documents
    version = msgspec.json.decode(bytes(manifest), type=ManifestDocument).torch_version
    session = None if memory is None else memory.own_session
    places = _places_of(request, None if session is None else session.entries)
    made_of = version, facts, places, kernels
    if memory is not None and memory.placed is not None and memory.placed[0] == made_of:
        rendered = memory.placed[1]
    else:
        rendered = renderer.places(version, _placed(facts, places, kernels))
    if memory is not None:
        memory.placed = made_of, rendered
    every = [*(Rendered(*document) for document in others), rendered]
    return [*every, renderer.manifest(version, every)]


def placed_functions(
    request: Request, facts: Sequence[bytes], kernels: Kernels
) -> Iterator[PlacedFunction]:
    """The functions with these facts, each with its places in the files of the request."""
    return _placed(facts, _places_of(request), kernels)


def _placed(
    facts: Sequence[bytes], places: tuple[_Places, _Places], kernels: Kernels
) -> Iterator[PlacedFunction]:
    natives, definitions = places
    for line in facts:
        fact = read_facts(line)
        name = fact.schema.partition("(")[0]
        of_backends = kernels.get(name, ())
        keys = {*fact.dispatch_keys, *(kernel.dispatch_key for kernel in of_backends)}
        yield PlacedFunction(
            schema=fact.schema,
            native_function=_place(natives, fact.declared, fact.declared_twin),
            definition=_place(definitions, fact.defined, fact.defined_twin),
            generated=fact.declared != qualified(fact.namespace, name),
            dispatch_keys=tuple(sorted(keys)),
            structured_delegate=fact.structured_delegate,
            backend_kernels=tuple([PlacedKernel(*kernel) for kernel in of_backends]),
        )


def _place(places: _Places, name: str, twin: int = 0) -> Place | None:
    """The place of an entry, by its name and by which of that name it is."""
    found = places.get(name, ()) if name else ()
    return Place(*found[twin]) if twin < len(found) else None


def _places_of(request: Request, entries: InputEntries | None = None) -> tuple[_Places, _Places]:
    """Where the entries of native functions and of definitions are, by name.

    `entries` are those of the request, if they are known.
    """
    try:
        if entries is None:
            entries = InputEntries(request.inputs.texts, splits=request.keys.splits())
        return entries.places(of_native=True), entries.places(of_native=False)
    except NotCertainError:
        return _places_read_whole(request)


def _places_read_whole(request: Request) -> tuple[_Places, _Places]:
    """The same for files that cannot be read entry by entry."""
    from derivload.engine.load import read_entries
    from derivload.engine.overlays import name_of

    definitions, natives, _ = read_entries(request.inputs.texts)
    found: list[_Places] = []
    for entries, key in ((natives, "func"), (definitions, "name")):
        places: dict[str, list[EntryLine]] = {}
        for entry, value in entries:
            where = EntryLine(entry.file, entry.line)
            places.setdefault(name_of(value, key), []).append(where)
        found.append(places)
    return found[0], found[1]
