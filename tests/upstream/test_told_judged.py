"""What was recorded of small definitions is what torchgen makes of them, or turns away."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict

import msgspec
import pytest

from derivload.cpp.dialect import NEWEST
from support.paths import REFERENCE
from support.releases import Release
from support.rule_cases import TAGS
from support.told import Told, load_told, read_told

# What torchgen makes something of, with the reason to turn it away.
DELIBERATE = {
    "outputs told by a mapping": "torchgen takes its keys for conditions",
    "outputs told by numbers": "torchgen never asks whether a condition is a text or a boolean",
    "outputs told by other numbers": "as above",
    "outputs of which one is a fraction": "as above",
    "names that are no words": "torchgen would take the name for a regular expression",
}
CASES = [
    case
    for path in sorted((REFERENCE / "derivatives").glob("*.txt"))
    for case in read_told(path)
    if case.title not in DELIBERATE
]


@pytest.mark.release
def test_what_is_made_of_definitions_is_what_torchgen_makes(release: Release) -> None:
    by_release: dict[str, list[Told]] = defaultdict(list)
    for case in CASES:
        by_release[case.release or NEWEST.version].append(case)
    for version, cases in by_release.items():
        texts = {case.title: (*case.inputs.values(), TAGS) for case in cases}
        judge = str(REFERENCE / "judge_cases.py")
        answer = subprocess.run(
            [sys.executable, "-X", "utf8", judge, str(release(f"{version}.0"))],
            input=json.dumps(texts),
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
        theirs = json.loads(answer.stdout)["verdicts"]
        assert {case.title: _made(case) for case in cases} == {
            title: documents
            and [documents[0]["functions"], documents[1]["functions"], documents[1]["generated"]]
            for title, documents in theirs.items()
        }


def _made(case: Told) -> list[object] | None:
    """The records of the documents; None if there is an error."""
    _, loaded = load_told(case)
    if any(diagnostic.is_error for diagnostic in loaded.diagnostics):
        return None
    matched = loaded.load.matched
    made = (
        [record for _, record in loaded.records()],
        [one.record for one in matched],
        [one.generated for one in matched if one.generated],
    )
    return [msgspec.json.decode(msgspec.json.encode(records)) for records in made]
