"""Diagnostics as values, in the formats for other programs."""

from __future__ import annotations

import json
import os
from typing import Any

from derivload.diagnostics import Diagnostic, Edit, Fix, Related
from derivload.outputs.annotations import render_annotations
from derivload.outputs.report import MAX_LINE, render_report
from derivload.outputs.sarif import render_sarif

EDITS = (
    Edit("some where/é.yaml", 3, 9, 3, 12, "seven\ud800"),
    Edit("other.yaml", 1, 2, 2, 4, ""),
    Edit("some where/é.yaml", 5, 1, 5, 1, "x"),
)
FIX = Fix("write `seven`\n", EDITS, is_safe=True)
THERE = Related("other.yaml", 8, 2, 6, "one\tthere")
FOUND = Diagnostic(
    "some where/é.yaml",
    3,
    9,
    "DL602",
    "a name\nthat is not known",
    source_line="  self: six * x",
    length=3,
    severity="warning",
    fixes=(FIX, FIX),
    related=(THERE, THERE),
)
LONG = Diagnostic("a:b,c%.yaml", 1, 2, "DL405", "50% of\r\nit", "try", "x" * 3000, 2500, 0, 0)
OVER = Diagnostic("f\udcff.yaml", 4, 5, "DL405", "m", "h", "abcdefgh\ud800", 2, 6, 7)
WHOLE = Diagnostic("gone.yaml", 0, 0, "DL001", "it is not there")
EVERY = [WHOLE, OVER, LONG, FOUND]


def test_an_annotation_has_the_place_the_code_and_what_to_do() -> None:
    assert render_annotations(EVERY) == (
        "::error file=gone.yaml,title=DL001::it is not there"
        "%0Ahelp: check the path, and whether you may read the file\n"
        "::error file=f\\udcff.yaml,line=4,endLine=6,title=DL405::m%0Ahelp: h\n"
        "::error file=a%3Ab%2Cc%25.yaml,line=1,endLine=1,col=2,endColumn=2502,title=DL405::"
        "50%25 of\\r\\nit%0Ahelp: try\n"
        "::warning file=some where/é.yaml,line=3,endLine=3,col=9,endColumn=12,title=DL602::"
        "a name\\nthat is not known"
        "%0Ahelp: use an argument, an output or a gradient, or call a function\n"
    )
    controls = Diagnostic("a\rb\nc.yaml", 0, 0, "DL001", "m", "h")
    assert render_annotations([controls]).startswith("::error file=a%0Db%0Ac.yaml,title=DL001::")
    assert render_annotations([]) == ""


def test_a_report_has_all_that_is_known_of_a_mistake() -> None:
    data = render_report(EVERY, "2.7")
    assert data.startswith(b'{\n  "format": "derivload.diagnostics",\n  "version": 1,\n')
    assert data.endswith(b"\n}\n")
    document = json.loads(data)
    assert document["torch_version"] == "2.7"
    whole, over, long, found = document["diagnostics"]
    assert whole == {
        "code": "DL001",
        "severity": "error",
        "file": "gone.yaml",
        **dict.fromkeys(("line", "column", "end_line", "end_column"), 0),
        "message": "it is not there",
        "help": "check the path, and whether you may read the file",
        "source_line": "",
        "fixes": [],
        "related": [],
    }
    assert (over["file"], over["source_line"]) == ("f\ufffd.yaml", "abcdefgh\ufffd")
    assert [over[key] for key in ("line", "column", "end_line", "end_column")] == [4, 5, 6, 7]
    assert long["source_line"] == "x" * MAX_LINE == "x" * 2000
    assert (found["severity"], found["message"]) == ("warning", "a name\\nthat is not known")
    fix = {
        "message": "write `seven`\\n",
        "safe": True,
        "edits": [
            {"file": name, **dict(zip(_SPAN, span, strict=True)), "text": text}
            for name, span, text in (
                ("some where/é.yaml", (3, 9, 3, 12), "seven\ufffd"),
                ("other.yaml", (1, 2, 2, 4), ""),
                ("some where/é.yaml", (5, 1, 5, 1), "x"),
            )
        ],
    }
    assert found["fixes"] == [fix, fix]
    there = {"file": "other.yaml", **dict(zip(_SPAN, (8, 2, 8, 6), strict=True))}
    assert found["related"] == [{**there, "message": "one\\tthere"}] * 2


_SPAN = ("line", "column", "end_line", "end_column")


