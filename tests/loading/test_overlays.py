"""Overlays give what torchgen gives for one file with all the entries in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cli import main
from support.few_operators import KINDS, make_small
from support.paths import CATALOGUE, FILES
from support.releases import Release

pytestmark = pytest.mark.release

Judge = Callable[[str, Sequence[Path], Sequence[Path], Path], Path]
AssertSame = Callable[[Path, Path], None]

# A namespaced operator in all variants, two foreach functions, and a view with its copy.
FIRST = """\
- func: mylib::glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: mylib::glaze
  tags: pointwise

- func: mylib::glaze_.Tensor(Tensor(a!) self, Tensor coat, *, float sheen=0.5) -> Tensor(a!)
  variants: method
  dispatch:
    CPU, CUDA: mylib::glaze_

- func: mylib::glaze.out(Tensor self, Tensor coat, *, float sheen=0.5, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU, CUDA: mylib::glaze_out

- func: mylib::crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  dispatch:
    MPS: mylib::crackle
    CompositeExplicitAutograd: crackle_symint
  autogen: mylib::crackle.out

- func: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: fold_over_symint

- func: fold_over_copy(Tensor self, SymInt width) -> Tensor
  dispatch:
    CompositeExplicitAutogradNonFunctional: fold_over_copy_symint
  tags: view_copy
  autogen: fold_over_copy.out

- func: _foreach_polish(Tensor[] self, Scalar grit) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_polish_slow

- func: _foreach_polish_(Tensor(a!)[] self, Scalar grit) -> ()
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_polish_slow_
  autogen: _foreach_polish.out
"""

# More overloads of a name of FIRST, whose order decides theirs among the functions; the operator
# that the foreach functions of FIRST refer to; and one with no functional variant of its own.
SECOND = """\
- func: mylib::glaze.Scalar(Tensor self, Scalar coat, *, float sheen=0.5) -> Tensor
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: mylib::glaze
  autogen: mylib::glaze.Scalar_out

- func: polish(Tensor self, Scalar grit) -> Tensor
  variants: function, method
  structured_delegate: polish.out
  tags: [core, pointwise]

- func: polish_(Tensor(a!) self, Scalar grit) -> Tensor(a!)
  variants: function, method
  structured_delegate: polish.out
  tags: pointwise

- func: polish.out(Tensor self, Scalar grit, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  structured_inherits: TensorIteratorBase
  dispatch:
    CPU, CUDA: polish_out
  tags: pointwise

- func: etch_(Tensor(a!) self, Generator? generator=None) -> Tensor(a!)
  variants: method
  dispatch:
    CPU, CUDA: etch_
  tags: nondeterministic_seeded
  autogen: etch, etch.out
"""

OWN_DERIVATIVES = """\
- name: glaze.Tensor(Tensor self, Tensor coat, *, float sheen=0.5) -> Tensor
  self: grad * coat.pow(sheen)
  coat: glaze_coat(grad, self, coat.sym_sizes(), sheen, result)
  result: self_t * coat_p.pow(sheen) + result * coat_t

- name: glaze.Scalar(Tensor self, Scalar coat, *, float sheen=0.5) -> Tensor
  self: grad * coat
  result: auto_linear

- name: crackle(Tensor self, SymInt[] net, Tensor? cover=None) -> (Tensor bits, Tensor dust)
  output_differentiability: [True, False]
  dispatch:
    Default:
      self: crackle_backward(grad, self.sym_sizes(), net, dust)
      cover: non_differentiable
    AutogradPrivateUse1:
      self, cover: crackle_fused_backward(grad, cover, net, grad_input_mask)

- name: fold_over(Tensor(a) self, SymInt width) -> Tensor(a)
  self: fold_back(grad, self.sym_size(-1), width)
  result: auto_linear

- name: polish(Tensor self, Scalar grit) -> Tensor
  self: grad * polish_slope(self, grit)
  result: auto_element_wise

- name: etch_(Tensor(a!) self, Generator? generator=None) -> Tensor(a!)
  self: zeros_like(grad)
  result: self_t.zero_()
"""


# Variants of operators that only the base declares, and whose definitions only the base has.
OF_THE_CATALOGUE = """\
- func: quench_(Tensor(a!) self, Tensor pivot) -> Tensor(a!)
  dispatch:
    CPU, CUDA: quench_
  autogen: quench.out

- func: _foreach_gild(Tensor[] self, float luster=0.5) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_gild_slow
"""
OF_THE_RELEASE = """\
- func: roll_(Tensor(a!) self, SymInt[1] shifts, int[1] dims=[]) -> Tensor(a!)
  dispatch:
    CPU, CUDA: roll_
  autogen: roll.out

- func: _foreach_sinc(Tensor[] self) -> Tensor[]
  device_check: NoCheck
  dispatch:
    CompositeExplicitAutograd: foreach_sinc_slow
"""


class Base(NamedTuple):
    """What overlays are laid over, as options and as files, and one overlay just for it."""

    overlay: str
    options: list[str]
    derivatives: Path
    natives: Path
    tags: Path


@pytest.fixture(scope="module", params=["the catalogue", "a release"])
def base(
    request: pytest.FixtureRequest,
    release: Release,
    newest: str,
    thinning: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Base:
    if request.param == "the catalogue":
        files = [CATALOGUE / name for name in FILES]
        options = ["--native-functions", str(files[1]), "--tags", str(files[2])]
        return Base(OF_THE_CATALOGUE, options, *files)
    pytorch = release(newest)
    if thinning > 1:
        operators = [*KINDS, *("roll", "sinc")]
        pytorch = make_small(pytorch, tmp_path_factory.mktemp("small") / "it", operators).root
    packaged = pytorch / "torchgen" / "packaged"
    natives = packaged / "ATen" / "native"
    return Base(
        OF_THE_RELEASE,
        ["--pytorch", str(pytorch)],
        packaged / "autograd" / "derivatives.yaml",
        natives / "native_functions.yaml",
        natives / "tags.yaml",
    )


class Case(NamedTuple):
    """A file of derivatives and overlays, with what torchgen makes of them over a base."""

    base: Base
    derivatives: Path
    overlays: list[str]
    judged: Path


MakeCase = Callable[[str, list[str]], Case]


@pytest.fixture(scope="module")
def make_case(
    base: Base, judge: Judge, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> MakeCase:
    def make(derivatives: str, overlays: list[str]) -> Case:
        folder = tmp_path_factory.mktemp("case")
        file = written(folder / "derivatives.yaml", derivatives)
        joined = base.natives.read_text("utf-8") + "\n" + "\n".join(overlays)
        natives = written(folder / "native_functions.yaml", joined)
        return Case(base, file, overlays, judge(newest, [file], [natives], base.tags))

    return make


@pytest.fixture(scope="module")
def all_derivatives(base: Base, make_case: MakeCase) -> Case:
    """The base's derivatives and our own; the overlays in their order."""
    derivatives = base.derivatives.read_text("utf-8") + "\n" + OWN_DERIVATIVES
    return make_case(derivatives, [FIRST, SECOND, base.overlay])


@pytest.fixture(scope="module")
def own_derivatives(make_case: MakeCase) -> Case:
    """Our own derivatives alone; the overlays in the other order."""
    return make_case(OWN_DERIVATIVES, [SECOND, FIRST])


def written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def emit(case: Case, overlays: Sequence[str], folder: Path) -> Path:
    """Our documents for the derivatives of a case and these texts of overlays."""
    arguments = [*case.base.options, "--derivatives", str(case.derivatives)]
    for index, text in enumerate(overlays):
        file = written(folder / f"overlay_{index}.yaml", text)
        arguments += ["--native-functions", str(file)]
    assert main(["emit", *arguments, "--out-dir", str(folder / "out")]) == 0
    return folder / "out"


def as_custom(text: str) -> str:
    return f"custom:\n{text}"


def as_indented_custom(text: str) -> str:
    return "# an overlay\ncustom:\n" + textwrap.indent(text, "  ")


@pytest.mark.parametrize(
    "form",
    [
        as_indented_custom,
        # Several overlays have these forms, below.
        pytest.param(str, marks=pytest.mark.thorough),
        pytest.param(as_custom, marks=pytest.mark.thorough),
    ],
)
def test_an_overlay_is_appended_whatever_its_form(
    form: Callable[[str], str], all_derivatives: Case, assert_same: AssertSame, tmp_path: Path
) -> None:
    text = form("\n".join(all_derivatives.overlays))
    assert_same(emit(all_derivatives, [text], tmp_path), all_derivatives.judged)


def test_several_overlays_are_appended_in_order(
    all_derivatives: Case, assert_same: AssertSame, tmp_path: Path
) -> None:
    first, second, third = all_derivatives.overlays
    out = emit(all_derivatives, [first, as_custom(second), third], tmp_path)
    assert_same(out, all_derivatives.judged)


def test_own_derivatives_alone_with_the_overlays_in_another_order(
    own_derivatives: Case, assert_same: AssertSame, tmp_path: Path
) -> None:
    out = emit(own_derivatives, own_derivatives.overlays, tmp_path)
    assert_same(out, own_derivatives.judged)


def test_the_order_of_overlays_is_the_order_of_what_shares_a_name(
    own_derivatives: Case, tmp_path: Path
) -> None:
    def scalar_comes_first(overlays: list[str], folder: str) -> bool:
        (tmp_path / folder).mkdir()
        out = emit(own_derivatives, overlays, tmp_path / folder)
        functions = (out / "functions.json").read_text("utf-8")
        return functions.index('"glaze.Scalar(') < functions.index('"glaze.Tensor(')

    assert scalar_comes_first([SECOND, FIRST], "there")
    assert not scalar_comes_first([FIRST, SECOND], "here")


def test_an_empty_list_as_an_overlay_changes_nothing(
    all_derivatives: Case, assert_same: AssertSame, tmp_path: Path
) -> None:
    overlays = ["[]\n", *all_derivatives.overlays, "custom: []\n"]
    assert_same(emit(all_derivatives, overlays, tmp_path), all_derivatives.judged)
