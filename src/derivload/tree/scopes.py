"""The names that a piece of source takes from outside itself: globals, and attributes of anything.

Annotations are left out: they have no effect when the source runs. If we cannot tell whether a name
is a global, it counts as one: we may look at too much, never at too little.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOKED_UP: Final = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_NONE: Final[frozenset[str]] = frozenset()


class Uses:
    """What a piece of source uses.

    `names` are dotted names that begin with a global (`cpp.name`), as far as the dots go;
    `attributes` are all names behind a dot, and texts that may be one; `imports` are the import
    statements inside functions.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.imports: list[ast.Import | ast.ImportFrom] = []

    def add(self, nodes: Iterable[ast.AST]) -> Uses:
        """Add what these nodes use."""
        for node in nodes:
            self._visit(node, _NONE)
        return self

    def _visit(self, node: ast.AST, bound: frozenset[str]) -> None:
        if isinstance(node, ast.Name):
            if node.id not in bound:
                self.names.add(node.id)
        elif isinstance(node, ast.Attribute):
            self._visit_attribute(node, bound)
        elif isinstance(node, FUNCTIONS):
            self._visit_function(node, bound)
        elif isinstance(node, ast.Lambda):
            self._visit_defaults(node.args, bound)
            self._visit(node.body, bound | _parameters(node.args))
        elif isinstance(node, _COMPREHENSIONS):
            self._visit_comprehension(node, bound)
        elif isinstance(node, ast.AnnAssign):
            self._visit_all([node.target, *([node.value] if node.value else [])], bound)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.imports.append(node)
        else:
            if isinstance(node, ast.Call):
                self._visit_call(node)
            self._visit_all(ast.iter_child_nodes(node), bound)

    def _visit_all(self, nodes: Iterable[ast.AST], bound: frozenset[str]) -> None:
        for node in nodes:
            self._visit(node, bound)

    def _visit_attribute(self, node: ast.Attribute, bound: frozenset[str]) -> None:
        self.attributes.add(node.attr)
        names = [node.attr]
        value: ast.expr = node.value
        while isinstance(value, ast.Attribute):
            self.attributes.add(value.attr)
            names.append(value.attr)
            value = value.value
        if not isinstance(value, ast.Name):
            self._visit(value, bound)
        elif value.id not in bound:
            self.names.add(".".join([value.id, *reversed(names)]))

    def _visit_call(self, node: ast.Call) -> None:
        """Take the names that are looked up by a text, as `getattr` does."""
        if isinstance(node.func, ast.Name) and node.func.id in _LOOKED_UP:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    self.attributes.add(argument.value)

    def _visit_function(self, node: Function, bound: frozenset[str]) -> None:
        self._visit_all(node.decorator_list, bound)
        self._visit_defaults(node.args, bound)
        inner = (bound | _parameters(node.args) | _assigned(node.body)) - _globals(node.body)
        self._visit_all(node.body, inner)

    def _visit_defaults(self, arguments: ast.arguments, bound: frozenset[str]) -> None:
        self._visit_all(arguments.defaults, bound)
        self._visit_all([d for d in arguments.kw_defaults if d is not None], bound)

    def _visit_comprehension(self, node: ast.AST, bound: frozenset[str]) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self._visit(generators[0].iter, bound)
        targets = frozenset(
            name.id
            for generator in generators
            for name in ast.walk(generator.target)
            if isinstance(name, ast.Name)
        )
        # The first iterable is looked at again inside: that adds nothing.
        inner = bound | targets
        for child in ast.iter_child_nodes(node):
            if child is generators[0]:
                self._visit_all([child.target, *child.ifs], inner)
            else:
                self._visit(child, inner)


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return frozenset(argument.arg for argument in named)


def inside(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes below these, without what is in scopes of its own."""
    for node in nodes:
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *_COMPREHENSIONS)):
            yield from inside(ast.iter_child_nodes(node))


def _assigned(body: list[ast.stmt]) -> frozenset[str]:
    """The names that a function's body binds."""
    found: set[str | None] = set()
    for node in inside(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(
            node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
        ):
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping):
            found.add(node.rest)
    return frozenset(name for name in found if name)


def _globals(body: list[ast.stmt]) -> frozenset[str]:
    return frozenset(
        name for node in inside(body) if isinstance(node, ast.Global) for name in node.names
    )
