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
from pathlib import Path
from typing import Final

import pytest

from support.child import child_environment
from support.hostile_texts import CASES, Case, M
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, TAGS
from support.project import Project

LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
resource.setrlimit(resource.RLIMIT_DATA, (500 << 20, 500 << 20))
sys.argv[0] = "derivload"
runpy.run_module("derivload", run_name="__main__")
"""


COMMANDS: Final = {
    "emit": ["emit", "--out-dir", "out"],
    "check": ["check"],
    "check JSON": ["check", "--format", "json"],
    "check SARIF": ["check", "--format", "sarif"],
}


# What is told of a thousand mistakes in each file, with a line of the file and a sentence each.
MOST_TOLD: Final = 10 * M


TAGGED: Final = (
    "!!python/object/apply:os.system ['touch executed']",
    "!!python/object/new:os.system ['touch executed']",
    "!!python/object/apply:subprocess.Popen [[touch, executed]]",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!!python/object:derivload.engine.load.Texts {}",
    "!!python/tuple [a]",
)


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    options = ["--derivatives", DERIVATIVES, "--native-functions", NATIVES, "--tags", TAGS]
    return subprocess.run(
        [sys.executable, "-c", LIMITED, *COMMANDS[command], *options, "--no-cache"],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )


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
        pairs = [(n, c) for n in CASES for c in COMMANDS if longer or c == CASES[n].command]
        metafunc.parametrize(("name", "command"), pairs)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_hostile_input_is_bounded(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    name: str,
    command: str,
) -> None:
    longer = bool(request.config.getoption("--long", default=False))
    case = CASES[name]
    write(tmp_path, case, 10 if longer else 1)
    before = {path.name for path in tmp_path.iterdir()}
    done = run(tmp_path, command)
    told = done.stderr if command == "emit" else done.stdout
    shown = f"{done.stderr[-500:]} {told[:500]} … {told[-500:]}"
    assert "Traceback" not in done.stderr, shown
    assert done.returncode in ((0, 1) if case.valid else (1,)), shown
    assert len(done.stdout) + len(done.stderr) < MOST_TOLD
    if command == "emit":
        assert done.stdout == ""
    elif command != "check":
        json.loads(done.stdout)
    if done.returncode:
        assert re.search(r"\[DL\d|\"DL\d", told), shown
        assert {path.name for path in tmp_path.iterdir()} == before


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
