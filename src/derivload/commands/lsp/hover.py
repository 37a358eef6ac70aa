"""What is at a place, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.commands.show.groups import find_groups
from derivload.commands.show.query import read_query
from derivload.editing.documents import TextSpot
from derivload.editing.formulas import Meaning, Name, meaning_of, name_at, saved_as
from derivload.editing.meanings import (
    DEFINITION_KEYS,
    NATIVE_KEYS,
    TAG_KEYS,
    meaning_of_dispatch_key,
)
from derivload.editing.outline import KeyLine, operator_name, word_at
from derivload.rules import RULES

if TYPE_CHECKING:
    from derivload.commands.lsp.knowledge import EntryFunction, Knowledge, Scene
    from derivload.derivatives.model import Derivative
    from derivload.editing.formulas import Names

_RULE: Final = re.compile(r"DL\d{3}")
_KEYS: Final = {
    "derivatives": DEFINITION_KEYS,
    "native_functions": NATIVE_KEYS,
    "tags": TAG_KEYS,
}


class Hover(NamedTuple):
    """Words about what is between two places, as Markdown."""

    text: str
    start: TextSpot
    end: TextSpot


def hover(knowledge: Knowledge, scene: Scene) -> Hover | None:
    """What is at a place."""
    line = scene.document.line(scene.spot.line)
    rule = next(
        (f for f in _RULE.finditer(line) if f.start() <= scene.spot.character <= f.end()), None
    )
    if rule is not None and rule[0] in RULES:
        text = f"**{rule[0]}**: {RULES[rule[0]].title}\n\n{RULES[rule[0]].help}"
        return _in_line(scene, text, rule.start(), rule.end())
    key = scene.key
    if key is None:
        return None
    if scene.spot.line == key.line and key.start <= scene.spot.character <= key.end:
        return _of_key(knowledge, scene, key)
    if key.path in (("name",), ("func",)):
        return _of_schema(knowledge, scene, key)
    if scene.file == "derivatives" and key.is_formula:
        return _of_formula(knowledge, scene, key)
    return _of_value(knowledge, scene, key)


def _in_line(scene: Scene, text: str, start: int, end: int) -> Hover:
    return Hover(text, TextSpot(scene.spot.line, start), TextSpot(scene.spot.line, end))


def _of_key(knowledge: Knowledge, scene: Scene, key: KeyLine) -> Hover | None:
    text = ""
    if len(key.path) == 1 and key.name in _KEYS[scene.file]:
        text = _KEYS[scene.file][key.name]
    elif len(key.path) == 2 and key.path[0] == "dispatch":
        word = word_at(scene.document.line(key.line), scene.spot.character)
        text = meaning_of_dispatch_key(word.text if word is not None else key.name)
    elif scene.file == "derivatives" and key.is_formula:
        names = knowledge.names(scene)
        text = "" if names is None else _of_formula_key(key, names)
    return _in_line(scene, text, key.start, key.end) if text else None


def _of_formula_key(key: KeyLine, names: Names) -> str:
    lines = []
    for name in key.names:
        for value in names.arguments:
            if value.name == name:
                lines.append(f"the gradient of argument `{name}`: `{value.type}`")
        for value in names.outputs:
            if value.name == name and all(a.name != name for a in names.arguments):
                lines.append(f"the tangent of output `{name}`: `{value.type}`")
    return "  \n".join(lines)


def _of_schema(knowledge: Knowledge, scene: Scene, key: KeyLine) -> Hover | None:
    value = scene.entry.value_of(key)
    offset = scene.entry.offset_in(key, scene.spot)
    if offset is None:
        return None
    name = operator_name(value)
    if offset <= value.find(name) + len(name):
        text = shown(knowledge, scene)
        start = value.find(name)
        return Hover(
            text, scene.entry.spot_in(key, start), scene.entry.spot_in(key, start + len(name))
        )
    names = knowledge.names(scene)
    word = word_at(scene.document.line(scene.spot.line), scene.spot.character)
    if names is None or word is None:
        return None
    about = meaning_of(Name(word.text, 0, 0, False, False), names, "")
    return _in_line(scene, about.text, word.start, word.end) if about.text else None


def shown(knowledge: Knowledge, scene: Scene) -> str:
    """What `derivload show` says of the operator of an entry."""
    found = knowledge.found(scene)
    schema = knowledge.schema_text(scene)
    if found is None:
        return f"```\n{schema}\n```" if schema else ""
    if found.load.mistakes:
        return f"```\n{found.function.schema.text}\n```\nThere is a mistake in its family."
    from derivload.commands.show.command import show_lines

    groups = find_groups(found.load, read_query(found.function.schema.text))
    lines = show_lines(groups, knowledge.bench.inputs)
    return "```text\n" + "\n".join(line.text for line in lines) + "\n```"


def _of_formula(knowledge: Knowledge, scene: Scene, key: KeyLine) -> Hover | None:
    offset = scene.entry.offset_in(key, scene.spot)
    formula = scene.entry.value_of(key)
    names = knowledge.names(scene)
    name = None if offset is None else name_at(formula, offset)
    if name is None or names is None:
        return None
    about = meaning_of(name, names, formula)
    text = about.text
    if about.kind == "helper":
        header = knowledge.header()
        text += " in FunctionsManual.h" if header is not None else ""
    text = "  \n".join(filter(None, [text, *_saved(knowledge.found(scene), key, about)]))
    if not text:
        return None
    return Hover(text, scene.entry.spot_in(key, name.start), scene.entry.spot_in(key, name.end))


def derivative_of(found: EntryFunction | None, key: KeyLine) -> Derivative | None:
    """The backward formula that a key has, as it was derived."""
    if found is None or found.derived is None:
        return None
    wanted = key.path[1] if key.path[0] == "dispatch" else "Default"
    keys = [part.strip() for part in wanted.split(",")]
    for dispatch_key, info in found.derived.dispatch.items():
        if dispatch_key in keys or (wanted == "Default" and len(found.derived.dispatch) == 1):
            for derivative in info.derivatives:
                if derivative.var_names == key.names:
                    return derivative
    return None


def _saved(found: EntryFunction | None, key: KeyLine, about: Meaning) -> list[str]:
    """How the backward node saves the value that a name is."""
    derivative = derivative_of(found, key)
    if derivative is None or about.kind not in ("argument", "output"):
        return []
    lines = []
    for saved in (*derivative.saved_inputs, *derivative.saved_outputs):
        if re.search(rf"\b{re.escape(about.of)}\b", saved.expr):
            short = saved_as(saved.expr, saved.type)
            lines.append(f"saved as `{saved.name}`: `{short.what}`, `{saved.type}`")
    return lines


def _of_value(knowledge: Knowledge, scene: Scene, key: KeyLine) -> Hover | None:
    word = word_at(scene.document.line(scene.spot.line), scene.spot.character)
    if word is None:
        return None
    text = ""
    if key.path[0] == "tags" and scene.file == "native_functions":
        text = knowledge.tags().get(word.text, "")
        text = f"tag `{word.text}`: {text}" if text else ""
    elif key.path[0] == "tag":
        text = knowledge.tags().get(word.text, "")
    elif key.path[0] == "dispatch":
        text = f"`{word.text}`: the kernel, a function of at::native"
    elif key.path[0] in ("structured_delegate", "autogen"):
        text = _KEYS[scene.file].get(key.path[0], "")
    return _in_line(scene, text, word.start, word.end) if text else None
