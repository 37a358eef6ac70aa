"""Which functions are a group of views, and the order that grouping them gives."""

from __future__ import annotations

from derivload.cpp.dialect import DIALECTS, NEWEST, Dialect
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.views import group_by_view

# Between the variants of one group stand others, which keep their places.
NATIVES = """\
- func: b_copy(Tensor self) -> Tensor
  tags: view_copy
- func: a(Tensor self) -> Tensor
- func: b.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
- func: b_(Tensor(a!) self) -> Tensor(a!)
  tags: inplace_view
- func: a_(Tensor(a!) self) -> Tensor(a!)
- func: b(Tensor(a) self) -> Tensor(a)
- func: c(Tensor(a) self) -> Tensor(a)
- func: d_inverse(Tensor(a) self) -> Tensor(a)
- func: d_scatter(Tensor self) -> Tensor
  tags: view_copy
"""
TAGS = "- tag: view_copy\n  desc: Some tag.\n- tag: inplace_view\n  desc: Some tag.\n"


def grouped(dialect: Dialect) -> tuple[list[tuple[str | None, ...]], list[str]]:
    natives = (Text("native_functions.yaml", NATIVES),)
    texts = Texts(Text("derivatives.yaml", "[]\n"), natives, Text("tags.yaml", TAGS))
    loaded = load_texts(texts, dialect)
    assert loaded.diagnostics == []
    found = group_by_view(loaded.load.natives, dialect)
    assert found.misfits == []
    groups = [tuple(None if f is None else f.name.text for f in group) for group in found.groups]
    return groups, [function.name.text for function in found.functions]


def test_a_view_comes_first_then_its_variants_then_what_else_has_the_signature() -> None:
    assert grouped(NEWEST) == (
        [("b", "b_", "b_copy"), ("c", None, None), ("d_inverse", None, "d_scatter")],
        ["b", "b_", "b_copy", "b.out", "a", "a_", "c", "d_inverse", "d_scatter"],
    )


def test_until_2_2_copying_variants_are_left_out_and_scattering_is_no_copy() -> None:
    assert grouped(DIALECTS["2.2"]) == (
        [("b", "b_", "b_copy"), ("c", None, None), ("d_inverse", None, None)],
        ["b", "b_", "b.out", "a", "a_", "c", "d_inverse", "d_scatter"],
    )
