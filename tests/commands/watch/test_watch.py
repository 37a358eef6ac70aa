"""derivwatch as a command: what it says, what it runs, how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.child import child_environment
from support.derivwatch import FORMULA, PATIENCE, Event, Inputs, Watch, changes, watching
from support.paths import NATIVES
from support.watch_runs import inputs, run, watch

__all__ = ["inputs", "watch"]  # fixtures


BEFORE = FORMULA.removeprefix("self: ")


def wait_for(path: Path) -> str:
    """What a file holds, as soon as there is a whole line in it."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text("utf-8").endswith("\n"):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)
    return path.read_text("utf-8")


# What it says.


def test_start_tells_what_is_watched_and_written(watch: Watch, inputs: Inputs) -> None:
    started = watch.events[0]
    assert started["pid"] == watch.process.pid
    assert started["out_dir"] == str(watch.out)
    assert started["inputs"][0] == str(inputs.derivatives)
    assert started["written"] == ["differentiability.json", "functions.json", "manifest.json"]
    functions = json.loads((watch.out / "functions.json").read_bytes())["functions"]
    assert started["functions"] == len(functions)


def test_mistake_is_placed_and_fixed(watch: Watch, inputs: Inputs) -> None:
    documents = {path: path.read_bytes() for path in watch.out.glob("*.json")}
    inputs.save("grads[7]")
    (diagnostic,) = watch.expect("error")["diagnostics"]
    assert diagnostic["code"] == "DL410"
    assert diagnostic["source_line"].strip() == "self: grads[7]"
    assert {path: path.read_bytes() for path in watch.out.glob("*.json")} == documents
    inputs.save("grad * 2")
    event = watch.expect("reloaded")
    assert event["mended"]
    assert changes(event)["gild"][0] == ("backward", "self", BEFORE, "grad * 2")
    inputs.save("grad * 3")
    assert not watch.expect("reloaded")["mended"]


def test_added_and_removed_functions_are_told(watch: Watch, inputs: Inputs) -> None:
    natives = inputs.folder / NATIVES
    text = natives.read_text("utf-8")
    natives.write_text(f"{text}\n- func: newcomer(Tensor self) -> Tensor\n", "utf-8")
    found = watch.expect("reloaded")["difference"]
    assert [function["name"] for function in found["added"]] == ["newcomer"]
    natives.write_text(text, "utf-8")
    found = watch.expect("reloaded")["difference"]
    assert [function["name"] for function in found["removed"]] == ["newcomer"]


