"""What a backend adds, where the tree's own code loads, and where `verify` runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.backends import DERIVATIVE, Backend
from support.codegen_files import small_release
from support.own_code import small
from support.own_trees import Tree

__all__ = ["small", "small_release"]  # fixtures

pytestmark = pytest.mark.release
AssertSame = Callable[[Path, Path], None]

LOADER = "packaged/autograd/load_derivatives.py"
PREFIX = 'return (camel_case + "Backward")'


@pytest.fixture
def backend(small: Tree) -> Backend:
    return Backend(small.pytorch, small.root.parent)


def test_the_trees_own_code_is_told_the_same(
    small: Tree, backend: Backend, assert_same: AssertSame
) -> None:
    small.edit(LOADER, PREFIX, 'return (camel_case + "Gradient")')
    stats = small.emit(*backend.options)
    assert (stats["exit"], stats["rules"].partition(":")[0]) == ("cold", "the tree's own code")
    formula = DERIVATIVE.replace("self: grad * n", "self: 2 * grad * n")
    backend.derivatives.write_text(formula, "utf-8")
    stats = small.emit(*backend.options)
    assert stats["exit"] == "incremental"
    assert stats["counts"]["read"] < stats["counts"]["reused"]
    backend.tell_pytorch()
    assert_same(small.out, small.judged())


def test_a_dispatch_key_that_only_the_tree_knows(small: Tree, backend: Backend) -> None:
    small.edit(LOADER, PREFIX, 'return (camel_case + "Gradient")')
    options = [o.replace("PrivateUse1", "DerivloadKey") for o in backend.options]
    natives = backend.natives.read_text("utf-8").replace("PrivateUse1", "DerivloadKey")
    backend.natives.write_text(natives, "utf-8")
    done = small.run("emit", "--out-dir", small.out, *options)
    assert done.returncode == 1
    assert "its DispatchKey has no DerivloadKey, which is to be added" in done.stderr
    assert "Traceback" not in done.stderr
    small.edit("model.py", "    Undefined = 0\n", "    Undefined = 0\n    DerivloadKey = auto()\n")
    small.emit(*options)


def test_a_key_of_the_trees_enum_can_be_added(small: Tree, backend: Backend) -> None:
    options = [o.replace("PrivateUse1", "DerivloadKey") for o in backend.options]
    natives = backend.natives.read_text("utf-8").replace("PrivateUse1", "DerivloadKey")
    backend.natives.write_text(natives, "utf-8")
    small.edit("model.py", "    Undefined = 0\n", "    Undefined = 0\n    DerivloadKey = auto()\n")
    stats = small.emit(*options)
    assert stats["rules"].startswith("2.15")


def test_verify_tells_torchgen_the_same(small: Tree, backend: Backend) -> None:
    command = ["verify", "--pytorch", str(small.root), *backend.options]
    done = subprocess.run(
        [sys.executable, "-m", "derivload", *command],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal those of the tree's own torchgen" in done.stdout
