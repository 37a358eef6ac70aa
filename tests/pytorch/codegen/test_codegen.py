"""`derivload codegen` against the generators of PyTorch's releases, file by file, byte by byte.

Most of it on a PyTorch with few operators (few_operators.py), that of the newest release; the
releases themselves are tested whole, too.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from derivload.pytorch.codegen.known import KNOWN
from derivload.pytorch.codegen.upstream import Sources, locate
from support.child import child_environment
from support.codegen_edits import EDITS, PROBE, PROBE_DERIVATIVE
from support.codegen_files import done, generated, project, small_release, tiny
from support.codegen_project import ABS, CodegenProject, assert_same, contents
from support.few_operators import make_small
from support.pytorch_entries import PyTorch, insert
from support.releases import Release

__all__ = ["done", "generated", "project", "small_release", "tiny"]  # fixtures


pytestmark = pytest.mark.release


REFUSED = "refused by upstream, and taken back"


SHORT = 8  # edits to a release in a run that is not long


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in contents(folder)}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return sorted(name for name in before.keys() | after if before.get(name) != after.get(name))


# The releases


def test_releases_are_known(each_release: str, release: Release) -> None:
    natives = release(each_release) / "torchgen/packaged/ATen/native/native_functions.yaml"
    assert KNOWN[Sources(locate(str(natives))).of_packages] == each_release.removesuffix(".0")


@pytest.mark.thorough
def test_release_equals_upstream_after_every_edit(
    each_release: str, release: Release, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = tmp_path / "pytorch"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(release(each_release) / "torchgen", root / "torchgen", ignore=ignored)
    shutil.copy(release(each_release) / "version.txt", root)
    project = CodegenProject(PyTorch(root), tmp_path)
    is_long = request.config.getoption("--long")
    assert project.run()["exit"] == "cold"
    if is_long:
        project.assert_same()
    assert project.run()["exit"] == "up-to-date"
    seed = os.environ.get("DERIVLOAD_TEST_SEED", "1")
    random_ = random.Random(f"{each_release} {seed}")
    print(f"{each_release}: DERIVLOAD_TEST_SEED={seed}")
    refused = 0
    for number, edit in enumerate(EDITS if is_long else EDITS[:SHORT]):
        before, times_before = contents(project.out), times(project.out)
        what, stats = project.edit(edit, random_)
        refused += stats is None
        print(f"{each_release} {number}: {what}: {stats or REFUSED}", flush=True)
        made, times_made = contents(project.out), times(project.out)
        touched = [name for name in made if times_made[name] != times_before.get(name)]
        assert sorted(touched) == changed(before, made)
        if is_long:
            assert_same(made, project.upstream())
    project.assert_same()
    assert refused <= len(EDITS) - 40


IMPORTS = """
import sys
from derivload.pytorch.codegen.upstream import Modules, locate
Modules(locate(sys.argv[1]))
for name, module in sorted(sys.modules.items()):
    if "site-packages" in (getattr(module, "__file__", None) or ""):
        print(name)
