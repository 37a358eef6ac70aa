"""What a backend adds: it gives what torchgen gives when it is told the same.

torchgen gets the dispatch keys appended, and files of ours with the entries replaced and the
backend's own keys left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import derivload
from derivload.cli import main
from support.terminal_runs import with_marks

Judge = Callable[..., Path]
AssertSame = Callable[[Path, Path], None]

KEYS = ("PrivateUse1", "AutogradPrivateUse1")
TAGS = "- tag: pointwise\n  desc: Some tag.\n- tag: pt2_compliant_tag\n  desc: Some tag.\n"
BASE = """\
- func: temper(Tensor self, Tensor other, float rate=0.5) -> Tensor
  variants: function, method
  dispatch:
    CPU: temper
- func: matte_backward(Tensor grad, Tensor self, bool[2] mask) -> (Tensor, Tensor)
  dispatch:
    CPU: matte_backward
- func: temper.Scalar(Tensor self, Scalar other) -> Tensor
  dispatch:
    CompositeExplicitAutograd: temper
- func: quench(Tensor self) -> Tensor
  structured_delegate: quench.out
- func: quench.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU, CUDA: quench_out
"""
# One with each kind of kernel that a backend may have.
OWN = """\
- func: mine(Tensor self, int width) -> Tensor
  variants: function, method
  dispatch:
    PrivateUse1: mine
    AutogradPrivateUse1: mine_autograd
- func: mine_alone(Tensor self) -> Tensor
  dispatch:
    AutogradPrivateUse1: mine_alone
- func: mine_composite(Tensor self) -> Tensor
  dispatch:
    CompositeImplicitAutograd: mine_composite
    PrivateUse1: mine_fast
- func: mine_both(Tensor self) -> Tensor
  dispatch:
    CPU, PrivateUse1: mine_both
  autogen: mine_both.out
- func: mine_delegate(Tensor self) -> Tensor
  structured_delegate: mine_delegate.out
  dispatch:
    PrivateUse1: mine_delegate
- func: mine_delegate.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU, PrivateUse1: mine_delegate_out
"""
# The argument of matte_backward has another name.
RENAMED = """\
- func: matte_backward(Tensor grad_out, Tensor self, bool[2] mask) -> (Tensor, Tensor)
  dispatch:
    CPU: matte_backward
"""
DERIVATIVES = """\
- name: temper(Tensor self, Tensor other, float rate=0.5) -> Tensor
  self: grad * rate
  other: grad
- name: quench(Tensor self) -> Tensor
  self: grad
- name: temper.Scalar(Tensor self, Scalar other) -> Tensor
  self: grad * other
"""
OWN_DERIVATIVES = """\
- name: mine(Tensor self, int width) -> Tensor
  dispatch:
    Default:
      self: grad * width
    AutogradPrivateUse1:
      self: mine_backward(grad, width)
- name: matte_backward(Tensor grad_out, Tensor self, bool[2] mask) -> (Tensor, Tensor)
  grad_out, self: matte_twice(grads[0], grads[1], grad_out, self, grad_input_mask)
"""
# It takes the place of the definition in DERIVATIVES.
REPLACED = """\
- name: quench(Tensor self) -> Tensor
  self: mine_quench(grad)
"""


class Inputs:
    """A folder with files of a backend."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(text, "utf-8")
        return path

    def arguments(
        self, derivatives: Sequence[str], natives: Sequence[str], *more: str
    ) -> list[str]:
        arguments = ["--tags", str(self.write("tags", TAGS))]
        for option, texts in (("derivatives", derivatives), ("native-functions", natives)):
            for i, text in enumerate(texts):
                arguments += [f"--{option}", str(self.write(f"{option[0]}{i}", text))]
        return [*arguments, *more]

    def emit(self, *arguments: str) -> Path:
        out = self.folder / "out"
        assert main(["emit", *arguments, "--out-dir", str(out)]) == 0
        return out

    def judged(
        self, judge: Judge, version: str, derivatives: str, natives: str, keys: Sequence[str] = ()
    ) -> Path:
        files = [self.write(f"judged_{i}", text) for i, text in enumerate((derivatives, natives))]
        return judge(version, files[:1], files[1:], self.write("tags", TAGS), keys)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


