"""A PyTorch of two operators: a release's own generators, which are done with them in a moment."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.copied import copy_modules
from support.project import replace_in

_NATIVES = """
- func: gild(Tensor self, float luster) -> Tensor
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: gild

- func: smelt(Tensor self) -> Tensor
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: smelt
"""
_DERIVATIVES = """
- name: gild(Tensor self, float luster) -> Tensor
  self: grad * luster

- name: smelt(Tensor self) -> Tensor
  self: grad * self
"""
_TAGS = "- tag: core\n  desc: None.\n"
# An operator of a backend's own.
OVERLAY = "- func: quench(Tensor self) -> Tensor\n  variants: function\n"
OVERLAY_DERIVATIVE = "- name: quench(Tensor self) -> Tensor\n  self: grad\n"


class SmallPyTorch:
    """A folder laid out like a wheel or, with `is_checkout`, like a checkout."""

    def __init__(self, release: Path, root: Path, *, is_checkout: bool = False) -> None:
        self.root = root
        copy_modules(release / "torchgen", root / "torchgen", "packaged")
        shutil.copy(release / "version.txt", root)
        packaged = release / "torchgen" / "packaged"
        if is_checkout:
            self.autograd = root / "tools" / "autograd"
            self.native = root / "aten" / "src" / "ATen" / "native"
        else:
            self.autograd = root / "torchgen" / "packaged" / "autograd"
            self.native = root / "torchgen" / "packaged" / "ATen" / "native"
        copy_modules(packaged / "autograd", self.autograd)
        self.native.mkdir(parents=True)
        (self.autograd / "deprecated.yaml").write_text("[]\n", "utf-8")
        self.derivatives.write_text(_DERIVATIVES, "utf-8")
        (self.native / "native_functions.yaml").write_text(_NATIVES, "utf-8")
        (self.native / "tags.yaml").write_text(_TAGS, "utf-8")

    @property
    def derivatives(self) -> Path:
        return self.autograd / "derivatives.yaml"

    def add_a_comment(self) -> None:
        self.derivatives.write_text("# A comment.\n" + self.derivatives.read_text("utf-8"), "utf-8")

    def edit_a_formula(self) -> None:
        """Only Functions.cpp has it."""
        replace_in(self.derivatives, "self: grad * luster", "self: luster * grad")

    def make_a_mistake(self) -> None:
        replace_in(self.derivatives, "self: grad * luster", "self: grad * self.sizes()")

    def edit_a_template(self) -> None:
        """Only ViewFuncs.cpp comes of it."""
        template = self.autograd / "templates" / "ViewFuncs.cpp"
        template.write_text(template.read_text("utf-8") + "// Edited.\n", "utf-8")

    def edit_a_generator(self) -> None:
        """Both files of ADInplaceOrViewType become twelve, and its …Everything stays."""
        module = self.autograd / "gen_inplace_or_view_type.py"
        replace_in(module, "num_shards=2,", "num_shards=12,")

    def break_a_generator(self) -> None:
        module = self.autograd / "gen_view_funcs.py"
        replace_in(module, ") -> None:\n", ") -> None:\n    1 / 0\n")
