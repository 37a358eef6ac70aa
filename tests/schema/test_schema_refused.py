"""What is no schema, and what is said of it."""

from __future__ import annotations

import pytest

from derivload.cpp.bindings import CppBindings
from derivload.cpp.ctypes import CppTypes, Locals
from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Invalid
from support.schemas import OPTIONS, mistake_of, read

ALL = "all of it"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("melt", "DL101", ALL),
        ("melt(Tensor self)", "DL101", ALL),
        ("melt(Tensor self) ->", "DL101", ALL),
        ("melt(Tensor self) -> ", "DL101", ALL),
        ("melt(Tensor self)-> Tensor", "DL101", ALL),
        ("(Tensor self) -> Tensor", "DL101", ALL),
        ("melt Tensor self -> Tensor", "DL101", ALL),
        ("melt(Tensor self\n) -> Tensor", "DL101", ""),
        ("melt.(Tensor self) -> Tensor", "DL102", "melt."),
        (".out(Tensor self) -> Tensor", "DL102", ".out"),
        ("melt_out(Tensor self) -> Tensor", "DL102", "melt_out"),
        ("melt_functional_(Tensor(a!) self) -> Tensor(a!)", "DL102", "melt_functional_"),
        ("__int__(Tensor self) -> Tensor", "DL102", "__int__"),
        ("a::(Tensor self) -> Tensor", "DL102", "a::"),
        ("::melt(Tensor self) -> Tensor", "DL102", "::melt"),
        ("melt(Tensor) -> Tensor", "DL103", "Tensor"),
        ("melt(Tensor self,int x) -> Tensor", "DL104", "Tensor self,int"),
        ("melt(Tensor self, ) -> Tensor", "DL103", ""),
        ("melt(int x=) -> Tensor", "DL103", "int x="),
        ("melt(int x=1=2) -> Tensor", "DL103", "int x=1=2"),
        ("melt(int x, *) -> Tensor", "DL103", "*"),
        ("melt(*, int x, *, int y) -> Tensor", "DL103", "*"),
        ("melt(*, Tensor(a!) x, int y) -> Tensor(a!)", "DL103", "int y"),
        ("melt(Tenser self) -> Tensor", "DL104", "Tenser"),
        ("melt(Tensor  self) -> Tensor", "DL104", "Tensor "),
        ("melt(int[0] x) -> Tensor", "DL104", "int[0]"),
        ("melt(int[03] x) -> Tensor", "DL104", "int[03]"),
        ("melt(int[-1] x) -> Tensor", "DL104", "int[-1]"),
        ("melt(? x) -> Tensor", "DL104", "?"),
        ("melt(int(a) x) -> Tensor", "DL104", "int(a)"),
        ("melt(Tensor?(a) x) -> Tensor", "DL104", "Tensor?(a)"),
        ("melt(Dimname x) -> Tensor", "DL104", "Dimname"),
        ("melt(__torch__.torch.classes. x) -> Tensor", "DL104", "__torch__.torch.classes."),
        ("melt(Tensor self) -> Tenser", "DL104", "Tenser"),
        ("melt(Tensor(A) self) -> Tensor", "DL105", "(A)"),
        ("melt(Tensor(a!b) self) -> Tensor", "DL105", "(a!b)"),
        ("melt(Tensor(a|b!) self) -> ()", "DL105", "(a|b!)"),
        ("melt(Tensor(a|b|c) self) -> ()", "DL105", "(a|b|c)"),
        ("melt(Tensor(a|b -> c|d) self) -> ()", "DL105", "(a|b -> c|d)"),
        ("melt(Tensor(a)[2] self) -> ()", "DL105", "Tensor(a)[2]"),
        ("melt(Tensor self) -> (Tensor)", "DL106", "Tensor"),
        ("melt(Tensor self) -> Tensor, Tensor", "DL106", "Tensor, Tensor"),
        (f"melt(*, {OPTIONS}, {OPTIONS}) -> Tensor", "DL107", OPTIONS),
        ("melt_(Tensor(a!) self, *, Tensor(a!) out) -> Tensor(a!)", "DL110", "Tensor(a!) out"),
        ("melt(Tensor(a!) x, Tensor self) -> ()", "DL111", "Tensor(a!) x"),
        ("melt.out(*, Tensor(a!) out) -> Tensor(b!)", "DL112", "Tensor(a!) out"),
        ("melt.out(*, Tensor(a!) out) -> Tensor", "DL112", "Tensor(a!) out"),
        ("melt(Tensor self, Tensor(a!) x) -> Tensor(a!)", "DL113", "Tensor(a!) x"),
        ("melt(Tensor(a!) self) -> (Tensor(a!), Tensor)", "DL114", "(Tensor(a!), Tensor)"),
        ("melt(Tensor self) -> Tensor(a!)", "DL115", "Tensor(a!)"),
        ("melt.out(*, Tensor(a!) out) -> ()", "DL116", "()"),
        ("melt.out(*, Tensor(a!) x, Tensor(b!) y) -> Tensor(a!)", "DL116", "Tensor(a!)"),
        ("melt.out(*, Tensor(a!)[] out) -> Tensor(a!)[]", "DL116", "Tensor(a!)[]"),
        ("melt_(Tensor self) -> Tensor", "DL117", "Tensor self"),
        ("melt_(Tensor(a!) x) -> ()", "DL117", "melt_"),
        ("melt_(Tensor(a!) self) -> ()", "DL117", "()"),
        ("melt_(Tensor(a!) self) -> Tensor", "DL117", "Tensor"),
        ("melt_(Tensor(a!)[] self) -> Tensor(a!)[]", "DL117", "Tensor(a!)[]"),
        (f"melt(Tensor(a!) x, *, {OPTIONS}) -> ()", "DL118", OPTIONS),
        (f"melt.out(*, {OPTIONS}, Tensor(a!) out) -> Tensor(a!)", "DL118", OPTIONS),
        ("melt.functional(Tensor(a!) x) -> ()", "DL119", "melt.functional"),
        ("melt.functional_out(*, Tensor(a!) out) -> Tensor(a!)", "DL119", "melt.functional_out"),
    ],
)
def test_what_is_no_schema_is_turned_away_with_its_words(text: str, code: str, words: str) -> None:
    invalid = mistake_of(text)
    assert (invalid.code, invalid.words) == (code, text if words is ALL else words)
    assert invalid.words in text


def test_a_schema_that_a_block_scalar_ends_in_a_line_end_is_told_of_it() -> None:
    assert "block scalar" in mistake_of("melt(Tensor self) -> Tensor\n").help


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("melt(__torch__.torch.classes.a.B x) -> ()", "DL120"),
        ("melt(GraphModule x) -> ()", "DL120"),
        ("melt(bool[] x) -> ()", "DL120"),
        ("melt() -> int[2]", "DL120"),
        ("melt() -> Scalar?", "DL120"),
        ("melt(Tensor[] x=None) -> ()", "DL121"),
        ("melt(int[] x=1) -> ()", "DL121"),
    ],
)
def test_some_schemas_have_no_form_in_cpp(text: str, code: str) -> None:
    schema, types, scope = read(text), CppTypes(NEWEST), Locals(False, False)
    with pytest.raises(Invalid) as caught:
        CppBindings(NEWEST, types).cpp_arguments(schema, no_default=frozenset(), scope=scope)
        for returned in schema.returns:
            types.returned(returned.type, mutable=returned.is_write, scope=scope)
    assert caught.value.code == code
    assert caught.value.words in text
