"""An edit to a template: only the files that are made of it are made again, and as upstream does.

Unless the generators look at it: then it counts like source.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from derivload.identity import PACKAGE
from support.codegen_files import tiny, tiny_done
from support.codegen_project import ABS, CodegenProject, assert_same, contents
from support.few_operators import make_small
from support.project import replace_in
from support.pytorch_entries import PyTorch
from support.releases import Release

__all__ = ["tiny", "tiny_done"]  # fixtures

pytestmark = pytest.mark.release

FORMULA = "../derivatives.yaml"
DECLARED, DEFINED = "${autograd_function_declarations}", "${autograd_function_definitions}"
# By what is edited: what is replaced in which templates, and whether everything is generated again.
EDITS: dict[str, tuple[Sequence[tuple[str, str, str]], str]] = {
    "a line more": ([("Functions.h", "#pragma once", "#pragma once\n// more")], "incremental"),
    "one that makes a template": (
        [("VariableType.cpp", "#include", "// more\n#include")],
        "incremental",
    ),
    "two of them": (
        [
            ("python_functions.h", "#pragma once", "#pragma once\n// more"),
            ("annotated_fn_args.py.in", '"""', '"""\nMore.\n'),
        ],
        "incremental",
    ),
    "one, and a formula": (
        [("Functions.cpp", "#include", "// more\n#include"), (FORMULA, *ABS)],
        "incremental",
    ),
    "a placeholder that is indented": (
        [("Functions.cpp", DEFINED, f"   {DEFINED}")],
        "incremental",
    ),
    "a placeholder that is used twice": (
        [("Functions.h", DECLARED, f"{DECLARED}\n// {DECLARED}\n")],
        "incremental",
    ),
    "a placeholder that no item has a piece for": (
        [("Functions.h", "${generated_comment}", "none")],
        "incremental",
    ),
    "a placeholder less": ([("Functions.h", DECLARED, "nothing here")], "cold"),
    "a formula after that": ([(FORMULA, ABS[1], ABS[0])], "incremental"),
    "a line less after that": ([("Functions.cpp", "// more\n", "")], "incremental"),
    "a placeholder of the other file": ([("Functions.h", "nothing here", DEFINED)], "cold"),
    "the other way round": ([("Functions.cpp", DEFINED, DECLARED)], "cold"),
    "a comma before a placeholder": (
        [("TraceType.cpp", "${trace_method_definitions}", "x(${,trace_method_definitions})")],
        "incremental",
    ),
}


def edit(pytorch: PyTorch, edits: Sequence[tuple[str, str, str]]) -> None:
    for name, old, new in edits:
        path = pytorch.autograd / "templates" / name
        text = path.read_text("utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), "utf-8")


def run(project: CodegenProject, *options: str) -> tuple[str, int]:
    """The exit, and for how many functions the generators ran."""
    stats = project.run(*options)
    return str(stats["exit"]), dict(stats["counts"]).get("functions", 0)  # type: ignore[call-overload]


def check_edits(project: CodegenProject) -> None:
    for what, (edits, exit_) in EDITS.items():
        before = {path: path.stat().st_mtime_ns for path in project.out.rglob("*.*")}
        held = contents(project.out)
        edit(project.pytorch, edits)
        found, functions = run(project)
        assert found == exit_, what
        has_formula = any(name == FORMULA for name, _, _ in edits)
        assert (functions > 0) == (has_formula or exit_ == "cold"), what
        made = contents(project.out)
        assert_same(made, project.upstream())
        assert made != held, what
        for name, data in made.items():
            is_touched = before[project.out / name] != (project.out / name).stat().st_mtime_ns
            assert is_touched == (data != held[name]), (what, name)
    assert run(project)[0] == "up-to-date"


@pytest.mark.thorough
def test_files_are_upstreams_after_each_edit(tiny_done: CodegenProject) -> None:
    check_edits(tiny_done)


@pytest.mark.thorough
def test_files_are_upstreams_after_each_edit_on_every_release(
    outer_release: str, release: Release, tmp_path: Path
) -> None:
    project = CodegenProject(make_small(release(outer_release), tmp_path / "pytorch"), tmp_path)
    project.run()
    check_edits(project)


def test_a_placeholder_for_nothing_is_told_as_in_a_run_for_everything(
    tiny_done: CodegenProject,
) -> None:
    before = contents(tiny_done.out)
    edit(tiny_done.pytorch, [("TraceType.cpp", "namespace", "${none} namespace")])
    said = tiny_done.try_run()
    assert said.returncode == 1
    assert "KeyError: 'none'" in said.stderr
    assert said.stderr.count("Traceback") == 1
    assert PACKAGE not in said.stderr  # all frames are upstream's
    assert said.stderr == tiny_done.try_run("--no-cache").stderr
    assert contents(tiny_done.out) == before
    edit(tiny_done.pytorch, [("TraceType.cpp", "${none} namespace", "namespace")])
    assert run(tiny_done)[0] == "up-to-date"


@pytest.mark.thorough
def test_a_template_that_is_gone_is_told_as_in_a_run_for_everything(
    tiny_done: CodegenProject,
) -> None:
    before = contents(tiny_done.out)
    for name in ("python_torch_functions.cpp", "Functions.h"):
        path = tiny_done.pytorch.autograd / "templates" / name
        path.rename(tiny_done.folder / name)
        said = tiny_done.try_run()
        assert said.returncode == 1
        assert f"No such file or directory: '{path}'" in said.stderr
        assert said.stderr == tiny_done.try_run("--no-cache").stderr
        assert contents(tiny_done.out) == before
        (tiny_done.folder / name).rename(path)
        assert run(tiny_done)[0] == "up-to-date"


def test_other_files_beside_the_templates_are_nothing_to_them(tiny_done: CodegenProject) -> None:
    """Such as those that an editor makes."""
    (tiny_done.pytorch.autograd / "templates" / "Functions.h~").write_text("$none", "utf-8")
    assert run(tiny_done)[0] == "up-to-date"
    edit(tiny_done.pytorch, [("Functions.h", "#pragma once", "#pragma once\n// more")])
    assert run(tiny_done) == ("incremental", 0)


def test_a_tree_that_moved_has_its_own_templates(tiny_done: CodegenProject) -> None:
    """Pieces are used by every tree with the same source, files are made of its own templates."""
    root = tiny_done.pytorch.root
    shutil.copytree(root, tiny_done.folder / "moved")
    edit(tiny_done.pytorch, [("annotated_fn_args.py.in", '"""', '"""\nMore.\n')])
    moved = CodegenProject(PyTorch(tiny_done.folder / "moved"), tiny_done.folder)
    (tiny_done.out / "annotated_fn_args.py").unlink()
    assert run(moved) == ("stored", 0)
    moved.assert_same()
    assert run(tiny_done) == ("incremental", 0)
    tiny_done.assert_same()


@pytest.mark.thorough
def test_the_templates_of_a_torchgen_that_is_not_known(tiny: CodegenProject) -> None:
    """All files are compared with upstream's once, and again if other pieces go into them."""
    generator = tiny.pytorch.autograd / "gen_trace_type.py"
    replace_in(generator, "\nimport itertools\n", "\nimport itertools\n#\n")
    assert run(tiny)[0] == "cold"
    for old, new, exit_ in (
        ("#pragma once", "#pragma once\n// more", "incremental"),
        (DECLARED, DEFINED, "cold"),
        ("#pragma once\n", "", "incremental"),
    ):
        edit(tiny.pytorch, [("Functions.h", old, new)])
        assert run(tiny)[0] == exit_
        tiny.assert_same()


@pytest.mark.thorough
def test_a_template_that_is_edited_meanwhile(tiny: CodegenProject) -> None:
    """What was made before or after the edit is not taken for what the template makes."""
    autograd = tiny.pytorch.autograd
    now, template = tiny.folder / "now", autograd / "templates" / "Functions.h"
    before = template.read_text("utf-8")
    replace_in(
        autograd / "gen_trace_type.py",
        "    fm = FileManager(",
        f"    import pathlib\n    if pathlib.Path({str(now)!r}).exists():\n"
        f"        pathlib.Path({str(template)!r}).write_text('// Other.\\n')\n"
        "    fm = FileManager(",
    )
    now.touch()
    run(tiny)
    assert (tiny.out / "Functions.h").read_text("utf-8") == "// Other.\n"
    now.unlink()
    template.write_text(before, "utf-8")
    run(tiny)
    tiny.assert_same()