@pytest.mark.release
def test_dispatch_keys_are_added_as_backends_add_them(
    inputs: Inputs, judge: Judge, assert_same: AssertSame, each_release: str
) -> None:
    version = each_release.removesuffix(".0")
    own = OWN_DERIVATIVES.partition("- name: matte")[0]
    options = [part for key in KEYS for part in ("--dispatch-key", key)]
    arguments = inputs.arguments(
        [DERIVATIVES, own], [BASE, OWN], "--torch-version", version, *options
    )
    judged = inputs.judged(judge, each_release, DERIVATIVES + own, BASE + OWN, KEYS)
    assert_same(inputs.emit(*arguments), judged)
    assert json.loads((judged / "differentiability.json").read_text("utf-8"))[
        "used_dispatch_keys"
    ] == ["AutogradPrivateUse1", "Default"]


@pytest.mark.release
def test_entries_take_the_place_of_earlier_ones(
    inputs: Inputs, judge: Judge, assert_same: AssertSame, newest: str
) -> None:
    natives = [BASE, f"custom:\n{RENAMED}", OWN.partition("- func: mine_alone")[0]]
    arguments = inputs.arguments(
        [DERIVATIVES, OWN_DERIVATIVES, REPLACED],
        natives,
        *("--override", "--dispatch-key", KEYS[0], "--dispatch-key", KEYS[1]),
    )
    base = BASE.replace("Tensor grad,", "Tensor grad_out,")
    derivatives = DERIVATIVES.replace(
        "- name: quench(Tensor self) -> Tensor\n  self: grad\n", REPLACED
    )
    judged = inputs.judged(judge, newest, derivatives + OWN_DERIVATIVES, base + natives[2], KEYS)
    assert_same(inputs.emit(*arguments), judged)


@pytest.mark.release
def test_keys_of_entries_are_passed_over(
    inputs: Inputs, judge: Judge, assert_same: AssertSame, newest: str
) -> None:
    marked = BASE.replace("  dispatch:", "  exposed: True\n  gen_opapi: {out: [self]}\n  dispatch:")
    more = "- func: mine(Tensor self) -> Tensor\n"
    natives = [marked, f"custom:\n{more}  impl_ns: [op_api]\n  __line__: 3\n"]
    keys = ("--entry-key", "exposed", "--entry-key", "gen_*", "--entry-key", "impl_ns")
    arguments = inputs.arguments([DERIVATIVES], natives, *keys)
    judged = inputs.judged(judge, newest, DERIVATIVES, BASE + more)
    assert_same(inputs.emit(*arguments), judged)


def errors(
    inputs: Inputs, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[str]]:
    status = main(["emit", *arguments, "--out-dir", str(inputs.folder / "out")])
    said = capsys.readouterr().err.replace(f"{inputs.folder}/", "")
    return status, [line for line in said.split("\n") if "error" in line or "help" in line]


