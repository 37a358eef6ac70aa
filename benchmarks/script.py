"""The two commands of PyTorch's build: with `derivload run` before them against the plain ones.

The tree is laid out as PyTorch's, as in the tests (tests/support/pytorch_tree.py).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.codegen import FORMULA, Prepared
from benchmarks.timing import Command, Comparison

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

    @property
    def folder(self) -> str:
        """The folder in which the commands run."""
        return str(self._tree.root)

    def plain(self, edit: Callable[[], object] = lambda: None) -> Prepared:
        """The plain command, over what its last run wrote."""
        return [sys.executable, *self._command, self._out, "plain"], edit

    def own(self, edit: Callable[[], object] = lambda: None) -> Prepared:
        """With derivload, over what its last run wrote."""
        cache = str(self._scratch / "cache")
        command = [sys.executable, "-m", "derivload", "run", "--cache-dir", cache]
        return [*command, *self._command, self._out, "own"], edit

    def cold(self, *, is_plain: bool) -> Prepared:
        """One or the other, into a folder with nothing in it, and with nothing kept."""
        command, _ = self.plain() if is_plain else self.own()

        def prepare() -> None:
            for folder in (self._tree.root / command[-1], self._scratch / "cache"):
                shutil.rmtree(folder, ignore_errors=True)

        return command, prepare

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


def script_comparisons(release: Path, scratch: Path) -> list[Comparison]:
    """What is measured of the two commands of PyTorch's build."""
    comparisons = []
    for name, is_gen in (("generate_code", False), ("torchgen.gen", True)):
        (scratch / name).mkdir()
        runs = Script(release, scratch / name, is_gen=is_gen)
        folder = runs.folder
        plain = Command(f"plain {name}", *runs.plain(), folder)

        def own(what: str, prepared: Prepared, name: str = name, folder: str = folder) -> Command:
            return Command(f"derivload run {name}, {what}", *prepared, folder)

        comparisons += [
            Comparison(
                f"{name}, nothing changed", plain, own("up to date", runs.own()), "at least 100"
            ),
            Comparison(
                f"{name}, a comment",
                plain,
                own("a comment", runs.own(runs.comment)),
                "at least 60" if is_gen else "at least 50",
            ),
        ]
        if is_gen:
            everything = Command(f"plain {name}, cold", *runs.cold(is_plain=True), folder)
            own_everything = own("cold", runs.cold(is_plain=False))
            title = f"{name}, everything"
            comparisons.append(Comparison(title, everything, own_everything, "at least 1.6"))
            operator = Command(f"plain {name}", *runs.plain(runs.operator), folder)
            own_operator = own("an operator", runs.own())
            comparisons.append(
                Comparison(f"{name}, an operator", operator, own_operator, "at least 1.6")
            )
        else:
            formula = own("a formula", runs.own(runs.formula))
            comparisons.append(Comparison(f"{name}, one formula", plain, formula, "at least 8"))
    return comparisons
