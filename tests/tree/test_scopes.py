"""The names that a piece of source takes from outside itself."""

from __future__ import annotations

import ast

import pytest

from derivload.tree.scopes import Uses


@pytest.mark.parametrize(
    ("text", "names", "attributes"),
    [
        ("a.b.c", "a.b.c", "b c"),
        ("f(a).b.c", "a f", "b c"),
        ("getattr(a, 'b')", "a getattr", "b"),
        ("hasattr(a, 'b')", "a hasattr", "b"),
        ("setattr(a, 'b', 'c')", "a setattr", "b c"),
        ("delattr(a, 'b')", "a delattr", "b"),
        ("other(a, 'b')", "a other", ""),
        ("x.getattr(a, 'b')", "a x.getattr", "getattr"),
        ("getattr(a, 1)", "a getattr", ""),
        ("lambda a, *b, c, **d: a + b + c + d + e", "e", ""),
        ("lambda a=b, *, c=d: a", "b d", ""),
        ("def f(a=b, *, c=d, e): return a, c, e", "b d", ""),
        ("def f(a, /, *b, **c): return a, b, c, d", "d", ""),
        ("@a.b\ndef f(): pass", "a.b", "b"),
        ("def f():\n a = b\n return a", "b", ""),
        ("def f():\n global a\n a = b", "a b", ""),
        ("def f():\n def a(): pass\n class b: pass\n return a, b", "", ""),
        ("def f():\n try: pass\n except e as a: return a", "e", ""),
        ("def f(x):\n match x:\n  case [*a]: return a", "", ""),
        ("def f(x):\n match x:\n  case {'k': 1, **a}: return a", "", ""),
        ("def f(x):\n match x:\n  case a: return a", "", ""),
        ("def f():\n return a\n def g(): a = 1", "a", ""),
        ("[a for a in b if a.c]", "b", "c"),
        ("[a for b in c for a in b]", "c", ""),
        ("{a: d for a in b}", "b d", ""),
        ("[a for a in a]", "a", ""),
        ("x: int = a", "a x", ""),
        ("x: int", "x", ""),
        ("async def f(a): return a, b", "b", ""),
    ],
)
def test_what_a_piece_uses(text: str, names: str, attributes: str) -> None:
    uses = Uses().add(ast.parse(text).body)
    assert " ".join(sorted(uses.names)) == names
    assert " ".join(sorted(uses.attributes)) == attributes


def test_imports_inside_are_kept() -> None:
    uses = Uses().add(ast.parse("def f():\n import a\n from b import c").body)
    assert [ast.unparse(statement) for statement in uses.imports] == ["import a", "from b import c"]
