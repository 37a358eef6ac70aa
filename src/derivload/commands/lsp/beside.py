"""What an editor shows beside the text of a whole document: symbols, folds, tokens, hints, lenses.

A document has up to 3,000 entries, so all of this goes by lines; only what is on the screen is
loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.commands.lsp.hover import derivative_of
from derivload.commands.show.groups import find_groups
from derivload.commands.show.query import read_query
from derivload.editing.documents import TextSpot
from derivload.editing.formulas import KEYWORDS, Token, meaning_of, names_in, saved_as
from derivload.editing.outline import Outline, entry_around, outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derivload.commands.lsp.knowledge import Knowledge, Scene
    from derivload.editing.documents import Document
    from derivload.editing.formulas import Names

TOKEN_TYPES: Final = ("parameter", "variable", "function", "keyword", "property", "macro")
_TOKENS: Final = {
    "argument": "parameter",
    "primal": "parameter",
    "tangent": "parameter",
    "output": "variable",
    "gradient": "variable",
    "helper": "function",
    "made": "macro",
}


class Symbol(NamedTuple):
    """An entry: its name, its first and its last line, and where the name begins."""

    name: str
    first: int
    last: int
    start: int


class SavedHint(NamedTuple):
    """A text that an editor shows behind a line."""

    line: int
    text: str


def symbols(knowledge: Knowledge, name: str) -> list[Symbol]:
    """The entries of an input."""
    document = knowledge.bench.document(name)
    declared = knowledge.declared(name)
    if document is None:
        return []
    ends = [*(one.line for one in declared[1:]), document.last + 1]
    made = []
    for one, end in zip(declared, ends, strict=True):
        last = end - 1
        while last > one.line and not document.line(last).startswith(" "):
            last -= 1
        made.append(Symbol(one.name, one.line, last, one.span[0]))
    return made


def entries_between(document: Document, first: int, last: int) -> Iterator[Outline]:
    """The entries of a document that have a line between two lines."""
    for at, lines in lines_of_entries(document, first, last):
        yield outline(lines, at)


def lines_of_entries(document: Document, first: int, last: int) -> Iterator[tuple[int, list[str]]]:
    """The first line, and the lines, of each entry that has a line between two lines."""
    around = entry_around(document.line, document.last, max(0, first))
    at = around.first if around is not None else max(0, first)
    last = min(last, document.last)
    while at <= last:
        if not document.line(at).startswith("- "):
            at += 1
            continue
        end = at + 1
        while end <= document.last and not document.line(end).startswith("- "):
            end += 1
        yield at, document.lines(at, end - 1)
        at = end


def tokens(knowledge: Knowledge, name: str, first: int, last: int) -> list[Token]:
    """The words of the formulas between two lines, in their order."""
    document = knowledge.bench.document(name)
    if document is None or knowledge.file_of(name) != "derivatives":
        return []
    made: list[Token] = []
    for at, lines in lines_of_entries(document, first, last):
        text = "\n".join(lines)
        known = knowledge.tokens.get(text)
        if known is None:
            entry = outline(lines)
            scene = knowledge.scene(name, TextSpot(at, 0))
            names = None if scene is None else knowledge.names_by_schema(scene)
            known = sorted(_tokens_of(entry, names))
            if names is not None:
                knowledge.remember_tokens(text, known)
        made += [token._replace(line=token.line + at) for token in known]
    return made


def _tokens_of(entry: Outline, names: Names | None) -> Iterator[Token]:
    for key in entry.keys:
        if not key.is_formula:
            continue
        formula = entry.value_of(key)
        for found in names_in(formula):
            if found.is_member:
                kind = "property"
            elif found.text in KEYWORDS:
                kind = "keyword"
            elif names is None:
                kind = "function" if found.is_call else ""
            else:
                kind = _TOKENS.get(meaning_of(found, names, formula).kind, "")
            if kind:
                spot = entry.spot_in(key, found.start)
                yield Token(spot.line, spot.character, found.end - found.start, kind)


def hints(knowledge: Knowledge, name: str, first: int, last: int) -> list[SavedHint]:
    """What the formulas between two lines save."""
    document = knowledge.bench.document(name)
    if document is None or knowledge.file_of(name) != "derivatives":
        return []
    made = []
    for entry in entries_between(document, first, last):
        scene = knowledge.scene(name, TextSpot(entry.first, 0))
        found = None if scene is None else knowledge.found(scene)
        for key in entry.keys if found is not None else ():
            derivative = derivative_of(found, key) if key.is_formula else None
            if derivative is None:
                continue
            every = (*derivative.saved_inputs, *derivative.saved_outputs)
            saved = [saved_as(one.expr, one.type) for one in every]
            if saved:
                listed = ", ".join(f"{one.what}: {one.type}" for one in saved)
                made.append(SavedHint(min(key.last, entry.last), f"saves {listed}"))
    return made


def lens(knowledge: Knowledge, scene: Scene) -> str:
    """What there is to say above a definition: who shares its formulas, and what it lacks."""
    found = knowledge.found(scene)
    if found is None or found.derived is None or found.load.mistakes:
        return ""
    schema = found.function.schema.text
    users = 0
    for group in find_groups(found.load, read_query(schema)):
        for formulas in group.formulas:
            if formulas.function.schema.text == schema:
                users = max(users, len(formulas.users) + len(formulas.elsewhere))
    infos = found.derived.dispatch.values()
    parts = [f"{users} variants share this" if users > 1 else "one function has this"]
    if not any(info.forward_derivatives for info in infos):
        parts.append("no forward formula")
    if not any(info.derivatives for info in infos):
        parts.append("no backward formula")
    return "; ".join(parts)
