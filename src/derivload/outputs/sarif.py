"""Diagnostics as SARIF 2.1.0, for code scanning: what `check --format sarif` prints."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from derivload.diagnostics import Diagnostic, Fix, shortened
from derivload.outputs.report import MAX_LINE
from derivload.rules import RULES
from derivload.terminal.text import encodable, printable

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

Json = dict[str, object]


def render_sarif(
    diagnostics: Sequence[Diagnostic],
    tool_version: str,
    page: Callable[[str], str],
    suppressed: Sequence[tuple[Diagnostic, str]] = (),
    uri: Callable[[str], str] = lambda _: "",
) -> bytes:
    """The SARIF log of one run. `page` returns the page of a rule, in Markdown.

    `uri` returns the address of the page; "" if it has none.

    `suppressed` are the warnings that comments suppress, each with the reason given there.
    """
    every = [*diagnostics, *(diagnostic for diagnostic, _ in suppressed)]
    codes = sorted({diagnostic.code for diagnostic in every})
    driver = {
        "name": "derivload",
        "version": tool_version,
        "rules": [_rule(code, page(code), uri(code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [
            *(_result(d, codes.index(d.code)) for d in diagnostics),
            *(
                {**_result(d, codes.index(d.code)), "suppressions": [_suppression(reason)]}
                for d, reason in suppressed
            ),
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False).encode() + b"\n"


def _suppression(reason: str) -> Json:
    return {"kind": "inSource", **({"justification": encodable(reason)} if reason else {})}


def _rule(code: str, page: str, uri: str) -> Json:
    rule = RULES[code]
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        **({"helpUri": uri} if uri else {}),
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(diagnostic: Diagnostic, index: int) -> Json:
    text = f"{diagnostic.sentence}\nhelp: {diagnostic.advice}"
    location: Json = {"artifactLocation": {"uri": _uri(diagnostic.file)}}
    if diagnostic.line:
        end_line, end_column = diagnostic.end
        region: Json = {
            "startLine": diagnostic.line,
            "startColumn": diagnostic.column,
            "endLine": end_line,
            "endColumn": end_column,
        }
        if end_line == diagnostic.line:
            words = diagnostic.source_line[diagnostic.column - 1 : end_column - 1]
            region["snippet"] = {"text": encodable(words[:MAX_LINE])}
        location["region"] = region
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
        **_more(diagnostic),
    }


def _more(diagnostic: Diagnostic) -> Json:
    """The fixes and the other places, if there are any."""
    more: Json = {}
    if diagnostic.related:
        more["relatedLocations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(place.file)},
                    "region": {
                        "startLine": place.line,
                        "startColumn": place.column,
                        "endColumn": place.end_column,
                    },
                },
                "message": {"text": printable(shortened(place.message))},
            }
            for place in dict.fromkeys(diagnostic.related)
        ]
    if diagnostic.fixes:
        more["fixes"] = [_fix(fix) for fix in dict.fromkeys(diagnostic.fixes)]
    return more


def _fix(fix: Fix) -> Json:
    """A fix. SARIF has no word for whether it is safe, so that is a property."""
    return {
        "description": {"text": printable(shortened(fix.message))},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": _uri(file)},
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": edit.line,
                            "startColumn": edit.column,
                            "endLine": edit.end_line,
                            "endColumn": edit.end_column,
                        },
                        "insertedContent": {"text": encodable(edit.text)},
                    }
                    for edit in fix.edits
                    if edit.file == file
                ],
            }
            for file in dict.fromkeys(edit.file for edit in fix.edits)
        ],
        "properties": {"safe": fix.is_safe},
    }


def _uri(path: str) -> str:
    """The path as a URI. A relative path stays relative."""
    if Path(path).is_absolute():
        return Path(path).as_uri()
    return quote(os.fsencode(path.replace(os.sep, "/")))