"""


def test_what_torchgen_imports_is_installed_with_derivload(
    each_release: str, release: Release
) -> None:
    natives = release(each_release) / "torchgen/packaged/ATen/native/native_functions.yaml"
    command = [sys.executable, "-c", IMPORTS, str(natives)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    required = [r for r in metadata.requires("derivload") or () if "extra ==" not in r]
    installed = {re.split(r"[<>=;]", r)[0].replace("-", "_") for r in required} | {"yaml"}
    assert "yaml" in imported
    assert {name for name in imported if not name.startswith("_")} <= installed


# What is generated again


def test_small_pytorch_equals_upstream(done: CodegenProject) -> None:
    done.assert_same()
    assert done.run()["exit"] == "up-to-date"


@pytest.mark.thorough
def test_small_pytorch_equals_upstream_after_every_edit(
    each_release: str, release: Release, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = CodegenProject(make_small(release(each_release), tmp_path / "pytorch"), tmp_path)
    project.run()
    project.assert_same()
    seed = os.environ.get("DERIVLOAD_TEST_SEED", "1")
    random_ = random.Random(f"{each_release} {seed}")
    is_long = request.config.getoption("--long")
    for number, edit in enumerate(EDITS if is_long else EDITS[:SHORT]):
        what, stats = project.edit(edit, random_)
        print(f"{each_release} {number}, DERIVLOAD_TEST_SEED={seed}: {what}: {stats or REFUSED}")
        project.assert_same()


def test_formula_is_generated_for_its_family_alone(done: CodegenProject) -> None:
    before, times_before = contents(done.out), times(done.out)
    done.replace(done.pytorch.derivatives, *ABS)
    stats = done.run()
    assert stats["exit"] == "incremental"
    # abs, abs_, abs.out, and the three of _foreach_abs.
    assert dict(stats["counts"])["functions"] == 6  # type: ignore[call-overload]
    after, times_after = contents(done.out), times(done.out)
    assert changed(before, after) == ["Functions.cpp"]
    assert [name for name in after if times_after[name] != times_before[name]] == ["Functions.cpp"]


def test_comment_runs_no_generator(done: CodegenProject) -> None:
    times_before = times(done.out)
    done.replace(done.pytorch.derivatives, "- name: abs", "# hello\n- name: abs")
    assert done.run()["exit"] == "stored"
    assert times(done.out) == times_before


@pytest.mark.thorough
def test_comment_inside_an_entry_runs_no_generator(done: CodegenProject) -> None:
    natives = done.pytorch.natives
    done.replace(natives, "- func: abs(Tensor self) -> Tensor\n", PROBE.split("\n")[0] + "\n")
    done.replace(
        natives,
        PROBE.split("\n")[0] + "\n",
        "- func: abs(Tensor self) -> Tensor\n  # hello\n",
    )
    assert done.run()["exit"] == "stored"


@pytest.mark.thorough
def test_going_back_gives_the_files_back(done: CodegenProject) -> None:
    before = contents(done.out)
    done.replace(done.pytorch.derivatives, *ABS)
    done.run()
    done.replace(done.pytorch.derivatives, *reversed(ABS))
    done.run()
    assert contents(done.out) == before


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["Functions.cpp", "templates/VariableType.cpp"])
def test_output_that_is_gone_or_edited_comes_back(done: CodegenProject, name: str) -> None:
    before = contents(done.out)
    (done.out / name).unlink()
    done.run()
    assert contents(done.out) == before
    (done.out / name).write_bytes(b"edited")
    done.run()
    assert contents(done.out) == before


WITHOUT_UPSTREAMS_WAY = """
from derivload.pytorch.codegen import generators
generators.run_plain = None
from derivload.cli import main
raise SystemExit(main())
"""


def test_output_that_is_gone_is_rendered_by_a_python_without_assertions(
    tiny: CodegenProject,
) -> None:
    command = [sys.executable, "-O", "-c", WITHOUT_UPSTREAMS_WAY, *tiny.command()[3:]]
    for _ in range(2):
        subprocess.run(command, check=True, env=child_environment())
        before = contents(tiny.out)
        (tiny.out / "Functions.cpp").unlink()
    assert "Functions.cpp" in before


@pytest.mark.thorough
def test_output_that_is_not_made_any_more_goes(done: CodegenProject) -> None:
    (done.out / "mine.cpp").write_text("// mine\n")
    trace = done.pytorch.autograd / "gen_trace_type.py"
    done.replace(trace, "num_shards=10", "num_shards=2")
    done.run()
    assert not (done.out / "TraceType_5.cpp").exists()
    (done.out / "mine.cpp").unlink()
    done.assert_same()


@pytest.mark.thorough
def test_edit_in_the_second_of_the_last_one_is_seen(project: CodegenProject) -> None:
    """Python takes what it compiled of the first for that of the second: of one size and second."""
    trace = project.pytorch.autograd / "gen_trace_type.py"
    now = time.time()
    environment = child_environment(PYTHONDONTWRITEBYTECODE="")
    for old, new in (("num_shards=10", "num_shards=20"), ("num_shards=20", "num_shards=30")):
        project.replace(trace, old, new)
        os.utime(trace, (now, now))
        subprocess.run(project.command("--quiet"), env=environment, check=True)
    assert (trace.parent / "__pycache__").exists()
    assert (project.out / "TraceType_29.cpp").exists()


def test_overlay_is_generated_too(done: CodegenProject) -> None:
    overlay = done.folder / "mine.yaml"
    overlay.write_text("custom:\n" + "".join(f"  {line}\n" for line in PROBE.splitlines() if line))
    insert(done.pytorch.derivatives, random.Random(1), PROBE_DERIVATIVE)
    done.run("--native-functions", str(overlay))
    natives = done.pytorch.natives
    natives.write_text(f"{natives.read_text('utf-8').rstrip()}\n\n{PROBE}", "utf-8")
    done.assert_same()


@pytest.mark.thorough
def test_derivatives_of_ones_own_take_the_place_of_pytorchs(done: CodegenProject) -> None:
    own = done.folder / "own.yaml"
    shutil.copy(done.pytorch.derivatives, own)
    done.replace(own, *ABS)
    done.run("--derivatives", str(own))
    shutil.copy(own, done.pytorch.derivatives)
    done.assert_same()


@pytest.mark.thorough
def test_checkout_is_generated_from(project: CodegenProject) -> None:
    """PyTorch's own layout, by which the generators call their templates otherwise."""
    root = project.pytorch.root
    packaged = root / "torchgen" / "packaged"
    (root / "tools").mkdir()
    (root / "tools" / "__init__.py").touch()
    shutil.move(packaged / "autograd", root / "tools" / "autograd")
    (root / "aten" / "src" / "ATen").mkdir(parents=True)
    shutil.move(packaged / "ATen" / "native", root / "aten" / "src" / "ATen" / "native")
    shutil.rmtree(packaged)
    assert project.run()["exit"] == "cold"
    project.assert_same()
    project.replace(root / "tools" / "autograd" / "derivatives.yaml", *ABS)
    assert project.run()["exit"] == "incremental"
    project.assert_same()
