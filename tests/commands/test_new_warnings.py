"""Commands that write show each warning once for each change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.exits import Exit, Exits
from support.paths import DERIVATIVES, NATIVES
from support.workers import FORMULA, Target, Worker, target, worker

__all__ = ["target", "worker"]  # fixtures

WARNED = "warning[DL602]: `lustre` is not an argument, output or gradient of `gild`"
MISSPELT = ("grad * luster", "grad * lustre")


@pytest.fixture
def project(tmp_path: Path) -> Exits:
    return Exits(tmp_path)


def warnings(ran: Exit) -> list[str]:
    """The first lines of the warnings, and the line that counts them."""
    assert ran.status == 0
    lines = ran.err.splitlines()
    return [
        *(line.partition(": ")[2] for line in lines if ": warning[" in line),
        *(line for line in lines if line.startswith("derivload: ") and " warning" in line),
    ]


def misspelt(project: Exits, count: int = 1) -> None:
    """Write a formula with a misspelt name, in so many operators."""
    project.edit(*MISSPELT)
    for name in (f"gilt{i}" for i in range(1, count)):
        with project[NATIVES].open("a") as natives:
            natives.write(f"- func: {name}(Tensor self) -> Tensor\n  dispatch:\n    CPU: x\n")
        with project[DERIVATIVES].open("a") as definitions:
            definitions.write(f"- name: {name}(Tensor self) -> Tensor\n  self: grad * lustre\n")


def test_a_first_run_shows_all(project: Exits) -> None:
    misspelt(project)
    ran = project.ended_emit()
    assert ran.exit == "cold"
    assert warnings(ran) == [WARNED, "derivload: 1 warning"]
    assert "\n  help: did you mean `luster`?\n" in ran.err


def test_an_edit_shows_what_it_brings_and_the_next_run_nothing(project: Exits) -> None:
    assert warnings(project.ended_emit()) == []
    misspelt(project)
    ran = project.ended_emit()
    assert (ran.exit, warnings(ran)) == ("incremental", [WARNED, "derivload: 1 warning"])
    ran = project.ended_emit()
    assert (ran.exit, warnings(ran)) == ("up-to-date", [])


@pytest.mark.parametrize("edit", [("\n- ", "\n# x\n\n- "), ("other, alpha", "other, 2 * alpha")])
def test_an_edit_elsewhere_does_not_show_it_again(project: Exits, edit: tuple[str, str]) -> None:
    misspelt(project)
    project.ended_emit()
    project.edit(*edit)
    ran = project.ended_emit()
    assert ran.exit in ("stored", "incremental")
    assert warnings(ran) == []


def test_an_edit_of_its_entry_shows_it_again(project: Exits) -> None:
    misspelt(project)
    project.ended_emit()
    project.edit("grad * lustre", "2 * grad * lustre")
    assert warnings(project.ended_emit()) == [WARNED, "derivload: 1 warning"]


def test_another_folder_is_shown_all_though_the_cache_has_the_documents(project: Exits) -> None:
    misspelt(project)
    project.ended_emit()
    shutil.rmtree(project.out)
    ran = project.ended_emit()
    assert (ran.exit, warnings(ran)) == ("stored", [WARNED, "derivload: 1 warning"])


def test_many_are_counted(project: Exits) -> None:
    misspelt(project, 25)
    told = warnings(project.ended_emit())
    assert len(told) == 21
    assert told[-1] == "derivload: 25 warnings, 20 of them shown; `derivload check` shows all"
    project.edit("grad * lustre", "2 * grad * lustre")
    assert warnings(project.ended_emit())[-1] == (
        "derivload: 1 warning, besides 24 from before; `derivload check` shows all"
    )


def test_without_a_cache_each_run_shows_all(project: Exits) -> None:
    misspelt(project)
    for _ in range(2):
        ran = project.ended(
            *("emit", "--derivatives", str(project[DERIVATIVES]), "--no-cache"),
            *("--native-functions", str(project[NATIVES]), "--out-dir", str(project.out)),
        )
        assert warnings(ran) == [WARNED, "derivload: 1 warning"]


def test_what_is_ignored_is_not_shown_until_it_is_not(project: Exits) -> None:
    misspelt(project)
    assert warnings(project.ended_emit("--ignore=DL602")) == []
    assert warnings(project.ended_emit("--select=DL604")) == []
    assert warnings(project.ended_emit()) == [WARNED, "derivload: 1 warning"]
    project.edit("grad * lustre", "grad * lustre  # derivload: ignore[DL602]")
    assert warnings(project.ended_emit()) == []


def test_a_comment_that_ignores_nothing_is_shown_from_the_cache_too(project: Exits) -> None:
    project.edit("grad * luster", "grad * luster  # derivload: ignore[DL602]")
    told = ["warning[DL608]: there is no `DL602` here to ignore", "derivload: 1 warning"]
    assert warnings(project.ended_emit()) == told
    shutil.rmtree(project.out)
    ran = project.ended_emit()
    assert (ran.exit, warnings(ran)) == ("stored", told)


def test_a_run_that_fails_shows_errors_alone(project: Exits) -> None:
    misspelt(project)
    project.edit("grad * lustre", "grad * lustre * self.sizes()")
    ran = project.ended_emit(stats=False)
    assert ran.status == 1
    assert "warning" not in ran.err


def test_a_run_without_warnings_imports_nothing_for_them(project: Exits) -> None:
    assert "derivload.engine.judging" not in project.ended_emit(alone=True).modules
    shutil.rmtree(project.out)
    ran = project.ended_emit(alone=True)
    assert ran.exit == "stored"
    assert not {m for m in ran.modules if m.endswith((".lint", ".judging", ".warnings", "wanted"))}


def test_a_worker_shows_what_each_request_brings(worker: Worker, target: Target) -> None:
    assert worker.ask(*target.arguments())["output"] == ""
    target.edit(FORMULA, "self: grad * lustre")
    output = worker.ask(*target.arguments())["output"]
    assert WARNED in output
    assert output.endswith("derivload: 1 warning\n")
    assert worker.ask(*target.arguments())["output"] == ""
    target.edit("self: grad * lustre", "self: grad * lustre * 2")
    assert WARNED in worker.ask(*target.arguments())["output"]
    assert worker.ask(*target.arguments(), "--ignore", "DL602")["output"] == ""
