"""Calls that are answered whole: of functions that are named as torchgen's, and do all that a
script can do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from derivload.outputs.kept_runs import read_record
from support.run_scripts import Write, runner, script

__all__ = ["runner", "script"]  # fixtures

SCRIPT: Final = """
import sys
import torchgen.gen_functionalization_type as other
import torchgen.gen_lazy_tensor as lazy

# As derivload's engine says which files it has read.
sys.meta_path[0]._watch.note_values("derivatives.yaml", "other.yaml")
print("begin", flush=True)
lazy.run_gen_lazy_tensor("one")
lazy.run_gen_lazy_tensor("two")
assert other.gen_functionalization_view_meta_classes() == 7
print(open("after.txt").read())
"""
# The number of its process tells whether it was called, or answered.
LAZY: Final = """
import os, sys, yaml

def run_gen_lazy_tensor(name):
    import helper
    os.path.exists("none"), os.readlink("link"), os.stat("stat.txt"), os.listdir("folder")
    os.environ.get("X1"), sys.stdout.isatty()
    text = open("in.txt").read() + str(yaml.safe_load(open("in.yaml")))
    os.makedirs("out/" + name, exist_ok=True)
    open("out/" + name + "/made.txt", "w").write(text)
    print(name, os.getpid())
    print("told", os.getpid(), file=sys.stderr)
"""
OTHER: Final = """
import os

def gen_functionalization_view_meta_classes():
    print("other", os.getpid())
    return 7
"""


def noted(state: Path) -> set[tuple[str, str]]:
    """What the record of the run has, but for what the call does not depend on, and is printed."""
    (record,) = (path for path in (state / "runs").iterdir() if path.suffix == "")
    found = set()
    for line in read_record(str(record)):
        folder, *names = line.name.split("\0")
        found |= {(line.kind, f"{folder} {name}") for name in names or [""]}
    return {(kind, name) for kind, name in found if kind != "printed" and "after.txt" not in name}


@pytest.fixture
def written(script: Write) -> Write:
    def write(text: str) -> object:
        runner = script(text)
        folder = runner.folder
        for name in ("torchgen", "folder"):
            (folder / name).mkdir()
        (folder / "torchgen" / "__init__.py").touch()
        (folder / "torchgen" / "gen_lazy_tensor.py").write_text(LAZY)
        (folder / "torchgen" / "gen_functionalization_type.py").write_text(OTHER)
        (folder / "helper.py").touch()
        (folder / "stat.txt").touch()
        (folder / "after.txt").touch()
        (folder / "derivatives.yaml").write_text("- a: 1\n")
        (folder / "other.yaml").write_text("- a: 1\n")
        (folder / "in.yaml").write_text("- a: 1\n")
        (folder / "link").symlink_to("in.txt")
        return runner

    return write  # type: ignore[return-value]


def test_a_call_is_answered_until_something_that_it_saw_changes(written: Write) -> None:
    runner = written(SCRIPT)
    first = runner.run("script.py")
    assert first.status == 0, first.stderr
    whole = noted(runner.state)
    (runner.folder / "after.txt").write_text("later\n")
    (runner.folder / "derivatives.yaml").write_text("- a: 2\n")
    (runner.folder / "in.yaml").write_text("# A comment counts nothing.\n- a: 1\n")
    again = runner.run("script.py")
    assert again.exit == "ran"
    begin, one, two, other, _ = first.stdout.splitlines()
    assert again.stdout.splitlines()[:3] == [begin, one, two]
    assert again.stdout.splitlines()[4] == "later"
    assert other not in again.stdout
    assert again.stderr == first.stderr
    assert noted(runner.state) >= whole
    (runner.folder / "in.txt").write_text("two\n")
    third = runner.run("script.py")
    assert not {one, two} & {*third.stdout.splitlines()}
    assert (runner.folder / "out" / "two" / "made.txt").read_text() == "two\n[{'a': 1}]"
    (runner.folder / "out" / "two" / "made.txt").unlink()
    fourth = runner.run("script.py")
    assert fourth.stdout.splitlines()[1] == third.stdout.splitlines()[1]
    assert fourth.stdout.splitlines()[2] != third.stdout.splitlines()[2]
    assert (runner.folder / "out" / "two" / "made.txt").exists()
    (runner.folder / "other.yaml").write_text("- a: 2\n")
    fifth = runner.run("script.py")
    assert fifth.stdout.splitlines()[1] != fourth.stdout.splitlines()[1]
    runner.environment["LC_ALL"] = "C"
    sixth = runner.run("script.py")
    assert sixth.stdout.splitlines()[1] != fifth.stdout.splitlines()[1]
