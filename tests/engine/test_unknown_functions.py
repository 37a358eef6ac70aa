"""A definition of no function: what differs from which schema, and which names may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.load import load_texts
from derivload.engine.lookup import Misspelling, nearest_difference
from derivload.engine.texts import Text, Texts
from support.in_full import check_recorded

TAGS = Text("tags.yaml", "- tag: core\n  desc: x\n")
CPU = "  dispatch:\n    CPU: k\n"


def told(name: str, *schemas: str) -> list[Diagnostic]:
    """What is told of a definition with this name, beside functions with these schemas."""
    natives = "".join(f"- func: {schema}\n{CPU}" for schema in schemas)
    definition = f"- name: {name}\n  self: grad\n"
    texts = Texts(Text("derivatives.yaml", definition), (Text("natives.yaml", natives),), TAGS)
    return load_texts(texts, NEWEST).diagnostics


F = "f(Tensor self, int n=1) -> Tensor"
CASES = {
    "a default that differs": ("f(Tensor self, int n=2) -> Tensor", F),
    "a type that differs": ("f(Tensor self, float n=1) -> Tensor", F),
    "two words that differ": ("f(Tensor self, float m=1) -> Tensor", F),
    "an argument that is missing": ("f(Tensor self) -> Tensor", F),
    "an argument too many": ("f(Tensor self, int n=1, int m=1) -> Tensor", F),
    "the first argument is missing": ("f(int n=1) -> Tensor", F),
    "the returns differ": ("f(Tensor self, int n=1) -> (Tensor, Tensor)", F),
    "an overload that differs": ("f.x(Tensor self, int n=1) -> Tensor", F),
    "a word that stands twice": (
        "f(Tensor self, int a, int b, int c) -> Tensor",
        "f(Tensor self, int a, float b, int c) -> Tensor",
    ),
    "the most like of several": (
        "f(Tensor self, float n=1) -> Tensor",
        "f.a(Tensor self, str[] names, Scalar value, bool flag) -> (Tensor, Tensor)",
        "f.b(Tensor self, float n=2) -> Tensor",
        "f.c(Tensor self, Tensor other, Scalar alpha) -> Tensor",
    ),
    "like none of them": (
        "f(Tensor self) -> Tensor",
        "f.a(str[] names, Scalar? value, bool? flag=None, int[2] size=1) -> (Tensor x, Tensor y)",
    ),
    "like none of many": (
        "f(Tensor self) -> Tensor",
        *(
            f"f.{letter}(str[{i}] a, Scalar? b, bool? c=None, int[2] d=1) -> (Tensor x, Tensor y)"
            for i, letter in enumerate("abcdefg", 1)
        ),
    ),
    "a name with a slip": (
        "temmper(Tensor self) -> Tensor",
        "temper(Tensor self) -> Tensor",
        "gild(Tensor self) -> Tensor",
    ),
    "a name like several": (
        "gilde(Tensor self) -> Tensor",
        *(f"{name}(Tensor self) -> Tensor" for name in ("gild", "gilded", "guild", "gelid")),
    ),
    "a name like that of an out variant": (
        "temmper(Tensor self) -> Tensor",
        "temper.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)",
        "temper_(Tensor(a!) self) -> Tensor(a!)",
    ),
    "a name like none": ("zzz(Tensor self) -> Tensor", "temper(Tensor self) -> Tensor"),
    "a name of Python": (
        "torch.linalg.temper(Tensor self) -> Tensor",
        "linalg_temper(Tensor self) -> Tensor",
    ),
    "a name of Python that looks like an overload": (
        "torch.temper(Tensor self) -> Tensor",
        "temper(Tensor self) -> Tensor",
    ),
    "a name of a method that is not known": (
        "Tensor.zzz(Tensor self) -> Tensor",
        "temper(Tensor self) -> Tensor",
    ),
    "a name of C++": ("at::temper(Tensor self) -> Tensor", "temper(Tensor self) -> Tensor"),
    "no schema, of one function": ("f", F),
    "no schema, with a slip": ("f(Tensor self, int n=1) > Tensor", F),
    "no schema, without a bracket": ("f(Tensor self, int n=1 -> Tensor", F),
    "no schema, without a bracket behind what stands twice": (
        "f(Tensor self, int n=1, int m=1 -> Tensor",
        "f(Tensor self, int n=1, int m=1) -> Tensor",
    ),
    "no schema, of several": (
        "f.b",
        "f.a(Tensor self, Tensor other) -> Tensor",
        "f.b(Tensor self) -> Tensor",
    ),
    "no schema, of no function": ("zzz", F),
    "another function of its signature": (
        "f_(Tensor(a!) self) -> Tensor(a!)",
        "f(Tensor self) -> Tensor",
        "f_(Tensor(a!) self) -> Tensor(a!)",
    ),
}


def test_what_is_told_reads_as_recorded(tmp_path: Path) -> None:
    """The texts are in `reference/unknown_functions.txt`."""
    check_recorded(
        "unknown_functions.txt", {name: told(*case) for name, case in CASES.items()}, tmp_path
    )


@pytest.mark.parametrize(
    ("written", "schema", "words", "occurrence", "help_"),
    [
        ("f(int a)", "f(int b)", "a", 0, "write `b`: the function is `f(int b)`"),
        ("f(int a, int a)", "f(int a, int b)", "a", 1, "write `b`: the function is {}"),
        ("f(int a, int b)", "f(int a)", "int b", 0, "remove it: the function is {}"),
        ("f(int a)", "f(int a, int b)", "a", 0, "`int b` is missing here: the function is {}"),
        ("f(int a)", "f(int a, b)", "a", 0, "`b` is missing here: the function is {}"),
        (
            *("f(Tensor self, int a, int b)", "f(Tensor self, str a, int c)"),
            *("int a, int b", 0, "the function is {}"),
        ),
        ("f(int a) -> int", "f(int a)  -> int", ") ->", 0, "the function is {}"),
        ("f(int  a)", "f(int a)", "int", 0, "the function is {}"),
        ("f(int a,)", "f(int a)", "a", 0, "the function is {}"),
    ],
)
def test_where_a_schema_differs(
    written: str, schema: str, words: str, occurrence: int, help_: str
) -> None:
    found = nearest_difference(written, [schema])
    assert found == Misspelling(words, occurrence, help_.format(f"`{schema}`"), schema)


def test_a_schema_is_compared_with_the_most_similar() -> None:
    written = "f(Tensor self, int a) -> Tensor"
    far = "g(str[] x, bool? flag) -> ()"
    near = ["f(Tensor self, int a) -> int", "f(Tensor self, int b) -> Tensor"]
    for schemas, schema in [
        ([far, *near], near[0]),
        ([*near[::-1], far], near[1]),
        ([far, near[1]], near[1]),
    ]:
        found = nearest_difference(written, schemas)
        assert found is not None
        assert found.schema == schema
    assert nearest_difference(written, [far]) is None
    assert nearest_difference(written, []) is None
    # Very long ones take too much time.
    arguments = ", ".join(f"int a{i}" for i in range(119))
    long, longer = f"f({arguments}) -> T", f"f({arguments}) -> T?"
    found = nearest_difference(long, [long.replace("a5,", "b5,")])
    assert found == Misspelling(
        *("a5", 0, f"write `b5`: the function is `{long.replace('a5,', 'b5,')}`"),
        long.replace("a5,", "b5,"),
    )
    assert nearest_difference(longer, [longer.replace("a5,", "b5,")]) is None
    assert nearest_difference(long, [longer]) is None


def test_of_very_many_overloads_the_first_are_compared_and_listed() -> None:
    far = [
        f"f.a{i}(str[{i}] names, Scalar? x, bool? c=None, int[2] d=1) -> (Tensor x, Tensor y)"
        for i in range(1, 20)
    ]
    near = "f.z(Tensor self, int n) -> Tensor"
    found, *_ = told("f.z(Tensor self, int m) -> Tensor", *far, near)
    assert found.advice == f"write `n`: the function is `{near}`"
    more = far[0].replace(".a1", ".b").replace("[1]", "[20]")
    found, *_ = told("f.z(Tensor self, int m) -> Tensor", *far, more, near)
    listed = "; ".join(f"`{schema}`" for schema in far[:5])
    assert found.help == f"the functions of that name are: {listed}"
