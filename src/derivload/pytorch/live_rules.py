"""The rules of the torchgen that is imported, as it is now: its source may not be all of it.

Backends extend torchgen in the running process: they append to its lists, and put functions of
their own in the place of its. So its tables are read from its objects, and each function that the
rules consist of has to be the one in its source. Where that is not so, torchgen's own code loads.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Final

import msgspec

from derivload.identity import is_as_it_began, sha256, tool_digest
from derivload.loading.paths import TreePlace
from derivload.loading.rules_of_tree import (
    Rules,
    TreeSource,
    read_known,
    rules_of_source,
    rules_with,
)
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, Torchgen
from derivload.store.store import Store
from derivload.tree.bound import SourceBindings, read_bindings, text_of
from derivload.tree.constants import CppName, EnumMember, UnreadableError
from derivload.tree.rules import Fields, Pieces, dialect_with, pieces_of
from derivload.tree.tables import TABLES, read_tables

_LOADER: Final = "autograd.load_derivatives"
_KIND: Final = b"bindings of a torchgen"
_PLAIN: Final = (str, int, list, tuple, set, frozenset, dict)


def find_live_rules(torchgen: Torchgen, store: Store | None) -> Rules:
    """The rules that an imported torchgen has now. Raises UnexpectedTorchgenError, which says
    what of them we do not know.
    """
    place = _place_of(torchgen)
    try:
        source = TreeSource(place)
    except OSError as error:
        raise UnexpectedTorchgenError(f"{error.filename} cannot be read") from None
    if source.unreadable:
        raise UnexpectedTorchgenError(source.unreadable)
    rules = rules_of_source(source, None, store)
    if rules.why:
        raise UnexpectedTorchgenError(f"the rules in its source are {rules.why}")
    live = _Live(torchgen, place)
    pieces = pieces_of(rules.release, _known())
    live.check(pieces)
    live.check_bindings(_bindings_of(source, rules.release, pieces, store))
    try:
        used = {id_ for id_ in TABLES if live.has(id_)}
        read = read_tables(live, used)
    except UnreadableError as error:
        raise UnexpectedTorchgenError(f"no table can be read from its {error}") from None
    named = read["cpp_names"]
    assert isinstance(named, dict)
    # What no rule of this release names is no part of its rules.
    known = rules.dialect.cpp_names
    fields = {**read, "cpp_names": {name: named[name] for name in named if name in known}}
    tables = msgspec.convert(fields, Fields)
    has_own = dialect_with(rules.release, tables) is dialect_with(rules.release, None)
    return rules_with(rules.release, None if has_own else tables)


def _place_of(torchgen: Torchgen) -> TreePlace:
    folders = [Path(str(module.__file__)).parent for module in (torchgen.gen, torchgen.loader)]
    return TreePlace(str(folders[0].parent), *map(str, folders))


@cache
def _known() -> Pieces:
    return read_known()


def _bindings_of(
    source: TreeSource, release: str, pieces: Collection[str], store: Store | None
) -> SourceBindings:
    """What the modules of the pieces bind in the source, from the store if it is there."""
    key = sha256(b"\0".join([_KIND, tool_digest(), source.digest, release.encode()])).digest()
    kept = None if store is None else store.get(key)
    if kept is not None:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(kept, type=SourceBindings)
    texts = {name: data.decode("utf-8", "replace") for name, _, data in source.files}
    found = read_bindings(texts, pieces)
    if store is not None and is_as_it_began():
        store.put(key, msgspec.json.encode(found))
    return found


class _Live:
    """The modules of an imported torchgen. It reads tables, as `read_tables` asks for them."""

    def __init__(self, torchgen: Torchgen, place: TreePlace) -> None:
        self._torchgen = torchgen
        self._folders = tuple(
            os.path.join(os.path.realpath(path), "") for path in (place.torchgen, place.autograd)
        )
        # Whether the files that functions are from are torchgen's, Python's or a package's.
        self._are_in_source: dict[str, bool] = {}

    def _module(self, name: str) -> ModuleType | None:
        return self._torchgen.loader if name == _LOADER else sys.modules.get(name)

    def has(self, id_: str) -> bool:
        """Whether there is a constant."""
        module, _, name = id_.partition(":")
        return hasattr(self._module(module), name)

    def read(self, id_: str) -> object:
        """The value of `module:name`, as `Constants` has it. Raises UnreadableError."""
        module, _, name = id_.partition(":")
        if not self.has(id_):
            raise UnreadableError(id_)
        return _value(getattr(self._module(module), name))

    def members(self, id_: str) -> frozenset[str]:
        """The members of an enum."""
        module, _, name = id_.partition(":")
        found = getattr(self._module(module), name, None)
        if not isinstance(found, enum.EnumMeta):
            raise UnreadableError(id_)
        return frozenset(found.__members__)

    def check(self, pieces: Collection[str]) -> None:
        """Check that the functions of the rules are those of the source.

        Raises UnexpectedTorchgenError.
        """
        for module in {id_.partition(":")[0] for id_ in pieces}:
            found = self._module(module)
            for name, value in vars(found).items() if found is not None else ():
                if not self._is_own(value, may_be_made=False):
                    raise UnexpectedTorchgenError(f"its {module}.{name} was replaced")
        for id_ in pieces:
            module, _, name = id_.partition(":")
            if "." not in name and isinstance(getattr(self._module(module), name, None), type):
                self._check_class(id_, getattr(self._module(module), name), pieces)

    def _check_class(self, id_: str, class_: type, pieces: Collection[str]) -> None:
        for name, value in vars(class_).items():
            held = getattr(value, "__func__", getattr(value, "fget", value))
            # Some methods are made when the class is: those that its source does not have.
            is_special = name.startswith("__") and f"{id_}.{name}" not in pieces
            if not self._is_own(held, may_be_made=is_special):
                shown = id_.replace(":", ".")
                raise UnexpectedTorchgenError(f"its {shown}.{name} was replaced")

    def _is_own(self, value: object, *, may_be_made: bool) -> bool:
        """Whether a value is no function, or one of torchgen's, of Python's, or of a package that
        torchgen uses; with `may_be_made`, also one that no file has.
        """
        return all(
            self._is_in_source(layer.__code__.co_filename, may_be_made=may_be_made)
            for layer in _layers(value)
            if isinstance(layer, FunctionType)
        )

    def _is_in_source(self, path: str, *, may_be_made: bool) -> bool:
        if path.startswith("<"):
            return may_be_made or path.startswith("<frozen ")
        found = self._are_in_source.get(path)
        if found is None:
            real = os.path.realpath(path)
            found = self._are_in_source[path] = real.startswith((*self._folders, *_PYTHON))
        return found

    def check_bindings(self, bindings: SourceBindings) -> None:
        """Check that what modules import from one another is still what they imported, and that
        constants that are no tables are as in the source.

        Raises UnexpectedTorchgenError.
        """
        for found in bindings.imports:
            own = _first_of(getattr(self._module(found.module), found.name, None))
            original = getattr(self._module(found.source), found.original, None)
            if own is not _first_of(original):
                raise UnexpectedTorchgenError(f"its {found.module}.{found.name} was replaced")
        for id_, written in bindings.constants.items():
            module, _, name = id_.partition(":")
            value = getattr(self._module(module), name, None)
            if not isinstance(value, _PLAIN):
                continue
            try:
                live = text_of(_value(value))
            except UnreadableError:
                continue
            if live != written:
                raise UnexpectedTorchgenError(f"its {module}.{name} was replaced")


# Where functions that torchgen imports are from.
_PYTHON: Final = tuple(
    os.path.join(os.path.realpath(os.path.dirname(path)), "")
    for module in ("os", "yaml", "typing_extensions")
    if (path := getattr(sys.modules.get(module), "__file__", None)) is not None
)


def _first_of(value: object) -> object:
    """A value, or what stood where a replacement of ours stands."""
    while isinstance(value, FunctionReplacement):
        value = value.original
    return value


def _layers(value: object) -> Iterator[object]:
    """A function, and what is wrapped in it; of a replacement of ours, what stood there."""
    for _ in range(100):
        if isinstance(value, FunctionReplacement):
            value = value.original
        yield value
        wrapped = getattr(value, "__wrapped__", None) if callable(value) else None
        if wrapped is None:
            return
        value = wrapped


def _value(value: object) -> object:
    """A value of torchgen's, as `Constants` has it. Raises UnreadableError."""
    if isinstance(value, enum.Enum):
        return EnumMember(f"{type(value).__module__}:{type(value).__name__}", value.name)
    if isinstance(value, str | int):
        return value
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, set | frozenset):
        return frozenset(_value(item) for item in value)
    if isinstance(value, dict):
        return {_value(key): _value(item) for key, item in value.items()}
    if type(value).__name__ == "BaseCppType":
        return CppName(str(getattr(value, "ns", "") or ""), str(getattr(value, "name", "")))
    raise UnreadableError(type(value).__name__)
