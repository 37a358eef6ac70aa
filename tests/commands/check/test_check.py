"""`derivload check`: every mistake in one run, in four formats, and what the exit status says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.cli import main
from support.checks import DERIVATIVES, INPUTS, MISTAKEN, NATIVES, TAGS, WARNED, project
from support.child import child_environment
from support.paths import FILES
from support.project import Project

__all__ = ["project"]  # fixtures

LOOKED_AT = "derivatives.yaml, native_functions.yaml, tags.yaml"
FIXABLE = "derivload: 1 can be fixed with --fix --unsafe-fixes\n"


# ----------------------------------------------------------------------------- what it ends with


def test_no_mistake_is_status_0_and_no_result(project: Project) -> None:
    assert project.check() == (
        0,
        "",
        f"derivload: no mistakes in {LOOKED_AT}: 1 function, 1 definition\n",
    )


def test_an_error_is_status_1_and_the_result_is_on_stdout(project: Project) -> None:
    project.write(MISTAKEN)
    assert project.check() == (
        1,
        (
            "derivatives.yaml:2:20: error[DL420]: a formula cannot use `sizes`, "
            "which does not support "
            "symbolic sizes\n"
            "  2 |   self: grad * leaf.sizes()\n"
            "    |                    ^^^^^^^^\n"
            "  help: write `.sym_sizes()` instead\n"
        ),
        f"derivload: 1 error in {LOOKED_AT}\nderivload: 1 can be fixed with --fix\n",
    )


def test_a_warning_is_status_0_and_an_error_with_strict(project: Project) -> None:
    project.write(WARNED)
    text = (
        "derivatives.yaml:3:16: {}[DL602]: "
        "`slef` is not an argument, output or gradient of `gild`\n"
        "  3 |   leaf: grad * slef\n"
        "    |                ^^^^\n"
        "  help: did you mean `self`?\n"
    )
    assert project.check() == (
        0,
        text.format("warning"),
        f"derivload: 1 warning in {LOOKED_AT}: 1 function, 1 definition\n{FIXABLE}",
    )
    assert project.check("--strict") == (
        1,
        text.format("error"),
        f"derivload: 1 error in {LOOKED_AT}\n{FIXABLE}",
    )


def test_errors_and_warnings_are_counted_apart(project: Project) -> None:
    project.write(
        WARNED + "- name: 3\n- x\n- name: gild(Tensor self, Tensor leaf) -> Tensor\n"
        "  self, leaf: f(grad)\n"
    )
    told = f"derivload: 2 errors, 2 warnings in {LOOKED_AT}\n"
    assert project.check("--format", "github").err == told


@pytest.mark.parametrize(
    "arguments", [["--format", "xml"], ["some.yaml"], ["--derivatives", ""], ["--explain", "DL9"]]
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(["check", *arguments])
    except SystemExit as end:
        status = end.code
    assert (status, capsys.readouterr().out) == (2, "")


def test_a_full_disk_below_stdout_is_status_3(project: Project) -> None:
    project.write(MISTAKEN)
    command = [sys.executable, "-m", "derivload", "check", *INPUTS]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=child_environment(), check=False
        )
    assert done.returncode == 3
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_newer_release_that_is_not_known_is_noted(project: Project) -> None:
    said = project.check("--torch-version", "2.99", "--no-cache").err
    assert said.startswith("derivload: note: torch 2.99 is newer than derivload knows; following ")


# --------------------------------------------------------------------------------- what it finds


def test_mistakes_of_all_files_are_sorted_by_place(project: Project) -> None:
    project.write(
        WARNED + "- name: 3\n",
        "- func: tint(Tenser self) -> Tensor\n" + NATIVES + "  tags: dull\n",
        "- tag: dull\n" + TAGS,
    )
    assert project.places() == [
        ("DL602", "derivatives.yaml", 3),
        ("DL007", "derivatives.yaml", 4),
        ("DL104", "native_functions.yaml", 1),
        ("DL230", "tags.yaml", 1),
    ]


def test_files_are_named_as_they_were_given(project: Project) -> None:
    project.write(MISTAKEN)
    shutil.copy("derivatives.yaml", "./other.yaml")
    named = ("--derivatives", "./other.yaml", *INPUTS[2:])
    told = project.call("check", *named, "--format", "github").out
    assert "::error file=./other.yaml,line=2," in told


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["missing", "no UTF-8"])
def test_a_file_that_cannot_be_read_does_not_hide_the_mistakes_of_the_others(
    project: Project, name: str, kind: str
) -> None:
    project.write(
        MISTAKEN,
        NATIVES + "  tags: shiny\n- func: tint(Tenser self) -> Tensor\n",
        TAGS + "- tag: dull\n",
    )
    every = [
        ("DL420", "derivatives.yaml", 2),
        ("DL104", "native_functions.yaml", 5),
        ("DL230", "tags.yaml", 3),
    ]
    if kind == "missing":
        Path(name).unlink()
    else:
        Path(name).write_bytes(b"- \xff")
    unread = ("DL001", name, 0) if kind == "missing" else ("DL002", name, 1)
    expected = {place for place in every if place[1] != name} | {unread}
    assert set(project.places()) == expected


def test_emit_tells_them_too(project: Project) -> None:
    project.write(MISTAKEN)
    Path("tags.yaml").unlink()
    ran = project.emit()
    assert ran.status == 1
    assert ran.err.endswith("derivload: 2 errors; nothing was written\n")
    assert "error[DL420]" in ran.err
    assert "error[DL001]" in ran.err


def test_one_function_that_cannot_be_read_is_one_mistake(project: Project) -> None:
    variants = (
        "- func: gild_(Tensor(a!) self, Tensor leaf) -> Tensor(a!)\n"
        "  structured_delegate: gild.out\n"
        "- func: gild.out(Tensor self, Tensor leaf, *, Tensor(a!) out) -> Tensor(a!)\n"
        "  structured: True\n  dispatch:\n    CPU: gild_out\n"
    )
    for broken in ("gild(Tenser self", "gild(Tensor self"):
        overlay = NATIVES.replace("gild(Tensor self", broken)
        overlay += "" if "Tenser" in broken else "  colour: red\n"
        project.write(DERIVATIVES, overlay + variants)
        (mistake,) = project.found()
        assert mistake["file"] == "native_functions.yaml"


def test_one_definition_with_a_mistake_is_one_mistake(project: Project) -> None:
    # The in-place variant has formulas of its own, so those of the functional one, which it
    # could not use, are none of its business, even while its own cannot be read.
    project.write(
        "- name: gild(Tensor self) -> Tensor\n  self: f(grad, self.sym_strides())\n"
        "- name: gild_(Tensor(a!) self) -> Tensor(a!)\n  self: 3\n",
        "- func: gild(Tensor self) -> Tensor\n  dispatch:\n    CPU: gild\n"
        "- func: gild_(Tensor(a!) self) -> Tensor(a!)\n  dispatch:\n    CPU: gild_\n",
    )
    assert project.places() == [("DL402", "derivatives.yaml", 4)]


TORN = "- func: tint(Tensor self) -> Tensor\n  variants: a: b\n"


TINTS = """\
- func: tint_(Tensor(a!) self) -> Tensor(a!)
  structured_delegate: tint.out
