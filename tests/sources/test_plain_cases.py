"""Which entries the fast reader takes, case by case, and that it reads them as PyYAML does.

What it leaves to PyYAML is written here too: one more of these makes a load slower.
"""

from __future__ import annotations

import pytest
import yaml

from derivload.sources.plain import NotPlain, PlainReader


def nested(depth: int) -> str:
    """An entry with so many mappings in its own."""
    keys = "".join(f"{'  ' * at}k{at}:\n" for at in range(1, depth + 1))
    return f"-{keys[1:]}{'  ' * (depth + 1)}z: x\n"


# fmt: off
TAKEN = [
    '- a: x',
    '- a: x\n',
    '- a: x\n\n  \n',
    '- a: x  \n',
    '- a:   x\n',
    '- a: x # c\n',
    '- a: x# c\n',
    '- a: x #c\n',
    '- a: x y  z # (c)\n',
    '- a: x:y\n',
    '- a: x :y\n',
    '- a: x # y: z\n',
    '- a: True\n',
    '- a: True # c\n',
    '- a: yes no\n',
    '- a: null\n',
    '- a: Null x\n',
    '- a: falsey\n',
    '- a: n\n',
    '- a: -x\n',
    '- a: -1 * (x)\n',
    '- a: 1 / 2\n',
    '- a: 1.5*x\n',
    '- a: .5 * x\n',
    '- a: (x)\n',
    '- a: /x\n',
    '- a: _x\n',
    '- a: -_x\n',
    '- a: {}\n',
    '- a: {}  \n',
    '- a: [x]\n',
    '- a: [ x ]\n',
    '- a: [x, y]\n',
    '- a: [x ,y]\n',
    '- a: [x, True, \'null\', "y z"]\n',
    '- a: [x] # c\n',
    '- a: [null, _a1]\n',
    "- a: ''\n",
    "- a: 'x'\n",
    "- a: 'x'  \n",
    '- a: "x"\n',
    '- a: "x\'y"\n',
    '- a: \'x"y\'\n',
    "- a: 'x # y: z'\n",
    "- a: 'x\n  y'\n",
    "- a: 'x  \n     y   \n  z'\n",
    "- a: 'x\n  y'  \n",
    "- a: '\n  y'\n",
    "- a: 'x\n  '\n",
    '- a: |\n    x\n',
    '- a: |  \n    x\n\n',
    '- a: |\n    x\n      y\n\n    z\n  b: c\n',
    '- a: |\n    # c\n    x\n',
    '- a: |\n    x\n  # c\n',
    '- a: |\n    x\n  \n      \n',
    '- a: |\n    x\n    \n',
    '- a: x\n    y\n',
    '- a: x\n   y\n  b: z\n',
    '- a: True\n    x\n',
    '- a: x\n    - y\n',
    "- a: x\n    'y'\n",
    '- a:\n',
    '- a:',
    '- a: # c\n',
    '- a: # c\n  b:\n',
    '- a:\n  b: x\n',
    '- a:\n\n  # c\n    b: x\n',
    '- a:\n    b: x\n    c: y\n  d: z\n',
    '- a:\n    b:\n      c:\n        d: x\n',
    '- a:\n   b: x\n',
    '- a:\n    # c\n',
    '- a:\n    # c\n  b: x\n',
    '- a:\n  - b\n',
    '- a:\n  - b\n  - c\n  d: e\n',
    '- a:\n    - b\n    - c # c\n\n    # c\n    - d\n',
    '- a:\n  - b\n    - c\n',
    '- a:\n  - b\n   x\n',
    '- a:\n  - b\n    x\n  c: y\n',
    '- a:\n  -  b\n',
    '- a:\n  - [b, c]\n  - \'d\'\n  - "e f"\n  - {}\n  - True\n',
    "- a:\n  - 'b\n    c'\n",
    '- a:\n  - |\n    b\n',
    '- a: x\n  b: y\n',
    '- a: x\n# c\n  b: y\n',
    '- a: x\n  # c\n  b: y\n',
    '- a, b: x\n',
    '- a b: x\n',
    '- a1_: x\n',
    '- _: x\n',
    '- y: x\n',
    '- # c\n  a: x\n',
    '- \n  a: x\n',
]
LEFT = [
    '- a: x:\n',
    '- a: x: y\n',
    '- a: x: # y\n',
    '- a: ~\n',
    '- a: 1\n',
    '- a: - x\n',
    '- a: -\n',
    '- a: -1\n',
    '- a: .5 # * x\n',
    '- a: 1 + x\n',
    '- a: -/x\n',
    '- a: *x\n',
    '- a: &x y\n',
    '- a: !x y\n',
    '- a: @x\n',
    '- a: {} # c\n',
    '- a: { }\n',
    '- a: {x}\n',
    '- a: []\n',
    '- a: [x,y,]\n',
    '- a: [x] y\n',
    '- a: [x, 1]\n',
    '- a: [x-y]\n',
    "- a: 'x' # c\n",
    "- a: 'x' y\n",
    "- a: 'x''y'\n",
    '- a: "x\\n"\n',
    "- a: 'x\\n'\n",
    "- a: 'x",
    "- a: 'x\n",
    "- a: 'x\n  y' # c\n",
    "- a: 'x\n y'\n",
    "- a: 'x\n\n  y'\n",
    "- a: 'x\n    \n  y'\n",
    '- a: "x\\\n  y"\n',
    '- a: "x\n  y\\ z\n  w"\n',
    "- a: 'x\n  y''z'\n",
    '- a: |\n    x',
    '- a: |\n\n    x\n',
    '- a: |\n  x\n',
    '- a: |\n    x\n   y\n',
    '- a: |\n',
    '- a: |',
    '- a: |-\n    x\n',
    '- a: >\n    x\n',
    '- a: || x\n',
    '- a: x\n    y # c\n',
    '- a: x # c\n    y\n',
    '- a: x\n    y: z\n',
    '- a: x\n    y:\n',
    '- a: x\n    # c\n    y\n',
    '- a: x\n\n    y\n',
    '- a: [x]\n    y\n',
    "- a: 'x'\n    y\n",
    '- a: {}\n    y\n',
    '- a:\n    b: x\n   c: y\n',
    '- a:\n    x\n',
    "- a:\n    'x'\n",
    '- a:\n- b\n',
    '- a:\n - b\n',
    '- a:\n    - b\n  - c\n',
    '- a:\n  - b\n  x\n',
    '- a:\n  -\n',
    '- a:\n  - \n',
    '- a:\n  -x\n',
    '- a:\n  - b: c\n',
    '- a:\n  - - b\n',
    '- a:\n  - b\n- c\n',
    '- a: x\n b: y\n',
    '- a: x\n   b: y\n',
    '- a: x\n  a: y\n',
    '- a: x\nb: y\n',
    '- a: x\n  b\n',
    '- a: x\n  b y\n',
    '- a: x\n  - y\n',
    '- a : x\n',
    '- a,: x\n',
    '- a-b: x\n',
    "- 'a': x\n",
    '- 1: x\n',
    '- true: x\n',
    '- on: x\n',
    '- null: x\n',
    '- é: x\n',
    '- a: é\n',
    '- a: x\ty\n',
    '- a:\tx\n',
    '-  a: x\n',
    '-   a: x\n    b: y\n',
    '- ',
    '-',
    '- a',
    '- [a]\n',
    '- {}\n',
    '-a: x\n',
    'a: x\n',
    '- a:x\n',
    '- a::x\n',
    '- a:: x\n',
    '- a: x\n  b: :y\n',
    '- a: x\n  b: ::\n',
]
# fmt: on
TAKEN += ["- a: 'x\n  X\n  y'\n", "- a:\n  - x", "- a:\n  - x\n      \n", "- a:\n  - x\n    # c\n"]
TAKEN += ["- Xa: xX\n  X: X\n  b: X x X\n", "- a:\n    X: y\n", "- a:\n  - X\n", "- a: x\n    X\n"]
TAKEN += ["- a: X|X\n", "- a: 'X'\n", "- a: 'X\n  y X\n  X'\n", "- a: |\n    X\n      X\n"]
TAKEN += ["- a: X # c\n", '- a: [X, "X"]\n', "- a:\n  - 'X\n    X'\n", "- a:\n  - X X\n    X\n"]
TAKEN += ["- a:\n  X: y\n", "- a: X\n  b: X\n", "- a:\n  - |\n    X\n", "- a:\n  - X\n  X: y\n"]
TAKEN += [
    nested(20),
    f"- {'k' * 1000}: x\n",
    *(
        f"- a: [{word}]\n  b: {word}\n"
        for word in "yes Yes YES true True TRUE on On ON no No NO false False FALSE off Off OFF "
        "null Null NULL y n Y N yEs nuLL nul falser".split()
    ),
]
LEFT += ["- a: 'x\n  y'X\n", "- a: |\n    x\n  X\n"]
LEFT += ["- a: |X\n", "- a:\n  - |X\n", "- a:\n  - 1\n    x\n", "- a:\n  - &x y\n    z\n"]
LEFT += ["- a:\n  - x\n   - y: z\n", "- a:\n    - x\n  - y: z\n", "- a:\n    - x\n   b: c\n"]
LEFT += [nested(21), f"- {'k' * 1001}: x\n"]


def test_what_is_plain_is_taken_and_read_as_pyyaml_reads_it() -> None:
    reader = PlainReader()
    for text in TAKEN * 2:
        expected = repr(yaml.load(text, Loader=yaml.CSafeLoader))
        assert repr([reader.read(text)]) == repr([PlainReader().read(text)]) == expected, text


def test_what_is_not_plain_is_left() -> None:
    reader = PlainReader()
    for text in LEFT * 2:
        for one in (reader, PlainReader()):
            with pytest.raises(NotPlain):
                raise AssertionError(f"{text!r} is read as {one.read(text)}")
