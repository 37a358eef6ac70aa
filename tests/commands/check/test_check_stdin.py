"""`check -`: one input is what an editor has in its buffer."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.checks import DERIVATIVES, INPUTS, NATIVES, project
from support.paths import FILES
from support.project import Project

__all__ = ["project"]  # fixtures

BUFFER = DERIVATIVES.replace("grad * leaf", "grad * leaf.sizes()").encode()
OF_DERIVATIVES = ("-", "--stdin-filename", "derivatives.yaml")


def test_the_buffer_stands_for_its_file(project: Project) -> None:
    ran = project.run("check", *INPUTS, *OF_DERIVATIVES, stdin=BUFFER)
    assert ran.status == 1
    assert ran.out.startswith("derivatives.yaml:2:20: error[DL420]: ")
    assert Path("derivatives.yaml").read_text("utf-8") == DERIVATIVES


def test_the_file_need_not_exist(project: Project) -> None:
    Path("derivatives.yaml").unlink()
    assert project.call("check", *INPUTS, *OF_DERIVATIVES, stdin=DERIVATIVES.encode()).status == 0


def test_it_may_be_named_in_another_way(project: Project, tmp_path: Path) -> None:
    name = str(tmp_path.resolve() / "derivatives.yaml")
    ran = project.call("check", "-", *INPUTS, f"--stdin-filename={name}", stdin=BUFFER)
    assert ran.out.startswith("derivatives.yaml:2:20: ")


def test_it_may_be_between_files(project: Project) -> None:
    names = ("native_functions.yaml", "-", "--stdin-filename", "derivatives.yaml", "tags.yaml")
    ran = project.call("check", "derivatives.yaml", *names, stdin=BUFFER)
    assert ran.out.startswith("derivatives.yaml:2:20: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-"], "`-` needs --stdin-filename FILE, which says which of the inputs stdin stands for"),
        (
            ["-", "--stdin-filename", "other.yaml"],
            f"--stdin-filename other.yaml is none of the inputs, which are {', '.join(FILES)}",
        ),
    ],
)
def test_it_must_be_said_which_it_is(project: Project, arguments: list[str], said: str) -> None:
    ran = project.call("check", *INPUTS, *arguments)
    assert (ran.status, ran.out, ran.err) == (2, "", f"derivload: error: {said}\n")


def test_what_is_no_text_is_a_mistake(project: Project) -> None:
    ran = project.call("check", *INPUTS, *OF_DERIVATIVES, stdin=b"- name: \xe9\n")
    assert ran.out.startswith("derivatives.yaml:1:9: error[DL002]: ")


def test_a_fixed_buffer_is_printed(project: Project) -> None:
    listed = NATIVES + "  variants: [function]\n  categori: x\n"
    named = (*INPUTS, "-", "--stdin-filename", "native_functions.yaml")
    ran = project.call("check", *named, "--fix", stdin=listed.encode())
    assert ran.out == listed.replace("[function]", "function")
    done, left, *_ = ran.err.splitlines()
    assert done == "derivload: fixed 1 mistake in native_functions.yaml"
    assert left.startswith("native_functions.yaml:5:3: error[DL006]: ")
    assert ran.status == 1
    assert Path("native_functions.yaml").read_text("utf-8") == NATIVES
    ran = project.call("check", *named, "--diff", stdin=listed.encode())
    assert "+  variants: function\n" in ran.out
    assert ran.status == 1


def test_a_buffer_without_mistakes_is_printed_as_it_is(project: Project) -> None:
    ran = project.call("check", *INPUTS, *OF_DERIVATIVES, "--fix", stdin=DERIVATIVES.encode())
    assert (ran.status, ran.out) == (0, DERIVATIVES)
