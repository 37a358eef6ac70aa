"""The pre-commit hook and the example workflow run commands that derivload has."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from derivload.cli import main

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "src" / "derivload" / "catalog"


def test_the_hook_runs_check_once_for_any_of_the_files() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["language"]) == ("derivload-check", "python")
    assert hook["pass_filenames"] is False
    script, *arguments = shlex.split(hook["entry"])
    assert script == "derivload"
    assert main(arguments) == 0
    matches = re.compile(hook["files"]).search
    assert matches("derivatives.yaml")
    assert matches("aten/native_functions_extra.yml")
    assert not matches("other.yaml")
    assert not matches("derivatives.yaml.orig")


@pytest.mark.parametrize("mistaken", [False, True])
def test_the_workflow_annotates_and_leaves_sarif(
    mistaken: bool, tmp_path: Path, child_environment: dict[str, str]
) -> None:
    workflow = yaml.safe_load((ROOT / "examples" / "github" / "derivload.yml").read_text("utf-8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    annotate, leave = [step for step in steps if step.startswith("derivload check")]
    for path in CATALOGUE.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    if mistaken:
        definitions = tmp_path / "derivatives.yaml"
        definitions.write_text(definitions.read_text("utf-8") + "- name: 3\n", "utf-8")
    cache = tmp_path / "cache"
    program = f'derivload() {{ {shlex.quote(sys.executable)} -m derivload "$@"; }}\n'

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", program + command],
            cwd=tmp_path,
            # Of no other test's making, whichever ran before.
            env={**child_environment, **workflow["env"], "DERIVLOAD_CACHE_DIR": str(cache)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    annotated = run(annotate)
    assert annotated.returncode == int(mistaken), annotated
    told = annotated.stdout.startswith("::error file=derivatives.yaml,line=")
    assert told == mistaken, annotated
    left = run(leave)
    assert left.returncode == 0, left
    (sarif,) = json.loads((tmp_path / "derivload.sarif").read_bytes())["runs"]
    assert len(sarif["results"]) == int(mistaken)
