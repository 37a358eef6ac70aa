"""Trees of which some rule is edited, and what their own torchgen makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from support.copied import copy_modules
from support.own_trees import Tree, copied
from support.releases import Release

AssertSame = Callable[[Path, Path], None]


@pytest.fixture
def small(small_release: Path, tmp_path: Path) -> Tree:
    """A tree with a few operators."""
    copy_modules(small_release, tmp_path / "pytorch")
    return Tree(tmp_path / "pytorch", tmp_path / "out", tmp_path / "cache")


@pytest.fixture
def whole(release: Release, newest: str, tmp_path: Path) -> Tree:
    """A tree with all operators of the newest release."""
    return copied(release(newest), tmp_path)


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
