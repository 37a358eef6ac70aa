"""Lines of settings, against tomllib: every key and item has one, and it stands there."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivload.loading.settings.lines import Path, key_lines

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EVERYTHING = '''\
# [no.table]
bare-key_1 = 1.5
"quoted = key" = "a ] # \\" }"
'literal.key' = 'C:\\'
dotted . "in\\u0041" . 'three' = 2020-01-01 10:00:00.5

[table]
basic = """
x = 1
""\\"
"""""
literal = \'\'\'
[y]
\'\'\'\'\'
array = [ 1, # ]
  [2, 3], { a = [4], b.c = 5 },
  "six",
]
empty = []

[ table . "sub" ]
none = {}

[[tables]]
x = 1
[[tables]]
[tables.inner]
y = true
[[tables.deep]]
[[tables.deep]]
z = inf
'''


def paths_in(value: object, path: Path = ()) -> Iterator[Path]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = [*value.items()]
    elif isinstance(value, list):
        items = [*enumerate(value)]
    for name, inner in items:
        yield (*path, name)
        yield from paths_in(inner, (*path, name))


def test_every_form_that_toml_has() -> None:
    lines = key_lines(EVERYTHING, tomllib.loads)
    assert set(lines) == set(paths_in(tomllib.loads(EVERYTHING)))
    assert lines["bare-key_1",] == 2
    assert lines["dotted", "inA", "three"] == 5
    assert lines["table", "literal"] == 12
    assert lines["table", "array", 2, "b", "c"] == 16
    assert lines["table", "array", 3] == 17
    last = EVERYTHING.count("\n")
    assert lines["tables", 1, "deep", 1, "z"] == last


NAMES = st.text("ab-_0", min_size=1, max_size=3)
KEYS = st.one_of(
    NAMES.map(lambda name: (name, name)),
    st.text("a =#[]{}.,\"\\\n'é", max_size=4).map(lambda name: (name, basic(name))),
)
BLANKS = st.sampled_from(["", " ", "\t"])
BREAKS = st.sampled_from(["", " ", "\n", " # ] }\n", "\r\n"])


def basic(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@st.composite
def scalars(draw: st.DrawFn) -> str:
    text = draw(st.text("a =#[]{}.,\n'é", max_size=6))
    forms = [
        "true",
        "-1_000",
        "6.02e23",
        "1979-05-27T07:32:00Z",
        "07:32:00",
        basic(text),
        f'"""{text}"""',
        f"'{text}'" if "'" not in text and "\n" not in text else "''",
        f"'''{text}'''" if "''" not in text and not text.endswith("'") else "''''''",
    ]
    return draw(st.sampled_from(forms))


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(BREAKS, values, BREAKS).map("".join), max_size=3)
    return st.tuples(items, BREAKS).map(lambda made: f"[{','.join(made[0])}{made[1]}]")


@st.composite
def inline_tables(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    keys = draw(st.lists(KEYS, max_size=3, unique_by=lambda key: key[0]))
    pairs = [f"{draw(BLANKS)}{key}{draw(BLANKS)}={draw(BLANKS)}{draw(values)}" for _, key in keys]
    return f"{{{','.join(pairs)}{draw(BLANKS)}}}"


VALUES = st.recursive(scalars(), lambda inner: arrays(inner) | inline_tables(inner), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = []
    for number in range(draw(st.integers(0, 3))):
        keys = draw(st.lists(KEYS, max_size=3, unique_by=lambda key: key[0]))
        for _, key in keys:
            dotted = draw(st.lists(KEYS, max_size=2))
            path = [key, *(inner for _, inner in dotted)]
            dot = f"{draw(BLANKS)}.{draw(BLANKS)}"
            lines.append(f"{draw(BLANKS)}{dot.join(path)} = {draw(VALUES)}{draw(BLANKS)}# x = 1")
        header = draw(st.sampled_from(["[t{}]", "[ t{} . inner ]", "[[u]]", "[[u]]\n[u.v{}]"]))
        lines.append(header.format(number))
    return "\n".join(lines)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine with much else to do
@given(documents())
def test_as_tomllib_reads_it(text: str) -> None:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    text = text.replace("\r\n", "\n")
    lines = key_lines(text, tomllib.loads)
    assert set(lines) == set(paths_in(read))
    rows = text.split("\n")
    for path, line in lines.items():
        name = path[-1]
        if isinstance(name, str) and name.isalnum():
            assert name in rows[line - 1]


@pytest.mark.parametrize("text", ["", "\n", "# only this", "a = 1"])
def test_a_text_without_a_last_line_end(text: str) -> None:
    assert set(key_lines(text, tomllib.loads)) == set(paths_in(tomllib.loads(text)))
