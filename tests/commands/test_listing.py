"""`derivload list`: what it prints, and the filters that look beyond the documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivload.commands.options.command_line import make_parser
from derivload.engine.operators import FLAGS
from support.fitting import read_fitting
from support.paths import DERIVATIVES
from support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def listed(project: Project, *more: str) -> list[str]:
    """The names that a run prints."""
    cache = str(project.cache)
    done = project.call("list", *project.options, "--cache-dir", cache, "--format=names", *more)
    assert done.status == 0, done.err
    return done.out.splitlines()


def test_options_are_the_filters() -> None:
    options = make_parser("list").commands["list"].options
    assert {f"--{name}" for name in FLAGS} <= options.keys()


def test_everything_without_a_filter_in_the_order_of_the_document(project: Project) -> None:
    project.emit()
    functions = json.loads((project.out / "functions.json").read_bytes())["functions"]
    names = [name.rpartition("::")[2] for name in listed(project)]
    assert names == [f["schema"].partition("(")[0] for f in functions]


def test_lines_say_what_is_most_worth_knowing(project: Project) -> None:
    done = project.call("list", *project.options, "gild")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines == ["gild GildBackward0", "gild_ GildBackward0", "gild.out out variant"]
    assert "derivload list: 3 of " in done.err


def test_json_fits_its_schema(project: Project) -> None:
    done = project.call("list", *project.options, "--json", "--saves-tensor")
    document = read_fitting(done.out, "list")
    assert 0 < len(document["operators"]) < document["functions"]
    for operator in document["operators"]:
        saved = [*operator["saved_inputs"], *operator["saved_outputs"]]
        assert any("Tensor" in one["type"] for one in saved)


def test_what_an_overlay_declares_or_defines(project: Project) -> None:
    overlay, formulas = project.folder / "overlay.yaml", project.folder / "formulas.yaml"
    overlay.write_text("- func: mine(Tensor self) -> Tensor\n  dispatch:\n    PrivateUse1: mine\n")
    formulas.write_text("- name: mine(Tensor self) -> Tensor\n  self: grad\n")
    assert listed(project, "--from-overlay") == []
    project.overlays.append(overlay)
    own = ["--dispatch-key=PrivateUse1", "--derivatives", str(formulas)]
    assert listed(project, *own, "--from-overlay") == ["mine"]
    assert listed(project, *own, "--kernel=PrivateUse1") == ["mine"]
    assert len(listed(project, *own)) > 1


def test_dispatch_key_that_torchgen_lists_is_a_filter(project: Project) -> None:
    with_kernel = listed(project, "--kernel=CUDA")
    assert "gild" in with_kernel
    assert listed(project, "--dispatch-key=CUDA") == with_kernel


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--tag=pointwis", "there is no tag `pointwis`; did you mean `pointwise`?"),
        ("--kernel=CUDAA", "there is no dispatch key `CUDAA`; did you mean `CUDA`"),
        ("gilt", "there is no operator `gilt`; did you mean `gild`"),
    ],
)
def test_name_that_nothing_has_gets_a_suggestion(project: Project, option: str, said: str) -> None:
    done = project.call("list", *project.options, option)
    assert done.status == 2
    assert said in done.err


def test_kernels_of_a_backend_count(project: Project) -> None:
    file = project.folder / "backend.yaml"
    file.write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n")
    assert listed(project, "--backend-yaml", str(file), "--kernel=XLA") == ["gild"]


def test_what_check_warns_of(project: Project) -> None:
    assert "gild" not in listed(project, "--has-warnings")
    project.append(
        DERIVATIVES, "\n- name: gild(Tensor self, float luster=0.5) -> Tensor\n  self: grad\n"
    )
    assert "gild" in listed(project, "--has-warnings")
    assert "gild" not in listed(project, "--has-warnings", "--ignore=DL601")


def test_settings_of_another_command_do_not_change_what_it_prints(project: Project) -> None:
    settings = project.folder / "derivload.toml"
    settings.write_text('format = "github"\njson = true\n')
    done = project.call("list", *project.options, "--settings", str(settings), "gild_")
    assert done.out.split() == ["gild_", "GildBackward0"]


def test_mistake_ends_it_with_its_diagnostic(project: Project) -> None:
    project.edit("self: grad * luster", "self: grad * sizes()", DERIVATIVES)
    project.append(DERIVATIVES, "- name: nothing(\n")
    done = project.call("list", *project.options)
    assert done.status == 1
    assert "error[DL" in done.err
