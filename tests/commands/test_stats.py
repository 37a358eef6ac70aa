"""`--stats=json`: the steps that a run took, in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cli import main
from support.fitting import read_fitting
from support.paths import CATALOGUE


@pytest.fixture
def steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """By the exit of a run, the names of its steps."""
    derivatives = tmp_path / "derivatives.yaml"
    text = (CATALOGUE / "derivatives.yaml").read_text("utf-8")
    named = [
        *("emit", "--derivatives", str(derivatives), "--stats=json"),
        *("--native-functions", str(CATALOGUE / "native_functions.yaml")),
        *("--cache-dir", str(tmp_path / "cache"), "--out-dir"),
    ]
    found = {}
    for out, change in (("a", ""), ("a", ""), ("b", ""), ("a", "luster * ")):
        derivatives.write_text(text.replace("self: grad * luster", f"self: {change}grad * luster"))
        assert main([*named, str(tmp_path / out)]) == 0
        stats = read_fitting(capsys.readouterr().out, "stats")
        found[stats["exit"]] = list(stats["seconds"])
    return found


def test_steps_of_emit_without_a_cache(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--catalogue", "--no-cache", "--stats=json", "--out-dir", str(tmp_path))
    assert main(["emit", *options]) == 0
    stats = read_fitting(capsys.readouterr().out, "stats")
    steps = ["store", "inputs", "import", "load", "render", "write"]
    assert list(stats["seconds"]) == steps


def test_steps_of_emit(steps: dict[str, list[str]]) -> None:
    begun = ["store", "inputs", "find"]
    loaded = [*begun, "import", "restore", "load", "render", "state", "keep", "write"]
    assert steps == {
        "up-to-date": ["check"],
        "stored": [*begun, "write"],
        "incremental": loaded,
        "cold": loaded,
    }