def _sarif(*found: Diagnostic, **more: Any) -> Any:
    data = render_sarif(found, "1.2", lambda code: f"# {code}", **more)
    assert data.endswith(b"\n}\n")
    (run,) = json.loads(data)["runs"]
    return run


def _region(*span: int) -> Any:
    return dict(zip(("startLine", "startColumn", "endLine", "endColumn"), span, strict=True))


def test_a_sarif_log_says_what_made_it() -> None:
    data = render_sarif([], "1.2", str)
    assert json.loads(data) == {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "derivload", "version": "1.2", "rules": []}},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True}],
                "results": [],
            }
        ],
    }
    assert data.startswith(b'{\n  "$schema"')
    named = Diagnostic("f", 1, 1, "DL405", "no é")
    assert "no é".encode() in render_sarif([named], "1", str)


def test_a_sarif_log_has_each_rule_once_with_its_page() -> None:
    run = _sarif(FOUND, OVER, LONG, uri=lambda code: "" if code == "DL405" else f"https:{code}")
    assert run["tool"]["driver"]["rules"] == [
        {
            "id": "DL405",
            "shortDescription": {"text": "unknown function"},
            "help": {"text": "# DL405", "markdown": "# DL405"},
            "defaultConfiguration": {"level": "error"},
        },
        {
            "id": "DL602",
            "shortDescription": {"text": "unknown name in a formula"},
            "helpUri": "https:DL602",
            "help": {"text": "# DL602", "markdown": "# DL602"},
            "defaultConfiguration": {"level": "warning"},
        },
    ]
    assert [result["ruleIndex"] for result in run["results"]] == [1, 0, 0]
    assert "helpUri" not in _sarif(FOUND)["tool"]["driver"]["rules"][0]


def test_a_sarif_result_has_the_place_and_the_words() -> None:
    whole, over, long, found = _sarif(*EVERY)["results"]
    assert whole == {
        "ruleId": "DL001",
        "ruleIndex": 0,
        "level": "error",
        "message": {
            "text": "it is not there\nhelp: check the path, and whether you may read the file"
        },
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "gone.yaml"}}}],
    }

    def place(result: Any) -> Any:
        return result["locations"][0]["physicalLocation"]

    assert place(over) == {
        "artifactLocation": {"uri": "f%FF.yaml"},
        "region": _region(4, 5, 6, 7),
    }
    assert place(long)["artifactLocation"]["uri"] == "a%3Ab%2Cc%25.yaml"
    assert place(long)["region"]["snippet"] == {"text": "x" * MAX_LINE}
    assert place(found)["region"] == {
        **_region(3, 9, 3, 12),
        "snippet": {"text": "six"},
    }
    half = Diagnostic(os.fsdecode(b"/a\xff b"), 1, 2, "DL405", "m", source_line="a\ud800b")
    assert place(_sarif(half)["results"][0]) == {
        "artifactLocation": {"uri": "file:///a%FF%20b"},
        "region": {
            **_region(1, 2, 1, 3),
            "snippet": {"text": "\ufffd"},
        },
    }


def test_a_sarif_result_has_its_fixes_and_other_places_once() -> None:
    (result,) = _sarif(FOUND)["results"]

    def replaced(span: tuple[int, ...], text: str) -> Any:
        return {"deletedRegion": _region(*span), "insertedContent": {"text": text}}

    assert result["fixes"] == [
        {
            "description": {"text": "write `seven`\\n"},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "some%20where/%C3%A9.yaml"},
                    "replacements": [
                        replaced((3, 9, 3, 12), "seven\ufffd"),
                        replaced((5, 1, 5, 1), "x"),
                    ],
                },
                {
                    "artifactLocation": {"uri": "other.yaml"},
                    "replacements": [replaced((1, 2, 2, 4), "")],
                },
            ],
            "properties": {"safe": True},
        }
    ]
    assert result["relatedLocations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "other.yaml"},
                "region": {"startLine": 8, "startColumn": 2, "endColumn": 6},
            },
            "message": {"text": "one\\tthere"},
        }
    ]
    (plain,) = _sarif(LONG)["results"]
    assert not {"fixes", "relatedLocations", "suppressions"} & {*plain}


def test_a_suppressed_warning_is_a_result_with_its_reason() -> None:
    run = _sarif(LONG, suppressed=[(FOUND, "as it\ud800 is"), (FOUND, "")])
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["DL405", "DL602"]
    assert [(result["ruleIndex"], result.get("suppressions")) for result in run["results"]] == [
        (0, None),
        (1, [{"kind": "inSource", "justification": "as it\ufffd is"}]),
        (1, [{"kind": "inSource"}]),
    ]
