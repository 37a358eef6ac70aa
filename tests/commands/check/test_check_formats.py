"""The formats of `derivload check`, its colours, and its cache."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.checks import DERIVATIVES, INPUTS, MISTAKEN, NATIVES, WARNED, project
from support.child import child_environment
from support.fitting import assert_fits
from support.paths import REFERENCE
from support.project import Project

__all__ = ["project"]  # fixtures


SARIF_SCHEMA = REFERENCE / "sarif-2.1.0.json"


# ------------------------------------------------------------------------ where in a formula


@pytest.mark.parametrize(
    ("formula", "line", "column"),
    [
        ("grad * leaf.sizes()", 2, 20),
        ("'grad * leaf.sizes()'", 2, 21),
        ('"grad * leaf.sizes()"', 2, 21),
        ("grad\n    * leaf.sizes()", 3, 11),
        ('"grad\n    * leaf.sizes()"', 3, 11),
        ("'grad * f(''x'',\n    leaf.sizes())'", 3, 9),
        ("|\n    grad\n    * leaf.sizes()", 4, 11),
        (">-\n    grad\n\n    * leaf.sizes()", 5, 11),
        ("|-  # some comment: leaf.sizes()\n    grad * leaf.sizes()", 3, 16),
    ],
)
def test_the_column_is_that_in_the_formula(
    project: Project, formula: str, line: int, column: int
) -> None:
    project.write(DERIVATIVES.replace("grad * leaf", formula))
    (found,) = project.found()
    assert (found["code"], found["line"], found["column"]) == ("DL420", line, column)
    shown = found["source_line"]
    assert shown[column - 1 : found["end_column"] - 1] == ".sizes()"


def test_words_over_the_end_of_a_line_end_on_the_next(project: Project) -> None:
    project.write(DERIVATIVES.replace("name: gild(Tensor self, ", "name: gild(Tensor\n    selv, "))
    (found,) = project.found()
    place = [found[key] for key in ("line", "column", "end_line", "end_column")]
    assert (found["code"], place) == ("DL405", [2, 5, 2, 9])


def test_a_schema_like_no_other_is_marked_to_the_end_of_its_last_line(project: Project) -> None:
    project.write(
        DERIVATIVES.replace(
            "name: gild(Tensor self, ", "name: gild(int[3] a=[1,2,3], str? b=None,\n    int c, "
        )
    )
    (found,) = project.found()
    place = [found[key] for key in ("line", "column", "end_line", "end_column")]
    assert (found["code"], place) == ("DL405", [1, 9, 2, 34])


@pytest.mark.parametrize("before", [0, 10, 5000])
def test_of_a_long_line_the_part_around_the_words_is_shown(project: Project, before: int) -> None:
    filled = "f() * " * before
    project.write(DERIVATIVES.replace("grad * leaf", f"{filled}leaf.sizes() {' * f()' * 5000}"))
    source, caret = project.check().out.splitlines()[1:3]
    assert len(source) == 80
    start, length = caret.index("^"), caret.count("^")
    assert source[start : start + length] == ".sizes()"
    assert (source[6] == "…", source[-1] == "…") == (before > 0, True)


# ------------------------------------------------------------------------------------- formats


def test_json_is_as_it_is_described(project: Project) -> None:
    project.write(WARNED)
    document = json.loads(project.check("--format", "json").out)
    assert document == {
        "format": "derivload.diagnostics",
        "version": 1,
        "torch_version": "2.15",
        "diagnostics": [
            {
                "code": "DL602",
                "severity": "warning",
                "file": "derivatives.yaml",
                "line": 3,
                "column": 16,
                "end_line": 3,
                "end_column": 20,
                "message": "`slef` is not an argument, output or gradient of `gild`",
                "help": "did you mean `self`?",
                "source_line": "  leaf: grad * slef",
                "fixes": [
                    {
                        "message": "write `self`",
                        "edits": [
                            {
                                "file": "derivatives.yaml",
                                "line": 3,
                                "column": 16,
                                "end_line": 3,
                                "end_column": 20,
                                "text": "self",
                            }
                        ],
                        "safe": False,
                    }
                ],
                "related": [],
            }
        ],
    }
    assert_fits(document, "diagnostics")


def test_json_of_no_mistakes_is_a_document_too(project: Project) -> None:
    outcome = project.check("--format", "json")
    assert (outcome.status, json.loads(outcome.out)["diagnostics"]) == (0, [])


def sarif(project: Project, *options: str) -> Mapping[str, Any]:
    log = json.loads(project.check("--format", "sarif", *options).out)
    schema = json.loads(SARIF_SCHEMA.read_bytes())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return dict(run)


def test_sarif_fits_its_schema(project: Project) -> None:
    assert sarif(project)["results"] == []
    project.write(MISTAKEN + "- name: 3\n", NATIVES, "")
    assert len(sarif(project)["results"]) == 3
    Path("tags.yaml").unlink()
    assert len(sarif(project)["results"]) == 3


def test_sarif_has_the_place_the_rule_and_the_level(project: Project) -> None:
    project.write(WARNED)
    run = sarif(project)
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert result["level"] == "warning"
    assert result["ruleId"] == rule["id"] == "DL602"
    assert rule["help"]["markdown"].startswith("# DL602: ")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "derivatives.yaml"},
        "region": {
            "startLine": 3,
            "startColumn": 16,
            "endLine": 3,
            "endColumn": 20,
            "snippet": {"text": "slef"},
        },
    }
    assert sarif(project, "--strict")["results"][0]["level"] == "error"


def test_sarif_names_files_by_uri(project: Project, tmp_path: Path) -> None:
    def uri(path: str) -> str:
        ran = project.call("check", "--derivatives", path, *INPUTS[2:], "--format", "sarif")
        log = json.loads(ran.out)
        place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        return str(place["artifactLocation"]["uri"])

    assert uri("some where/é#1:2.yaml") == "some%20where/%C3%A9%231%3A2.yaml"
    assert uri(str(tmp_path / "a b.yaml")) == (tmp_path / "a b.yaml").as_uri()


def test_annotations_are_as_github_reads_them(project: Project) -> None:
    project.write(DERIVATIVES.replace("* leaf", "* leaf.size(1) % 2"))
    assert project.check("--format", "github").out == (
        "::error file=derivatives.yaml,line=2,endLine=2,col=20,endColumn=28,title=DL420::"
        "a formula cannot use `size`, which does not support symbolic sizes"
        "%0Ahelp: write `.sym_size(1)` instead\n"
    )


def test_annotations_are_escaped(project: Project) -> None:
    schema = 'shine(Tensor self, str s="100%,\\r\\n::error::x") -> Tensor'
    Path("a,b:c%.yaml").write_text(f"- name: '{schema}'\n  self: grad\n", "utf-8")
    named = ("--derivatives", "a,b:c%.yaml", *INPUTS[2:])
    out = project.call("check", *named, "--format", "github").out
    assert out.startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=10,")
    assert "100%25,\\r\\n::error::x" in out
    assert out.count("\n") == 1


def test_an_annotation_over_several_lines_has_no_columns(project: Project) -> None:
    project.write(
        DERIVATIVES.replace(
            "name: gild(Tensor self, ", "name: gild(int[3] a=[1,2,3], str? b=None,\n    int c, "
        )
    )
    out = project.check("--format", "github").out
    assert out.startswith("::error file=derivatives.yaml,line=1,endLine=2,title=DL405::")


def test_half_a_surrogate_pair_can_be_told(project: Project) -> None:
    project.write('- name: "\\uD800"\n  self: grad\n')
    for form in ("text", "json", "github", "sarif"):
        assert project.check("--format", form).status == 1


# -------------------------------------------------------------------------------------- colour


def on_terminal(environment: dict[str, str]) -> str:
    """What check prints on a terminal."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "derivload", "check", *INPUTS]
    with subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=environment):
        os.close(child)
        printed = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                part = b""
            if not part:
                break
            printed += part
    os.close(parent)
    return printed.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_without_no_color(project: Project) -> None:
    project.write(MISTAKEN.replace("grad *", "grad * " + "very_long_name * " * 20))
    environment = {**child_environment(), "TERM": "xterm", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    plain = project.check().out
    coloured = on_terminal(environment)
    assert "\x1b[" in coloured
    assert on_terminal({**environment, "NO_COLOR": "1"}) == plain
    assert "\x1b[" not in plain
    bare = coloured
    while "\x1b[" in bare:
        before, _, behind = bare.partition("\x1b[")
        bare = before + behind.partition("m")[2]
    assert bare == plain


@pytest.mark.parametrize("width", [60, 140])
def test_on_a_terminal_the_line_is_as_wide_as_that(project: Project, width: int) -> None:
    project.write(MISTAKEN.replace("grad *", "grad * " + "very_long_name * " * 20))
    environment = {**child_environment(), "TERM": "dumb", "COLUMNS": str(width)}
    shown = [line for line in on_terminal(environment).splitlines() if line.startswith("  2 |")]
    assert shown
    assert {len(line) for line in shown} == {width}
    assert all("…" in line for line in shown)


def test_elsewhere_it_does_not_depend_on_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(MISTAKEN.replace("grad *", "grad * " + "very_long_name * " * 20))
    before = project.check().out
    monkeypatch.setenv("COLUMNS", "300")
    assert project.check().out == before
    assert max(len(line) for line in before.splitlines() if line.startswith("  2 |")) == 80


# --------------------------------------------------------------------------------------- cache


def test_what_was_found_is_kept_by_content_and_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(WARNED)
    first = project.check()
    with monkeypatch.context() as patched:
        patched.setattr("derivload.engine.load.load_texts", None)
        assert project.check() == first
        with pytest.raises(TypeError):
            project.check("--no-cache")
    shutil.copy("derivatives.yaml", "other.yaml")
    other = project.call("check", "--derivatives", "other.yaml", *INPUTS[2:])
    assert other.out.startswith("other.yaml:3:16: ")
    project.write(DERIVATIVES)
    assert project.check().out == ""
