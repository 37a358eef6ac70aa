"""Reads the values of constants from their source, if they are plain data.

A member of an enum is read as its name, a C++ type as the two texts that it is made of.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from derivload.tree.modules import Module, Reference, Tree
from derivload.tree.purity import dotted, extends

_MOST: Final = 20_000
_CPP_TYPE: Final = "torchgen.api.types.types_base:BaseCppType"


class UnreadableError(Exception):
    """A constant is not plain data; the text says which."""


class EnumMember(NamedTuple):
    """A member of an enum: of which, and its name."""

    enum: str
    name: str


class CppName(NamedTuple):
    """A C++ type as torchgen names it."""

    namespace: str
    name: str

    @property
    def text(self) -> str:
        """How it is written."""
        return f"{self.namespace}::{self.name}" if self.namespace else self.name


Value = object


class Constants:
    """Reads constants of one tree, each once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, str], Value] = {}
        self._steps = 0

    def read(self, id_: str) -> Value:
        """The value of `module:name`. Raises UnreadableError."""
        module, _, name = id_.partition(":")
        return self._of(Reference(module, name, (), True), 0)

    def members(self, id_: str) -> frozenset[str]:
        """The members of an enum that are `auto()` or a number. Raises UnreadableError."""
        node = self._class(id_)
        return frozenset(
            target.id
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        )

    def _class(self, id_: str) -> ast.ClassDef:
        module, _, name = id_.partition(":")
        bound = self._tree.module(module).bindings.get(name, []) if self._tree.has(module) else []
        if len(bound) != 1 or not isinstance(bound[0], ast.ClassDef):
            raise UnreadableError(id_)
        return bound[0]

    def _of(self, target: Reference, depth: int) -> Value:
        key = (target.module, target.name)
        if key not in self._known:
            self._known[key] = self._worked_out(target, depth)
        return self._known[key]

    def _worked_out(self, target: Reference, depth: int) -> Value:
        if not target.is_tree or not self._tree.has(target.module) or depth > 20:
            raise UnreadableError(target.id)
        module = self._tree.module(target.module)
        value: Value = None
        bound = module.bindings.get(target.name, [])
        reader = _Reader(self, module, depth)
        for i, statement in enumerate(bound):
            given = reader.step(statement, target.name, value, is_first=i == 0)
            if given is None:
                raise UnreadableError(target.id)
            value = given
        if value is None:
            raise UnreadableError(target.id)
        return value

    def led(self, module: Module, name: str, depth: int, place: tuple[int, int]) -> Value:
        """The value of a dotted name at a place in a module, by line and column.

        Raises UnreadableError, also where the module changes the value after that.
        """
        self._steps += 1
        target = self._tree.resolve(module, name)
        if target is None or self._steps > _MOST:
            raise UnreadableError(name)
        if target.module == module.name:
            later = module.bindings.get(target.name, [])[1:]
            if any(_place(statement) > place for statement in later):
                raise UnreadableError(name)
        if not target.rest:
            return self._of(target, depth + 1)
        id_ = target.id
        if len(target.rest) != 1 or target.rest[0] not in self.members(id_):
            raise UnreadableError(name)
        return EnumMember(id_, target.rest[0])

    def is_cpp_type(self, module: Module, name: str) -> bool:
        """Whether calling a name makes a C++ type."""
        target = self._tree.resolve(module, name)
        return target is not None and target.id == _CPP_TYPE and not target.rest


