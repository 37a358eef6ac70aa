"""Trees of which some rule is edited, and what their own torchgen makes of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from support.child import child_environment
from support.few_operators import make_small
from support.project import replace_in
from support.pytorch_entries import PyTorch
from support.releases import Release

AssertSame = Callable[[Path, Path], None]

TESTS: Final = Path(__file__).parents[1]
DUMP: Final = TESTS / "reference" / "dump_torchgen.py"
PACKAGE: Final = TESTS.parent / "src"


class Tree(NamedTuple):
    """A PyTorch that may be edited, with the outputs and the cache of its own."""

    root: Path
    out: Path
    cache: Path
    package: Path = PACKAGE

    @property
    def pytorch(self) -> PyTorch:
        return PyTorch(self.root)

    def run(self, command: str, *options: object) -> subprocess.CompletedProcess[str]:
        arguments = [command, "--pytorch", self.root, "--cache-dir", self.cache, *options]
        return subprocess.run(
            [sys.executable, "-m", "derivload", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=child_environment(self.package),
        )

    def emit(self, *options: object) -> dict[str, Any]:
        """Write the documents: the stats."""
        done = self.run("emit", "--out-dir", self.out, "--stats=json", *options)
        assert done.returncode == 0, done.stderr
        stats: dict[str, Any] = json.loads(done.stdout)
        return stats

    def judged(self, *overlays: Path) -> Path:
        """The documents that the torchgen of this tree makes."""
        folder = self.out.parent / "judged"
        natives = [self.pytorch.natives, *overlays]
        command = [
            *(sys.executable, "-X", "utf8", str(DUMP), str(self.root)),
            *("--derivatives", str(self.pytorch.derivatives), "--native-functions"),
            *(*map(str, natives), "--tags", str(self.pytorch.natives.with_name("tags.yaml"))),
            *("--out-dir", str(folder)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder

    def edit(self, name: str, old: str, new: str) -> None:
        """Edit a file of the tree, below torchgen."""
        replace_in(self.root / "torchgen" / name, old, new)

    def append(self, name: str, text: str) -> None:
        path = self.root / "torchgen" / name
        path.write_text(path.read_text("utf-8") + text, "utf-8")


@pytest.fixture(scope="session")
def small_tree(release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small(release(newest), tmp_path_factory.mktemp("small") / "pytorch").root


@pytest.fixture
def small(small_tree: Path, tmp_path: Path) -> Tree:
    """A tree with a few operators."""
    shutil.copytree(small_tree, tmp_path / "pytorch", symlinks=True)
    return Tree(tmp_path / "pytorch", tmp_path / "out", tmp_path / "cache")


@pytest.fixture
def whole(release: Release, newest: str, tmp_path: Path) -> Tree:
    """A tree with all operators of the newest release."""
    return copied(release(newest), tmp_path)


def copied(root: Path, folder: Path) -> Tree:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "torchgen", folder / "pytorch" / "torchgen", ignore=ignored)
    shutil.copy(root / "version.txt", folder / "pytorch")
    return Tree(folder / "pytorch", folder / "out", folder / "cache")


LOADER: Final = "packaged/autograd/load_derivatives.py"
GENERATION: Final = "native_function_generation.py"
NATIVES: Final = "packaged/ATen/native/native_functions.yaml"
DERIVATIVES: Final = "packaged/autograd/derivatives.yaml"

LONE_OUT: Final = """
- func: derivload_lone.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: derivload_lone_out
"""
ON_PRIVATE_USE: Final = """
- func: derivload_private(Tensor self) -> Tensor
  dispatch:
    PrivateUse1: derivload_private
"""
WITHOUT_TENSOR: Final = """
- func: derivload_count(Tensor self) -> int
  dispatch:
    CPU: derivload_count
"""
WITH_STREAM: Final = """
- func: derivload_stream(Tensor self, Stream stream) -> Tensor
  dispatch:
    CPU: derivload_stream
"""
STREAM_DERIVATIVE: Final = """
- name: derivload_stream(Tensor self, Stream stream) -> Tensor
  self: f(grad, stream)
"""


def _spell(tree: Tree) -> None:
    tree.edit("api/types/types.py", 'BaseCppType("at", "Stream")', 'BaseCppType("my", "Stream")')
    tree.append(NATIVES, WITH_STREAM)
    tree.append(DERIVATIVES, STREAM_DERIVATIVE)


def _add_key(tree: Tree) -> None:
    tree.edit(
        "model.py", "dispatch_keys = [\n", "dispatch_keys = [\n    DispatchKey.PrivateUse1,\n"
    )
    tree.append(NATIVES, ON_PRIVATE_USE)


def _exempt(tree: Tree) -> None:
    name = "OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n"
    tree.edit(GENERATION, name, f'{name}    "derivload_lone.out",\n')
    tree.append(NATIVES, LONE_OUT)


def _extend(tree: Tree) -> None:
    tree.append(
        GENERATION, '\nFUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT += ["derivload_count"]\n'
    )
    tree.append(NATIVES, WITHOUT_TENSOR)


# Edits that our own loader follows: none changes a rule.
FOLLOWED: Final[dict[str, Callable[[Tree], None]]] = {
    "a helper": lambda t: t.append("model.py", "\n\ndef helper(x: int) -> int:\n    return x\n"),
    "a docstring": lambda t: t.edit(
        LOADER, "    # Do some caching as this is a deterministic function\n", '    """Load."""\n'
    ),
    "an annotation": lambda t: t.edit(
        LOADER,
        "def load_derivatives(\n    derivatives_yaml_path: str",
        "def load_derivatives(\n    derivatives_yaml_path: Any",
    ),
    "an import": lambda t: t.edit(
        LOADER,
        "import re\nfrom collections import Counter, defaultdict\n",
        "from collections import Counter, defaultdict\nimport re\n",
    ),
    "a dispatch key": _add_key,
    "an exempt operator": _exempt,
    "a spelling": _spell,
    "a list that is extended": _extend,
}
# Edits that change a rule.
UNKNOWN: Final[dict[str, Callable[[Tree], None]]] = {
    "a replacement of saved variables": lambda t: t.edit(
        LOADER, '"suffix": "_sym_sizes",', '"suffix": "_sizes_of",'
    ),
    "the prefix of ops": lambda t: t.edit(
        LOADER, 'return (camel_case + "Backward")', 'return (camel_case + "Gradient")'
    ),
    "what a forward formula requires": lambda t: t.edit(
        LOADER,
        'required_inputs_primal = find_required_inputs(formula, "_p")',
        'required_inputs_primal = (*find_required_inputs(formula, "_p"), "self")',
    ),
    "which functions share a definition": lambda t: t.edit(
        "api/autograd.py",
        "f_sig = f.func.signature(strip_default=True)",
        "f_sig = f.func.signature(strip_default=False)",
    ),
}
