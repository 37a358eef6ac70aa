"""The forward formula that an in-place function gets from its functional one."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts

NATIVES = """\
- func: f(Tensor self) -> Tensor
- func: f_(Tensor(a!) self) -> Tensor(a!)
"""


@pytest.mark.parametrize(
    ("formula", "inplace"),
    [
        ("self_t.f(1)", "self_t_raw.f_(1)"),
        ("self_t.f(g(1), (2))", "self_t_raw.f_(g(1), (2))"),
        # A call that ends before the formula does.
        ("self_t.f(1) + g(2)", "self_t_raw.copy_(self_t.f(1) + g(2))"),
        ("self_t.f(g(1)).h(2)", "self_t_raw.copy_(self_t.f(g(1)).h(2))"),
        ("self_t.g(1)", "self_t_raw.copy_(self_t.g(1))"),
        ("2 * self_t.f(1)", "self_t_raw.copy_(2 * self_t.f(1))"),
    ],
)
def test_one_call_of_the_function_itself_is_made_in_place(formula: str, inplace: str) -> None:
    derivatives = f"- name: f(Tensor self) -> Tensor\n  self: grad\n  result: {formula}\n"
    natives = (Text("native_functions.yaml", NATIVES),)
    texts = Texts(Text("derivatives.yaml", derivatives), natives, Text("tags.yaml", "[]\n"))
    loaded = load_texts(texts, NEWEST)
    assert loaded.diagnostics == []
    (record,) = [m.record for m in loaded.load.matched if m.record.schema.startswith("f_(")]
    assert record.forward_derivatives is not None
    (forward,) = record.forward_derivatives["Default"]
    assert forward.formula == f"self_t_raw.defined() ? {inplace} : {formula}"
