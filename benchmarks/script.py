"""The two commands of PyTorch's build: with `derivload run` before them against the plain ones.

The tree is laid out as PyTorch's, as in the tests (tests/support/pytorch_tree.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.codegen import FORMULA, Prepared

_TESTS = Path(__file__).parents[1] / "tests"
_GEN = ("-m", "torchgen.gen", "--source-path", "aten/src/ATen", "--per-operator-headers")
_PROBE = """
- func: derivload_probe_{0}(Tensor self, int n=1) -> Tensor
  variants: function
  dispatch:
    CompositeExplicitAutograd: derivload_probe
  autogen: derivload_probe_{0}.out
"""


class Script:
    """Runs of one of the two commands, on a tree of its own."""

    def __init__(self, release: Path, scratch: Path, *, is_gen: bool) -> None:
        sys.path.insert(0, str(_TESTS))
        from support.pytorch_tree import GENERATE_CODE, OPTIONS, PyTorchTree

        self._tree = PyTorchTree(release, scratch / "tree")
        self._scratch = scratch
        self._edits = 0
        self._command: Sequence[str] = _GEN if is_gen else (GENERATE_CODE, *OPTIONS)
        self._out = "--install_dir" if is_gen else "--gen-dir"

    def plain(self, edit: Callable[[], object] = lambda: None) -> Prepared:
        """The plain command, over what its last run wrote."""
        return [sys.executable, *self._command, self._out, "plain"], lambda: self._enter(edit)

    def own(self, edit: Callable[[], object] = lambda: None) -> Prepared:
        """With derivload, over what its last run wrote."""
        cache = str(self._scratch / "cache")
        command = [sys.executable, "-m", "derivload", "run", "--cache-dir", cache]
        return [*command, *self._command, self._out, "own"], lambda: self._enter(edit)

    def comment(self) -> None:
        """Another comment in native_functions.yaml."""
        self._edits += 1
        path = self._tree.native / "native_functions.yaml"
        path.write_text(f"# Edit {self._edits}.\n" + path.read_text("utf-8"), "utf-8")

    def formula(self) -> None:
        """Another formula."""
        self._edits += 1
        path = self._tree.autograd / "derivatives.yaml"
        text = path.read_text("utf-8")
        path.write_text(FORMULA.sub(rf"\g<1>{self._edits + 1000} * \2", text, count=1), "utf-8")

    def operator(self) -> None:
        """One operator more."""
        self._edits += 1
        path = self._tree.native / "native_functions.yaml"
        path.write_text(path.read_text("utf-8") + _PROBE.format(self._edits), "utf-8")

    def _enter(self, edit: Callable[[], object]) -> None:
        os.chdir(self._tree.root)
        edit()
