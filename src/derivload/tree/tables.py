"""Reads the tables of a tree's torchgen, which are data, as the fields of a dialect.

The rules that read these tables are compared piece by piece. So each table is used as in a release.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Protocol

from derivload.cpp.dialect import CPP_NAMES
from derivload.tree.constants import CppName, EnumMember, UnreadableError

_MODEL: Final = "torchgen.model:"
_GENERATION: Final = "torchgen.native_function_generation:"
_AUTOGRAD: Final = "torchgen.api.autograd:"
_TYPES: Final = ("torchgen.api.types.types:", "torchgen.api.types.types_base:")

_KEYS: Final = _MODEL + "DispatchKey"
_BASES: Final = _MODEL + "BaseTy"
_SCALARS: Final = _MODEL + "ScalarType"
# Enums whose members are data.
ENUMS: Final = frozenset({_KEYS, _BASES, _SCALARS})

_BACKENDS: Final = _MODEL + "BACKEND_COMPONENTS"
_FUNCTIONALITIES: Final = _MODEL + "FUNCTIONALITY_KEYS"
_CPP_TYPES: Final = _TYPES[0] + "BaseTypeToCppMapping"
_DEFAULTS: Final = "torchgen.api.cpp:JIT_TO_CPP_DEFAULT"

# The fields of a dialect that are lists of texts, or of members of an enum.
_LISTS: Final = {
    "dispatch_keys": (_MODEL + "dispatch_keys",),
    "structured_dispatch_keys": (_MODEL + "STRUCTURED_DISPATCH_KEYS",),
    "autograd_keys": (_MODEL + "AUTOGRAD_KEYS",),
    "without_out_variant": (
        _GENERATION + "MUTABLE_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT",
        _GENERATION + "FUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT",
    ),
    "ungrouped_out": (_GENERATION + "OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY",),
    "ungrouped_inplace": (_GENERATION + "INPLACE_OPS_THAT_DONT_GET_GROUPED_PROPERLY",),
    "foreach_with_tensor_overload": (_AUTOGRAD + "_foreach_with_tensor_overload",),
    "foreach_with_inplace_reference": (_AUTOGRAD + "_foreach_with_inplace_ref",),
    "foreach_without_alpha": (_AUTOGRAD + "_skip_argument_len_check",),
}
_CPP_CONSTANTS: Final = {folder + name: name for folder in _TYPES for name in CPP_NAMES}

# All constants that are read and not compared.
TABLES: Final = frozenset(
    {
        *(id_ for ids in _LISTS.values() for id_ in ids),
        *(_BACKENDS, _FUNCTIONALITIES, _CPP_TYPES, _DEFAULTS),
        *_CPP_CONSTANTS,
    }
)


class TableReader(Protocol):
    """Reads tables, from source or from a torchgen that is imported. Raises UnreadableError."""

    def read(self, id_: str) -> object:
        """The value of `module:name`."""

    def members(self, id_: str) -> frozenset[str]:
        """The members of an enum."""


def read_tables(constants: TableReader, used: Collection[str]) -> dict[str, object]:
    """The fields of a dialect that a torchgen's tables give. `used` are the tables in use.

    Raises UnreadableError if a table is not plain data, or has values that we cannot follow.
    """
    fields: dict[str, object] = {
        field: frozenset(
            text for id_ in ids if id_ in used for text in _texts(constants.read(id_), id_)
        )
        for field, ids in _LISTS.items()
    }
    cpp_types = _cpp_types(constants)
    fields["cpp_types"] = {name: type_.text for name, type_ in cpp_types.items()}
    fields["unspelled_types"] = constants.members(_BASES) - cpp_types.keys()
    names = {
        name: _cpp_name(constants.read(id_), id_)
        for id_, name in _CPP_CONSTANTS.items()
        if id_ in used
    }
    fields["cpp_names"] = {name: type_.text for name, type_ in names.items()}
    fields["scalar_types"] = constants.members(_SCALARS)
    fields["all_dispatch_keys"] = constants.members(_KEYS)
    fields["cpp_defaults"] = _defaults(constants)
    _check_spellings([*cpp_types.values(), *names.values()])
    _check_keys(constants)
    return fields


def _texts(value: object, id_: str) -> list[str]:
    if not isinstance(value, list | frozenset):
        raise UnreadableError(id_)
    found = [
        item.name if isinstance(item, EnumMember) and item.enum == _KEYS else item for item in value
    ]
    if not all(isinstance(item, str) for item in found):
        raise UnreadableError(id_)
    return [str(item) for item in found]


def _cpp_name(value: object, id_: str) -> CppName:
    if not isinstance(value, CppName):
        raise UnreadableError(id_)
    return value


def _cpp_types(constants: TableReader) -> dict[str, CppName]:
    mapping = constants.read(_CPP_TYPES)
    if not isinstance(mapping, dict):
        raise UnreadableError(_CPP_TYPES)
    found = {}
    for base, type_ in mapping.items():
        if not isinstance(base, EnumMember) or base.enum != _BASES:
            raise UnreadableError(_CPP_TYPES)
        found[base.name] = _cpp_name(type_, _CPP_TYPES)
    return found


def _defaults(constants: TableReader) -> Mapping[str, str]:
    found = constants.read(_DEFAULTS)
    if not isinstance(found, dict):
        raise UnreadableError(_DEFAULTS)
    if not all(isinstance(text, str) for pair in found.items() for text in pair):
        raise UnreadableError(_DEFAULTS)
    return {str(key): str(value) for key, value in found.items()}


def _check_spellings(types: Collection[CppName]) -> None:
    """Check that two types with the same text are the same type: we compare types by their text."""
    by_text: dict[str, CppName] = {}
    for type_ in types:
        if by_text.setdefault(type_.text, type_) != type_:
            raise UnreadableError(f"two types that are written {type_.text}")


def _check_keys(constants: TableReader) -> None:
    """Check what torchgen checks during its import: that its keys are members."""
    members = constants.members(_KEYS)
    backends = _texts(constants.read(_BACKENDS), _BACKENDS)
    for functionality in _texts(constants.read(_FUNCTIONALITIES), _FUNCTIONALITIES):
        for backend in backends:
            if functionality + backend not in members:
                raise UnreadableError(f"{_KEYS} without {functionality}{backend}")
