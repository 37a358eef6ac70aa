"""What the modules of a torchgen bind, by its source: plain constants, and names that are imported.

The torchgen that a process has imported is compared with this. To find it, all modules are parsed,
which takes a tenth of a second; so it can be kept, by the source that it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from derivload.tree.constants import Constants, CppName, EnumMember, UnreadableError, Value
from derivload.tree.modules import Tree
from derivload.tree.tables import TABLES

# Constants that hold what was loaded before, and what depends on where torchgen is.
_PASSING: Final = frozenset({"_locals", "TORCHGEN_ROOT", "REPO_ROOT"})


class Import(msgspec.Struct, frozen=True):
    """A name that a module imports from the tree, and the module and the name that define it."""

    module: str
    name: str
    source: str
    original: str


class SourceBindings(msgspec.Struct, frozen=True):
    """What the modules of some pieces bind.

    `constants` are the plain constants among the pieces that are no tables, each as `text_of` has
    it; `imports` are all imports of these modules from the tree.
    """

    constants: dict[str, str]
    imports: tuple[Import, ...]


def read_bindings(sources: Mapping[str, str], pieces: Collection[str]) -> SourceBindings:
    """What is bound in a tree's source, which is as `Tree` takes it. Raises SourceError."""
    tree = Tree(sources)
    modules = sorted({id_.partition(":")[0] for id_ in pieces})
    imports = tuple(found for module in modules for found in _imports(tree, module))
    return SourceBindings(_constants(tree, pieces), imports)


def _imports(tree: Tree, name: str) -> list[Import]:
    module = tree.module(name)
    found = []
    for imported in module.imports:
        target = tree.resolve(module, imported)
        if target is not None and target.is_tree and target.name and not target.rest:
            found.append(Import(name, imported, target.module, target.name))
    return found


def _constants(tree: Tree, pieces: Collection[str]) -> dict[str, str]:
    constants = Constants(tree)
    found = {}
    for id_ in sorted(pieces):
        name = id_.partition(":")[2]
        if id_ in TABLES or name in _PASSING or name.startswith("_GLOBAL") or "." in name:
            continue
        try:
            found[id_] = text_of(constants.read(id_))
        except UnreadableError:
            continue
    return found


def text_of(value: Value) -> str:
    """A text that two values of constants share if they are equal, and only then."""
    if isinstance(value, EnumMember | CppName):
        return f"{type(value).__name__}({', '.join(map(repr, value))})"
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, frozenset):
        return f"set({', '.join(sorted(map(text_of, value)))})"
    if isinstance(value, dict):
        pairs = sorted(f"{text_of(key)}: {text_of(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    # For Python, True is 1. A subclass may have another `repr`.
    if isinstance(value, int):
        return int.__repr__(value)
    assert isinstance(value, str)
    return str.__repr__(value)
