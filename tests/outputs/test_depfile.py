"""The depfile of `derivload emit`, as the real Ninja and GNU Make read it."""

from __future__ import annotations

import ntpath
import os
import random
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from derivload.cli import main
from derivload.outputs.depfile import is_writable, render_depfile
from support.child import child_environment
from support.paths import CATALOGUE, FILES
from support.project import copy_catalogue

OUTPUTS = ["differentiability.json", "functions.json", "manifest.json"]

Run = Callable[[], int]


# What it says


def emit(folder: Path, *more: str) -> Path:
    derivatives, natives, tags = (str(folder / name) for name in FILES)
    options = ["--derivatives", derivatives, "--native-functions", natives, "--tags", tags, *more]
    depfile = folder / "made" / "out.d"
    out = ["--out-dir", str(folder / "out"), "--depfile", str(depfile)]
    assert main(["emit", *options, *out]) == 0
    return depfile


def test_it_names_all_outputs_and_all_inputs(tmp_path: Path) -> None:
    folder = copy_catalogue(tmp_path / "project")
    overlay = folder / "overlay.yaml"
    overlay.write_text("[]\n")
    rule = emit(folder, "--native-functions", str(overlay)).read_text("utf-8")
    targets, colon, inputs = rule.replace("\\\n", "").partition(":")
    assert colon
    assert targets.split() == [str(folder / "out" / name) for name in OUTPUTS]
    derivatives, natives, tags = (str(folder / name) for name in FILES)
    package = CATALOGUE.parent
    tool = sorted(map(str, [*package.rglob("*.py"), package / "tree" / "known.json"]))
    assert inputs.split() == [derivatives, natives, str(overlay), tags, *tool]


def test_it_names_the_files_that_say_the_version(tmp_path: Path) -> None:
    folder = tmp_path / "pytorch"
    for name, place in zip(FILES, ("autograd", "ATen/native", "ATen/native"), strict=True):
        (folder / "torchgen/packaged" / place).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CATALOGUE / name, folder / "torchgen/packaged" / place / name)
    (folder / "version.txt").write_text("2.15.0\n")
    depfile = tmp_path / "out.d"
    out = ["--out-dir", str(tmp_path / "out"), "--depfile", str(depfile)]
    assert main(["emit", "--pytorch", str(folder), *out]) == 0
    assert str(folder / "version.txt") in depfile.read_text("utf-8").replace("\\\n", "").split()


def test_it_is_for_the_target_that_is_named(tmp_path: Path) -> None:
    folder = copy_catalogue(tmp_path / "project")
    rule = emit(folder, "--depfile-target", "my stamp").read_text("utf-8")
    assert rule.startswith("my\\ stamp: \\\n")


def test_it_names_the_shards(tmp_path: Path) -> None:
    folder = copy_catalogue(tmp_path / "project")
    rule = emit(folder, "--shards", "2").read_text("utf-8")
    shards = ["differentiability_0.json", "differentiability_1.json"]
    targets = rule.replace("\\\n", "").partition(":")[0].split()
    assert targets == [str(folder / "out" / name) for name in (*shards, *OUTPUTS[1:])]


def test_it_is_not_touched_when_it_says_the_same(tmp_path: Path) -> None:
    folder = copy_catalogue(tmp_path / "project")
    before = emit(folder).stat()
    edit(folder)
    after = emit(folder).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def edit(folder: Path) -> None:
    text = (folder / "derivatives.yaml").read_text("utf-8")
    changed = text.replace("self: grad * luster", "self: luster * grad")
    assert changed != text
    (folder / "derivatives.yaml").write_text(changed, encoding="utf-8")


# Who reads it


class Build(NamedTuple):
    """Inputs in a folder whose name is full of what build tools escape, and a log of the runs."""

    root: Path
    folder: Path
    outputs: list[str]
    command: str

    def runs(self) -> int:
        return len((self.root / "log").read_text("utf-8").splitlines())

    def differentiability(self) -> bytes:
        return (self.folder / "out" / "differentiability.json").read_bytes()

    def touch(self, name: str) -> None:
        """Make an input newer than every output, however coarse the clock of the file system."""
        newest = max(output.stat().st_mtime_ns for output in (self.folder / "out").glob("[!.]*"))
        while (self.folder / name).stat().st_mtime_ns <= newest:
            (self.folder / name).touch()


