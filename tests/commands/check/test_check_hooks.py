"""The pre-commit hook and the example workflow run commands that derivload has."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from derivload.cli import main
from support.child import child_environment
from support.paths import CATALOGUE, ROOT


def test_the_hook_runs_check_once_whatever_changed() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["language"]) == ("derivload-check", "python")
    assert hook["pass_filenames"] is False
    script, *arguments = shlex.split(hook["entry"])
    assert script == "derivload"
    assert main([*arguments, "--catalogue"]) == 0


class Repository:
    """A git repository with the catalogue, an overlay, and the hook, which pre-commit runs."""

    def __init__(self, folder: Path, overlay: str, settings: str = "") -> None:
        self.folder = folder / "repository"
        self._environment = {
            **child_environment(),
            "PRE_COMMIT_HOME": str(folder / "pre-commit"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{who}_{what}": "a@b.c" for who in WHO for what in ("NAME", "EMAIL")},
        }
        hooks = folder / "hooks"
        hooks.mkdir()
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
        self._commit(hooks, "init", "--quiet")
        self._commit(hooks, "add", ".")
        self._commit(hooks, "commit", "--quiet", "--message", "hooks")
        rev = self._commit(hooks, "rev-parse", "HEAD").strip()
        shutil.copytree(CATALOGUE, self.folder)
        (self.folder / overlay).write_text("[]\n", "utf-8")
        if settings:
            (self.folder / "derivload.toml").write_text(settings, "utf-8")
        named = ("derivatives.yaml", "native_functions.yaml", overlay, "tags.yaml")
        options = ("--derivatives", "--native-functions", "--native-functions", "--tags")
        # This checkout's derivload, for pre-commit would install one from the index.
        hook = {
            "id": "derivload-check",
            "language": "system",
            "entry": shlex.join([sys.executable, "-m", "derivload", "check"]),
            "args": []
            if settings
            else [word for pair in zip(options, named, strict=True) for word in pair],
        }
        config = {"repos": [{"repo": str(hooks), "rev": rev, "hooks": [hook]}]}
        (self.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
        self._commit(self.folder, "init", "--quiet")
        self.commit()

    def commit(self) -> None:
        """Commit all that there is."""
        self._commit(self.folder, "add", "--all")
        self._commit(self.folder, "commit", "--quiet", "--message", "all")

    def hook(self) -> tuple[int, str]:
        """Stage all that there is, and run the hook on it; its exit status and what it says."""
        self._commit(self.folder, "add", "--all")
        done = self._run(self.folder, [sys.executable, "-m", "pre_commit", "run"])
        return done.returncode, done.stdout

    def _commit(self, folder: Path, *arguments: str) -> str:
        done = self._run(folder, ["git", *arguments])
        assert done.returncode == 0, done
        return done.stdout

    def _run(self, folder: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )


WHO = ("AUTHOR", "COMMITTER")


@pytest.mark.parametrize(
    "overlay",
    [
        "ops",
        *(
            pytest.param(n, marks=pytest.mark.thorough)
            for n in ("operators.txt", "my_operators.yaml")
        ),
    ],
)
def test_the_hook_sees_an_overlay_whatever_it_is_called(overlay: str, tmp_path: Path) -> None:
    repository = Repository(tmp_path, overlay)
    (repository.folder / "notes.txt").write_text("of no concern\n", "utf-8")
    status, said = repository.hook()
    assert (status, "Passed" in said) == (0, True), said
    repository.commit()
    (repository.folder / overlay).write_text("- func: zz(Tensor self -> Tensor\n", "utf-8")
    status, said = repository.hook()
    assert status == 1, said
    assert f"{overlay}:1:9: error[DL101]" in said
    (repository.folder / overlay).unlink()
    status, said = repository.hook()
    assert status == 1, said
    assert f"{overlay}: error[DL001]" in said


def test_the_hook_without_arguments_checks_what_the_settings_name(tmp_path: Path) -> None:
    natives = '["native_functions.yaml", "own.yaml"]'
    settings = f'derivatives = "derivatives.yaml"\nnative-functions = {natives}\n'
    repository = Repository(tmp_path, "own.yaml", settings)
    (repository.folder / "notes.txt").write_text("of no concern\n", "utf-8")
    status, said = repository.hook()
    assert (status, "Passed" in said) == (0, True), said
    (repository.folder / "own.yaml").write_text("- func: zz(Tensor self -> Tensor\n", "utf-8")
    status, said = repository.hook()
    assert status == 1, said
    assert "own.yaml:1:9: error[DL101]" in said
    (repository.folder / "derivload.toml").unlink()
    status, said = repository.hook()
    assert status == 1, said
    assert "nothing names the inputs: for derivatives.yaml" in said


@pytest.mark.parametrize("mistaken", [False, True])
def test_the_workflow_annotates_and_leaves_sarif(mistaken: bool, tmp_path: Path) -> None:
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
            env={**child_environment(), **workflow["env"], "DERIVLOAD_CACHE_DIR": str(cache)},
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
