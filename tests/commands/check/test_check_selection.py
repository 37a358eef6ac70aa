"""`derivload check`: which warnings it reports, by options and by comments."""

from __future__ import annotations

import json

import jsonschema
import pytest

from support.checks import DERIVATIVES, NATIVES, WARNED, project
from support.fitting import read_fitting
from support.paths import REFERENCE
from support.project import Project, Ran, call

__all__ = ["project"]  # fixtures

COMMENT = "grad * slef  # derivload: ignore[DL602] a macro"
SUPPRESSED = WARNED.replace("grad * slef", COMMENT)
CLEAN = "derivload: no mistakes"


def count(found: Ran) -> str:
    """The count in the last line, without the names of the files."""
    return found.err.partition(" in ")[0]


@pytest.mark.parametrize(
    ("options", "counted"),
    [
        (["--ignore", "DL602"], CLEAN),
        (["--ignore=DL601,DL6"], CLEAN),
        (["--select", "DL604"], CLEAN),
        (["--select", "DL604", "--extend-select", "DL602"], "derivload: 1 warning"),
        (["--ignore", "DL6", "--select", "DL602"], "derivload: 1 warning"),
        (["--extend-ignore", "dl602", "--strict"], CLEAN),
        (["--strict"], "derivload: 1 error"),
    ],
)
def test_options_choose(project: Project, options: list[str], counted: str) -> None:
    project.write(WARNED)
    for _ in range(2):  # the second is answered by the cache
        assert count(project.check(*options)) == counted
    assert count(project.check()) == "derivload: 1 warning"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--ignore", "DL6002"], "no rule has the code `DL6002`; did you mean `DL602`?"),
        (["--select", "E501"], "no rule has the code `E501`"),
        (["--select", ""], "no rule has the code ``"),
        (["--ignore", "DL405"], "`DL405` cannot be ignored: it is an error, which stops the load"),
    ],
)
def test_names_that_mean_nothing_are_wrong_usage(
    project: Project, options: list[str], why: str
) -> None:
    found = project.check(*options)
    assert (found.status, found.out) == (2, "")
    assert why in found.err


def test_errors_are_reported_whatever_is_selected(project: Project) -> None:
    project.write(WARNED.replace("grad * leaf", "grad * leaf.sizes()"))
    assert count(project.check("--select", "DL604")) == "derivload: 1 error"


def test_a_comment_suppresses_and_only_sarif_tells(project: Project) -> None:
    project.write(SUPPRESSED)
    for form in ("text", "github"):
        found = project.check("--strict", "--format", form)
        assert (found.status, found.out, count(found)) == (0, "", CLEAN)
    assert project.found() == []
    log = json.loads(project.check("--format", "sarif").out)
    jsonschema.validate(log, json.loads((REFERENCE / "sarif-2.1.0.json").read_text("utf-8")))
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "DL602"
    assert result["suppressions"] == [{"kind": "inSource", "justification": "a macro"}]


def test_statistics_count_by_rule(project: Project) -> None:
    natives = NATIVES + NATIVES.replace("gild", "gilt")
    twice = WARNED + WARNED.replace("gild", "gilt") + DERIVATIVES
    project.write(twice, natives)
    found = project.check("--statistics")
    assert (found.status, found.out, count(found)) == (
        0,
        "2  DL602  unknown name in a formula\n1  DL601  two definitions of one function\n",
        "derivload: 3 warnings",
    )
    as_json = project.check("--statistics", "--format", "json").out
    assert as_json.startswith('[\n  {\n    "code"')
    counted = read_fitting(as_json, "statistics")
    assert counted[0] == {
        "code": "DL602",
        "title": "unknown name in a formula",
        "count": 2,
    }


def test_of_rules_that_are_broken_as_often_the_lower_code_comes_first(project: Project) -> None:
    project.write(WARNED + DERIVATIVES)
    codes = [line.split()[1] for line in project.check("--statistics").out.splitlines()]
    assert codes == sorted(codes)
    assert len(codes) == 2


def test_what_can_be_fixed_is_counted_beside_text_alone(project: Project) -> None:
    project.write(WARNED.replace("grad * slef", "grad * self.sizes()"))
    told = "can be fixed with --fix"
    assert told in project.check().err
    for more in (["--statistics"], ["--format", "json"], ["--statistics", "--format", "json"]):
        assert told not in project.check(*more).err


def test_a_release_that_is_not_known_yet_and_what_named_the_files_are_told(
    project: Project,
) -> None:
    found = project.check("--torch-version", "2.99")
    assert "derivload: note: torch 2.99 is newer than derivload knows; following" in found.err
    settings = project.folder / "derivload.toml"
    settings.write_text("catalogue = true\n", "utf-8")
    by_settings = call(["check"], project.folder)
    assert " in " in by_settings.err
    assert "derivload.toml" in by_settings.err
    assert "derivload.toml" not in project.check("--no-settings").err


def test_statistics_of_no_mistakes_are_empty(project: Project) -> None:
    found = project.check("--statistics")
    assert (found.status, found.out, count(found)) == (0, "", CLEAN)