- func: tint.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU: tint_out
"""


OF_TINT = "- name: tint(Tensor self) -> Tensor\n  self: grad\n"


OF_NOTHING = "- name: gleam(Tensor self) -> Tensor\n  self: grad\n"


LONE_OUT = """\
- func: gleam.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: gleam_out
"""


@pytest.mark.parametrize(
    "torn",
    [
        TORN,
        TORN.replace("func: tint(Tensor self) -> Tensor", "'func' : 'tint(Tensor self) -> Tensor'"),
        "- func: tint(Tensor self) -> Tensor\n  func: tint(Tensor self) -> Tensor\n",
        f"- func: tint(Tensor self) -> Tensor\n  category_override: {'x' * 100_000}\n",
        "- func: gild.other(Tensor self) -> Tensor\n - func: tint(Tensor self) -> Tensor\n",
    ],
    ids=["no YAML", "quoted", "a key twice", "too long", "another entry"],
)
def test_an_entry_that_cannot_be_read_hides_what_misses_it_alone(
    project: Project, torn: str
) -> None:
    project.write(DERIVATIVES + OF_TINT + OF_NOTHING, NATIVES + torn + TINTS + LONE_OUT)
    unread, lone = [(d["line"], d["code"]) for d in project.found() if "native" in d["file"]]
    assert unread[0] in (4, 5)
    assert lone == (3 + torn.count("\n") + 6 + 1, "DL302")
    derivatives = [(d["line"], d["code"]) for d in project.found() if "deriv" in d["file"]]
    assert derivatives == [(6, "DL405")]


@pytest.mark.parametrize("torn", ["- 'func\n", "- fun: tint(Tensor self): x: y\n", "- x\n"])
def test_an_entry_of_which_nothing_is_known_hides_what_may_miss_it(
    project: Project, torn: str
) -> None:
    project.write(DERIVATIVES + OF_TINT + OF_NOTHING, NATIVES + torn + TINTS + LONE_OUT)
    (mistake,) = project.found()
    assert (mistake["file"], mistake["line"]) == ("native_functions.yaml", 4)


def test_a_broken_tag_is_one_mistake(project: Project) -> None:
    project.write(DERIVATIVES, NATIVES + "  tags: dull\n", TAGS + "- tag: dull\n  desc: a: b\n")
    assert project.places() == [("DL003", "tags.yaml", 4)]
