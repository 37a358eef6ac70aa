"""Finds what a module does during its import that may change more than its own names.

We call such a statement an effect. It may change what another module has defined, so all of its
source counts for the rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from derivload.tree.scopes import FUNCTIONS

# Takes the dotted name of what is called, and whether it is called as a decorator. Returns whether
# the call makes a value and changes nothing.
IsHarmless = Callable[[str, bool], bool]

_VALUES: Final = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.JoinedStr, ast.FormattedValue),
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.Slice, ast.Subscript, ast.IfExp),
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.keyword),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
# Names of a class or a module that Python calls by itself, when something else is defined.
_CALLED_BY_PYTHON: Final = frozenset(
    "__init_subclass__ __set_name__ __class_getitem__ __getattr__ __dir__ __prepare__".split()
)


class Purity:
    """Finds effects. `is_harmless` tells whether a call has none."""

    def __init__(self, is_harmless: IsHarmless, *, lazy_annotations: bool) -> None:
        self._is_harmless = is_harmless
        self._lazy_annotations = lazy_annotations

    def effects(self, statement: ast.stmt) -> Iterator[ast.AST]:
        """The parts of a statement that may change something when it runs."""
        if isinstance(statement, FUNCTIONS):
            yield from self._effects_of_function(statement)
        elif isinstance(statement, ast.ClassDef):
            yield from self._effects_of_class(statement)
        elif isinstance(statement, ast.Assign):
            named = all([isinstance(target, ast.Name) for target in statement.targets])
            if not named or not self.is_value(statement.value):
                yield statement
        elif isinstance(statement, ast.AnnAssign):
            value = statement.value
            named = isinstance(statement.target, ast.Name)
            if not named or not (value is None or self.is_value(value)):
                yield statement
            yield from self._effects_of_annotation(statement.annotation)
        elif isinstance(statement, ast.Expr):
            if not self.is_value(statement.value):
                yield statement
        elif not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            yield statement

    def _effects_of_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> Iterator[ast.AST]:
        if node.name in _CALLED_BY_PYTHON:
            yield node
            return
        arguments = node.args
        values = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        yield from (value for value in values if not self.is_value(value))
        yield from (d for d in node.decorator_list if not self._is_decorator(d))
        declared = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        declared += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        for annotation in (*(a.annotation for a in declared), node.returns):
            if annotation is not None:
                yield from self._effects_of_annotation(annotation)

    def _effects_of_class(self, node: ast.ClassDef) -> Iterator[ast.AST]:
        yield from node.keywords  # a metaclass, or what __init_subclass__ takes
        yield from (base for base in node.bases if not self.is_value(base))
        yield from (d for d in node.decorator_list if not self._is_decorator(d))
        for statement in node.body:
            yield from self.effects(statement)

    def _effects_of_annotation(self, node: ast.expr) -> Iterator[ast.AST]:
        if not self._lazy_annotations and not self.is_value(node):
            yield node

    def _is_decorator(self, node: ast.expr) -> bool:
        called = node.func if isinstance(node, ast.Call) else node
        name = dotted(called)
        if name is None or not self._is_harmless(name, True):
            return False
        given = (
            [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else []
        )
        return all([self.is_value(value) for value in given])

    def is_value(self, node: ast.expr) -> bool:
        """Whether an expression only makes a value."""
        pending: list[ast.AST] = [node]
        while pending:
            here = pending.pop()
            if isinstance(here, ast.Call):
                name = dotted(here.func)
                if name is None or not self._is_harmless(name, False):
                    return False
                pending += [*here.args, *here.keywords]
                keys = [keyword.value for keyword in here.keywords if keyword.arg == "key"]
                if not all(map(self._is_harmless_key, keys)):
                    return False
            elif isinstance(here, ast.Lambda):
                pending += here.args.defaults
            elif isinstance(here, _VALUES):
                pending += ast.iter_child_nodes(here)
            else:
                return False
        return True

    def _is_harmless_key(self, node: ast.expr) -> bool:
        """Whether a function that `sorted` and the like call changes nothing."""
        if isinstance(node, ast.Lambda):
            return self.is_value(node.body)
        name = dotted(node)
        return name is not None and self._is_harmless(name, False)


def dotted(node: ast.AST) -> str | None:
    """The dotted name that an expression is, or None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def extends(node: ast.AST) -> tuple[str, str, ast.expr] | None:
    """The name, method and argument of `NAME.append(…)` and the like; None for any other node."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    call = node.value
    called = call.func
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return None
    if called.attr not in ("append", "extend", "add", "update") or len(call.args) != 1:
        return None
    return None if call.keywords else (called.value.id, called.attr, call.args[0])
