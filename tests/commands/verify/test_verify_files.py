"""`derivload verify --codegen`: derivload's generated files against the tree's own generators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.verify.files import differing_files
from derivload.pytorch.codegen.plain import contents_of
from support.paths import REFERENCE
from support.releases import Release
from support.small_pytorch import OVERLAY, SmallPyTorch

pytestmark = pytest.mark.release


@pytest.fixture
def small(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    return SmallPyTorch(release(newest), tmp_path / "pytorch")


def verify(small: SmallPyTorch, *more: object) -> int:
    return main(["verify", "--codegen", "--pytorch", str(small.root), *map(str, more)])


def files(both: Path, side: str) -> dict[str, bytes]:
    return contents_of(str(both / side / "files"))


def run_generators(small: SmallPyTorch, out: Path) -> dict[str, bytes]:
    """What the generators write where derivload has no part in it."""
    script = REFERENCE / "run_generators.py"
    subprocess.run([sys.executable, str(script), str(small.root), str(out)], check=True)
    return contents_of(str(out))


@pytest.mark.parametrize("is_checkout", [False, True])
def test_equal_files_are_counted(
    release: Release,
    newest: str,
    is_checkout: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = SmallPyTorch(release(newest), tmp_path / "pytorch", is_checkout=is_checkout)
    assert verify(small, "--keep", tmp_path / "both") == 0
    out, err = capsys.readouterr()
    made = files(tmp_path / "both", "derivload")
    assert f" definitions and {len(made)} files equal those of the tree's own torchgen (" in out
    assert err == ""
    assert files(tmp_path / "both", "torchgen") == made == run_generators(small, tmp_path / "out")


def test_overlays_and_derivatives_of_ones_own_are_generated_by_both(
    small: SmallPyTorch, tmp_path: Path
) -> None:
    overlay, own = tmp_path / "overlay.yaml", tmp_path / "own.yaml"
    overlay.write_text(OVERLAY, "utf-8")
    derivatives = small.derivatives.read_text("utf-8")
    own.write_text(derivatives.replace("grad * self", "grad * self * 2"), "utf-8")
    more = ("--native-functions", overlay, "--derivatives", own, "--keep", tmp_path / "both")
    assert verify(small, *more) == 0
    made = files(tmp_path / "both", "torchgen")
    assert b"grad * self * 2" in made["Functions.cpp"]
    assert b"quench" in made["python_torch_functionsEverything.cpp"]


# A formula comes out differently in a process that is none of this test run, nor a fork of one.
# What comes of an item depends on how many came before it.
DEPENDENT = """
import sys
_process, _count = process_function, iter(range(1000))

def process_function(info, template):
    text = f"{_process(info, template)}// {next(_count)}\\n"
    return text if "pytest" in sys.modules else text.replace("grad * luster", "luster * grad")
