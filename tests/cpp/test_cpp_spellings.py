"""Arguments and returns of all types are spelled in C++ as torchgen spells them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.cpp.dialect import DIALECTS
from support.cpp_spellings import RELEASES, Speller, items, written
from support.paths import REFERENCE
from support.releases import Release

ANSWERS = REFERENCE / "cpp.txt"


def test_each_is_spelled_as_torchgen_was_recorded_to() -> None:
    recorded = ANSWERS.read_text("utf-8").split("\n\n")
    assert len(recorded) == len(RELEASES)
    for release, expected in zip(RELEASES, recorded, strict=True):
        assert [release, *written(Speller(DIALECTS[release]))] == expected.strip().split("\n")


@pytest.mark.release
def test_torchgen_spells_them_as_recorded(release: Release, tmp_path: Path) -> None:
    asked = list(items())
    parts = []
    for number in RELEASES:
        run = subprocess.run(
            [sys.executable, str(REFERENCE / "judge_cpp.py"), str(release(f"{number}.0"))],
            input=json.dumps(asked),
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
        answers = dict(zip(asked, json.loads(run.stdout), strict=True))
        spelled = written(lambda *item, known=answers: known[item] or "refused")
        parts.append("\n".join([number, *spelled]))
    renewed = tmp_path / ANSWERS.name
    renewed.write_text("\n\n".join(parts) + "\n", "utf-8")
    same = renewed.read_text("utf-8") == ANSWERS.read_text("utf-8")
    assert same, f"if torchgen is right, {renewed} takes its place"
