"""The function that a definition belongs to, out of the variants of one signature."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.derivatives.info import canonical_function
from derivload.diagnostics import Invalid
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.function import NativeFunction

SCHEMAS = (
    "f(Tensor self) -> Tensor",
    "f.x(Tensor self) -> Tensor",
    "f_(Tensor(a!) self) -> Tensor(a!)",
    "f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)",
    "g(Tensor self, Tensor(a!) x) -> Tensor",
    "g.functional(Tensor self, Tensor x) -> (Tensor, Tensor x_out)",
    "own::h(Tensor self) -> Tensor",
)


@pytest.fixture(scope="module")
def functions() -> dict[str, NativeFunction]:
    natives = "".join(f"- func: {schema}\n  dispatch:\n    CPU: x\n" for schema in SCHEMAS)
    texts = Texts(
        Text("derivatives.yaml", "[]\n"),
        (Text("native_functions.yaml", natives),),
        Text("tags.yaml", "[]\n"),
    )
    return {function.name.text: function for function in load_texts(texts, NEWEST).load.natives}


@pytest.mark.parametrize(
    ("variants", "name", "canonical"),
    [
        ("f.out f_ f f.x", "f", "f"),
        ("f.x f", "f", "f.x"),
        ("g.functional g", "g", "g"),
        ("f_ f.out", "f", "f_"),
        ("f_ f", "f_", "f_"),
        ("f f_", "f_", "f_"),
    ],
)
def test_the_canonical_function(
    functions: dict[str, NativeFunction], variants: str, name: str, canonical: str
) -> None:
    given = [functions[variant] for variant in variants.split()]
    assert canonical_function(given, name).name.text == canonical


@pytest.mark.parametrize(
    ("variants", "name", "told"),
    [("f.out f_", "f", "f"), ("g.functional", "g", "g"), ("h", "x", "own::x"), ("f_", "x", "x")],
)
def test_a_name_that_is_neither_functional_nor_in_place(
    functions: dict[str, NativeFunction], variants: str, name: str, told: str
) -> None:
    with pytest.raises(Invalid) as raised:
        canonical_function([functions[variant] for variant in variants.split()], name)
    message = f"`{told}` is neither functional nor in-place"
    assert (raised.value.code, raised.value.message) == ("DL406", message)
