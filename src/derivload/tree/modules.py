"""The modules of a tree: what each binds, where a name leads, and what else importing it does.

A name is followed through imports and re-exports to where it is defined. If one module defines a
name in several places, all of them count, in order: which one is in force is not decided here.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from derivload.tree.purity import Purity, dotted, extends
from derivload.tree.scopes import FUNCTIONS, inside

# What may be called while a module is imported: it makes a value and changes nothing.
_HARMLESS: Final = frozenset(
    """
    bool bytes dict float frozenset int len list max min range set sorted str sum tuple zip
    property staticmethod classmethod abc.abstractmethod
    collections.OrderedDict collections.defaultdict collections.namedtuple collections.deque
    contextlib.contextmanager dataclasses.dataclass dataclasses.field enum.auto
    functools.cache functools.cached_property functools.lru_cache functools.partial
    functools.wraps functools.total_ordering logging.getLogger operator.attrgetter
    operator.itemgetter os.path.dirname os.path.join os.path.abspath pathlib.Path re.compile
    textwrap.dedent threading.local typing.NamedTuple typing.NewType typing.TypeVar
    typing.cast typing.final typing.overload typing.no_type_check enum.unique
    """.split()
)
_KNOWN_PACKAGES: Final = frozenset({"yaml", "typing_extensions"})


class SourceError(Exception):
    """The source of the tree cannot be read as syntax; the text says where and why."""


class Reference(NamedTuple):
    """Where a name leads: to a module, or to a name in it; `rest` are the attributes after that.

    `is_tree` tells that it is in the tree. Names of Python itself are in `builtins`.
    """

    module: str
    name: str
    rest: tuple[str, ...]
    is_tree: bool

    def behind(self, names: Sequence[str]) -> Reference:
        """The reference with more attributes after it."""
        return self._replace(rest=(*self.rest, *names))

    @property
    def id(self) -> str:
        """The name of the target: `torchgen.api.cpp:name`."""
        return f"{self.module}:{self.name}"


class Module:
    """One module.

    - `bindings`: the statements that bind each name;
    - `imports`: where imported names lead;
    - `stars`: the modules of `from … import *`;
    - `imported`: the names of all modules that are imported, and those that may be modules;
    - `executed`: what of the tree is called during the import, once `effects` was asked for.
    """

    def __init__(self, name: str, text: str, *, is_package: bool, tree: Tree) -> None:
        try:
            self.tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise SourceError(f"{name} is no Python that can be read here: {error}") from None
        self.name = name
        self._package = name if is_package else name.rpartition(".")[0]
        self._modules = tree
        self.bindings: dict[str, list[ast.AST]] = {}
        self.imports: dict[str, list[Reference]] = {}
        self.stars: list[str] = []
        self.imported: set[str] = set()
        self.executed: set[Reference] = set()
        self._statements = list(_executed(self.tree.body, _says_checking(self.tree.body)))
        for statement in self._statements:
            self._bind(statement)
        self._bind_extensions()
        self._effects: list[ast.AST] | None = None

    def _bind(self, statement: ast.stmt) -> None:
        for node in inside([statement]):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._bind_import(node, statement)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.bindings.setdefault(node.id, []).append(statement)
            elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                self.bindings.setdefault(node.name, []).append(statement)

    def _bind_extensions(self) -> None:
        """Let each statement that extends a list of this module count as one that binds it."""
        self._extensions = set()
        for statement in self._statements:
            name = _extended(statement)
            if name is not None and self._is_own_data(name):
                self._extensions.add(statement)
                if not isinstance(statement, ast.AugAssign):
                    self.bindings[name].append(statement)

    def _is_own_data(self, name: str) -> bool:
        """Whether a name is a list, a set or a dict that only this module makes."""
        if name in self.imports or not self.bindings.get(name):
            return False
        first, *others = self.bindings[name]
        if not isinstance(first, ast.Assign | ast.AnnAssign):
            return False
        others = [node for node in others if _extended(node) is None]
        made = first.value
        return not others and isinstance(
            made, ast.List | ast.Set | ast.Dict | ast.ListComp | ast.BinOp
        )

    def _bind_import(self, node: ast.Import | ast.ImportFrom, statement: ast.stmt) -> None:
        imported, bound = self.read_import(node)
        self.imported.update(imported)
        for name, target in bound:
            if name == "*":
                self.stars.append(target.module)
            else:
                self.bindings.setdefault(name, []).append(statement)
                self.imports.setdefault(name, []).append(target)

    def read_import(
        self, node: ast.Import | ast.ImportFrom
    ) -> tuple[list[str], list[tuple[str, Reference]]]:
        """What an import imports and binds.

        Returns the names of modules, including those that may be one, and the names that it binds,
        each with where it leads. A star import binds `*`.
        """
        if isinstance(node, ast.Import):
            bound = []
            for alias in node.names:
                first = alias.name.partition(".")[0]
                led = self._modules.module_target(alias.name if alias.asname else first)
                bound.append((alias.asname or first, led))
            return [alias.name for alias in node.names], bound
        base = self._absolute(node)
        named = [alias for alias in node.names if alias.name != "*"]
        stars = [("*", self._modules.module_target(base))] * (len(named) < len(node.names))
        return (
            [base, *(f"{base}.{alias.name}" for alias in named)],
            [*stars, *((a.asname or a.name, self._modules.member(base, a.name)) for a in named)],
        )

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self._package.split(".")
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])

    @property
    def effects(self) -> list[ast.AST]:
        """What importing this module does, apart from binding names."""
        if self._effects is None:
            lazy = any(
                isinstance(s, ast.ImportFrom)
                and s.module == "__future__"
                and any(alias.name == "annotations" for alias in s.names)
                for s in self.tree.body
            )
            purity = Purity(self._is_harmless, lazy_annotations=lazy)
            self._effects = []
            for statement in self._statements:
                extended = _extended_by(statement) if statement in self._extensions else None
                if extended is None or not purity.is_value(extended):
                    self._effects += purity.effects(statement)
        return self._effects

    def _is_harmless(self, name: str, is_decorator: bool) -> bool:
        target = self._modules.resolve(self, name)
        if target is None:
            return False
        if not target.is_tree:
            path = [*([] if target.module == "builtins" else [target.module]), target.name]
            return ".".join([*path, *target.rest]) in _HARMLESS
        # Of what is called in the tree, all that it reaches has to be known.
        if target.rest or not self._modules.is_definition(target, or_function=is_decorator):
            return False
        self.executed.add(target)
        return True


def _executed(body: list[ast.stmt], says_checking: bool) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported.

    `says_checking` tells that the module itself says what TYPE_CHECKING is.
    """
    for statement in body:
        if isinstance(statement, ast.If):
            name = dotted(statement.test)
            is_checking = name in ("TYPE_CHECKING", "typing.TYPE_CHECKING") and not says_checking
            if is_checking or _is_main(statement.test):
                yield from _executed(statement.orelse, says_checking)
                continue
        yield statement


