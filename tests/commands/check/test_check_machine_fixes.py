"""Fixes and related places in the formats for programs, which fit their schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

import derivload
from support.checks import DERIVATIVES, INPUTS, NATIVES, TAGS, project
from support.fitting import read_fitting
from support.paths import REFERENCE
from support.project import Project
from support.rule_examples import found, write_bad

__all__ = ["project"]  # fixtures

TWICE = DERIVATIVES + "\n" + DERIVATIVES


def report(project: Project) -> list[dict[str, Any]]:
    document = read_fitting(project.check("--format", "json").out, "diagnostics")
    return list(document["diagnostics"])


def sarif(project: Project) -> dict[str, Any]:
    log = json.loads(project.check("--format", "sarif").out)
    schema = json.loads((REFERENCE / "sarif-2.1.0.json").read_bytes())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return dict(run)


def test_json_has_the_fixes(project: Project) -> None:
    project.write(DERIVATIVES, NATIVES + "  variants: [function, method]\n")
    (one,) = report(project)
    assert one["fixes"] == [
        {
            "message": "write `function, method`",
            "safe": True,
            "edits": [
                {
                    "file": "native_functions.yaml",
                    "line": 4,
                    "column": 13,
                    "end_line": 4,
                    "end_column": 31,
                    "text": "function, method",
                }
            ],
        }
    ]
    assert one["related"] == []


def test_json_has_the_related_places(project: Project) -> None:
    project.write(TWICE)
    (one,) = report(project)
    assert one["related"] == [
        {
            "file": "derivatives.yaml",
            "line": 1,
            "column": 3,
            "end_line": 1,
            "end_column": 49,
            "message": "the definition that does not count",
        }
    ]


def test_a_duplicate_names_both_places(project: Project) -> None:
    project.write(DERIVATIVES, NATIVES + NATIVES.replace("leaf)", "leaf, int n)"))
    (one,) = [one for one in report(project) if one["code"] == "DL304"]
    assert (one["line"], [place["line"] for place in one["related"]]) == (4, [1])


def test_sarif_has_fixes_and_places(project: Project) -> None:
    project.write(TWICE)
    (result,) = sarif(project)["results"]
    (fix,) = result["fixes"]
    assert fix["properties"] == {"safe": True}
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "derivatives.yaml"}
    (replaced,) = change["replacements"]
    assert replaced["deletedRegion"] == {
        "startLine": 1,
        "startColumn": 1,
        "endLine": 5,
        "endColumn": 1,
    }
    assert replaced["insertedContent"] == {"text": ""}
    (place,) = result["relatedLocations"]
    assert place["physicalLocation"]["region"]["startLine"] == 1
    assert place["message"] == {"text": "the definition that does not count"}


def test_sarif_says_what_ran(project: Project) -> None:
    run = sarif(project)
    driver = run.pop("tool")["driver"]
    assert driver == {"name": "derivload", "version": derivload.__version__, "rules": []}
    assert run == {
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [],
    }


def test_sarif_has_the_address_of_each_page(project: Project) -> None:
    project.write(TWICE)
    (rule,) = sarif(project)["tool"]["driver"]["rules"]
    page = Path(unquote(urlsplit(rule["helpUri"]).path))
    assert page.read_text("utf-8") == rule["help"]["markdown"]


def test_the_cache_keeps_fixes(project: Project) -> None:
    project.write(TWICE)
    first, again = (project.check("--format", "json") for _ in range(2))
    assert first == again
    assert json.loads(again.out)["diagnostics"][0]["fixes"]


@pytest.mark.parametrize("code", ["DL003", "DL009", "DL215", "DL411", "DL601", "DL608", "DL703"])
def test_python_has_the_same(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_bad(code, Path())
    for diagnostic in found(Path()):
        assert isinstance(diagnostic, derivload.Diagnostic)
        for fix in diagnostic.fixes:
            assert fix.message
            assert fix.edits


def test_annotations_have_none(project: Project) -> None:
    project.write(DERIVATIVES, NATIVES + "  variants: [function, method]\n", TAGS)
    ran = project.call("check", *INPUTS, "--format", "github")
    assert ran.out.count("\n") == 1
    assert "can be fixed" not in ran.err
