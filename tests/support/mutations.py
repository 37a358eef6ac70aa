"""The mutations of the differential test: one table, each row a kind of mistake (or of change).

Those of tags, of whole lists and of YAML are here; the others have files of their own.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final

from support.derivative_mutations import DERIVATIVE_ENTRIES
from support.mutation_kinds import (
    VALUES,
    Mutation,
    OfText,
    catalogue,
    doubled_first,
    entry,
    insert,
    one_of,
    swap,
    whole,
    without,
)
from support.native_mutations import NATIVE_ENTRIES
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.schema_mutations import SCHEMAS

_TAG_ENTRIES: Final = (
    entry("another tag", TAGS, swap(r"^- tag: .*", "- tag: other", "- tag: a b", "- tag: Core")),
    entry("a tag of another type", TAGS, swap(r"^- tag: .*", *(f"- tag:{v}" for v in VALUES))),
    entry("no tag", TAGS, swap(r"^- tag:", "- name:", "- Tag:")),
    entry(
        "no description",
        TAGS,
        swap(
            *(r"(?s)  desc:.*", "", "  desc: ''\n", "  desc:\n", "  desc: 3\n", "  desc: |\n"),
            "  Desc: x\n",
        ),
    ),
    entry("an unknown key of a tag", TAGS, insert("colour: red", "since: 2", "__line__: x")),
)


def _taken_away(chance: Random, entries: list[str]) -> list[str]:
    return without(chance, entries)


def _first_taken_away(_: Random, entries: list[str]) -> list[str]:
    return entries[1:]


def _overload_doubled(chance: Random, entries: list[str]) -> list[str]:
    overload = chance.choice([".copied", ".x_out", ""])
    first = re.sub(r"^(- func: \w+)(?:\.\w+)?", rf"\1{overload}", entries[0])
    return [*entries, first]


def _mixed(chance: Random, entries: list[str]) -> list[str]:
    return chance.sample(entries, len(entries))


LISTS: Final = (
    catalogue("a function twice", NATIVES, doubled_first),
    catalogue("a function under another overload", NATIVES, _overload_doubled),
    catalogue("a function missing", NATIVES, _taken_away),
    catalogue("the function missing", NATIVES, _first_taken_away),
    catalogue("functions in another order", NATIVES, _mixed),
    catalogue("a definition twice", DERIVATIVES, doubled_first),
    catalogue("a definition missing", DERIVATIVES, _taken_away),
    catalogue("definitions in another order", DERIVATIVES, _mixed),
    catalogue("a tag twice", TAGS, doubled_first),
    catalogue("a tag missing", TAGS, _taken_away),
)


def _duplicate_key(chance: Random, text: str) -> str | None:
    lines = re.findall(r"(?m)^  (?!dispatch)\w+:.*$", text)
    odd = [
        *("yes: 1\n  true: 1", "1: a\n  0x1: b", "a: 1\n  'a': 2", "<<: {a: b}", "<<: [{}]"),
        "=: x",
    ]
    return f"{text}{chance.choice([*lines, *lines, '  ' + chance.choice(odd)])}\n"


def _quoted(chance: Random, text: str) -> str | None:
    quote = chance.choice("'\"")
    return one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{]+)$", rf"{quote}\1{quote}")


def _wrapped(chance: Random, text: str) -> str | None:
    style = chance.choice(["|", "|-", ">", ">-", "|+", ">2-"])
    return one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{]+)$", rf"{style}\n      \1")


def _over_lines(chance: Random, text: str) -> str | None:
    return one_of(
        chance, text, r"(?m)(?<=[,+*]) (?=\w)", chance.choice(["\n      ", "\n\n      ", "\n"])
    )


def _anywhere(*parts: str) -> OfText:
    def change(chance: Random, text: str) -> str:
        at = chance.randint(0, len(text))
        return text[:at] + chance.choice(parts) + text[at:]

    return change


def _escaped(chance: Random, text: str) -> str | None:
    """Put one value in double quotes, with an escape somewhere in it."""
    values = list(re.finditer(r"(?m)(?<=: )([^'\"\n|>\[{\\]+)$", text))
    if not values:
        return None
    match = chance.choice(values)
    at = chance.randint(match.start(), match.end())
    escape = chance.choice(_ESCAPES)
    inside = text[match.start() : at] + escape + text[at : match.end()]
    return f'{text[: match.start()]}"{inside}"{text[match.end() :]}'


def _anchored(chance: Random, text: str) -> str | None:
    anchored = one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{&*]+)$", r"&a \1")
    if anchored is None:
        return None
    return anchored + chance.choice(["  result: *a\n", "  autogen: *a\n", "", "  x: *b\n"])


_ESCAPES: Final = (
    *("\\n", "\\t", "\\x41", "\\u00e9", "\\0", "\\ud800", "\\\\", '\\"', "\\q", "\\\n "),
)
_YAML_TAGS: Final = (
    *("!!str", "!!int", "!!python/name:os.system", "!foo", "!!null", "!", "!!binary", "!!bool"),
    *("!!float", "!!timestamp", "!!omap", "!!pairs", "!!seq"),
)
_ODD: Final = (
    *("é", "日", "\u200b", "\u202e", "\U0001f600", "\xa0", "ﬁ", "\ufeff", "\uff41", "٣"),
    "\u017f",
)
_CONTROL: Final = (
    *("\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\x0c", "\ufffe", "\t"),
)
_LINE_ENDS: Final = (
    *("\r\n", "\r", "\n\n", "\x85", "\u2028", "\x0b", "\n# x\n", "\n  # x\n", " # x\n"),
)


def _yaml(name: str, change: OfText) -> tuple[Mutation, ...]:
    """The same mutation of an entry of either file that has formulas or schemas."""
    return (
        entry(f"{name}, of a function", NATIVES, change),
        entry(f"{name}, of a definition", DERIVATIVES, change),
    )


_TOP_LEVELS: Final = (
    *("", "\n", "# x\n", "[]\n", "{}\n", "x\n", "3\n", "~\n", "- \n", "- x\n", "- []\n"),
    "a: []\n",
)
YAML: Final = (
    *_yaml("a key twice", _duplicate_key),
    *_yaml("a value in quotes", _quoted),
    *_yaml("a value in a block", _wrapped),
    *_yaml("a value over lines", _over_lines),
    *_yaml("an odd character", _anywhere(*_ODD)),
    *_yaml("a control character", _anywhere(*_CONTROL)),
    *_yaml("white space", swap(r"\n|(?m:^ +)| |:", " ", "  ", "\n", "\t", "", " \n", ":")),
    *_yaml("an escape in quotes", _escaped),
    *_yaml("an anchor", _anchored),
    *_yaml("a YAML tag", swap(r"(?m)(?<=: )(?=\w)", *(f"{tag} " for tag in _YAML_TAGS))),
    *_yaml("a character of YAML's", _anywhere(*"'\"#:,-[{)]}!*&|>%@`?=")),
    *_yaml("other line ends", lambda chance, text: text.replace("\n", chance.choice(_LINE_ENDS))),
    whole("another top level", NATIVES, lambda chance, _: chance.choice(_TOP_LEVELS)),
    whole(
        "another top level of definitions",
        DERIVATIVES,
        lambda chance, _: chance.choice(_TOP_LEVELS),
    ),
    whole("another top level of tags", TAGS, lambda chance, _: chance.choice(_TOP_LEVELS)),
    whole(
        "what stands around",
        NATIVES,
        lambda chance, text: chance.choice(
            [
                *("---\n{}", "{}---\n", "{}...\n", "%YAML 1.1\n---\n{}", "\ufeff{}"),
                *("%X y\n---\n{}", "{}---\n- x\n"),
            ]
        ).replace("{}", text),
    ),
    whole("indented", DERIVATIVES, lambda _, text: re.sub(r"(?m)^(?=.)", "  ", text)),
    whole("no line end at the end", DERIVATIVES, lambda _, text: text.rstrip("\n")),
)

MUTATIONS: Final = (
    *SCHEMAS,
    *NATIVE_ENTRIES,
    *DERIVATIVE_ENTRIES,
    *_TAG_ENTRIES,
    *LISTS,
    *YAML,
)