def test_without_the_option_messages_name_it(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = errors(inputs, capsys, *inputs.arguments([DERIVATIVES], [BASE, OWN]))
    assert status == 1
    assert said == [
        (
            "n1.yaml:4:5: error[DL222]: `PrivateUse1` is not a dispatch key for "
            "kernels; 5 entries have this"
        ),
        "  help: torchgen has it for backends: add it with --dispatch-key PrivateUse1",
        ("n1.yaml:5:5: error[DL222]: `AutogradPrivateUse1` is not a dispatch key for kernels"),
        "  help: torchgen has it for backends: add it with --dispatch-key AutogradPrivateUse1",
        ("n1.yaml:8:5: error[DL222]: `AutogradPrivateUse1` is not a dispatch key for kernels"),
        "  help: torchgen has it for backends: add it with --dispatch-key AutogradPrivateUse1",
        "derivload: 3 errors; nothing was written",
    ]


def test_a_key_of_many_entries_is_told_once(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    own = "".join(f"- func: mine{i}(Tensor self) -> Tensor\n  exposed: True\n" for i in range(1200))
    own += "- func: last(Tensor self) -> Tensor\n  dispath: {}\n  impl_ns: mine\n"
    status, said = errors(inputs, capsys, *inputs.arguments([DERIVATIVES], [BASE, own]))
    assert status == 1
    assert said == [
        (
            "n1.yaml:2:3: error[DL006]: an entry of native_functions.yaml has no key "
            "`exposed`; 1200 entries have this"
        ),
        "  help: if a backend's own tools read it, pass over it with --entry-key exposed",
        ("n1.yaml:2402:3: error[DL006]: an entry of native_functions.yaml has no key `dispath`"),
        (
            "  help: did you mean `dispatch`? A backend's own key is passed over with --entry-key "
            "dispath"
        ),
        ("n1.yaml:2403:3: error[DL006]: an entry of native_functions.yaml has no key `impl_ns`"),
        (
            "  help: check its spelling, or remove it; if a backend's own tools read it, pass over "
            "it with --entry-key impl_ns"
        ),
        "derivload: 3 errors; nothing was written",
    ]


def test_one_run_names_all_the_options(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    own = OWN.replace("  dispatch:", "  exposed: True\n  dispatch:")
    status, said = errors(inputs, capsys, *inputs.arguments([DERIVATIVES], [BASE, own]))
    assert status == 1
    assert {line.partition("--")[2] for line in said if "help" in line} == {
        "entry-key exposed",
        "dispatch-key PrivateUse1",
        "dispatch-key AutogradPrivateUse1",
    }


def test_without_override_both_places_are_named(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "- func: temper.Scalar(Tensor self, Scalar other) -> Tensor\n  dispatch:\n    CPU: t\n"
    arguments = inputs.arguments([DERIVATIVES, REPLACED], [BASE, RENAMED, other])
    status, said = errors(inputs, capsys, *arguments)
    assert status == 1
    help_ = "  help: give one of them another overload name, or put this in its place with "
    assert said == [
        ("d1.yaml:1:9: error[DL415]: `quench` is defined twice: here and at d0.yaml:4"),
        "  help: remove one of them, or put the later one in its place with --override",
        ("n1.yaml:1:9: error[DL304]: `matte_backward` is declared twice: here and at n0.yaml:5"),
        f"{help_}--override",
        ("n2.yaml:1:9: error[DL304]: `temper.Scalar` is declared twice: here and at n0.yaml:8"),
        f"{help_}--override",
        "derivload: 3 errors; nothing was written",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--override"], "--override is about overlays: name one with --native-functions"),
        (["--dispatch-key", "CUDA"], "lists the dispatch key `CUDA` already"),
        (
            ["--dispatch-key", "PrivateUsel"],
            (
                "torchgen 2.15 has no dispatch key `PrivateUsel`; did you mean `PrivateUse3`, "
                "`PrivateUse2` or `PrivateUse1`?"
            ),
        ),
        (["--entry-key", "func"], "the entry key `func` is torchgen's own"),
        (["--entry-key", ""], "--entry-key NAME is empty"),
    ],
)
def test_an_option_that_can_have_no_effect_is_refused(
    inputs: Inputs, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    arguments = inputs.arguments([DERIVATIVES], [BASE], *options)
    assert main(["emit", *arguments, "--out-dir", str(inputs.folder / "out")]) == 2
    assert said in capsys.readouterr().err


def test_a_dispatch_key_is_one_of_the_release(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = inputs.arguments([DERIVATIVES], [BASE], "--dispatch-key", "ORT")
    assert errors(inputs, capsys, *arguments, "--torch-version", "2.3")[0] == 0
    assert errors(inputs, capsys, *arguments, "--torch-version", "2.4")[0] == 2


def test_results_of_other_options_are_not_taken_from_the_cache(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ("--cache-dir", str(inputs.folder / "cache"))
    whole = inputs.arguments([DERIVATIVES, REPLACED], [BASE, OWN], *cache)
    keys = ("--dispatch-key", KEYS[0], "--dispatch-key", KEYS[1])
    assert errors(inputs, capsys, *whole, *keys, "--override")[0] == 0
    first = (inputs.folder / "out" / "differentiability.json").read_bytes()
    assert b"mine_quench" in first
    assert errors(inputs, capsys, *whole, *keys)[0] == 1
    assert errors(inputs, capsys, *whole, "--override")[0] == 1
    # The same files, one of them as another kind.
    swapped = [arguments for arguments in whole if arguments]
    at = swapped.index(str(inputs.folder / "d1.yaml")) - 1
    swapped[at] = "--native-functions"
    assert errors(inputs, capsys, *swapped, *keys, "--override")[0] == 2
    assert errors(inputs, capsys, *whole, *keys, "--override")[0] == 0
    assert (inputs.folder / "out" / "differentiability.json").read_bytes() == first


def test_a_file_that_is_named_twice_is_no_overlay_of_itself(inputs: Inputs) -> None:
    arguments = inputs.arguments([DERIVATIVES], [BASE])
    before = (inputs.emit(*arguments) / "differentiability.json").read_bytes()
    out = inputs.emit(*arguments, "--derivatives", str(inputs.folder / "d0.yaml"))
    assert (out / "differentiability.json").read_bytes() == before


def test_each_overlay_is_an_input_of_the_build(
    inputs: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    depfile = inputs.folder / "d.d"
    arguments = inputs.arguments(
        [DERIVATIVES, REPLACED],
        [BASE, RENAMED],
        *("--override", "--shards", "2", "--depfile", str(depfile)),
    )
    out = inputs.emit(*arguments)
    for name in ("d0", "d1", "n0", "n1", "tags"):
        assert f"{name}.yaml" in depfile.read_text("utf-8")
    capsys.readouterr()
    inputs.emit(*arguments, "--stats")
    assert "exit      up-to-date" in capsys.readouterr().err
    inputs.write("d1", REPLACED.replace("mine_quench", "their_quench"))
    inputs.emit(*arguments, "--stats")
    said = capsys.readouterr().err
    assert "exit      incremental" in said
    assert "written   2\n" in said  # one shard, and the manifest
    assert b"their_quench" in b"".join(path.read_bytes() for path in out.glob("d*.json"))


def test_what_was_replaced_is_listed(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = inputs.arguments([DERIVATIVES, REPLACED], [BASE, RENAMED], "--override")
    expected = ["quench: d0.yaml:4, by d1.yaml:1", "matte_backward: n0.yaml:5, by n1.yaml:1"]
    out = str(inputs.folder / "out")
    for command in (["emit", "--out-dir", out, "--stats"], ["check", "--verbose"]):
        assert main([*command, *arguments]) == 0
        replaced = [
            line.replace(f"{inputs.folder}/", "").removeprefix("derivload: replaced").strip()
            for line in capsys.readouterr().err.split("\n")
            if line.startswith("derivload: replaced")
        ]
        assert replaced == expected
    assert main(["show", *arguments, "matte_backward"]) == 0
    shown = capsys.readouterr().out.replace(f"{inputs.folder}/", "")
    assert shown.rstrip().endswith("  replaced          matte_backward at n0.yaml:5, by n1.yaml:1")
    assert "none of d0.yaml, d1.yaml has an entry for it" in shown
    assert main(["show", "--color=always", *arguments, "matte_backward"]) == 0
    coloured = with_marks(capsys.readouterr().out).replace(f"{inputs.folder}/", "")
    assert "n0.yaml:5</><2>, by n1.yaml:1</>" in coloured


def test_from_python(inputs: Inputs) -> None:
    inputs.arguments([DERIVATIVES, REPLACED], [BASE, OWN, RENAMED])
    folder = inputs.folder
    loaded = derivload.load(
        [folder / "d0.yaml", folder / "d1.yaml"],
        [folder / f"n{i}.yaml" for i in range(3)],
        dispatch_keys=KEYS,
        entry_keys=["gen_*"],
        override=True,
    )
    formulas = {r.schema: r.dispatch["Default"].derivatives for r in loaded.differentiability}
    assert formulas["quench(Tensor self) -> Tensor"][0].formula == "mine_quench(grad)"
    with pytest.raises(derivload.UsageError, match="`override` is about overlays"):
        derivload.load(folder / "d0.yaml", folder / "n0.yaml", override=True)
