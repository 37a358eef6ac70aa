"""An edit to the source of a torchgen that changes no rule, and one that a table takes up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import pytest
from _pytest.mark import ParameterSet

from derivload.cpp.dialect import DIALECTS
from support.tree_sources import (
    AUTOGRAD,
    GENERATION,
    LOADER,
    MODEL,
    TYPES,
    Edit,
    appended,
    edited,
    newest,
    rules,
)

__all__ = ["newest"]  # a fixture

HARMLESS: Final[dict[str, Edit]] = {
    "a helper": lambda f: appended(
        f, MODEL, "\n\ndef helper(text: str) -> str:\n    return text\n"
    ),
    "a helper that is decorated": lambda f: appended(
        f, LOADER, "\n\n@with_native_function\ndef helper(f):\n    return f.func\n"
    ),
    "a method": lambda f: edited(
        f,
        MODEL,
        "class NativeFunction:\n",
        "class NativeFunction:\n    def is_mine(self) -> bool:\n        return False\n\n",
    ),
    "a class": lambda f: appended(
        f, MODEL, "\n\n@dataclass(frozen=True)\nclass Mine(BaseType):\n    mine: int = 3\n"
    ),
    "a docstring of a rule": lambda f: edited(
        f,
        LOADER,
        "    # Do some caching as this is a deterministic function\n",
        '    """Load them."""\n',
    ),
    "an annotation": lambda f: edited(
        f,
        LOADER,
        "def is_forward_derivative_definition(\n    all_arg_names: list[str]",
        "def is_forward_derivative_definition(\n    all_arg_names: 'Any'",
    ),
    "imports": lambda f: edited(
        edited(f, LOADER, "import re\n", ""), LOADER, "import yaml\n", "import yaml\nimport re\n"
    ),
    "a constant": lambda f: appended(f, MODEL, '\nMINE = ["a", *dispatch_keys]\n'),
    "a module": lambda f: {**f, "torchgen/mine.py": "import torchgen.model\nprint('mine')\n"},
    "a check of types only": lambda f: appended(
        f, MODEL, "\nif TYPE_CHECKING:\n    from mine import Argument\n"
    ),
    "a main": lambda f: appended(
        f, MODEL, '\nif __name__ == "__main__":\n    dispatch_keys = []\n'
    ),
    "layout": lambda f: edited(
        f, MODEL, "UFUNC_DISPATCH_KEYS = {", "UFUNC_DISPATCH_KEYS = {  # of\n"
    ),
}


def at_once(edits: Collection[str]) -> list[ParameterSet]:
    """All of these edits to one source; thoroughly, each to a source of its own."""
    alone = [pytest.param([e], id=e, marks=pytest.mark.thorough) for e in edits]
    return [pytest.param([*edits], id="all"), *alone]


@pytest.mark.parametrize("edits", at_once(HARMLESS))
def test_what_is_no_rule_changes_nothing(newest: dict[str, str], edits: list[str]) -> None:
    files = newest
    for edit in edits:
        files = HARMLESS[edit](files)
    found = rules(files)
    assert found.why == ""
    assert found.dialect is DIALECTS["2.15"]


# With what is added to the fields of the row.
TABLES: Final[dict[str, tuple[Edit, dict[str, Any]]]] = {
    "a dispatch key": (
        lambda f: edited(
            f, MODEL, "dispatch_keys = [\n", "dispatch_keys = [\n    DispatchKey.PrivateUse1,\n"
        ),
        {"dispatch_keys": {"PrivateUse1"}},
    ),
    "a dispatch key appended": (
        lambda f: appended(f, MODEL, "\ndispatch_keys.append(DispatchKey.PrivateUse1)\n"),
        {"dispatch_keys": {"PrivateUse1"}},
    ),
    "dispatch keys added": (
        lambda f: appended(f, MODEL, "\ndispatch_keys += [DispatchKey.PrivateUse1]\n"),
        {"dispatch_keys": {"PrivateUse1"}},
    ),
    "a new dispatch key": (
        lambda f: edited(
            edited(f, MODEL, "    Undefined = 0\n", "    Undefined = 0\n    Mine = auto()\n"),
            MODEL,
            "dispatch_keys = [\n",
            "dispatch_keys = [\n    DispatchKey.Mine,\n",
        ),
        {"dispatch_keys": {"Mine"}, "all_dispatch_keys": {"Mine"}},
    ),
    "an exempt operator": (
        lambda f: edited(
            f,
            GENERATION,
            "OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n",
            'OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n    "mine.out",\n',
        ),
        {"ungrouped_out": {"mine.out"}},
    ),
    "an operator without an out variant": (
        lambda f: appended(
            f, GENERATION, '\nFUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT.extend(["mine"])\n'
        ),
        {"without_out_variant": {"mine"}},
    ),
    "a spelling": (
        lambda f: edited(
            f,
            TYPES,
            'streamT = BaseCppType("at", "Stream")',
            'streamT = BaseCppType("mine", "Stream")',
        ),
        {"cpp_types": {"Stream": "mine::Stream"}},
    ),
    "a spelling that rules name": (
        lambda f: edited(
            f,
            TYPES,
            'layoutT = BaseCppType("at", "Layout")',
            'layoutT = BaseCppType("c10", "Layout")',
        ),
        {
            "cpp_types": {"Layout": "c10::Layout"},
            "cpp_names": {"layoutT": "c10::Layout"},
        },
    ),
    "a base type": (
        lambda f: edited(
            f, MODEL, "class BaseTy(Enum):\n", "class BaseTy(Enum):\n    Mine = auto()\n"
        ),
        {"unspelled_types": {"Mine"}},
    ),
    "a foreach function": (
        lambda f: edited(
            f,
            AUTOGRAD,
            "_foreach_with_tensor_overload = {\n",
            '_foreach_with_tensor_overload = {\n    "_foreach_sub.Tensor",\n',
        ),
        {"foreach_with_tensor_overload": {"_foreach_sub.Tensor"}},
    ),
}


@pytest.mark.parametrize("edits", at_once(TABLES))
def test_what_is_in_a_table_is_read(newest: dict[str, str], edits: list[str]) -> None:
    files, row = newest, DIALECTS["2.15"]
    expected: dict[str, Any] = {}
    for change, added in map(TABLES.__getitem__, edits):
        files = change(files)
        for name, values in added.items():
            expected[name] = expected.get(name, getattr(row, name)) | values
    found = rules(files)
    assert found.why == ""
    differs = {
        name: getattr(found.dialect, name)
        for name in row.__struct_fields__
        if getattr(found.dialect, name) != getattr(row, name)
    }
    assert differs == expected