"""


def test_differences_are_told_by_file_line_and_operator(
    small: SmallPyTorch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = small.autograd / "gen_autograd_functions.py"
    module.write_text(module.read_text("utf-8") + DEPENDENT, "utf-8")
    assert verify(small, "--keep", tmp_path / "both") == 1
    out, err = capsys.readouterr()
    lines = files(tmp_path / "both", "derivload")["Functions.cpp"].decode().split("\n")
    number = next(i for i, line in enumerate(lines, 1) if "grad * luster" in line)
    own = lines[number - 1]
    theirs = own.replace("grad * luster", "luster * grad")
    shown = f"derivload has `{own}`, torchgen has `{theirs}`"
    assert out == f"Functions.cpp:{number}: GildBackward0: {shown}\n"
    note, last = err.splitlines()
    why = "upstream's generators ran in their own way, for everything: "
    assert note.startswith(f"derivload: note: {why}")
    assert last == "derivload: derivload's files are not those of the tree's own torchgen"


def test_what_a_generator_raises_is_shown(
    small: SmallPyTorch, capsys: pytest.CaptureFixture[str]
) -> None:
    small.break_a_generator()
    assert verify(small) == 1
    first, *_, error, last = capsys.readouterr().err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error == "ZeroDivisionError: division by zero"
    assert last == "derivload: a generator of PyTorch failed; nothing was compared"


ABS = b"""
at::Tensor abs(c10::DispatchKeySet ks, const at::Tensor & self) {
  auto result = 1;
  return result;
}
"""
CASES = {
    "a file too many": ({"a.h": b"", "b.h": b""}, {"a.h": b""}, ["b.h: only derivload has this"]),
    "a file too few": ({}, {"a.h": b""}, ["a.h: only torchgen has this"]),
    "a line of a function": (
        {"a.cpp": ABS},
        {"a.cpp": ABS.replace(b"= 1", b"= 2")},
        ["a.cpp:3: abs: derivload has `  auto result = 1;`, torchgen has `  auto result = 2;`"],
    ),
    "a line too few": (
        {"a.cpp": b"// aten::abs.out(Tensor self)"},
        {"a.cpp": b"// aten::abs.out(Tensor self)\nx"},
        ["a.cpp:2: abs.out: derivload has nothing, torchgen has `x`"],
    ),
    "a line between functions": (
        {"a.cpp": ABS + b"x\n"},
        {"a.cpp": ABS + b"y\n"},
        ["a.cpp:6: derivload has `x`, torchgen has `y`"],
    ),
    "an end of a function": (
        {"a.cpp": ABS},
        {"a.cpp": ABS.replace(b"}", b"};")},
        ["a.cpp:5: abs: derivload has `}`, torchgen has `};`"],
    ),
    "an operator that one side names": (
        {"a": b"// aten::abs(x)\n", "b": b"x\n"},
        {"a": b"x\n", "b": b"// abs\n"},
        [
            "a:1: abs: derivload has `// aten::abs(x)`, torchgen has `x`",
            "b:1: abs: derivload has `x`, torchgen has `// abs`",
        ],
    ),
    "bytes that are no text": (
        {"a": b"\xff"},
        {"a": b"x"},
        ["a:1: derivload has `\N{REPLACEMENT CHARACTER}`, torchgen has `x`"],
    ),
    "an end of a line": (
        {"a.cpp": b"x\n"},
        {"a.cpp": b"x\r\n"},
        ["a.cpp: only the ends of lines differ"],
    ),
    "nothing": ({"a.cpp": ABS}, {"a.cpp": ABS}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_differing_line_of_each_file_is_told(case: str) -> None:
    own, theirs, told = CASES[case]
    assert differing_files(own, theirs) == told


@pytest.mark.parametrize(
    ("above", "operator"),
    [
        ("// aten::abs.out(Tensor self)", "abs.out"),
        ('  op("aten::abs");', "abs"),
        ("static PyObject * THPVariable_abs(", "abs"),
        ("THPVariable_Wrap(x) THPVariable_Unpack(x) THPVariable_Check(x)", ""),
        ('m.impl("abs.out",', "abs.out"),
        ("struct AbsBackward0 : public Node", "AbsBackward0"),
        ("THPAbsBackward0_self_getter", "AbsBackward0"),
        ("// abs", "abs"),
        ("// abs is", ""),
        ("    torch.nn.functional.abs: [", "abs"),
        ("at::Tensor abs(const at::Tensor & self) {", "abs"),
        ("  at::Tensor abs(const at::Tensor & self) {", ""),
        ("/ abs(x) {", ""),
    ],
)
def test_a_line_is_of_the_operator_that_is_named_above_it(above: str, operator: str) -> None:
    own, theirs = ({"a": f"{above}\n  {number}\n".encode()} for number in (1, 2))
    named = f"{operator}: " if operator else ""
    assert differing_files(own, theirs) == [f"a:2: {named}derivload has `  1`, torchgen has `  2`"]
    ended = {"a": f"{above}\n}}\n  1\n".encode()}
    assert differing_files(ended, {"a": b"x"})[0].startswith("a:1: ")
    (told,) = differing_files(ended, {"a": f"{above}\n}}\n  2\n".encode()})
    assert told == "a:3: derivload has `  1`, torchgen has `  2`"
