"""What is made of the texts of files, whole, and the file that has it.

    python -m support.told_files

in `tests`, with `src` in PYTHONPATH, writes `reference/file_mistakes.txt` anew. Each text stands
there as a Python string behind a `#`. Behind it come the entries that are read, with their lines
and values, and then all that is told. Read what has changed: it is what people are told.
"""

from __future__ import annotations

import re
from typing import Final

from derivload.sources.entries import read_source
from support.in_full import in_full
from support.paths import REFERENCE
from support.recorded import write_recorded

FILE: Final = REFERENCE / "file_mistakes.txt"
NAME: Final = "f.yaml"
SECTIONS: Final = ("custom", "more")

# What is no YAML, between two entries that are.
_BROKEN = ["b: x: y", "b: it's: y  # c", "b: y: z: w", "b: @x", "b: `x`  # c", "b: %x", "b: *x"]
_BROKEN += ["b: *", "b: &", "b: !x y", "b: ]", "b: [x, , y]", "b: ? x", "b: - x", '[b, c]: "x"']
_BROKEN += ["? [b]\n  : y", 'b: "\\d"', "b: 'x' y", 'b: "x" y', "b: [x] y", "b: 'x", 'b: "x']
_BROKEN += ["b: 'x  # c\n  c: z", "b: [x", "b: [x\n  c: z", "b: {x: y\n  c: z", "b: 'x'\n  c"]
_BROKEN += ["b: 'x'\n  c = y", "b: 'x'\n  c\uff1ay", "b: 'x'\n  c y", "b: 'x'\n  c (y)"]
_BROKEN += ["b: 'x'\n  c:y", "b:x\n  c: z", "b: x\n   c: z", "b: x\n c: z", "b: 'x'\n c: z"]
_BROKEN += [
    "b: x\nc: z",
    "b: x\n\tc: z",
    "b: x\n  d:\n\t\te: w",
    "b: x\n \t c: z",
    "b: 'x'\n\xa0\xa0c: z",
]
_BROKEN += [
    "b:\n  - x\n   - y: z",
    "b:\n    - x\n  - y",
    "b:\n  - x\n  y",
    "b:\n  - x\n  c d\n  - y",
]
_BROKEN += [
    "b:\n    - x\n   y",
    "b:\n  - x: y\n   z: w",
    "b: x\n  : y",
    "b: x\n  c: {d: e\n    f: g",
]
_BROKEN += [
    "b: |\n x\n  y\n c: z",
    "b: 'it''s",
    "b: x\n<<<<<<< HEAD\n  c: y\n=======\n  c: z\n>>>>>>> x",
]
_BROKEN += [
    "b: x\n||||||| 12ab\n  c: y",
    "b: x\n=======",
    'b: ["x]\n  c: z',
    "b: x\x07",
    "b: x\n# \x01",
]
_BROKEN += [
    "b: 2001-99-99",
    "b: =",
    "b: 0x",
    "b: !!int ''",
    "b: !!bool x",
    "b: !!binary é",
    "!!bool x: y",
]
_BROKEN += ["<<: {c: d}", "=: x", "b: [{<<: x}]", "b: !!float x", "b: &x {c: *x}", "b: -x: y", "b"]
_BROKEN += [
    "b x",
    "- b",
    "[b]",
    "3",
    "",
    "~",
    "true",
    "!!set {b}",
    "b: x\n...\n---",
    "b: x\nword",
    "b: x\n-word",
]
_BROKEN += [
    "'b",
    "{b: x",
    "b: x # y: z\n  c: x: y # z",
    "b c d: e: f",
    "b.c: d: e",
    "b: : c",
    "b, c: [d",
]
_BROKEN += ["b: X: y", "b: 'x'\n\n c: z", "b: x\n\n   c: z"]
_BROKEN += ["b: x: y\n  b: z"]
# Keys that occur twice.
_TWICE = ["b: x\n  b: x", "b: x\n  b: y", "{b: x, b: y}", "{b: x, c: z, b: x}", "yes: x\n  true: x"]
_TWICE += [
    "b:\n    c: x\n    c: y\n  d: z",
    "b: x\n  b: x\n  b: x",
    "b: x\n  'b': |\n    x",
    "b: |\n    x\n  b: |\n    x\n",
]
_TWICE += [
    "name: x\n  b: y\n  name: z",
    "name: x\n  b: y\n\n  name: z\n  b: w",
    "func: x\n  func: y",
    "tag: x\n  tag: x",
]
_TWICE += [
    "{name: x, name: y}",
    "b:\n    name: x\n    name: y",
    "name: x\n  b: y\n  name: z\n  b: v\n  b: w",
]
_TWICE += [
    "? b\n  : x\n  ? b\n  : y",
    "b: [{c: d, c: e}]\n  b: x",
    "- name: x\n    name: y",
    "'b, c': x\n  b, c: y",
]
_TWICE += [
    "b: x\n  b:",
    "b:\n  b:",
    "b: x  # one\n  # two\n  b: x  # three\n  c: y",
    "[{b: c, b: c}]",
    "b: 1\n  b: 1.0",
]
_TWICE += ["e: {f: 1, f: 2}\n  b: &x {c: d}\n  d: *x"]
# Whole files.
_WHOLE = [
    "",
    "# nothing\n",
    "a: x\n",
    "some text\n",
    "3\n",
    "[]\n",
    "[a, {b: c}]\n",
    "---\n",
    "{}\n",
    "~\n",
]
_WHOLE += [
    "custom:\n- a: x\n- b\n",
    "custom: x\n",
    "custom:\nmore: {a: b}\n",
    "custom: []\ncustom: []\n",
]
_WHOLE += [
    "other:\n- a: x\nthird: {}\n",
    "about: x\ncustom:\n- a: x\nmore: [{b: y}]\nother: [z]\n",
    "custom: ~\nother: []\n",
]
_WHOLE += [
    "more:\n- a: x\n  a: y\ncustom:\n- b: x\n",
    "!some\n- a: x\n",
    "!!omap\n- a: x\n",
    "!!set {a}\n",
]
_WHOLE += [
    "custom: !some [a]\n",
    "1: x\ncustom: [{a: b}]\n",
    "[b, c]: x\ncustom: [{a: b}]\n",
    "<<: x\ncustom: [{a: b}]\n",
]
_WHOLE += [
    "- a: &x y\n- b: *x\n",
    "- a: &x y\n- b: *x\n  b: z\n",
    "- a: &x y\n- b: *z\n",
    "- &x a: y\n- *x : z\n",
]
_WHOLE += [
    '- a: "x\n- y"\n- b: z\n',
    '- a: "x\n- y"\n- b: @z\n',
    "- a: [x,\n- y]\n",
    "---\n- a: x\n- b: y: z\n",
]
_WHOLE += [
    " - a: x\n - b: y\n - c\n",
    "\ufeff- a: x\n- b\n",
    "\ufeff- a: x\n  a: y\n- b: @z\n",
    "\ufeff- a: x\n  a: x\n",
    "- a: x\n---\n- b: y\n",
    "%YAML 1.1\n---\n- a: x\n",
]
_WHOLE += [
    "- a: x\u2028\n- b: y: z\n",
    "- a: b & c\n",
    "- a: [&b c]\n- d: e\n",
    "-\n  a: x\n-\n",
    "- a: x\r- b\r",
]
_WHOLE += [
    "# x\n\n-a: x\n-b: y\n",
    "-'a': x\n  b: y\n",
    '-"a": x\n',
    "-a: x",
    "--a: x\n",
    "- a: x\n-b: y\n- c: z\n",
    "- a: x\n-b\n",
    "- a: x\n-b: y\nc: z\n",
    "- a: x &b\n- c: d\n",
    "---\n- b: 'x'\n\tc: @z\n",
    "- a: |x\n",
    "- a: >x\n  b: y\n",
    '- a: x\n  b: z\n- c: "x\n- y"\n',
]
TEXTS: Final = [
    *(f"- a: x\n- {part}\n- z: w\n" for part in (*_BROKEN, *_TWICE)),
    *(f"# é\n\n- {part}" for part in _BROKEN[:40]),
    *(f"---\n- a: x\n- {part}\n- z: w\n" for part in _BROKEN),
    *_WHOLE,
]


def made(text: str) -> str:
    """What is made of a text: its entries, what was lost and passed over, and what is told."""
    source = read_source(NAME, text, SECTIONS if _is_mapping(text) else ())
    read = []
    for entry, value in source.entries:
        marks = " whole" * entry.whole + " doubtful" * entry.doubtful
        read.append(f"  {entry.index} at {entry.line}{marks} {entry.text!r}: {value!r}")
    lost = [f"  lost: {part!r}" for part in source.lost]
    passed = [f"  passed over: {source.passed_over}"] if source.passed_over else []
    whole = ["  whole"] if source.whole else []
    told = [*map(in_full, source.diagnostics)]
    return "\n".join([*whole, *read, *lost, *passed, *told])


def _is_mapping(text: str) -> bool:
    return re.match(r"(?:custom|more|other|about|1|<<|\[b, c\]):", text) is not None


if __name__ == "__main__":
    write_recorded(FILE, {text: made(text) for text in TEXTS})