@pytest.fixture
def build(tmp_path: Path) -> Build:
    name = "a b#c$d:e[f]~!(g) \u00e9"
    emit = [
        *(sys.executable, "-m", "derivload", "emit", "--derivatives", f"{name}/{FILES[0]}"),
        *("--native-functions", f"{name}/{FILES[1]}", "--tags", f"{name}/{FILES[2]}"),
        *("--out-dir", f"{name}/out", "--depfile", "out.d"),
    ]
    return Build(
        root=tmp_path,
        folder=copy_catalogue(tmp_path / name),
        outputs=[f"{name}/out/{file}" for file in OUTPUTS],
        command=f"{shlex.join(emit)} && echo run >> log",
    )


def test_ninja_reads_it(build: Build, unavailable: Callable[[str], NoReturn]) -> None:
    ninja = shutil.which("ninja")
    if ninja is None:
        unavailable("there is no ninja on this machine")
    lines = [
        "rule emit",
        f"  command = {build.command.replace('$', '$$')}",
        "  depfile = out.d",
        "  deps = gcc",
        "  restat = 1",  # for an output that did not change keeps its time
        f"build {' '.join(escaped(path, '$ :', '$') for path in build.outputs)}: emit",
    ]
    write_lines(build.root / "build.ninja", lines)
    assert_only_inputs_rerun(build, runner(build, [ninja]))


def test_make_reads_it(build: Build, unavailable: Callable[[str], NoReturn]) -> None:
    make = shutil.which("gmake") or shutil.which("make")
    if make is None:
        unavailable("there is no GNU make on this machine")
    first, *others = (escaped(path, " #:", "\\").replace("$", "$$") for path in build.outputs)
    # Make knows times alone, so what was found up to date has to be touched for it.
    recipe = f"{build.command} && touch {shlex.join(build.outputs)}"
    lines = [
        f"all: {first} {' '.join(others)}",
        *(f"{other}: {first}" for other in others),
        f"{first}:",
        f"\t{recipe.replace('$', '$$')}",
        "-include out.d",
    ]
    write_lines(build.root / "Makefile", lines)
    assert_only_inputs_rerun(build, runner(build, [make, "-r"]))


def escaped(path: str, special: str, escape: str) -> str:
    return "".join(escape + character if character in special else character for character in path)


