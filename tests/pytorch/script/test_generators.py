"""PyTorch's generators, called by a script of its build, on a PyTorch of two operators.

The script calls each of them twice: as derivload answers, and, into another folder, as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from support.releases import Release
from support.script_runs import Runner, changed, contents, times
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release

SCRIPT: Final = """
import os, sys
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, root)
import tools.autograd.gen_autograd as gen
from torchgen.selective_build.selector import SelectiveBuilder

natives, tags = (f"{root}/aten/src/ATen/native/{n}.yaml" for n in ("native_functions", "tags"))
autograd = f"{root}/tools/autograd"
how = {"disable_autograd": False, "operator_selector": SelectiveBuilder.get_nop_selector()}
calls = []

def count(frame, event, argument):
    if event == "call" and frame.f_code is gen.gen_autograd.original.__code__:
        calls.append(frame)

for out, python, main in (
    ("out", gen.gen_autograd_python, gen.gen_autograd),
    ("own", gen.gen_autograd_python.original, gen.gen_autograd.original),
):
    os.makedirs(out, exist_ok=True)
    python(natives, tags, out, autograd)
    main(natives, tags, out, autograd, **how)
sys.setprofile(count)
gen.gen_autograd(natives, tags, "out", autograd, **how)
gen.gen_autograd(natives, tags, "out", autograd + "/", **how)
sys.setprofile(None)
print(len(calls))

from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.script.generators import autograd_selection, python_selection
some = SelectiveBuilder.from_legacy_op_registration_allow_list({"aten::gild"}, True, True)
assert autograd_selection(how) == Selection("libtorch", disable_autograd=False)
assert autograd_selection({**how, "disable_autograd": True}).disable_autograd is True
for other in ({}, {"operator_selector": some}, {**how, "more": 1}, {"disable_autograd": False}):
    assert autograd_selection(other) is None
assert python_selection({}) == Selection("pybindings")
assert python_selection({"more": 1}) is None
"""


@pytest.fixture
def runner(release: Release, newest: str, tmp_path: Path) -> Runner:
    pytorch = SmallPyTorch(release(newest), tmp_path / "pytorch", is_checkout=True)
    for folder in ("tools", "tools/setup_helpers"):
        (pytorch.root / folder).mkdir(exist_ok=True)
        (pytorch.root / folder / "__init__.py").touch()
    (pytorch.root / "tools" / "setup_helpers" / "generate_code.py").write_text(SCRIPT, "utf-8")
    return Runner(pytorch.root, tmp_path / "cache")


def test_calls_are_answered(runner: Runner) -> None:
    script = "tools/setup_helpers/generate_code.py"
    first = runner.run(script)
    assert (first.status, first.stdout, first.stderr) == (0, "0\n", "")
    made = contents(runner.folder / "out")
    assert len(made) > 40
    assert made == contents(runner.folder / "own")
    derivatives = runner.folder / "tools" / "autograd" / "derivatives.yaml"
    natives = runner.folder / "aten" / "src" / "ATen" / "native" / "native_functions.yaml"
    for path in (derivatives, natives):
        path.write_text(f"# A comment.\n{path.read_text('utf-8')}", "utf-8")
    assert runner.run(script).exit == "stored"
    before = times(runner.folder / "out")
    text = derivatives.read_text("utf-8")
    derivatives.write_text(text.replace("grad * luster", "luster * grad"), "utf-8")
    (runner.folder / "out" / "VariableType.h").write_text("mine\n")
    (runner.folder / "out" / "ViewFuncs.cpp").unlink()
    assert runner.run(script).exit == "ran"
    touched = changed(before, times(runner.folder / "out"))
    assert touched == ["Functions.cpp", "VariableType.h", "ViewFuncs.cpp"]
    assert contents(runner.folder / "out") == contents(runner.folder / "own")
    assert runner.run(script).exit == "up-to-date"


@pytest.mark.thorough
def test_all_that_an_answered_call_depends_on_counts(runner: Runner, thinning: int) -> None:
    name = "tools/setup_helpers/generate_code.py"
    script = runner.folder / name
    head, _, _ = SCRIPT.partition("sys.setprofile")
    own = '    ("own", gen.gen_autograd_python.original, gen.gen_autograd.original),\n'
    assert own in head
    script.write_text(head.replace(own, ""), "utf-8")
    assert (runner.run(name).exit, runner.run(name).exit) == ("ran", "up-to-date")
    autograd = runner.folder / "tools" / "autograd"
    paths = (
        autograd / "deprecated.yaml",
        autograd / "gen_inplace_or_view_type.py",
        autograd / "derivatives.yaml",
        autograd / "templates" / "VariableType.h",
    )
    for path in paths[: 2 if thinning > 1 else None]:
        text = path.read_text("utf-8")
        edited = text.replace("grad * luster", "luster * grad")
        path.write_text(f"{edited}\n" if edited == text else edited, "utf-8")
        assert runner.run(name).exit == "ran", path
    assert runner.run(name).exit == "up-to-date"


LOADS: Final = """
import sys
sys.path.insert(0, ".")
from tools.autograd.load_derivatives import load_derivatives
from torchgen.gen import parse_native_yaml

files = sys.argv[1:]
loaded = parse_native_yaml(*files) if len(files) == 2 else load_derivatives(*files)
print(len(loaded))
"""
NATIVES: Final = [f"aten/src/ATen/native/{name}.yaml" for name in ("native_functions", "tags")]
DERIVATIVES: Final = "tools/autograd/derivatives.yaml"
TAG: Final = "\n- tag: mine\n  desc: Mine.\n"
NATIVE: Final = "\n- func: mine(Tensor self) -> Tensor\n  dispatch:\n    CPU: mine\n"
DEFINITION: Final = "\n- name: mine(Tensor self) -> Tensor\n  self: grad\n"


@pytest.mark.parametrize(
    "files", [[DERIVATIVES, *NATIVES], pytest.param(NATIVES, marks=pytest.mark.thorough)]
)
def test_what_is_loaded_counts_by_its_value(files: list[str], runner: Runner) -> None:
    (runner.folder / "load.py").write_text(LOADS, "utf-8")
    command = ("load.py", *files)
    assert (runner.run(*command).exit, runner.run(*command).exit) == ("ran", "up-to-date")
    for name in files:
        path = runner.folder / name
        path.write_text(f"# A comment.\n{path.read_text('utf-8')}", "utf-8")
    assert runner.run(*command).exit == "stored"
    for name, more in zip(reversed(files), (TAG, NATIVE, DEFINITION), strict=False):
        path = runner.folder / name
        path.write_text(path.read_text("utf-8") + more, "utf-8")
        assert runner.run(*command).exit == "ran"
