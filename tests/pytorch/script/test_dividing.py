"""`derivload run -m torchgen.gen` in several processes: as it is in one, whatever befalls them.

The forks are counted, and something done in a copy, by a `sitecustomize` that Python imports first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from derivload.outputs.journal import Journal, restore
from derivload.pytorch.script.dividing import noted
from derivload.pytorch.script.known import KNOWN
from derivload.pytorch.script.watching import Watch
from support.child import FROM_A_TERMINAL, child_environment
from support.few_operators import EVERY, FOR_ATEN, make_small
from support.releases import Release
from support.script_runs import Runner, contents
from support.script_trees import ScriptTree, make_script_tree

pytestmark = pytest.mark.release
THOROUGH: Final = pytest.mark.thorough

GEN: Final = (
    *("-m", "torchgen.gen", "--source-path", "aten/src/ATen", "--install_dir", "build/aten"),
    *("--output-dependencies", "build/generated.cmake"),
)
HEADERS: Final = "--per-operator-headers"
DIGEST: Final = """
import sys, torchgen.gen
sys.modules["__main__"] = torchgen.gen
from derivload.pytorch.script.dividing import digest_of_modules
print(digest_of_modules())
"""
# Counts forks in a file, and has `befall` called in each copy.
CUSTOM: Final = """
import os, sys, time

os.sched_getaffinity = lambda process: set(range({cores}))
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.register_at_fork(before=lambda: os.write(log, b"."))

def each_text(do):
    manager = sys.modules["torchgen.utils"].FileManager
    original = manager.substitute_with_template
    def substitute(*arguments, **named):
        do()
        return original(*arguments, **named)
    manager.substitute_with_template = substitute

def befall():
    {befall}

