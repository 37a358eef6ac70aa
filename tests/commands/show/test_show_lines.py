"""What `derivload show` prints of a few operators, to the letter."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from derivload.cli import main
from support.shown_operators import DEFINITIONS, NATIVES

Captured = pytest.CaptureFixture[str]
WAVE = "at::wave(self_t, other_t, alpha)"
BEND = "original_self_t * original_self_p + other_t"


def in_place(formula: str) -> str:
    return f"self_t_raw.defined() ? self_t_raw.copy_({formula}) : {formula}"


SHOWN = f"""\
wave

  functional     wave(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
  in-place       wave_(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)

  dispatch       Default

  backward       WaveBackward0 of wave and wave_
    self         grad * other.conj()
    other        mul(grad, result) * alpha

  saved
    alpha        at::Scalar  = alpha   for other
    other        at::Tensor  = other   for self
    result       at::Tensor  = result  an output, for other

  forward        of wave; by auto_linear
    result       at::wave(self_t, other_t, alpha)

  forward        of wave_, adapted from wave; by auto_linear
    self         {in_place(WAVE)}

  dispatch       AutogradNestedTensor

  backward       WaveBackwardAutogradNestedTensor0 of wave and wave_
    self, other  wave_backward(grad, self)

  saved
    self         at::Tensor  = self

  forward        none

  defined at     d.yaml:1

  functions
    wave         function, method; abstract; tags core
                 kernels CPU, CUDA
                 n.yaml:1
    wave_        method; abstract
                 kernels CompositeExplicitAutograd
                 n.yaml:6


split

  functional  split(Tensor self, Tensor weight) -> (Tensor low, Tensor high)

  backward    SplitBackward0 of split
    self      split_backward(grad, weight)
    weight    not differentiable

  saved
    weight    at::Tensor  = weight

  outputs
    low       differentiable
    high      not differentiable

  forward     none

  defined at  d.yaml:9

  functions
    split     function; abstract
              kernels CPU
              n.yaml:10


still

  functional  still(Tensor self) -> Tensor

  backward    none: its entry says that no output is differentiable

  outputs
    result    not differentiable

  defined at  d.yaml:16

  functions
    still     function; abstract
              kernels CPU
              n.yaml:16


many

  functional     many(int n) -> Tensor

  no derivative  many: takes no tensor, so there is nothing to differentiate

  functions
    many         function; abstract
                 kernels CompositeExplicitAutograd, CPU
                 n.yaml:19


through

  functional     through(Tensor self) -> Tensor

  no derivative  through: composite: autograd differentiates the functions that it calls

  functions
    through      function; python_module nn; composite
                 kernels CompositeImplicitAutograd
                 n.yaml:23


lone

  functional     lone(Tensor self) -> Tensor
  out            lone.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)  generated

  no derivative  lone: d.yaml has no entry for it
                 lone.out: out variants are never differentiable

  functions
    lone         function; abstract
                 kernels CPU
                 n.yaml:25
    lone.out     function; abstract; tags generated, out
                 kernels CompositeExplicitAutograd
                 generated from lone, n.yaml:25


bend

  functional  bend(Tensor self, Tensor other) -> Tensor
  in-place    bend_(Tensor(a!) self, Tensor other) -> Tensor(a!)

  backward    BendBackward0 of bend and bend_
    self      grad * self
    other     grad

  saved
    self      at::Tensor  = self  for self

  forward     of bend
    result    self_t * self_p + other_t

  forward     of bend_, adapted from bend
    self      {in_place(BEND)}
              a copy of self is kept from before the call

  defined at  d.yaml:18

  functions
    bend      function; abstract
              kernels CPU
              n.yaml:29
    bend_     function; abstract
              kernels CPU
              n.yaml:32
