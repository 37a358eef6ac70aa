"""`derivwatch --codegen`: PyTorch's generated files, kept up to date from save to save."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.watch.decisions import DELAYS
from support.codegen_project import ABS, CodegenProject
from support.copied import copy_modules
from support.derivwatch import Watch
from support.few_operators import make_small
from support.pytorch_entries import PyTorch
from support.releases import Release

pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def small(release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small(release(newest), tmp_path_factory.mktemp("small") / "pytorch").root


@pytest.fixture
def project(small: Path, tmp_path: Path) -> CodegenProject:
    copy_modules(small, tmp_path / "pytorch")
    return CodegenProject(PyTorch(tmp_path / "pytorch"), tmp_path)


@pytest.fixture
def watch(project: CodegenProject) -> Iterator[Watch]:
    options = ["--codegen", "--pytorch", str(project.pytorch.root)]
    watch = Watch([*options, "--cache-dir", str(project.cache)], project.out)
    try:
        yield watch
    finally:
        watch.close()


def test_save_writes_what_it_changed(project: CodegenProject, watch: Watch) -> None:
    started = watch.expect("started")
    assert len(started["written"]) == 54
    project.assert_same()
    project.replace(project.pytorch.derivatives, *ABS)
    saved = watch.expect("reloaded")
    assert saved["written"] == ["Functions.cpp"]
    assert next(f["name"] for f in saved["difference"]["changed"]) == "abs"
    project.assert_same()
    project.replace(project.pytorch.deprecated, "- name: add(", "# A comment.\n- name: add(")
    assert watch.expect("reloaded")["written"] == []


@pytest.mark.thorough
def test_generators_and_templates_are_inputs(project: CodegenProject, watch: Watch) -> None:
    watch.expect("started")
    template = project.pytorch.autograd / "templates" / "ViewFuncs.h"
    project.replace(template, "#pragma once", "#pragma once\n// edited")
    assert watch.expect("reloaded")["written"] == ["ViewFuncs.h"]
    source = project.pytorch.autograd / "gen_trace_type.py"
    project.replace(source, 'class_type="TraceType"', 'class_type="Traced"')
    assert "TraceTypeEverything.cpp" in watch.expect("reloaded")["written"]
    project.replace(project.pytorch.derivatives, *ABS)
    assert watch.expect("reloaded")["written"] == ["Functions.cpp"]
    project.assert_same()


@pytest.mark.thorough
def test_next_start_begins_where_the_last_ended(project: CodegenProject, watch: Watch) -> None:
    watch.expect("started")
    project.replace(project.pytorch.derivatives, *ABS)
    watch.expect("reloaded")
    watch.rest()
    watch.end()
    assert project.run()["exit"] == "stored"


@pytest.mark.thorough
def test_exception_in_a_generator_is_shown(project: CodegenProject) -> None:
    source = project.pytorch.autograd / "gen_trace_type.py"
    text = source.read_text("utf-8")
    source.write_text(
        text.replace(
            "def gen_trace_type_func(",
            "def gen_trace_type_func(fn):\n    raise ValueError('no')\n\n\ndef unused(",
        )
    )
    command = [sys.executable, "-m", "derivload", "watch", "--once", "--codegen", "--json"]
    command += ["--pytorch", str(project.pytorch.root), "--out-dir", str(project.out)]
    done = subprocess.run(
        [*command, "--no-cache"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert '"event":"error"' in done.stdout
    assert "a generator of PyTorch failed: ValueError: no" in done.stdout
    assert done.stderr.endswith("ValueError: no\n  in ") or "ValueError: no" in done.stderr
    assert not [path for path in project.out.rglob("*") if path.suffix in (".cpp", ".h")]


@pytest.mark.thorough
def test_file_that_selects_is_away_for_a_while(project: CodegenProject) -> None:
    """As editors have it that move the old file away first."""
    selected = project.out.parent / "operators.yaml"
    selected.write_text("- aten::add.Tensor\n- aten::mul.Tensor\n", "utf-8")
    options = ["--codegen", "--pytorch", str(project.pytorch.root), "--subset", "libtorch"]
    options += ["--selected-op-list-path", str(selected), "--no-cache"]
    watch = Watch(options, project.out)
    try:
        watch.expect("started")
        aside = selected.rename(selected.with_name("operators.yaml~"))
        text = "- aten::add.Tensor\n"
        selected.write_text(text, "utf-8")
        # On a busy machine, it may have been away for so long that this was said.
        assert watch.until(lambda event: event["event"] == "reloaded")["written"]
        selected.unlink()
        error = watch.expect("error")
        assert error["message"].startswith(f"{selected}: ")
        assert error["message"].endswith("nothing was written")
        aside.rename(selected)
        event = watch.expect("reloaded")
        assert event["mended"]
        assert event["written"]
    finally:
        watch.close()


@pytest.mark.thorough
def test_what_the_generators_are_made_of_is_away_for_a_while(
    project: CodegenProject, watch: Watch
) -> None:
    watch.expect("started")
    autograd = project.pytorch.autograd
    for path in (autograd / "templates", project.pytorch.deprecated, autograd / "gen_autograd.py"):
        aside = path.rename(project.out.parent / "aside")
        assert watch.expect("error")["message"].endswith("nothing was written")
        aside.rename(path)
        assert watch.expect("reloaded")["mended"]
    # A link to nowhere, and one to itself.
    for target in ("nowhere", "template.h"):
        link = autograd / "templates" / "template.h"
        link.symlink_to(target)
        watch.rest()
        link.unlink()
        watch.rest()
    project.replace(project.pytorch.derivatives, *ABS)
    assert watch.until(lambda event: bool(event.get("written")))["written"] == ["Functions.cpp"]
    project.assert_same()


@pytest.mark.thorough
def test_generator_that_is_saved_in_pieces(project: CodegenProject, watch: Watch) -> None:
    """Nothing is said of the half of it that Python cannot read."""
    watch.expect("started")
    source = project.pytorch.autograd / "gen_trace_type.py"
    text = source.read_text("utf-8").replace('class_type="TraceType"', 'class_type="Traced"')
    began = time.monotonic()
    with source.open("w", encoding="utf-8") as file:
        file.write(text[: text.index("def gen_trace_type_func(") + 10])
        file.flush()
        with source.open("a", encoding="utf-8"):
            pass
        time.sleep(0.05)
        file.write(text[text.index("def gen_trace_type_func(") + 10 :])
        took = time.monotonic() - began
    event = watch.until(lambda event: event["event"] == "reloaded")
    assert "TraceTypeEverything.cpp" in event["written"]
    # On a busy machine, half of it may have been all that there was for long.
    assert len(watch.events) == 2 or took > DELAYS.cut / 2


def test_file_that_selects_and_is_not_there_at_the_start_is_told(
    release: Release, newest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, none = str(release(newest)), str(tmp_path / "none.yaml")
    options = ["--codegen", "--pytorch", tree, "--out-dir", str(tmp_path / "out")]
    assert main(["watch", "--once", *options, "--selected-op-list-path", none]) == 3
    assert capsys.readouterr() == ("", f"derivload: error: {none}: No such file or directory\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--codegen"], "--pytorch is missing: the generators are PyTorch's own"),
        (["--codegen", "--pytorch", ".", "--shards", "2"], "--shards is only for documents"),
        (["--subset", "libtorch"], "--subset has no effect without --codegen"),
    ],
)
def test_wrong_usage_says_what_to_write(options: list[str], sentence: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derivload", "watch", "--out-dir", "out", *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
