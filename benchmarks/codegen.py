"""PyTorch's own generators: `derivload codegen` against upstream's run of them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# gen_autograd_python and gen_autograd in one process, in the order of PyTorch's build.
UPSTREAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from torchgen.packaged.autograd.gen_autograd import gen_autograd, gen_autograd_python
from torchgen.selective_build.selector import SelectiveBuilder
packaged = sys.argv[1] + "/torchgen/packaged/"
native = packaged + "ATen/native/"
os.makedirs(sys.argv[2], exist_ok=True)
arguments = [
    native + "native_functions.yaml", native + "tags.yaml", sys.argv[2], packaged + "autograd"
]
gen_autograd_python(*arguments)
gen_autograd(*arguments, operator_selector=SelectiveBuilder.get_nop_selector())
"""
DERIVATIVES = "torchgen/packaged/autograd/derivatives.yaml"
TEMPLATE = "torchgen/packaged/autograd/templates/Functions.cpp"
GENERATOR = "torchgen/packaged/autograd/gen_trace_type.py"
# In the middle of the file, and without a forward formula that would follow it.
FORMULA = re.compile(r"(?m)^(  self: )(?:\d+ \* )?(index_select_backward_symint)")

# What is run, and what is done before each run.
Prepared = tuple[Sequence[str], Callable[[], object]]


class Codegen:
    """Runs of codegen, and of upstream, on one copy of a release."""

    def __init__(self, pytorch: Path, scratch: Path) -> None:
        self._pytorch = pytorch
        self._out = scratch / "codegen-out"
        self._upstream_out = scratch / "codegen-upstream"
        self._cache = scratch / "codegen-cache"
        self._edits = 0

    def upstream(self) -> Prepared:
        """Upstream's run, over what its last one wrote."""
        argv = [sys.executable, "-c", UPSTREAM, str(self._pytorch), str(self._upstream_out)]
        return argv, lambda: None

    def upstream_cold(self) -> Prepared:
        """Upstream's run, into a new folder."""
        argv, _ = self.upstream()
        return argv, lambda: shutil.rmtree(self._upstream_out, ignore_errors=True)

    def cold(self) -> Prepared:
        """With an empty store, and no files there."""
        return self._argv(), self._forget

    def up_to_date(self) -> Prepared:
        """Once more, after a run that did everything."""
        return self._argv(), lambda: None

    def comment(self) -> Prepared:
        """With another comment in derivatives.yaml each time."""
        return self._argv(), self._edit_comment

    def formula(self) -> Prepared:
        """With another formula each time."""
        return self._argv(), self._edit_formula

    def template(self) -> Prepared:
        """With another line in a template each time."""
        return self._argv(), lambda: self._edit_end(TEMPLATE, "// edit")

    def generator(self) -> Prepared:
        """With another line in a generator each time, after which all files are compared."""
        return self._argv(), lambda: self._edit_end(GENERATOR, "# edit")

    def _argv(self) -> list[str]:
        return [
            *(sys.executable, "-m", "derivload", "codegen", "--pytorch", str(self._pytorch)),
            *("--out-dir", str(self._out), "--cache-dir", str(self._cache)),
        ]

    def _forget(self) -> None:
        shutil.rmtree(self._out, ignore_errors=True)
        shutil.rmtree(self._cache, ignore_errors=True)

    def _edit_comment(self) -> None:
        self._edits += 1
        path = self._pytorch / DERIVATIVES
        head, _, rest = path.read_text("utf-8").partition("\n")
        path.write_text(f"{head.partition('  (edit')[0]}  (edit {self._edits})\n{rest}", "utf-8")

    def _edit_formula(self) -> None:
        self._edits += 1
        path = self._pytorch / DERIVATIVES
        text = path.read_text("utf-8")
        path.write_text(FORMULA.sub(rf"\g<1>{self._edits + 1000} * \2", text, count=1), "utf-8")

    def _edit_end(self, name: str, words: str) -> None:
        self._edits += 1
        path = self._pytorch / name
        text, _, _ = path.read_text("utf-8").partition(words)
        path.write_text(f"{text}{words} {self._edits}\n", "utf-8")
