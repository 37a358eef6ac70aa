"""An edit to the source of a torchgen after which its rules are not known."""

from __future__ import annotations

from typing import Final

import pytest

from support.releases import Release
from support.torchgen_source import sources
from support.tree_sources import LOADER, MODEL, TYPES, UTILS, Edit, appended, edited, newest, rules

__all__ = ["newest"]  # a fixture

PATCH: Final = "\ndef patched(*arguments):\n    return None\n\n"
UNKNOWN: Final[dict[str, Edit]] = {
    "a rule": lambda f: edited(
        f, LOADER, 'if formula.lower().strip() == "non_', 'if formula.lower() == "non_'
    ),
    "a rule of another module": lambda f: edited(
        f,
        "torchgen/api/autograd.py",
        "f_sig = f.func.signature(strip_default=True)",
        "f_sig = f.func.signature(strip_default=False)",
    ),
    "a replacement": lambda f: edited(f, LOADER, '"suffix": "_sym_sizes",', '"suffix": "_sizes",'),
    "a default of a rule": lambda f: edited(
        f,
        LOADER,
        "def is_forward_derivative_definition(\n    all_arg_names: list[str]",
        "def is_forward_derivative_definition(\n    all_arg_names: list[str] = ()",
    ),
    "a rebinding": lambda f: appended(
        f, LOADER, f"{PATCH}is_forward_derivative_definition = patched\n"
    ),
    "a second definition": lambda f: appended(
        f,
        LOADER,
        "\n\ndef is_forward_derivative_definition(all_arg_names, names):\n    return ()\n",
    ),
    "a definition in a condition": lambda f: appended(
        f,
        LOADER,
        "\nif True:\n    def is_forward_derivative_definition(names):\n        return ()\n",
    ),
    "a definition that shadows an import": lambda f: appended(
        f, LOADER, "\n\ndef concatMap(func, xs):\n    return []\n"
    ),
    "an import that shadows a definition": lambda f: appended(
        f, LOADER, "\nfrom torchgen.api.cpp import name as is_forward_derivative_definition\n"
    ),
    "an import of another": lambda f: edited(
        f, LOADER, "import concatMap, IDENT_REGEX", "import mapMaybe as concatMap, IDENT_REGEX"
    ),
    "a star import": lambda f: {
        **appended(f, LOADER, "\nfrom torchgen.mine import *\n"),
        "torchgen/mine.py": "def is_forward_derivative_definition(names):\n    return ()\n",
    },
    "a star import of what is not there": lambda f: appended(f, LOADER, "\nfrom mine import *\n"),
    "a name of Python's": lambda f: appended(f, LOADER, "\n\ndef sorted(values):\n    return []\n"),
    "a name of Python's by a star": lambda f: {
        **appended(f, LOADER, "\nfrom torchgen.mine import *\n"),
        "torchgen/mine.py": "def sorted(values):\n    return []\n",
    },
    "a patch": lambda f: appended(
        f, UTILS, f"\nimport torchgen.model\n{PATCH}torchgen.model.Argument.parse = patched\n"
    ),
    "a patch by setattr": lambda f: appended(
        f, UTILS, f"\nimport torchgen.model\n{PATCH}setattr(torchgen.model, 'Argument', patched)\n"
    ),
    "a patch in a loop": lambda f: appended(
        f, MODEL, f"{PATCH}for name in ('parse',):\n    setattr(Argument, name, patched)\n"
    ),
    "a patch in a function that is called": lambda f: appended(
        f, MODEL, "\n\ndef patch():\n    Argument.parse = None\n    return 1\n\n\nMINE = patch()\n"
    ),
    "a patch by a decorator": lambda f: appended(
        f,
        MODEL,
        "\n\ndef patch(f):\n    Type.parse = f\n    return f\n\n\n@patch\ndef mine():\n    pass\n",
    ),
    "a patch in a class": lambda f: appended(
        f, MODEL, "\n\nclass Mine:\n    dispatch_keys.clear()\n"
    ),
    "a patch in a default": lambda f: appended(
        f, MODEL, "\n\ndef mine(x=dispatch_keys.clear()):\n    return x\n"
    ),
    "a patch by a subclass": lambda f: appended(
        f,
        MODEL,
        "\n\nclass Mine:\n    def __init_subclass__(cls):\n        Argument.parse = None\n\n\n"
        "class More(Mine):\n    pass\n",
    ),
    "a patch in a module that is imported": lambda f: {
        **appended(f, UTILS, "\nimport torchgen.mine\n"),
        "torchgen/mine.py": "import torchgen.model\ntorchgen.model.Argument.parse = None\n",
    },
    "a patch in a package": lambda f: appended(
        f, "torchgen/__init__.py", "\nimport builtins\nbuiltins.sorted = list\n"
    ),
    "an import of what is not torchgen's": lambda f: appended(f, UTILS, "\nimport mine\n"),
    "a global that is gone": lambda f: appended(
        f, LOADER, "\ndel is_forward_derivative_definition\n"
    ),
    "globals": lambda f: appended(
        f, LOADER, "\nglobals()['is_forward_derivative_definition'] = None\n"
    ),
    "a decorator": lambda f: edited(
        f,
        LOADER,
        "def is_forward_derivative_definition(",
        "@functools.cache\ndef is_forward_derivative_definition(",
    ),
    "a constant": lambda f: edited(f, UTILS, 'IDENT_REGEX = r"(^|\\W)', 'IDENT_REGEX = r"(|\\W)'),
    "a constant extended": lambda f: appended(
        f, MODEL, "\nAUGMENTED_ASSIGNMENT_NAMES += ['mine']\n"
    ),
    "a list of another module": lambda f: appended(
        f, LOADER, "\nfrom torchgen.model import dispatch_keys\ndispatch_keys += ['mine']\n"
    ),
    "a class attribute": lambda f: edited(
        f,
        MODEL,
        "class BaseType(Type):\n",
        "class BaseType(Type):\n    name: BaseTy = BaseTy.Tensor\n",
    ),
    "a field": lambda f: edited(f, MODEL, "class Argument:\n", "class Argument:\n    mine: int\n"),
    "a method that Python calls": lambda f: edited(
        f,
        MODEL,
        "class OperatorName:\n",
        "class OperatorName:\n    def __hash__(self):\n        return 1\n\n",
    ),
    "a method that is gone": lambda f: edited(
        f, MODEL, "    def __str__(self) -> str:\n        return self.name\n", ""
    ),
    "members that are made otherwise": lambda f: appended(
        f, MODEL, "\n\ndef auto():\n    return 1\n"
    ),
    "a base class": lambda f: edited(
        f, MODEL, "class BaseType(Type)", "class BaseType(Mine, Type)"
    ),
    "a table that is computed": lambda f: appended(
        f, MODEL, "\ndispatch_keys = [key for key in dispatch_keys if str(key) != 'CPU']\n"
    ),
    "a key that is none": lambda f: edited(
        f, MODEL, "dispatch_keys = [\n", "dispatch_keys = [\n    DispatchKey.Mine,\n"
    ),
    "two types that are written the same": lambda f: edited(
        f, TYPES, 'streamT = BaseCppType("at", "Stream")', 'streamT = BaseCppType("", "at::Tensor")'
    ),
    "a backend without a key": lambda f: edited(
        f, MODEL, "BACKEND_COMPONENTS = [\n", 'BACKEND_COMPONENTS = [\n    "Mine",\n'
    ),
    "what cannot be parsed": lambda f: appended(f, MODEL, "\ndef (:\n"),
    "no loader": lambda f: {name: text for name, text in f.items() if name != LOADER},
}


# One of each kind of check; the others differ from one of these in how an edit is written.
FIRST: Final = {
    *("a rule of another module", "a replacement", "a default of a rule", "a second definition"),
    *("an import of another", "a star import", "a name of Python's", "a patch"),
    *("a patch in a loop", "a patch by a decorator", "a patch in a default", "no loader"),
    *("an import of what is not torchgen's", "a constant extended", "a class attribute", "a field"),
    *("a base class", "a table that is computed", "a key that is none", "what cannot be parsed"),
    *("a backend without a key", "two types that are written the same", "a global that is gone"),
}


@pytest.mark.parametrize(
    "edit", [pytest.param(e, marks=[] if e in FIRST else pytest.mark.thorough) for e in UNKNOWN]
)
def test_what_is_not_known_is_not_taken_for_known(newest: dict[str, str], edit: str) -> None:
    found = rules(UNKNOWN[edit](newest))
    assert found.dialect is None
    assert found.why


def test_a_function_of_another_release_is_not_known_beside_these(release: Release) -> None:
    newest, older = sources(release("2.15.0")), sources(release("2.5.0"))
    mixed = {**newest, LOADER: older[LOADER]}
    assert rules(older).dialect is not None
    assert rules(mixed).dialect is None