class _Reader:
    """Reads the expressions of one module."""

    def __init__(self, constants: Constants, module: Module, depth: int) -> None:
        self._constants = constants
        self._module = module
        self._depth = depth
        self._locals: dict[str, Value] = {}
        self._place = (0, 0)

    def step(self, node: ast.AST, name: str, value: Value, *, is_first: bool) -> Value:
        """The value of a constant after a statement; None if it cannot be told."""
        self._place = _place(node)
        if isinstance(node, ast.Assign) and is_first and len(node.targets) == 1:
            return self.read(node.value) if isinstance(node.targets[0], ast.Name) else None
        if isinstance(node, ast.AnnAssign) and is_first:
            return None if node.value is None else self.read(node.value)
        if isinstance(node, ast.AugAssign) and not is_first:
            is_add = isinstance(node.op, ast.Add) and isinstance(value, list)
            is_or = isinstance(node.op, ast.BitOr) and isinstance(value, dict | frozenset)
            return _joined(value, self.read(node.value)) if is_add or is_or else None
        called = extends(node)
        if called is None or called[0] != name or is_first:
            return None
        _, method, argument = called
        added = self.read(argument)
        if method in ("append", "add"):
            added = [added] if isinstance(value, list) else frozenset([added])
        elif isinstance(value, frozenset) and isinstance(added, list):
            added = frozenset(added)
        return _joined(value, added)

    def read(self, node: ast.expr) -> Value:
        """The value of an expression. Raises UnreadableError."""
        kind = _KINDS.get(type(node))
        if kind is None:
            raise UnreadableError(ast.dump(node)[:80])
        return kind(self, node)

    def constant(self, node: ast.Constant) -> Value:
        if not isinstance(node.value, str | int):
            raise UnreadableError(repr(node.value))
        return node.value

    def name(self, node: ast.Name | ast.Attribute) -> Value:
        text = dotted(node)
        if text is None:
            raise UnreadableError(ast.dump(node)[:80])
        if text in self._locals:
            return self._locals[text]
        return self._constants.led(self._module, text, self._depth, self._place)

    def items(self, node: ast.List | ast.Tuple) -> Value:
        return [*self._each(node.elts)]

    def set(self, node: ast.Set) -> Value:
        return frozenset(self._each(node.elts))

    def dict(self, node: ast.Dict) -> Value:
        made: dict[Value, Value] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                more = self.read(value)
                if not isinstance(more, dict):
                    raise UnreadableError("**")
                made.update(more)
            else:
                made[self.read(key)] = self.read(value)
        return made

    def sum(self, node: ast.BinOp) -> Value:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        kinds = list if isinstance(node.op, ast.Add) else (dict, frozenset)
        if not isinstance(node.op, ast.Add | ast.BitOr) or not isinstance(left, kinds):
            raise UnreadableError(ast.dump(node.op))
        return _joined(left, right)

    def call(self, node: ast.Call) -> Value:
        name = dotted(node.func)
        if node.keywords or name is None:
            return self._split(node)
        if name in ("set", "frozenset") and name not in self._module.bindings:
            return frozenset(self._list(node.args[0])) if len(node.args) == 1 else frozenset()
        if name in ("list", "tuple") and name not in self._module.bindings and len(node.args) == 1:
            return self._list(node.args[0])
        if self._constants.is_cpp_type(self._module, name) and len(node.args) == 2:
            namespace, text = self.read(node.args[0]), self.read(node.args[1])
            if isinstance(namespace, str) and isinstance(text, str):
                return CppName(namespace, text)
        return self._split(node)

    def _split(self, node: ast.Call) -> Value:
        """What `"a b c".split()` gives."""
        called = node.func
        is_split = isinstance(called, ast.Attribute) and called.attr == "split"
        if not is_split or node.args or node.keywords or not isinstance(called, ast.Attribute):
            raise UnreadableError(ast.dump(called)[:80])
        text = self.read(called.value)
        if not isinstance(text, str):
            raise UnreadableError("split")
        return text.split()

    def comprehension(self, node: ast.ListComp) -> Value:
        (generator, *more) = node.generators
        if more or generator.ifs or not isinstance(generator.target, ast.Name):
            raise UnreadableError("a comprehension")
        made = []
        for value in self._list(generator.iter):
            self._locals[generator.target.id] = value
            made.append(self.read(node.elt))
        self._locals.pop(generator.target.id, None)
        return made

    def _list(self, node: ast.expr) -> list[Value]:
        value = self.read(node)
        if isinstance(value, list | frozenset):
            return [*value]
        raise UnreadableError(ast.dump(node)[:80])

    def _each(self, nodes: list[ast.expr]) -> Iterator[Value]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                yield from self._list(node.value)
            else:
                yield self.read(node)


_KINDS: Final[dict[type[ast.expr], Callable[..., Value]]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.name,
    ast.List: _Reader.items,
    ast.Tuple: _Reader.items,
    ast.Set: _Reader.set,
    ast.Dict: _Reader.dict,
    ast.BinOp: _Reader.sum,
    ast.Call: _Reader.call,
    ast.ListComp: _Reader.comprehension,
}


def _place(node: ast.AST) -> tuple[int, int]:
    assert isinstance(node, ast.stmt)
    return node.lineno, node.col_offset


def _joined(left: Value, right: Value) -> Value:
    if isinstance(left, list) and isinstance(right, list | frozenset):
        return [*left, *right]
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left | right
    raise UnreadableError("a sum")