def _says_checking(body: list[ast.stmt]) -> bool:
    """Whether a module binds TYPE_CHECKING to anything but that of `typing`, which is False."""
    for node in inside(body):
        if isinstance(node, ast.ImportFrom):
            names = [alias.asname or alias.name for alias in node.names]
            is_own = "TYPE_CHECKING" in names and node.module != "typing"
        else:
            is_own = isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"
            is_own = is_own and not isinstance(getattr(node, "ctx", None), ast.Load)
        if is_own:
            return True
    return False


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )


# The folder of the loader goes by one name, wherever it is.
_FOLDERS: Final = ("torchgen.packaged.autograd", "tools.autograd")
_FOLDER: Final = "autograd"


def _canonical(name: str) -> str:
    for folder in _FOLDERS:
        if name == folder or name.startswith(f"{folder}."):
            return _FOLDER + name[len(folder) :]
    return name


class Tree:
    """All modules of a tree, parsed when they are asked for."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """`sources` are texts by path below the tree, as `torchgen/api/cpp.py`; the loader and
        what is beside it are `autograd/load_derivatives.py` and so on.
        """
        self._files: dict[str, tuple[str, bool]] = {}
        for path, text in sources.items():
            stem = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            is_package = path.endswith("/__init__.py")
            if is_package or stem not in self._files:
                self._files[stem] = (text, is_package)
        self._modules: dict[str, Module] = {}

    def has(self, name: str) -> bool:
        """Whether the tree has a module of this name."""
        return _canonical(name) in self._files

    def module(self, name: str) -> Module:
        """A module of the tree. Raises SourceError where there is none, or it cannot be parsed."""
        name = _canonical(name)
        found = self._modules.get(name)
        if found is None:
            if name not in self._files:
                raise SourceError(f"there is no module {name}")
            text, is_package = self._files[name]
            found = self._modules[name] = Module(name, text, is_package=is_package, tree=self)
        return found

    def module_target(self, name: str) -> Reference:
        """The target of an import of a module."""
        name = _canonical(name)
        return Reference(name, "", (), self.has(name))

    def member(self, module: str, name: str) -> Reference:
        """The target of `from module import name`; it is not followed further."""
        module = _canonical(module)
        if self.has(f"{module}.{name}"):
            bound = self.has(module) and name in self.module(module).bindings
            if not bound:
                return Reference(f"{module}.{name}", "", (), True)
        return Reference(module, name, (), self.has(module))

    def resolve(self, module: Module, name: str) -> Reference | None:
        """Where a dotted name in a module leads; None if that cannot be told."""
        first, *rest = name.split(".")
        return self._follow(Reference(module.name, first, tuple(rest), True), 0)

    def follow(self, target: Reference) -> Reference | None:
        """Where the target of an import leads in the end."""
        return self._follow(target, 1)

    def _follow(self, target: Reference, depth: int) -> Reference | None:
        if not target.is_tree or depth > 50:
            return target if depth <= 50 else None
        module = self.module(target.module)
        if not target.name:
            if not target.rest:
                return target
            first, *rest = target.rest
            return self._follow(
                self.member(target.module, first)._replace(rest=tuple(rest)), depth + 1
            )
        bound = module.bindings.get(target.name, [])
        found = [
            t
            for t in (self._starred(star, target, depth) for star in module.stars)
            if t is not None
        ]
        if not bound:
            if len({t[:2] for t in found}) > 1:
                return target
            if found:
                return found[0]
            if depth == 0 and hasattr(builtins, target.name):
                return Reference("builtins", target.name, target.rest, False)
            return target
        imports = module.imports.get(target.name, [])
        if found or len(bound) > 1 or len(imports) != 1 or not _is_import(bound[0]):
            return target
        led = imports[0]
        return self._follow(led._replace(rest=led.rest + target.rest), depth + 1)

    def _starred(self, star: str, target: Reference, depth: int) -> Reference | None:
        """Where a name leads by `from star import *`, if that brings it."""
        if not self.has(star):
            return None
        module = self.module(star)
        if target.name.startswith("_") and "__all__" not in module.bindings:
            return None
        led = self._follow(Reference(star, target.name, target.rest, True), depth + 1)
        if led is None or (
            led.is_tree and led.name and led.name not in self.module(led.module).bindings
        ):
            return None
        return led

    def is_definition(self, target: Reference, *, or_function: bool) -> bool:
        """Whether a target is a class, or with `or_function` a function, that is defined once."""
        bound = self.module(target.module).bindings.get(target.name, [])
        kinds = (*FUNCTIONS, ast.ClassDef) if or_function else (ast.ClassDef,)
        return len(bound) == 1 and isinstance(bound[0], kinds)

    def is_known_package(self, name: str) -> bool:
        """Whether a module outside the tree is Python's own, or one that torchgen needs."""
        first = name.partition(".")[0]
        return first in sys.stdlib_module_names or first in _KNOWN_PACKAGES


def _extended(node: ast.AST) -> str | None:
    """The name of the list that a statement extends: `NAME += …` or `NAME.append(…)`."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    found = extends(node)
    return None if found is None else found[0]


def _extended_by(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.AugAssign):
        return node.value
    found = extends(node)
    return None if found is None else found[2]


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)