os.register_at_fork(after_in_child=befall)
"""
BEFALLS: Final = {
    "killed": "os.kill(os.getpid(), 9)",
    "raises": "each_text(lambda: 1 / 0)",
    "prints": "each_text(lambda: print('mine', flush=True))",
    "warns": "each_text(lambda: print('mine', file=sys.stderr))",
    "ends": "each_text(sys.exit)",
}


class Divided(ScriptTree):
    """A tree in which forks are counted."""

    def befall(self, code: str, cores: int = 2) -> None:
        """Have something happen in each copy. So many cores may be used."""
        custom = self.folder / "custom"
        custom.mkdir(exist_ok=True)
        text = CUSTOM.format(log=str(self.log), befall=code, cores=cores)
        (custom / "sitecustomize.py").write_text(text, "utf-8")
        environment = {**child_environment(custom), "PYTHONHASHSEED": "0"}
        self.runner = Runner(self.tree, self.folder / "state", environment)

    @property
    def log(self) -> Path:
        return self.folder / "forks"

    def forks(self) -> int:
        """How many forks there have been since the last call."""
        count = len(self.log.read_bytes()) if self.log.exists() else 0
        self.log.write_bytes(b"")
        return count

    def assert_alike(self, *arguments: str) -> None:
        """A run writes and prints what the plain command does."""
        ran = self.run(*arguments)
        plain, files = self.plain(*arguments)
        assert (ran.status, ran.stdout) == (plain.status, plain.stdout)
        assert ran.stderr == plain.stderr.replace(str(self.folder / "plain"), str(self.tree))
        made = contents(self.tree)
        assert made.keys() == files.keys()
        assert [name for name in made if made[name] != files[name]] == []

    def processes(self) -> list[Path]:
        """What runs in the tree."""
        return [path for path in Path("/proc").iterdir() if self._is_in(path)]

    def _is_in(self, process: Path) -> bool:
        try:
            return process.name.isdecimal() and (process / "cwd").readlink() == self.tree
        except OSError:
            return False


@pytest.fixture
def tree(release: Release, newest: str, longer: bool, tmp_path: Path) -> Divided:
    operators = EVERY if longer else ["abs", "add"]
    small = make_small(release(newest), tmp_path / "small", [*operators, *FOR_ATEN])
    make_script_tree(small.root, tmp_path)
    made = Divided(tmp_path)
    made.befall("pass")
    return made


def test_releases_are_known(each_release: str, release: Release) -> None:
    digest = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env=child_environment(release(each_release)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert KNOWN[digest.stdout.strip()] == each_release.removesuffix(".0")


@pytest.mark.parametrize(
    ("cores", "forks"),
    [pytest.param(1, 0, marks=THOROUGH), (2, 1), pytest.param(4, 2, marks=THOROUGH)],
)
def test_copies_make_what_the_plain_command_makes(tree: Divided, cores: int, forks: int) -> None:
    tree.befall("pass", cores)
    tree.assert_alike(*GEN, HEADERS)
    assert tree.forks() == forks
    assert tree.run(*GEN, HEADERS).exit == "up-to-date"


@pytest.mark.parametrize(
    ("options", "forks"),
    [
        ((), 1),
        (("--dry-run", HEADERS), 0),
        (("--generate", "sources", "headers"), 1),
        (("--generate", "declarations_yaml", "headers"), 1),
        (("--generate", "headers"), 0),
        (("--op_registration_whitelist", "aten::abs"), 1),
    ],
)
@THOROUGH
def test_options_are_as_they_are(tree: Divided, options: tuple[str, ...], forks: int) -> None:
    tree.assert_alike(*GEN, *options)
    assert tree.forks() == forks


@THOROUGH
def test_release_equals_the_plain_command(
    outer_release: str, release: Release, tmp_path: Path
) -> None:
    make_script_tree(release(outer_release), tmp_path)
    tree = Divided(tmp_path)
    tree.befall("pass")
    tree.assert_alike(*GEN, HEADERS)
    assert tree.forks() == 1


@pytest.mark.thorough
def test_a_torchgen_that_is_not_known_is_not_divided(tree: Divided) -> None:
    model = tree.tree / "torchgen" / "model.py"
    model.write_text(model.read_text("utf-8") + "# Mine.\n", "utf-8")
    tree.assert_alike(*GEN, HEADERS)
    assert tree.forks() == 0


@THOROUGH
@pytest.mark.parametrize("befall", BEFALLS)
def test_what_befalls_a_copy_does_not_show(tree: Divided, befall: str) -> None:
    tree.befall(BEFALLS[befall])
    tree.assert_alike(*GEN, HEADERS)
    assert tree.forks() == 1
    assert tree.run(*GEN, HEADERS).exit == "up-to-date"


@pytest.mark.parametrize(
    "name",
    [
        "RegisterDispatchKey.cpp",
        pytest.param("Function.h", marks=THOROUGH),
        pytest.param("Functions.h", marks=THOROUGH),
    ],
)
def test_an_exception_is_the_plain_one_and_changes_nothing(tree: Divided, name: str) -> None:
    pause = "time.sleep(pauses.pop()), os.write(log, b'.')"
    tree.befall(f"each_text(lambda pauses=[1]: pauses and ({pause}))")
    template = tree.tree / "aten" / "src" / "ATen" / "templates" / name
    text = template.read_text("utf-8")
    template.write_text(text + "${nobody}\n", "utf-8")
    ran, (plain, _) = tree.run(*GEN, HEADERS), tree.plain(*GEN, HEADERS)
    # The copy is ended at once if it is not the one that fails.
    assert tree.forks() == (1 if name == "RegisterDispatchKey.cpp" else 2)
    assert plain.stderr.endswith("KeyError: 'nobody'\n")
    assert (ran.status, ran.stdout) == (plain.status, plain.stdout)
    assert ran.stderr == plain.stderr.replace(str(tree.folder / "plain"), str(tree.tree))
    assert not (tree.tree / "build").exists()
    tree.befall("pass")
    template.write_text(text, "utf-8")
    assert tree.run(*GEN, HEADERS).status == 0
    before = contents(tree.tree)
    template.write_text(text + "${nobody}\n", "utf-8")
    assert tree.run(*GEN, HEADERS).status == 1
    after = contents(tree.tree)
    assert [n for n in after if after[n] != before.get(n)] == [str(template.relative_to(tree.tree))]


@pytest.mark.thorough
def test_what_only_a_copy_reads_counts(tree: Divided) -> None:
    assert tree.run(*GEN, HEADERS).exit == "ran"
    template = tree.tree / "aten" / "src" / "ATen" / "templates" / "Function.h"
    template.write_text(f"// Mine.\n{template.read_text('utf-8')}", "utf-8")
    assert tree.run(*GEN, HEADERS).exit == "ran"
    tree.assert_same(*GEN, HEADERS)


def test_a_known_manager_is_noted_with_the_folders_that_it_makes(tmp_path: Path) -> None:
    journal, path, kept = tmp_path / "journal", tmp_path / "a" / "b" / "c.h", tmp_path / "kept.h"
    journal.mkdir()
    kept.write_text("int i;\n", "utf-8")

    def write(_: object, filename: Path, text: str) -> None:
        filename.parent.mkdir(parents=True, exist_ok=True)
        filename.write_text(text, "utf-8")

    watch = Watch(Journal(str(journal)))
    for name in (path, kept):
        noted(watch, write)(None, name, "int i;\n")
    assert [*watch.seen.written] == [str(path), str(kept)]
    assert watch.seen.made.keys() == {str(path.parent), str(path.parents[1])}
    noted(watch, write)(None, kept, "int j;\n")
    assert (path.read_text("utf-8"), kept.read_text("utf-8")) == ("int i;\n", "int j;\n")
    restore(str(journal))
    assert kept.read_text("utf-8") == "int i;\n"
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=THOROUGH),
        pytest.param(signal.SIGKILL, -9, marks=THOROUGH),
    ],
)
def test_a_signal_ends_all_processes(tree: Divided, number: signal.Signals, status: int) -> None:
    tree.befall("each_text(lambda: time.sleep(1))")
    command = [*FROM_A_TERMINAL, sys.executable, "-m", "derivload", "run", *GEN, HEADERS]
    environment = {**tree.runner.environment, "DERIVLOAD_CACHE_DIR": str(tree.folder / "state")}
    process = subprocess.Popen(
        command,
        cwd=tree.tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_until(lambda: len(tree.processes()) == 3)
    os.kill(process.pid, number) if number == signal.SIGTERM else os.killpg(process.pid, number)
    assert process.wait() == status
    _wait_until(lambda: tree.processes() == [])


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
