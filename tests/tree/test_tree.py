"""The rules of a tree: read from the source of its torchgen, which is never run."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.loading.paths import TreePlace
from derivload.loading.rules_of_tree import TreeSource, _read_tree, release_key, rules_of_source
from derivload.tree.constants import Constants
from derivload.tree.modules import Tree
from derivload.tree.rules import FoundRules, find_rules, reach_of, read_pieces
from derivload.tree.sources import SOURCES
from derivload.tree.tables import read_tables
from support.torchgen_source import KNOWN, pieces_of, sources

Release = Callable[[str], Path]

MODEL: Final = "torchgen/model.py"
LOADER: Final = "autograd/load_derivatives.py"
GENERATION: Final = "torchgen/native_function_generation.py"
TYPES: Final = "torchgen/api/types/types.py"
AUTOGRAD: Final = "torchgen/api/autograd.py"
UTILS: Final = "torchgen/utils.py"
PIECES: Final = read_pieces(KNOWN.read_bytes())


@pytest.fixture(scope="module")
def newest(release: Release) -> dict[str, str]:
    return sources(release("2.15.0"))


def rules(files: dict[str, str]) -> FoundRules:
    return find_rules(files, PIECES)


def edited(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in files[name]
    return {**files, name: files[name].replace(old, new, 1)}


def appended(files: dict[str, str], name: str, text: str) -> dict[str, str]:
    return {**files, name: files[name] + text}


def test_each_row_of_the_table_is_what_the_release_says(
    release: Release, each_release: str
) -> None:
    tree = Tree(sources(release(each_release)))
    row = DIALECTS[each_release.removesuffix(".0")]
    fields = read_tables(Constants(tree), reach_of(tree).tables)
    assert fields == {name: getattr(row, name) for name in fields}


def test_the_rules_of_a_release_are_those_of_its_row(release: Release, each_release: str) -> None:
    version = each_release.removesuffix(".0")
    found = find_rules(sources(release(each_release)), PIECES, version)
    assert (found.why, found.release) == ("", version)
    assert found.dialect is DIALECTS[version]


def test_the_source_of_a_release_is_known_without_reading_it(
    release: Release, each_release: str
) -> None:
    root = release(each_release)
    version = each_release.removesuffix(".0")
    packaged = root / "torchgen" / "packaged" / "autograd"
    source = TreeSource(TreePlace(str(root), str(root / "torchgen"), str(packaged)))
    assert SOURCES[source.digest] == version
    for said in (version, None):
        known, read = rules_of_source(source, said, None), _read_tree(source, release_key(said))
        assert (known.key, known.release) == (read.key, read.release) == (version, version)
        assert (known.why, known.fields) == (read.why, read.fields) == ("", "")
        assert known.modules == ""  # each file counts


def test_the_pieces_are_kept_as_the_releases_have_them(release: Release, each_release: str) -> None:
    version = each_release.removesuffix(".0")
    kept = {
        (id_, digest)
        for id_, digests in PIECES.items()
        for digest, releases in digests.items()
        if version in releases.split()
    }
    made = pieces_of({version: release(each_release)})
    assert kept == {(id_, digest) for id_, digests in made.items() for digest in digests}


TRACE: Final = """
import json, sys
root = sys.argv[1]
sys.path.insert(0, root)
called = set()
def watch(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(root):
        called.add((code.co_filename[len(root) + 1:], code.co_firstlineno))
sys.setprofile(watch)
folder = root + "/torchgen/packaged/"
sys.argv[1:] = [
    root, "--derivatives", folder + "autograd/derivatives.yaml",
    "--native-functions", folder + "ATen/native/native_functions.yaml",
    "--tags", folder + "ATen/native/tags.yaml", "--out-dir", sys.argv[2],
]
import runpy
try:
    runpy.run_path(DUMP, run_name="__main__")
except SystemExit as end:
    assert not end.code
sys.setprofile(None)
print(json.dumps(sorted(called)))
"""


@pytest.mark.thorough
def test_whatever_runs_is_reached(release: Release, each_release: str, tmp_path: Path) -> None:
    root = release(each_release)
    dump = Path(__file__).parents[1] / "reference" / "dump_torchgen.py"
    code = f"DUMP = {str(dump)!r}\n{TRACE}"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(root), str(tmp_path)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    tree = Tree(sources(root))
    reached = reach_of(tree)
    missing = _not_reached(tree, reached.pieces.keys(), json.loads(ran.stdout.splitlines()[-1]))
    assert not missing


def _not_reached(
    tree: Tree, pieces: Collection[str], called: Sequence[tuple[str, int]]
) -> list[str]:
    """The functions that ran, of those that modules and classes define, and are no pieces."""
    starts: dict[tuple[str, int], str] = {}
    for path, _ in called:
        name = path.replace("torchgen/packaged/autograd/", "autograd/")
        module = tree.module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        for node in module.tree.body:
            of = [(node, "")] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef):
                of = [(f, f"{node.name}.") for f in node.body if isinstance(f, ast.FunctionDef)]
            for function, prefix in of:
                first = min([function.lineno, *(d.lineno for d in function.decorator_list)])
                starts[path, first] = f"{module.name}:{prefix}{function.name}"
    ran = {starts[path, line] for path, line in called if (path, line) in starts}
    assert len(ran) > 150
    return sorted(id_ for id_ in ran if id_ not in pieces)


Edit = Callable[[dict[str, str]], dict[str, str]]

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


@pytest.mark.parametrize("edit", HARMLESS)
def test_what_is_no_rule_changes_nothing(newest: dict[str, str], edit: str) -> None:
    found = rules(HARMLESS[edit](newest))
    assert found.why == ""
    assert found.dialect is DIALECTS["2.15"]


def keys(added: str) -> dict[str, object]:
    return {"dispatch_keys": DIALECTS["2.15"].dispatch_keys | {added}}


TABLES: Final[dict[str, tuple[Edit, dict[str, object]]]] = {
    "a dispatch key": (
        lambda f: edited(
            f, MODEL, "dispatch_keys = [\n", "dispatch_keys = [\n    DispatchKey.PrivateUse1,\n"
        ),
        keys("PrivateUse1"),
    ),
    "a dispatch key appended": (
        lambda f: appended(f, MODEL, "\ndispatch_keys.append(DispatchKey.PrivateUse1)\n"),
        keys("PrivateUse1"),
    ),
    "dispatch keys added": (
        lambda f: appended(f, MODEL, "\ndispatch_keys += [DispatchKey.PrivateUse1]\n"),
        keys("PrivateUse1"),
    ),
    "a new dispatch key": (
        lambda f: edited(
            edited(f, MODEL, "    Undefined = 0\n", "    Undefined = 0\n    Mine = auto()\n"),
            MODEL,
            "dispatch_keys = [\n",
            "dispatch_keys = [\n    DispatchKey.Mine,\n",
        ),
        {
            **keys("Mine"),
            "all_dispatch_keys": DIALECTS["2.15"].all_dispatch_keys | {"Mine"},
        },
    ),
    "an exempt operator": (
        lambda f: edited(
            f,
            GENERATION,
            "OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n",
            'OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n    "mine.out",\n',
        ),
        {"ungrouped_out": DIALECTS["2.15"].ungrouped_out | {"mine.out"}},
    ),
    "an operator without an out variant": (
        lambda f: appended(
            f, GENERATION, '\nFUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT.extend(["mine"])\n'
        ),
        {"without_out_variant": DIALECTS["2.15"].without_out_variant | {"mine"}},
    ),
    "a spelling": (
        lambda f: edited(
            f,
            TYPES,
            'streamT = BaseCppType("at", "Stream")',
            'streamT = BaseCppType("mine", "Stream")',
        ),
        {"cpp_types": {**DIALECTS["2.15"].cpp_types, "Stream": "mine::Stream"}},
    ),
    "a spelling that rules name": (
        lambda f: edited(
            f,
            TYPES,
            'layoutT = BaseCppType("at", "Layout")',
            'layoutT = BaseCppType("c10", "Layout")',
        ),
        {
            "cpp_types": {**DIALECTS["2.15"].cpp_types, "Layout": "c10::Layout"},
            "cpp_names": {**DIALECTS["2.15"].cpp_names, "layoutT": "c10::Layout"},
        },
    ),
    "a base type": (
        lambda f: edited(
            f, MODEL, "class BaseTy(Enum):\n", "class BaseTy(Enum):\n    Mine = auto()\n"
        ),
        {"unspelled_types": DIALECTS["2.15"].unspelled_types | {"Mine"}},
    ),
    "a foreach function": (
        lambda f: edited(
            f,
            AUTOGRAD,
            "_foreach_with_tensor_overload = {\n",
            '_foreach_with_tensor_overload = {\n    "_foreach_sub.Tensor",\n',
        ),
        {
            "foreach_with_tensor_overload": (
                DIALECTS["2.15"].foreach_with_tensor_overload | {"_foreach_sub.Tensor"}
            )
        },
    ),
}


@pytest.mark.parametrize("edit", TABLES)
def test_what_is_in_a_table_is_read(newest: dict[str, str], edit: str) -> None:
    change, expected = TABLES[edit]
    found = rules(change(newest))
    assert found.why == ""
    row = DIALECTS["2.15"]
    differs = {
        name: getattr(found.dialect, name)
        for name in row.__struct_fields__
        if getattr(found.dialect, name) != getattr(row, name)
    }
    assert differs == expected


PATCH: Final = "\ndef patched(*arguments):\n    return None\n\n"
UNKNOWN: Final[dict[str, Edit]] = {
    "a rule": lambda f: edited(
        f, LOADER, 'if formula.lower().strip() == "non_', 'if formula.lower() == "non_'
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


@pytest.mark.parametrize("edit", UNKNOWN)
def test_what_is_not_known_is_not_taken_for_known(newest: dict[str, str], edit: str) -> None:
    found = rules(UNKNOWN[edit](newest))
    assert found.dialect is None
    assert found.why


def test_a_function_of_another_release_is_not_known_beside_these(release: Release) -> None:
    newest, older = sources(release("2.15.0")), sources(release("2.5.0"))
    mixed = {**newest, LOADER: older[LOADER]}
    assert rules(older).dialect is not None
    assert rules(mixed).dialect is None
