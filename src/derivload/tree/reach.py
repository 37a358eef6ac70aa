"""What the rules of a tree consist of: the pieces that its loader reaches, by name.

A piece is a function, a method, a class without its methods, a constant, or what a module does
while it is imported. A piece reaches what it names. Of a method only its name is known, so it
reaches all methods of that name in the classes that are reached; and a class always reaches the
methods that Python itself calls (`__eq__`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from derivload.tree.digests import digest_of
from derivload.tree.modules import Module, Reference, Tree
from derivload.tree.purity import dotted
from derivload.tree.scopes import FUNCTIONS, Uses

# What the loader and the documents begin with.
ENTRY_POINTS: Final = (
    ("autograd.load_derivatives", "load_derivatives"),
    ("torchgen.api.autograd", "match_differentiability_info"),
    ("torchgen.gen", "parse_native_yaml"),
    ("torchgen.api.cpp", "name"),
)
# Attributes that documents are made from, besides those that the loader names.
_OF_DOCUMENTS: Final = frozenset(
    """
    kind name variants python_module tags structured is_abstract cpp_type type
    has_composite_implicit_autograd_kernel has_composite_explicit_autograd_kernel
    """.split()
)
# Classes that call none of the methods of those that derive from them, but special ones.
_CALL_NOTHING: Final = frozenset({"abc:ABC", "enum:Enum", "builtins:object"})


class Piece(NamedTuple):
    """A piece that is reached: what it is called, and the digest of its source."""

    id: str
    digest: str


class _Class:
    """A class, split into its methods and the rest. `is_data` leaves out the members of an enum."""

    def __init__(self, node: ast.ClassDef, *, is_data: bool) -> None:
        self.methods: dict[str, list[ast.AST]] = {}
        self.rest: list[ast.AST] = []
        bound = {
            name.id
            for statement in node.body
            if not isinstance(statement, FUNCTIONS)
            for name in ast.walk(statement)
            if isinstance(name, ast.Name) and not isinstance(name.ctx, ast.Load)
        }
        for statement in node.body:
            if isinstance(statement, FUNCTIONS) and statement.name not in bound:
                self.methods.setdefault(statement.name, []).append(statement)
            elif not (is_data and _is_member(statement)):
                self.rest.append(statement)
        if self.rest and ast.get_docstring(node, clean=False) is not None:
            del self.rest[0]
        self.head = [*node.decorator_list, *node.bases, *node.keywords]


def _is_member(node: ast.stmt) -> bool:
    """Whether a statement is `NAME = auto()`."""
    return (
        isinstance(node, ast.Assign)
        and all([isinstance(target, ast.Name) for target in node.targets])
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "auto"
        and not (node.value.args or node.value.keywords)
    )


class Reach:
    """All that the loader of a tree reaches.

    `tables` are the constants that are not compared, `enums` the classes whose members are not.
    """

    def __init__(self, tree: Tree, tables: Collection[str], enums: Collection[str]) -> None:
        """Raises SourceError where a module cannot be parsed."""
        self._tree = tree
        self._tables = frozenset(tables)
        self._enums = frozenset(enums)
        self.pieces: dict[str, Piece] = {}
        self.modules: set[str] = set()
        self.tables: dict[str, list[str]] = {}
        """The pieces that name each table."""
        self._methods: dict[str, list[tuple[Module, str, list[ast.AST]]]] = {}
        self._attributes: set[str] = set()
        self._pending: list[Reference] = []
        self._seen: set[tuple[str, str]] = set()
        self._see_attributes(_OF_DOCUMENTS)
        for module, name in ENTRY_POINTS:
            self._see(Reference(module, name, (), True))
        while self._pending:
            self._take(self._pending.pop())

    def _import(self, name: str) -> None:
        """Add what a module, and the packages that it is in, do during their import."""
        parts = self._tree.module_target(name).module.split(".")
        for end in range(1, len(parts) + 1):
            here = ".".join(parts[:end])
            if not self._tree.has(here) or here in self.modules:
                continue
            self.modules.add(here)
            module = self._tree.module(here)
            strange = [
                imported
                for imported in sorted(module.imported | set(module.stars))
                if not self._is_of_tree(imported) and not self._tree.is_known_package(imported)
            ]
            strange += [star for star in module.stars if not self._tree.has(star)]
            if module.effects or strange:
                self._add(f"{here}:", module, module.effects, more=strange)
            for target in module.executed:
                self._see(target)
            for imported in module.imported:
                self._import(imported)

    def _is_of_tree(self, name: str) -> bool:
        parts = name.split(".")
        return any(self._tree.has(".".join(parts[:end])) for end in range(1, len(parts) + 1))

    def _see(self, target: Reference) -> None:
        if not target.is_tree or (target.module, target.name) in self._seen:
            return
        self._seen.add((target.module, target.name))
        self._pending.append(target)

    def _take(self, target: Reference) -> None:
        self._import(target.module)
        module = self._tree.module(target.module)
        bound = module.bindings.get(target.name, [])
        if not target.name or target.id in self._tables:
            return
        if not bound:
            if module.stars and self._tree.resolve(module, target.name) == target:
                self._add(target.id, module, [], more=["stars", *module.stars])
            return
        if len(bound) == 1 and isinstance(bound[0], ast.ClassDef):
            self._take_class(target, module, bound[0])
            return
        more = ["stars", *module.stars] if module.stars else []
        self._add(target.id, module, bound, more=more)

    def _take_class(self, target: Reference, module: Module, node: ast.ClassDef) -> None:
        auto = self._tree.resolve(module, "auto")
        is_data = target.id in self._enums and auto is not None and auto.id == "enum:auto"
        parts = _Class(node, is_data=is_data)
        # A field of a class is an attribute, whatever it holds.
        self._add(target.id, module, [*parts.head, *parts.rest], more=["class"], in_class=True)
        every = self._may_be_called_from_outside(module, node, 0)
        for name, methods in parts.methods.items():
            is_special = name.startswith("__") and name.endswith("__")
            if every or is_special or name in self._attributes:
                self._add(f"{target.id}.{name}", module, methods)
            else:
                self._methods.setdefault(name, []).append((module, target.id, methods))

    def _may_be_called_from_outside(self, module: Module, node: ast.ClassDef, depth: int) -> bool:
        """Whether a class derives from one that is not the tree's, which may call its methods."""
        for base in node.bases:
            name = dotted(base)
            target = None if name is None else self._tree.resolve(module, name)
            if target is None or depth > 50:
                return True
            if not target.is_tree:
                if target.id not in _CALL_NOTHING:
                    return True
                continue
            bound = self._tree.module(target.module).bindings.get(target.name, [])
            if len(bound) != 1 or not isinstance(bound[0], ast.ClassDef) or target.rest:
                return True
            of = self._tree.module(target.module)
            if self._may_be_called_from_outside(of, bound[0], depth + 1):
                return True
        return False

    def _see_attributes(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._attributes:
                continue
            self._attributes.add(name)
            for module, of, methods in self._methods.pop(name, ()):
                self._add(f"{of}.{name}", module, methods)

    def _add(
        self,
        id_: str,
        module: Module,
        nodes: list[ast.AST],
        *,
        more: Iterable[str] = (),
        in_class: bool = False,
    ) -> None:
        """Add a piece, and all that it names."""
        uses = Uses().add(nodes)
        led = {*self._targets(uses, module)}
        self.pieces[id_] = Piece(
            id_, digest_of(nodes, [*more, *map("=".join, sorted(led))], in_class=in_class)
        )
        for _, to in led:
            if to in self._tables:
                self.tables.setdefault(to, []).append(id_)
        self._see_attributes(uses.attributes)

    def _targets(self, uses: Uses, module: Module) -> Iterator[tuple[str, str]]:
        """Where the names that a piece uses lead; these are seen, and what it imports imported."""
        local: dict[str, list[Reference]] = {}
        for statement in uses.imports:
            names, bound = module.read_import(statement)
            for imported in names:
                yield "import", imported
                self._import(imported)
            for name, target in bound:
                local.setdefault(name, []).append(target)
        for name in uses.names:
            first, *rest = name.split(".")
            for target in local.get(first, ()):
                yield self._led(name, self._tree.follow(target.behind(rest)))
            yield self._led(name, self._tree.resolve(module, name))

    def _led(self, name: str, target: Reference | None) -> tuple[str, str]:
        if target is None:
            return name, "nowhere"
        if target.is_tree:
            self._see(target)
        return name, target.id