"""
INPUTS = ["--derivatives", "d.yaml", "--native-functions", "n.yaml"]
OPERATORS = ["wave", "split", "still", "many", "through", "lone", "bend"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    Path("n.yaml").write_text(NATIVES)
    Path("d.yaml").write_text(DEFINITIONS)
    Path("tags.yaml").write_text("- tag: core\n  desc: x\n")


def test_operators_are_shown_one_after_the_other(capsys: Captured) -> None:
    assert main(["show", *INPUTS, "--no-cache", *OPERATORS]) == 0
    assert capsys.readouterr() == (SHOWN, "")


def test_from_what_a_load_kept_each_family_is_shown_as_well(capsys: Captured) -> None:
    assert main(["emit", *INPUTS, "--cache-dir", "c", "--out-dir", "o", "--quiet"]) == 0
    single = [f"{text}\n" for text in SHOWN.removesuffix("\n").split("\n\n\n")]
    for operator, text in zip(OPERATORS, single, strict=True):
        assert main(["show", *INPUTS, "--cache-dir", "c", operator]) == 0
        assert capsys.readouterr() == (text, "")


OVERRIDDEN = """\
still

  functional  still(Tensor self) -> Tensor

  backward    none: its entry says that no output is differentiable

  outputs
    result    not differentiable

  defined at  d.yaml:16

  functions
    still     function; abstract
              kernels CPU
              m.yaml:1

  replaced    still at n.yaml:16, by m.yaml:1


lone

  functional     lone(Tensor self) -> Tensor
  out            lone.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)  generated

  no derivative  lone: d.yaml has no entry for it
                 lone.out: out variants are never differentiable

  functions
    lone         function; abstract
                 kernels CPU
                 kernel of a backend for XLA, b.yaml:4
                 n.yaml:25
    lone.out     function; abstract; tags generated, out
                 kernels CompositeExplicitAutograd
                 generated from lone, n.yaml:25
"""


def test_what_was_replaced_and_what_a_backend_registers_is_shown(capsys: Captured) -> None:
    Path("m.yaml").write_text("- func: still(Tensor self) -> Tensor\n  dispatch:\n    CPU: mine\n")
    Path("b.yaml").write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- lone\n")
    more = ["--native-functions", "m.yaml", "--override", "--backend-yaml", "b.yaml"]
    assert main(["show", *INPUTS, *more, "--no-cache", "still", "lone"]) == 0
    assert capsys.readouterr() == (OVERRIDDEN, "")
    # An operator that was asked for twice is shown once.
    assert main(["show", *INPUTS, *more, "--no-cache", "still", "lone", "still"]) == 0
    assert capsys.readouterr() == (OVERRIDDEN, "")


def coloured(text: str) -> str:
    """Text with colours: `<1;words>` has the words in the colour of this number."""
    return re.sub(r"<(\d+);([^>]*)>", "\x1b[\\1m\\2\x1b[0m", text)


STILL = """\
<1;still>

  <32;functional>  still(Tensor self) -} Tensor

  <1;backward>    <33;none: its entry says that no output is differentiable>

  <1;outputs>
    <36;result>    <2;not differentiable>

  <1;defined at>  <2;d.yaml:16>

  <1;functions>
    <36;still>     function; abstract
              <2;kernels CPU>
              <2;n.yaml:16>
"""
PART = """\
  <32;functional>     wave(Tensor self, Tensor other, *, Scalar alpha=1) -} Tensor
* <32;in-place>       wave_(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -} Tensor(a!)

  <1;dispatch>       <32;Default>

  <1;backward>       WaveBackward0 of wave and wave_
    <36;self>         grad * other.conj()
    <36;other>        mul(grad, result) * alpha

  <1;saved>
    <36;alpha >       at::Scalar  = alpha   <2;for other>
    <36;other >       at::Tensor  = other   <2;for self>
    <36;result>       at::Tensor  = result  <2;an output, for other>

  <1;forward>        of wave_, adapted from wave; <2;by auto_linear>
