"""What the tests of pytorch share."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.child import child_environment
from support.paths import ROOT

PRELUDE = """
import sys
from pathlib import Path
from support.torchgen_process import LOADER, difference, files, generate, join
import derivload
import derivload.pytorch
from derivload.pytorch import install
from importlib import import_module
torchgen, *arguments = sys.argv[1:]
"""


class Ended(NamedTuple):
    """What a process printed."""

    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run code in a process of its own with the torchgen in a folder, and expect it to end well."""

    def run_code(torchgen: Path | None, code: str, *arguments: object, seed: int = 0) -> Ended:
        folders = [ROOT / "tests", *([torchgen] if torchgen else [])]
        done = subprocess.run(
            [
                *(sys.executable, "-X", "utf8", "-c", PRELUDE + textwrap.dedent(code)),
                *(str(torchgen), *map(str, arguments)),
            ],
            cwd=tmp_path,
            env=child_environment(*folders, PYTHONHASHSEED=str(seed)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Ended(done.stdout, done.stderr)

    return run_code


BASE = """\
- func: glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: glaze

- func: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: fold_over_symint

- func: fold_over_copy(Tensor self, SymInt width) -> Tensor
  dispatch:
    CompositeExplicitAutogradNonFunctional: fold_over_copy_symint
  tags: view_copy
  autogen: fold_over_copy.out

- func: polish(Tensor self, Scalar grit) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: polish
"""


LIST = """\
# Ours.
- func: glaze_.Tensor(Tensor(a!) self, Tensor coat, *, float sheen=0.5) -> Tensor(a!)
  variants: method
  dispatch:
    CPU, CUDA: glaze_
"""


MAPPING = """\
custom:
- func: crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  dispatch:
    CPU, CUDA: crackle
- func: _foreach_polish(Tensor[] self, Scalar grit) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_polish_slow
"""


DERIVATIVES = """\
- name: glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  self: grad * coat.pow(sheen)
  coat: glaze_coat(grad, self, coat.sym_sizes(), sheen, result)
  result: self_t * coat_p.pow(sheen) + result * coat_t

- name: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  self: fold_back(grad, self.sym_size(-1), width)
  result: auto_linear

- name: polish(Tensor self, Scalar grit) -> Tensor
  self: grad * polish_slope(self, grit)
  result: auto_element_wise
"""


OF_OVERLAYS = """
- name: crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  output_differentiability: [True, False]
  dispatch:
    Default:
      self: crackle_backward(grad, self.sym_sizes(), net, dust)
      cover: non_differentiable
    AutogradPrivateUse1:
      self, cover: crackle_fused_backward(grad, cover, net, grad_input_mask)
"""


TAGS = """\
- tag: view_copy
  desc: A view's copy.
- tag: generated
  desc: Made by autogen.
"""


class Small(NamedTuple):
    """A small catalogue of its own: for load_derivatives, and for the generators."""

    autograd: Path
    derivatives: Path
    native: Path
    tags: Path
    overlays: list[Path]

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        return self.derivatives, self.native, self.tags


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """The catalogue above, without its overlays, which are beside it."""
    folder = tmp_path / "small"
    (folder / "autograd").mkdir(parents=True)
    texts = {
        "autograd/derivatives.yaml": DERIVATIVES,
        "autograd/deprecated.yaml": "[]\n",
        "native_functions.yaml": BASE,
        "tags.yaml": TAGS,
        "list.yaml": LIST,
        "mapping.yaml": MAPPING,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return Small(
        folder / "autograd",
        folder / "autograd" / "derivatives.yaml",
        folder / "native_functions.yaml",
        folder / "tags.yaml",
        [folder / "list.yaml", folder / "mapping.yaml"],
    )


@pytest.fixture
def overlaid(small: Small) -> Small:
    """The same catalogue, with definitions of what the overlays declare."""
    small.derivatives.write_text(DERIVATIVES + OF_OVERLAYS, "utf-8")
    return small
