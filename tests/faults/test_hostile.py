"""Input that was made to do harm: no traceback, nothing executed, bounded time and memory.

Each case is given to a process of its own, which the kernel ends after ten seconds of work and
gives no more than 500 MB: to `emit`, and where finding and telling the mistakes is the work, to
`check`. `--long` gives each case to both, with each format, makes the largest larger, and changes
the shipped catalogue at every position.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from support.child import child_environment
from support.hostile_texts import CASES, Case, M
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, TAGS
from support.project import Project, Ran

# Runs derivload again and again, each time in a process that it becomes by a fork: what is imported
# is imported once.
LIMITED = """
import json, os, resource, signal, sys
from derivload.cli import main
import derivload.commands.check.command, derivload.commands.emit
import derivload.commands.options.command_line, derivload.commands.settings.apply
import derivload.engine.judging, derivload.loading.run, derivload.outputs.documents
import derivload.outputs.sarif, derivload.terminal.streams, yaml
for line in sys.stdin:
    folder, *arguments = json.loads(line)
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.chdir(folder)
    for name, descriptor in (("err", 2), ("out", 1)):
        os.dup2(os.open(f"{folder}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    signal.alarm(60)
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_DATA, (500 << 20, 500 << 20))
    sys.argv = ["derivload", *arguments]
    sys.exit(main())
"""


COMMANDS: Final = {
    "emit": ["emit", "--out-dir", "out"],
    "check": ["check"],
    "check JSON": ["check", "--format", "json"],
    "check SARIF": ["check", "--format", "sarif"],
}


# What is told of a thousand mistakes in each file, with a line of the file and a sentence each.
MOST_TOLD: Final = 10 * M


# Those that take longest; another of the kind of each is among the others.
LONGEST: Final = {
    *("long words, wrong together", "arguments without formulas", "schemas as long as may be"),
    *("unknown keys of definitions", "unknown keys of tags", "unknown tags"),
    *("unknown functions beside many", "definitions again and again"),
    *("unknown functions", "unknown names everywhere", "a formula of a list"),
    *("a formula of parentheses", "warnings in one line", "a key repeated by aliases"),
    *("a formula of a tangent's call that does not end", "a formula of gradients that do not end"),
    *("a formula of a list that does not end", "a formula of unsupported sizes that do not end"),
    *("a formula of colons", "a formula of a value beside a value", "templates that do not end"),
    *("a formula of what may be a date", "a formula repeated by aliases"),
    *("arguments saved for their types", "mistakes behind a long comment", "one long line"),
    *("nested blocks", "a long list", "a formula of dots", "schemas of a megabyte"),
}


TAGGED: Final = (
    "!!python/object/apply:os.system ['touch executed']",
    "!!python/object/new:os.system ['touch executed']",
    "!!python/object/apply:subprocess.Popen [[touch, executed]]",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!!python/object:derivload.engine.load.Texts {}",
    "!!python/tuple [a]",
)


class Limited:
    """A process that runs derivload within limits."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LIMITED],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, folder: Path, command: str) -> Ran:
        assert self._process.stdin is not None and self._process.stdout is not None
        options = ["--derivatives", DERIVATIVES, "--native-functions", NATIVES, "--tags", TAGS]
        arguments = [*COMMANDS[command], *options, "--no-cache"]
        self._process.stdin.write(f"{json.dumps([str(folder), *arguments])}\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        said = [Path(f"{folder}.{name}").read_text("utf-8", "replace") for name in ("out", "err")]
        return Ran(status, *said)

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def limited() -> Iterator[Limited]:
    made = Limited()
    yield made
    made.close()


def write(folder: Path, case: Case, times: int) -> None:
    """Write the files of the catalogue with a case before them."""
    text = case.make(times)
    before = {NATIVES: case.natives.encode("utf-8")}
    before[case.file] = text if isinstance(text, bytes) else text.encode("utf-8")
    for name in FILES:
        rest = b"" if case.alone and name == case.file else (CATALOGUE / name).read_bytes()
        (folder / name).write_bytes(before.get(name, b"") + rest)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"name", "command"} <= set(metafunc.fixturenames):
        longer = bool(metafunc.config.getoption("--long", default=False))
        pairs = [
            pytest.param(n, c, marks=[pytest.mark.thorough] if n in LONGEST else [])
            for n in CASES
            for c in COMMANDS
            if longer or c == CASES[n].command
        ]
        metafunc.parametrize(("name", "command"), pairs)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_hostile_input_is_bounded(
    request: pytest.FixtureRequest,
    limited: Limited,
    tmp_path: Path,
    name: str,
    command: str,
) -> None:
    longer = bool(request.config.getoption("--long", default=False))
    case = CASES[name]
    folder = tmp_path / "inputs"
    folder.mkdir()
    write(folder, case, 10 if longer else 1)
    before = {path.name for path in folder.iterdir()}
    done = limited.run(folder, command)
    told = done.err if command == "emit" else done.out
    shown = f"{done.err[-500:]} {told[:500]} … {told[-500:]}"
    assert "Traceback" not in done.err, shown
    assert done.status in ((0, 1) if case.valid else (1,)), shown
    assert len(done.out) + len(done.err) < MOST_TOLD
    if command == "emit":
        assert done.out == ""
    elif command != "check":
        json.loads(done.out)
    if done.status:
        assert re.search(r"\[DL\d|\"DL\d", told), shown
        assert {path.name for path in folder.iterdir()} == before


@pytest.mark.parametrize("kind", ["emit", "check"])
@pytest.mark.parametrize("value", TAGGED)
@pytest.mark.parametrize("file", FILES)
def test_nothing_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, value: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(Path())
    key = {DERIVATIVES: "name", NATIVES: "func", TAGS: "tag"}[file]
    project.prepend(file, f"- {key}: {value}\n- {value}\n- ? {value}\n  : x\n")
    before = {path.name for path in tmp_path.iterdir()}
    done = project.call(*COMMANDS[kind], *project.options, "--no-cache")
    assert done.status == 1
    assert "Traceback" not in done.err
    assert "error[DL003]" in (done.err if kind == "emit" else done.out)
    assert {path.name for path in tmp_path.iterdir()} == before