"""


def test_each_kind_of_words_has_its_colour(capsys: Captured) -> None:
    assert main(["show", *INPUTS, "--no-cache", "still", "--color", "always"]) == 0
    assert capsys.readouterr().out == coloured(STILL).replace("-}", "->")
    assert main(["show", *INPUTS, "--no-cache", "wave_", "--color", "always"]) == 0
    out = capsys.readouterr().out
    assert coloured(PART).replace("-}", "->") in out
    assert "  \x1b[1mforward\x1b[0m        \x1b[33mnone\x1b[0m\n" in out
    assert main(["show", *INPUTS, "--no-cache", "split", "--color", "always"]) == 0
    assert "\x1b[36mweight\x1b[0m    \x1b[2mnot differentiable\x1b[0m\n" in capsys.readouterr().out
    assert main(["show", *INPUTS, "--no-cache", "bend_", "--color", "always"]) == 0
    assert "\x1b[2ma copy of self is kept from before the call\x1b[0m\n" in capsys.readouterr().out


def test_json_has_all_of_an_operator(capsys: Captured) -> None:
    assert main(["show", *INPUTS, "--no-cache", "still", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith('{\n  "format": "derivload.operators",\n  "version": 1,\n')
    assert out.endswith("\n}\n")
    document = json.loads(out)
    (group,) = document["groups"]
    (function,) = group["functions"]
    (formulas,) = group["formulas"]
    record = function.pop("record")
    assert (record["schema"], record["kind"]) == ("still(Tensor self) -> Tensor", "functional")
    assert function == {
        "name": "still",
        "asked": True,
        "native_function": {"file": "n.yaml", "line": 16},
        "generated_from": None,
        "dispatch_keys": ["CPU"],
        "structured_delegate": None,
        "autogen": [],
        "backend_kernels": [],
        "no_derivative": None,
    }
    default = formulas.pop("dispatch")["Default"]
    assert (default["op"], default["output_differentiability"]) == (None, [False])
    assert formulas == {
        "schema": "still(Tensor self) -> Tensor",
        "definition": {"file": "d.yaml", "line": 16},
        "reference": None,
        "used_by": ["still(Tensor self) -> Tensor"],
        "also_used_by": [],
    }
    assert (document["functions"], document["definitions"]) == ([], [])


def test_mistakes_are_counted_and_inputs_that_were_found_are_told(capsys: Captured) -> None:
    Path("derivload.toml").write_text("derivatives = ['d.yaml']\nnative-functions = ['n.yaml']\n")
    assert main(["show", "many", "--no-cache"]) == 0
    assert "derivload.toml" in capsys.readouterr().err
    with Path("n.yaml").open("a") as file:
        file.write("- func: bad(\n")
    assert main(["show", *INPUTS, "--no-cache", "many"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "derivload: 1 error")


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        ("wav", "there is no operator `wav`; did you mean `wave`?"),
        ("zzzzzz", "there is no operator `zzzzzz`, nor one with a name like it"),
        ("torch.Tensor.wav_", "there is no operator `torch.Tensor.wav_`; did you mean `wave_`?"),
    ],
)
def test_an_operator_that_there_is_not_is_told(operator: str, said: str, capsys: Captured) -> None:
    assert main(["show", *INPUTS, "--no-cache", operator]) == 1
    assert capsys.readouterr() == ("", f"derivload: {said}\n")
    assert main(["show", *INPUTS, "--no-cache", "many", operator]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("many\n")
    assert err == f"derivload: {said}\n"
    assert main(["show", *INPUTS, "--no-cache", operator, "--json"]) == 1
    assert capsys.readouterr() == ("", f"derivload: {said}\n")


def test_a_release_that_is_not_known_is_noted(capsys: Captured) -> None:
    assert main(["show", *INPUTS, "--no-cache", "many", "--torch-version", "9.9"]) == 0
    assert "derivload: note: torch 9.9 is newer than " in capsys.readouterr().err