def write_lines(file: Path, lines: Iterable[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def runner(build: Build, command: list[str]) -> Run:
    """What runs the build tool, and tells how often it has run derivload by then."""

    def run() -> int:
        done = subprocess.run(
            command,
            cwd=build.root,
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return build.runs()

    return run


def assert_only_inputs_rerun(build: Build, run: Run) -> None:
    assert run() == 1
    assert run() == 1
    for times, name in enumerate(FILES, start=2):
        build.touch(name)
        assert run() == times, name
        assert run() == times, name
    (build.folder / "other.yaml").write_text("[]\n")
    assert run() == 4
    before = build.differentiability()
    edit(build.folder)
    build.touch("derivatives.yaml")
    assert run() == 5
    assert build.differentiability() != before


# Names of all kinds, in the real build tools

# What both read; what Make reads, and Ninja takes for the end of a path.
BOTH = " #:$%=~[](){}!@+,-.\u00e9\u2603ab"
MAKE = BOTH.replace("[", "") + "*?|;\"&'<>^`\t\x01"


def names(chance: random.Random, alphabet: str) -> list[str]:
    """Names of files that can be written, and that are no members of archives to Make."""
    made: set[str] = set()
    while len(made) < 8:
        name = "".join(chance.choice(alphabet) for _ in range(chance.randint(1, 6)))
        if name not in (".", "..") and is_writable(name) and not name.endswith(")"):
            made.add(name)
    return sorted(made)


@pytest.mark.parametrize("tool", ["ninja", "make"])
def test_names_of_all_kinds(
    longer: bool,
    seed: int,
    tool: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unavailable: Callable[[str], NoReturn],
) -> None:
    if shutil.which(tool) is None:
        unavailable(f"there is no {tool} on this machine")
    chance = random.Random(seed)
    for turn in range(40 if longer else 4):
        folder = tmp_path / str(turn)
        (folder / "own").mkdir(parents=True)
        monkeypatch.chdir(folder)
        chosen = names(chance, BOTH if tool == "ninja" else MAKE)
        # Those without `=` that there always are: modules of derivload.
        assert_each_is_read(folder, tool, chosen, more=["own/module", "own/other"])


def assert_each_is_read(folder: Path, tool: str, inputs: list[str], more: list[str]) -> None:
    """Nothing runs again until one of the files is touched, and then once."""
    for name in (*inputs, *more):
        (folder / name).touch()
        os.utime(folder / name, (1, 1))
    (folder / "own" / "rule").write_bytes(render_depfile(["out"], [*inputs, *more]))
    command = "echo run >>own/log; touch out; cp own/rule out.d"
    ninja = [
        "rule r",
        f"  command = {command}",
        "  depfile = out.d",
        "  deps = gcc",
        "build out: r",
    ]
    write_lines(folder / "build.ninja", ninja)
    write_lines(folder / "Makefile", ["out:", f"\t{command}", "-include out.d"])

    def runs() -> int:
        said = subprocess.run([tool], cwd=folder, capture_output=True, check=False)
        assert said.returncode == 0, (inputs, said)
        return (folder / "own" / "log").read_text().count("run")

    assert runs() == 1
    assert runs() == 1, inputs
    for count, name in enumerate(inputs, start=2):
        newer = (folder / "out").stat().st_mtime_ns + 1
        while (folder / name).stat().st_mtime_ns <= newer:
            (folder / name).touch()
        assert runs() == count, (name, inputs)


@pytest.mark.parametrize(
    "inputs",
    [["own/a", "own/b", "!=touch ran", "=x"], ["own/a", "!=touch ran"], ["a=b", "=x", "?="]],
    ids=["two without", "one without", "none without"],
)
def test_no_input_is_an_assignment_to_make(
    inputs: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unavailable: Callable[[str], NoReturn],
) -> None:
    if shutil.which("make") is None:
        unavailable("there is no GNU make on this machine")
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    assert_each_is_read(tmp_path, "make", inputs, more=[])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("target", ["a%b", "a:b", "a b", "a#b", "a$b", "a;b", "a*b", "a[b", "a~b"])
def test_a_target_is_what_it_is_called_to_make(
    target: str, tmp_path: Path, unavailable: Callable[[str], NoReturn]
) -> None:
    if shutil.which("make") is None:
        unavailable("there is no GNU make on this machine")
    (tmp_path / "in").touch()
    (tmp_path / "out.d").write_bytes(render_depfile([target], ["in"]))
    (tmp_path / target).touch()
    os.utime(tmp_path / target, (1, 1))
    rule = (tmp_path / "out.d").read_text("utf-8").partition(": ")[0]
    write_lines(tmp_path / "Makefile", [f"{rule}:", "\t@echo ran", "include out.d"])
    command = ["make", "-r", target]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "ran\n", done.stderr


def test_what_cannot_be_written_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_catalogue(tmp_path / "line\nend")
    rule = emit(folder).read_bytes()
    assert b"tags.yaml" not in rule
    said = capsys.readouterr().err
    assert said.startswith("derivload: note: a depfile cannot name ")
    assert ascii(str(folder / "tags.yaml")) in said
    assert "line\nend/tags" not in said


def test_the_colon_of_a_drive_is_none_to_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "splitdrive", ntpath.splitdrive)
    rule = render_depfile(["C:/out:x"], ["D:/in:x"])
    assert rule == b"C:/out\\:x: \\\n  D:/in\\:x\n"


def test_cmake_gets_no_escapes_that_it_does_not_know() -> None:
    rule = render_depfile(["a%b:c"], ["d:e*f?g h#i$j"], for_cmake=True)
    assert rule == b"a%b:c: \\\n  d:e*f?g\\ h\\#i$$j\n"


def test_who_reads_a_depfile_that_is_not_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["emit", "--catalogue", "--out-dir", str(tmp_path / "out"), "--depfile-for", "cmake"])
        == 2
    )
    assert "--depfile-for has no effect without --depfile" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
