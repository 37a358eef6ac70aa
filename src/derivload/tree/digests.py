"""The digest of a piece of source: of its syntax, without what changes nothing when it runs.

Layout, comments, docstrings and annotations are left out. An annotation in the body of a class
makes a field of a dataclass. So it counts that it is there, and whether it is a ClassVar or the
like. The digest is the same under each version of Python that we support.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from typing import Final

from derivload.tree.scopes import FUNCTIONS

_LENGTH: Final = 16
_IGNORED: Final = frozenset({"ctx", "type_comment", "kind", "annotation", "returns", "type_params"})
_MARKS: Final = ("ClassVar", "InitVar", "KW_ONLY", "Final")


def digest_of(nodes: Iterable[ast.AST], more: Iterable[str] = (), *, in_class: bool = False) -> str:
    """The digest, in hex, of some nodes and some texts; `in_class` where the nodes are of one."""
    digest = hashlib.sha256("\n".join(more).encode("utf-8", "surrogatepass"))
    pieces: list[str] = []
    for node in nodes:
        _write(node, pieces, in_class=in_class)
    digest.update("\0".join(pieces).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_LENGTH]


def _write(value: object, pieces: list[str], *, in_class: bool) -> None:
    if isinstance(value, list):
        pieces.append("[")
        for item in value:
            _write(item, pieces, in_class=in_class)
        pieces.append("]")
    elif isinstance(value, ast.AnnAssign):
        _write_annotated(value, pieces, in_class=in_class)
    elif isinstance(value, ast.AST):
        _write_node(value, pieces, in_class=in_class)
    else:
        pieces.append(f"{type(value).__name__}:{value!r}")


def _write_node(node: ast.AST, pieces: list[str], *, in_class: bool) -> None:
    in_class = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, FUNCTIONS))
    pieces.append(type(node).__name__)
    if isinstance(node, ast.Expr) and _is_text(node):
        return  # a text alone does nothing
    for field in node._fields:
        if field in _IGNORED:
            continue
        value = getattr(node, field, None)
        if field == "body" and isinstance(value, list):
            value = without_docstring(value, node)
        if value is None or value == []:
            continue
        pieces.append(field)
        _write(value, pieces, in_class=in_class)
    pieces.append(";")


def _write_annotated(node: ast.AnnAssign, pieces: list[str], *, in_class: bool) -> None:
    """Write `x: T = 1` as `x = 1`; in a class, with what its annotation says of the field."""
    marks: list[str] = []
    if in_class:
        said = ast.dump(node.annotation)
        marks = ["field", *(mark for mark in _MARKS if mark in said)]
    elif node.value is None:
        return
    pieces += ["Assign", *marks, "targets", "["]
    _write(node.target, pieces, in_class=False)
    pieces.append("]")
    if node.value is not None:
        pieces.append("value")
        _write(node.value, pieces, in_class=False)
    pieces.append(";")


def without_docstring(body: list[ast.stmt], node: ast.AST) -> list[ast.stmt]:
    """The statements of a function, class or module without its docstring."""
    has_one = isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module))
    return body[1:] if has_one and body and _is_text(body[0]) else body


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
