"""A tree laid out as PyTorch's own, from a release's wheel, with a lazy backend of our own."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.copied import copy_modules
from support.paths import REFERENCE
from support.pytorch_entries import PyTorch

GENERATE_CODE = "tools/setup_helpers/generate_code.py"
_STAND_IN = REFERENCE / "generate_code.py"
# PyTorch's own script has these options in its build.
OPTIONS = (
    *("--native-functions-path", "aten/src/ATen/native/native_functions.yaml"),
    *("--tags-path", "aten/src/ATen/native/tags.yaml"),
    *("--gen_lazy_ts_backend", "--per_operator_headers"),
)
_LAZY = """\
backend: Lazy
cpp_namespace: torch::lazy
full_codegen:
  - abs
supported:
  - clone
"""
_LAZY_SHAPES = """\
TORCH_API std::vector<torch::lazy::Shape> compute_shape_abs(const at::Tensor & self);
"""
_LAZY_KERNELS = """\
namespace torch::lazy {
at::Tensor LazyNativeFunctions::clone(const at::Tensor& self) { return self; }
}
"""


class PyTorchTree:
    """A checkout, as far as PyTorch's build runs its generators."""

    def __init__(self, release: Path, root: Path) -> None:
        packaged = release / "torchgen" / "packaged"
        self.root = root
        self.autograd = root / "tools" / "autograd"
        self.native = root / "aten" / "src" / "ATen" / "native"
        copy_modules(release / "torchgen", root / "torchgen", "packaged")
        copy_modules(packaged / "autograd", self.autograd)
        shutil.copytree(packaged / "ATen", self.native.parent)
        shutil.copy(release / "version.txt", root)
        (root / "tools" / "__init__.py").touch()
        script = root / GENERATE_CODE
        script.parent.mkdir()
        (script.parent / "__init__.py").touch()
        shutil.copy(_STAND_IN, script)
        lazy = root / "torch" / "csrc" / "lazy"
        for path, text in (
            (self.native / "ts_native_functions.yaml", _LAZY),
            (lazy / "ts_backend" / "ts_native_functions.cpp", _LAZY_KERNELS),
            (lazy / "core" / "shape_inference.h", _LAZY_SHAPES),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def as_wheel(self, view: Path) -> PyTorch:
        """The same files laid out as in a wheel, by links in a new folder: for edits."""
        torchgen = view / "torchgen"
        (torchgen / "packaged").mkdir(parents=True)
        for path in (self.root / "torchgen").iterdir():
            (torchgen / path.name).symlink_to(path)
        (torchgen / "packaged" / "autograd").symlink_to(self.autograd)
        (torchgen / "packaged" / "ATen").symlink_to(self.native.parent)
        return PyTorch(view)
