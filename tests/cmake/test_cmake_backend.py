"""The example that is a backend: what is generated for it compiles, and its derivatives are right.

A plain run compiles against the stand-in for PyTorch's headers. With --long there is a real torch,
and an extension that it loads.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from support.cmake_builds import environment, launcher, pytest_generate_tests, tools
from support.cmake_project import (
    GENERATORS,
    NINJA_FIRST,
    Built,
    CMakeProject,
    Tools,
    assert_nothing_runs,
)
from support.paths import ROOT
from support.project import replace_in
from support.real_torch import real_torch

__all__ = ["environment", "launcher", "pytest_generate_tests", "tools"]  # fixtures and a hook

EXAMPLES = ROOT / "examples"
OPERATORS = [
    *("burnish", "quench_", "window", "window_copy", "_foreach_burnish", "alloy"),
    "_prelu_kernel",
]
FORMULA = ("self: grad * burnish_slope(self, grit)", "self: 2 * grad * burnish_slope(self, grit)")


@pytest.fixture
def backend(
    generator: str, tools: Tools, tmp_path: Path, environment: dict[str, str], launcher: Path
) -> CMakeProject:
    """A copy of the example, and of the generator that it shares."""
    ignored = shutil.ignore_patterns("pytorch", "build*", "__pycache__", "bazel-*")
    for name in ("backend", "generator"):
        shutil.copytree(EXAMPLES / name, tmp_path / "examples" / name, ignore=ignored)
    folders = (tmp_path / "examples" / "backend", tmp_path / "build")
    return CMakeProject(tools, generator, folders, environment, launcher)


def configure(project: CMakeProject, pytorch: Path) -> None:
    (project.source / "pytorch").symlink_to(pytorch)
    done = project.configure(f"-DPython3_EXECUTABLE={sys.executable}")
    assert done.status == 0, done.output


def build(project: CMakeProject) -> Built:
    done = project.build("-j2")
    assert done.status == 0, done.output
    return done


def generated(project: CMakeProject) -> str:
    return (project.build_dir / "autograd.cpp").read_text("utf-8")


@pytest.mark.thorough
@pytest.mark.release
@pytest.mark.parametrize("generator", NINJA_FIRST[:2])
def test_without_torch_it_compiles_against_the_stand_in(
    backend: CMakeProject, release: Callable[[str], Path], newest: str
) -> None:
    configure(backend, release(newest))
    first = build(backend)
    assert (first.loads, first.compiled) == (1, ["autograd.cpp.o"])
    assert "inputs[0] = grad * burnish_slope(self, grit);" in generated(backend)
    assert_each_operator_is_registered(backend)
    assert_nothing_runs(backend)

    replace_in(backend.source / "derivatives.yaml", *FORMULA)
    again = build(backend)
    assert (again.loads, again.generated, again.compiled) == (
        *(1, ["autograd.cpp"]),
        ["autograd.cpp.o"],
    )
    assert "inputs[0] = 2 * grad * burnish_slope(self, grit);" in generated(backend)


@pytest.mark.release
@pytest.mark.thorough
@pytest.mark.parametrize("generator", GENERATORS[:1])
@pytest.mark.parametrize("version", ["2.1.0", "2.8.0"])
def test_older_release_compiles(
    backend: CMakeProject, version: str, release: Callable[[str], Path]
) -> None:
    configure(backend, release(version))
    assert build(backend).compiled == ["autograd.cpp.o"]


def assert_each_operator_is_registered(backend: CMakeProject) -> None:
    entries = yaml.safe_load((backend.source / "native_functions.yaml").read_text("utf-8"))
    assert [name_of(entry) for entry in entries] == OPERATORS
    text = generated(backend)
    for entry in entries:
        name = name_of(entry)
        assert f'library.impl("{name}", &kernels::{entry["dispatch"]["PrivateUse1"]});' in text
        assert f'library.impl("{name}", &{name}_autograd);' in text
        is_custom = entry["func"].startswith("anvil::")
        assert (f'library.def("{entry["func"].removeprefix("anvil::")}");' in text) == is_custom


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("f(Stream s) -> Tensor", "this generator knows no type 'Stream'"),
        ("f(Tensor self) -> Tensor", "the documents do not have it"),
        ("f.out(Tensor self) -> Tensor", "this is no schema without an overload"),
    ],
)
def test_what_the_generator_cannot_do_is_told(schema: str, message: str, tmp_path: Path) -> None:
    for name in ("functions.json", "differentiability.json"):
        (tmp_path / name).write_text('{"functions": [], "generated": []}', "utf-8")
    (tmp_path / "native_functions.yaml").write_text(f"- func: {schema}\n", "utf-8")
    script = EXAMPLES / "backend" / "codegen" / "generate_autograd.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, tmp_path / "native_functions.yaml", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, f"{schema}: {message}\n")


@pytest.mark.release
@pytest.mark.parametrize("generator", GENERATORS[:1])
def test_with_torch_its_derivatives_are_right(
    backend: CMakeProject, release_cache: Path, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("a real torch is built against with --long")
    python = real_torch(release_cache)
    (site,) = python.parent.parent.glob("[Ll]ib/**/site-packages")
    configure(backend, site)
    assert build(backend).compiled == ["autograd.cpp.o", "device.cpp.o", "kernels.cpp.o"]
    done = check_gradients(backend, python)
    checked = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert (done.returncode, checked) == (0, {*OPERATORS, "quench_ in a window"}), done.stderr

    # An operator of the backend's own, and one whose entry took the place of PyTorch's.
    for mistake in (FORMULA, ("prelu_backward(grad, self", "prelu_backward(2 * grad, self")):
        replace_in(backend.source / "derivatives.yaml", *mistake)
    assert build(backend).compiled == ["autograd.cpp.o"]
    for name in ("burnish", "_foreach_burnish", "_prelu_kernel"):
        done = check_gradients(backend, python, name)
        assert (done.returncode, done.stdout) == (1, ""), name
        assert "GradcheckError: Jacobian mismatch" in done.stderr
    assert check_gradients(backend, python, "alloy").returncode == 0


def check_gradients(
    project: CMakeProject, python: Path, *names: str
) -> subprocess.CompletedProcess[str]:
    (library,) = project.build_dir.glob("libanvil.*")
    command = [str(python), str(project.source / "check_gradients.py"), str(library), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def name_of(entry: dict[str, str]) -> str:
    return entry["func"].partition("(")[0].removeprefix("anvil::")
