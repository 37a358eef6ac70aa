"""`derivload show` for programs, for several operators, and by other names than the operator's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.fitting import read_fitting
from support.project import Project, Ran


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def show(project: Project, *arguments: str) -> Ran:
    return project.call("show", *project.options, *arguments)


def document(done: Ran) -> Any:
    assert done.status == 0, done.err
    return read_fitting(done.out, "show")


def titles(done: Ran) -> list[str]:
    return [line for line in done.out.splitlines() if line and line[0] not in " *"]


def test_json_says_what_the_text_says(project: Project) -> None:
    (group,) = document(show(project, "--json", "gild"))["groups"]
    assert [f["name"] for f in group["functions"]] == ["gild", "gild_", "gild.out"]
    gild, in_place, out = group["functions"]
    assert gild["dispatch_keys"] == ["CPU", "CUDA"]
    assert gild["no_derivative"] is None
    assert (gild["generated_from"], out["generated_from"]) == (None, "gild_")
    assert out["no_derivative"] == "out variants are never differentiable"
    (formulas,) = group["formulas"]
    assert formulas["used_by"] == [gild["record"]["schema"], in_place["record"]["schema"]]
    assert formulas["definition"] == {"file": str(project.derivatives), "line": 13}
    (derivative,) = formulas["dispatch"]["Default"]["derivatives"]
    assert derivative["original_formula"] == "grad * luster"


def test_only_what_was_asked_for_is_marked(project: Project) -> None:
    (group,) = document(show(project, "--json", "gild_"))["groups"]
    assert {f["name"]: f["asked"] for f in group["functions"]} == {
        "gild": False,
        "gild_": True,
        "gild.out": False,
    }


@pytest.mark.parametrize("name", ["GildBackward0", "GildBackward", "torch.gild", "gil*", "F.gild"])
def test_other_names_mean_the_same_operator(project: Project, name: str) -> None:
    assert show(project, name).out == show(project, "gild").out


def test_pattern_shows_all_that_it_means(project: Project) -> None:
    shown = titles(show(project, "g*"))
    assert {"gild", "gleam"} <= {*shown}
    assert all(title.startswith("g") for title in shown)


def test_several_operators_one_after_the_other(project: Project) -> None:
    assert titles(show(project, "gleam", "gild")) == ["gleam", "gild"]


def test_one_that_does_not_exist_is_told_and_the_others_are_shown(project: Project) -> None:
    done = show(project, "gild", "gilt")
    assert done.status == 1
    assert titles(done) == ["gild"]
    assert "there is no operator `gilt`; did you mean `gild`?" in done.err


def test_kernels_of_a_backend_are_there(project: Project) -> None:
    file = project.folder / "backend.yaml"
    file.write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n")
    found = document(show(project, "--json", "--backend-yaml", str(file), "gild"))
    gild = found["groups"][0]["functions"][0]
    assert gild["dispatch_keys"] == ["CPU", "CUDA", "XLA"]
    assert gild["backend_kernels"] == [{"dispatch_key": "XLA", "file": str(file), "line": 4}]
