"""`check --watch`: what is said after each save, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.checks import DERIVATIVES, INPUTS, MISTAKEN, project
from support.child import child_environment
from support.own_code import LOADER
from support.own_trees import Tree
from support.project import Project
from support.releases import Release
from support.small_pytorch import SmallPyTorch

__all__ = ["project"]  # fixtures

PATIENCE = 60


class Watched:
    """A running `check --watch`, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process = process
        self._said = said
        self._read = 0

    def until(self, words: str) -> str:
        """What is said from the last time on, up to a line with these words."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            lines = self._said.read_text("utf-8").splitlines(keepends=True)[self._read :]
            for number, line in enumerate(lines, 1):
                if words in line and line.endswith("\n"):
                    self._read += number
                    return "".join(lines[:number])
            time.sleep(0.01)
        raise AssertionError(f"no line with {words!r}: {self._said.read_text('utf-8')}")


@contextmanager
def watching(*options: str, inputs: Sequence[str] = INPUTS) -> Iterator[Watched]:
    said = Path("said.txt")
    command = [sys.executable, "-m", "derivload", "check", *inputs, "--watch", *options]
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=child_environment())
    try:
        yield Watched(process, said)
    finally:
        process.kill()
        process.wait()


def test_each_save_is_checked(project: Project) -> None:
    with watching() as watched:
        watched.until("derivload: no mistakes in derivatives.yaml, ")
        project.write(MISTAKEN)
        said = watched.until("derivload: 1 error in derivatives.yaml, ")
        first, second, *_ = said.splitlines()
        assert first == "derivload: checking"
        assert second.startswith("derivatives.yaml:2:20: error[DL420]: ")
        project.write(DERIVATIVES)
        watched.until("derivload: no mistakes in derivatives.yaml, ")
        watched.process.send_signal(signal.SIGTERM)
        assert watched.process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_a_save_that_changes_nothing_says_nothing(project: Project) -> None:
    with watching() as watched:
        watched.until("no mistakes")
        project.write(DERIVATIVES)
        project.write(DERIVATIVES + "\n\n- name: 3\n")
        assert watched.until("1 error in ").count("checking") == 1


def test_a_file_that_is_gone_is_a_mistake_until_it_is_back(project: Project) -> None:
    with watching() as watched:
        watched.until("no mistakes")
        Path("derivatives.yaml").rename("away.yaml")
        said = watched.until("1 error in ")
        assert "derivatives.yaml: error[DL001]: " in said
        Path("away.yaml").rename("derivatives.yaml")
        watched.until("no mistakes")


@pytest.mark.parametrize("first", ["", DERIVATIVES[: len(DERIVATIVES) // 2]], ids=["empty", "half"])
def test_half_a_save_is_not_checked(first: str, project: Project) -> None:
    with watching() as watched:
        watched.until("no mistakes")
        project.write(first)
        time.sleep(0.05)
        project.write(DERIVATIVES + "- name: 3\n")
        assert watched.until("1 error in ").count("checking") == 1


@pytest.mark.release
def test_an_edit_of_the_trees_own_code_is_checked(
    release: Release, newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = SmallPyTorch(release(newest), tmp_path / "pytorch").root
    small = Tree(root, tmp_path / "out", tmp_path / "cache")
    named = 'return (camel_case + "Backward")'
    with watching("--no-cache", inputs=["--pytorch", str(small.root)]) as watched:
        watched.until("derivload: no mistakes in ")
        small.edit(LOADER, named, "return (3)")
        watched.until("the tree's own torchgen refuses this: AttributeError: 'int'")
        small.edit(LOADER, "return (3)", named)
        watched.until("derivload: no mistakes in ")


def test_inputs_that_cannot_be_found_are_said_once(project: Project) -> None:
    settings = Path("derivload.toml")
    with watching() as watched:
        watched.until("no mistakes")
        settings.write_text('torch-version = "1.0"\n', "utf-8")
        watched.until("error: ")
        settings.write_text("", "utf-8")
        project.write(MISTAKEN)
        said = watched.until("1 error in ")
        assert said.count("error: ") == 0
        assert said.count("checking") == 1


def test_the_settings_are_followed(project: Project) -> None:
    settings = Path("derivload.toml")
    settings.write_text('dispatch-key = ["PrivateUse1"]\n', "utf-8")
    with watching() as watched:
        watched.until("no mistakes")
        project.edit("CPU: gild", "PrivateUse1, CPU: gild", "native_functions.yaml")
        project.edit("grad * leaf", "grad * leaf.sizes()")
        watched.until("1 error in ")
        settings.write_text("", "utf-8")
        watched.until("error[DL222]: ")


def test_it_ends_when_nobody_reads(project: Project) -> None:
    command = [sys.executable, "-m", "derivload", "check", *INPUTS, "--watch"]
    project.write(MISTAKEN)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        project.write(MISTAKEN + "- name: 3\n")
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("option", ["--fix", "--diff", "--fix-only"])
def test_it_does_not_fix(project: Project, option: str) -> None:
    ran = project.call("check", *INPUTS, "--watch", option)
    assert ran.status == 2
    assert ran.err.endswith(f"error: {option} has no effect with --watch\n")
