"""Where things are: definitions, references, and all places of an argument."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.editing.catalog import lines_with
from derivload.editing.documents import Document
from derivload.editing.formulas import meaning_of, name_at, names_in
from derivload.editing.outline import KeyLine, Outline, operator_name, outline, word_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from derivload.commands.lsp.knowledge import EntryFunction, Knowledge, Scene
    from derivload.editing.formulas import Names

_WHOLE: Final = re.compile(r"[\w.]+")
_NAMING: Final = re.compile(
    r"(?:- | +)(func|name|autogen|structured_delegate) *: *[\"']?(?:\w+::)?"
)
_MARKS: Final = ("", "_p", "_t")


class FoundPlace(NamedTuple):
    """A part of a line of a file: an input, by its name, or another one, by its path."""

    file: str | Path
    line: int
    start: int
    end: int


def definitions(knowledge: Knowledge, scene: Scene) -> list[FoundPlace]:
    """Where what is at a place is declared or defined."""
    key = scene.key
    if key is None:
        return []
    if key.path in (("name",), ("func",)):
        return _of_schema(knowledge, scene, key)
    if scene.file == "derivatives" and key.is_formula:
        return _of_formula(knowledge, scene, key)
    word = _operator_at(scene)
    if word and key.path[0] in ("structured_delegate", "autogen"):
        return _entries(knowledge, "native_functions", word)
    if word and key.path[0] == "tags":
        return _entries(knowledge, "tags", word)
    return []


def references(knowledge: Knowledge, scene: Scene) -> list[FoundPlace]:
    """All places of what is at a place."""
    key = scene.key
    if key is None:
        return []
    if key.path[0] in ("tags", "tag"):
        word = _operator_at(scene)
        return [
            FoundPlace(name, line, start, start + len(word))
            for file in ("tags", "native_functions")
            for name, line, start in _words(knowledge, file, word)
            if word
        ]
    if key.path in (("name",), ("func",)) and _is_on_name(scene, key):
        name = operator_name(knowledge.schema_text(scene))
        return [
            FoundPlace(file_name, line, start, start + len(name))
            for file in ("derivatives", "native_functions")
            for file_name, line, start in _words(knowledge, file, name)
            if _names_operators(knowledge, file_name, line, start)
        ]
    argument = argument_at(knowledge, scene)
    return [] if argument is None else places_of_argument(knowledge, scene, argument)


def _words(knowledge: Knowledge, file: str, word: str) -> Iterator[tuple[str, int, int]]:
    for name in knowledge.bench.files.names:
        document = knowledge.bench.document(name)
        if document is not None and knowledge.file_of(name) == file:
            for line, start in lines_with(document, word):
                yield name, line, start


def _names_operators(knowledge: Knowledge, name: str, line: int, start: int) -> bool:
    """Whether a place is in a value that names operators, or begins a schema."""
    document = knowledge.bench.document(name)
    found = None if document is None else _NAMING.match(document.line(line))
    return found is not None and (
        start == found.end() or found[1] in ("autogen", "structured_delegate")
    )


def _operator_at(scene: Scene) -> str:
    """The operator or tag at a place: a word with dots."""
    line = scene.document.line(scene.spot.line)
    for found in _WHOLE.finditer(line):
        if found.start() <= scene.spot.character <= found.end():
            return found[0]
    return ""


def _is_on_name(scene: Scene, key: KeyLine) -> bool:
    offset = scene.entry.offset_in(key, scene.spot)
    if offset is None:  # on the key
        return True
    value = scene.entry.value_of(key)
    return offset <= value.find("(") or "(" not in value


def _of_schema(knowledge: Knowledge, scene: Scene, key: KeyLine) -> list[FoundPlace]:
    if not _is_on_name(scene, key):
        argument = argument_at(knowledge, scene)
        return [] if argument is None else _declarations(knowledge, scene, argument)
    name = operator_name(knowledge.schema_text(scene))
    other = "native_functions" if scene.file == "derivatives" else "derivatives"
    found = _entries(knowledge, other, name)
    if found or scene.file == "derivatives":
        return found
    # A variant has the formulas of another function.
    load = knowledge.found(scene)
    entry = None if load is None else _definition_of(load)
    return [] if entry is None else [FoundPlace(entry[0], entry[1] - 1, 0, 0)]


def _definition_of(found: EntryFunction) -> tuple[str, int] | None:
    """The file and line of the definition that a function has its formulas from."""
    for function, record, _ in found.load.matched:
        if function is found.function and record.differentiability:
            schema = next(iter(record.differentiability.values())).schema
            entry = found.load.definitions.get(schema)
            return None if entry is None else (entry.file, entry.line)
    return None


def _entries(knowledge: Knowledge, file: str, name: str) -> list[FoundPlace]:
    places = []
    for file_name in knowledge.bench.files.names:
        if knowledge.file_of(file_name) != file:
            continue
        for one in knowledge.declared(file_name):
            if one.name == name:
                places.append(FoundPlace(file_name, one.line, *one.span))
    return places


def _of_formula(knowledge: Knowledge, scene: Scene, key: KeyLine) -> list[FoundPlace]:
    names = knowledge.names(scene)
    argument = argument_at(knowledge, scene)
    if argument is not None:
        return _declarations(knowledge, scene, argument)
    offset = scene.entry.offset_in(key, scene.spot)
    formula = scene.entry.value_of(key)
    name = None if offset is None else name_at(formula, offset)
    if name is None or names is None or meaning_of(name, names, formula).kind != "helper":
        return []
    return _in_header(knowledge, name.text)


def _in_header(knowledge: Knowledge, helper: str) -> list[FoundPlace]:
    """The declarations of a helper function in FunctionsManual.h."""
    header = knowledge.header()
    if header is None:
        return []
    document = Document("", header.read_text("utf-8", "replace"))
    pattern = re.compile(rf"(?<![\w.>]){re.escape(helper)}(?=\s*\()")
    places = []
    for number, line in enumerate(document.lines(0, document.last)):
        found = pattern.search(line)
        if found and not line.lstrip().startswith("//"):
            places.append(FoundPlace(header, number, found.start(), found.end()))
    return places


# ------------------------------------------------------------------ arguments


def argument_at(knowledge: Knowledge, scene: Scene) -> str | None:
    """The argument at a place: in a schema, in a key, or in a formula."""
    names, key = knowledge.names(scene), scene.key
    if names is None or key is None:
        return None
    arguments = {value.name for value in names.arguments}
    is_formula = scene.file == "derivatives" and key.is_formula
    if is_formula:
        offset = scene.entry.offset_in(key, scene.spot)
        if offset is not None:
            return _argument_in(scene.entry.value_of(key), offset, names)
    word = word_at(scene.document.line(scene.spot.line), scene.spot.character)
    if word is None or (key.path not in (("name",), ("func",)) and not is_formula):
        return None
    return word.text if word.text in arguments and not _is_on_type(scene, word.end) else None


def _is_on_type(scene: Scene, end: int) -> bool:
    """Whether a word of a schema is a type: it has a name behind it."""
    return re.match(r"[\w\[\]?]* +\w", scene.document.line(scene.spot.line)[end:]) is not None


def _argument_in(formula: str, offset: int, names: Names) -> str | None:
    name = name_at(formula, offset)
    if name is None:
        return None
    about = meaning_of(name, names, formula)
    return about.of if about.kind in ("argument", "primal", "tangent") else None


def _declarations(knowledge: Knowledge, scene: Scene, argument: str) -> list[FoundPlace]:
    """Where an argument stands in the schema of the native function."""
    schema = operator_name(knowledge.schema_text(scene))
    places = []
    for place in _entries(knowledge, "native_functions", schema):
        document = knowledge.bench.document(str(place.file))
        if document is not None:
            found = _in_schema(document.line(place.line), argument)
            places += [FoundPlace(place.file, place.line, *span) for span in found[:1]]
    return places


def _in_schema(line: str, argument: str) -> list[tuple[int, int]]:
    """Where an argument stands in a line with a schema: behind its type, before `,`, `=` or `)`."""
    pattern = re.compile(rf"(?<=[\w)\]?!*] ){re.escape(argument)}(?=\s*[,=)])")
    body = line.find("(")
    return [(f.start(), f.end()) for f in pattern.finditer(line) if f.start() > body >= 0]


def places_of_argument(knowledge: Knowledge, scene: Scene, argument: str) -> list[FoundPlace]:
    """All places of an argument: in the schemas of its function and its variants, which must agree
    in the names of arguments, in the keys, and in the formulas.
    """
    places: list[FoundPlace] = []
    for name in _variants(knowledge, scene):
        for place in _entries(knowledge, "native_functions", name):
            document = knowledge.bench.document(str(place.file))
            if document is not None:
                spans = _in_schema(document.line(place.line), argument)
                places += [FoundPlace(place.file, place.line, *span) for span in spans]
        for place in _entries(knowledge, "derivatives", name):
            places += _in_definition(knowledge, place, argument)
    return sorted(set(places), key=lambda place: (str(place.file), *place[1:]))


def _variants(knowledge: Knowledge, scene: Scene) -> list[str]:
    """The names of the function of an entry and of the variants of its signature."""
    found = knowledge.found(scene)
    own = operator_name(knowledge.schema_text(scene))
    if found is None:
        return [own]
    signature = found.function.signatures.loose
    others = [f.name.text for f in found.load.natives if f.signatures.loose == signature]
    return list(dict.fromkeys([own, *others]))


def _in_definition(knowledge: Knowledge, place: FoundPlace, argument: str) -> Iterator[FoundPlace]:
    document = knowledge.bench.document(str(place.file))
    if document is None:
        return
    for start, end in _in_schema(document.line(place.line), argument):
        yield FoundPlace(place.file, place.line, start, end)
    last = place.line + 1
    while last <= document.last and not document.line(last).startswith("- "):
        last += 1
    entry = outline(document.lines(place.line, last - 1), place.line)
    for key in entry.keys:
        if not key.is_formula:
            continue
        line = document.line(key.line)
        for found in re.finditer(rf"\b{re.escape(argument)}\b", line[: key.end]):
            yield FoundPlace(place.file, key.line, found.start(), found.end())
        yield from _in_formula(entry, key, place.file, argument)


def _in_formula(
    entry: Outline, key: KeyLine, file: str | Path, argument: str
) -> Iterator[FoundPlace]:
    for name in names_in(entry.value_of(key)):
        is_own = name.text in {argument + mark for mark in _MARKS}
        if is_own and not name.is_member and not name.is_call:
            spot = entry.spot_in(key, name.start)
            yield FoundPlace(file, spot.line, spot.character, spot.character + len(argument))