def test_shards_that_change(inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out", "--shards", "4"):
        inputs.save("grad * 2")
        shard, manifest = watch.expect("reloaded")["written"]
        assert re.fullmatch(r"differentiability_\d\.json", shard)
        assert manifest == "manifest.json"


class Screen:
    """A derivwatch on a terminal, or with its output piped, and what it has printed."""

    def __init__(self, inputs: Inputs, out: Path, environment: dict[str, str], tty: bool) -> None:
        command = [
            *(sys.executable, "-m", "derivload", "watch", *inputs.options),
            *("--out-dir", str(out)),
        ]
        self._ours, theirs = pty.openpty() if tty else os.pipe()
        self.text = ""
        self._process = subprocess.Popen(
            command,
            env=child_environment(**environment),
            stdout=theirs,
            stdin=subprocess.DEVNULL,
        )
        os.close(theirs)

    @property
    def plain(self) -> str:
        """What it has printed, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.text).replace("\r\n", "\n")

    def until(self, pattern: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.plain):
            assert time.monotonic() < deadline, self.text
            if select.select([self._ours], [], [], 0.1)[0]:
                self.text += os.read(self._ours, 1 << 16).decode()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._ours)


@pytest.mark.parametrize(
    ("tty", "environment", "coloured"),
    [
        (True, {"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        # The others are thorough: test_colour.py has all variables, for all that is coloured.
        pytest.param(
            *(True, {"TERM": "xterm-256color", "NO_COLOR": "1"}, False), marks=pytest.mark.thorough
        ),
        pytest.param(*(True, {"TERM": "dumb"}, False), marks=pytest.mark.thorough),
        (False, {"TERM": "xterm-256color"}, False),
    ],
)
def test_colours_are_for_terminals_without_no_color(
    inputs: Inputs, tmp_path: Path, tty: bool, environment: dict[str, str], coloured: bool
) -> None:
    screen = Screen(inputs, tmp_path / "out", {**environment, "COLUMNS": "80"}, tty)
    try:
        screen.until(r"functions, \d+ with derivatives; wrote 3 files in \d+ ms")
        inputs.save("grad * luster * 2")
        screen.until(r"1 changed.*; wrote differentiability.json, manifest.json in \d+ ms")
        inputs.save("grads[7]")
        screen.until(r"1 error; nothing was written")
        inputs.save("grad")
        screen.until(r"fixed: ")
    finally:
        screen.close()
    assert ("\x1b" in screen.text) == coloured
    plain = screen.plain
    assert "~ gild\n    backward self  - grad * luster\n" in plain
    assert "                   + grad * luster * 2\n" in plain
    assert re.search(r":14:9:\s+error\[DL410\]", plain)
    assert "\n     |         ^^^^^^^^\n" in plain


def test_large_differences_are_cut_with_a_count(inputs: Inputs, tmp_path: Path) -> None:
    screen = Screen(inputs, tmp_path / "out", {}, False)
    try:
        screen.until("with derivatives")
        path = inputs.folder / NATIVES
        new = "".join([f"\n- func: newcomer{i}(Tensor self) -> Tensor\n" for i in range(99)])
        path.write_text(path.read_text("utf-8") + new, "utf-8")
        screen.until(r"99 added; wrote functions.json, manifest.json in")
    finally:
        screen.close()
    (more,) = re.findall(r"and (\d+) more functions\n", screen.text)
    assert screen.text.count("\n+ newcomer") + int(more) == 99
    assert len(screen.text.splitlines()) < 50


# Once.


def test_once_writes_and_ends(inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(inputs, out, "--once", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert event["event"] == "started"
    assert event["watching"] is None
    assert sorted(p.name for p in out.iterdir()) == sorted(event["written"])


def test_once_ends_as_emit_does(inputs: Inputs, tmp_path: Path) -> None:
    inputs.save("grads[7]")
    done = run(inputs, tmp_path / "out", "--once")
    assert done.returncode == 1
    assert "DL410" in done.stdout
    (tmp_path / "file").write_text("", "utf-8")
    assert run(inputs, tmp_path / "file", "--once").returncode == 3
    assert run(inputs, tmp_path / "out", "--once", "--debounce", "x").returncode == 2
    assert run(inputs, tmp_path / "out", "--once", "--torch-version", "1.0").returncode == 2


def test_once_runs_the_command_and_ends_as_it_does(inputs: Inputs, tmp_path: Path) -> None:
    done = run(inputs, tmp_path / "out", "--once", "--exec", "echo built; exit 7")
    assert done.returncode == 7
    assert "  | built\n" in done.stdout
    # All is up to date now: nothing was written.
    done = run(inputs, tmp_path / "out", "--once", "--exec", "echo built; exit 7")
    assert (done.returncode, "built" in done.stdout) == (0, False)


# The command.


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def test_command_runs_after_what_wrote_something(inputs: Inputs, tmp_path: Path) -> None:
    for watch in watching(inputs, tmp_path / "out", "--exec", "exit 3"):
        for kind in ("started", "reloaded"):
            assert watch.events[-1]["event"] == kind
            assert watch.expect("exec")["state"] == "started"
            ended = watch.expect("exec")
            assert (ended["state"], ended["exit_status"]) == ("ended", 3)
            if kind == "started":
                inputs.save("grad * 2")
                watch.expect("reloaded")
        inputs.derivatives.write_text(inputs.edited("grad * 2") + "\n# Comment.\n", "utf-8")
        assert not watch.expect("reloaded")["written"]
        assert not watch.rest()


# Starts another process, says both pids, and does not end by itself.
_STUBBORN = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
with open(sys.argv[1], "a") as file:
    print(os.getpid(), child.pid, file=file)
time.sleep(100)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def assert_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux tells here which processes live"
)


@needs_proc
def test_command_in_progress_is_ended_with_all_that_it_started(
    inputs: Inputs, tmp_path: Path
) -> None:
    told = tmp_path / "pids"
    command = f"{python(_STUBBORN)} {shlex.quote(str(told))}"
    for watch in watching(inputs, tmp_path / "out", "--exec", command):
        first = [int(pid) for pid in wait_for(told).split()]
        assert all(is_alive(pid) for pid in first)
        inputs.save("grad * 2")
        states = [watch.until(lambda event: event["event"] == "exec")["state"] for _ in range(3)]
        assert states == ["started", "stopped", "started"]
        assert_gone(first)
        deadline = time.monotonic() + PATIENCE
        while len(told.read_text("utf-8").split()) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = [int(pid) for pid in told.read_text("utf-8").split()[2:]]
        assert watch.end() == 143
        assert_gone(second)


@needs_proc
def test_command_that_does_not_heed_is_killed(inputs: Inputs, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + _STUBBORN
    command = f"{python(code)} {shlex.quote(str(told))}"
    for watch in watching(inputs, tmp_path / "out", "--exec", command):
        pids = [int(pid) for pid in wait_for(told).split()]
        assert watch.end(signal.SIGINT) == 130
        assert_gone(pids)


def test_command_in_progress_is_waited_for(inputs: Inputs, tmp_path: Path) -> None:
    go = tmp_path / "go"
    command = f"while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.02; done"
    arguments = ("--exec", command, "--on-busy", "queue")
    for watch in watching(inputs, tmp_path / "out", *arguments):
        for number in range(3):
            inputs.save(f"grad * {number + 2}")
            watch.settle_on(f"grad * {number + 2}")
        go.touch()
        executed: list[Event] = [
            watch.until(lambda event: event["event"] == "exec") for _ in range(4)
        ]
        states = [event["state"] for event in executed]
        # Three saves, and one more run for all of them.
        assert states == ["started", "ended", "started", "ended"]
        assert not watch.rest()


def test_lines_of_the_command_stay_whole(inputs: Inputs, tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "for i in range(60):\n"
        "    for piece in ('one ', 'line ', f'{i}', chr(10)):\n"
        "        sys.stdout.write(piece); sys.stdout.flush(); time.sleep(0.004)\n"
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "derivload", "watch", *inputs.options),
            *("--out-dir", str(out), "--exec", python(code), "--on-busy", "queue"),
        ],
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("  | one line"):
            inputs.save(f"grad * {len(lines) + 2}")
        if "exit status 0" in line:
            break
    process.terminate()
    process.stdout.close()
    process.wait(PATIENCE)
    said = [line for line in lines if "one line" in line]
    assert said == [f"  | one line {i}" for i in range(60)]
    assert len([line for line in lines if " changed; wrote" in line]) > 1
