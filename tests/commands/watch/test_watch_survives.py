"""What is over in a moment does not end derivwatch: it says it at most, and goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from derivload.commands.watch.decisions import Look
from derivload.commands.watch.exec import CommandEnded, Runner
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import WatchStarted
from derivload.commands.watch.sources import make_seen
from derivload.commands.watch.updates import Refused, Updates
from derivload.loading.live import LiveDocuments, PreparedDocuments
from derivload.loading.paths import Files, find_files
from support.child import child_environment
from support.derivwatch import PATIENCE, Inputs, Watch, watching
from support.paths import CATALOGUE
from support.sampling import one_in
from support.watch_runs import inputs

__all__ = ["inputs"]  # a fixture


# Inputs that cannot be found.


class Tree:
    """The catalogue, laid out as PyTorch is, with generators of no use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.native = root / "aten" / "src" / "ATen" / "native"
        self.autograd = root / "tools" / "autograd"
        self.version = root / "version.txt"
        self.native.mkdir(parents=True)
        (self.autograd / "templates").mkdir(parents=True)
        (root / "torchgen").mkdir()
        for name in ("native_functions.yaml", "tags.yaml"):
            shutil.copy(CATALOGUE / name, self.native)
        shutil.copy(CATALOGUE / "derivatives.yaml", self.autograd)
        self.version.write_text("2.15.0\n", "utf-8")

    def edit(self, formula: str) -> None:
        text = (CATALOGUE / "derivatives.yaml").read_text("utf-8")
        path = self.autograd / "derivatives.yaml"
        path.write_text(text.replace("self: grad * luster", f"self: {formula}", 1), "utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "pytorch")


@pytest.fixture
def watch(tree: Tree, tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(["--pytorch", str(tree.root)], tmp_path / "out")
    try:
        watch.expect("started")
        yield watch
    finally:
        watch.close()


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def not_there(path: Path) -> None:
    pass


@pytest.mark.parametrize(
    "what", one_in(2, ["version.txt", "tools/autograd/derivatives.yaml", "aten", "."])
)
def test_input_is_something_else_for_a_while(
    watch: Watch, tree: Tree, tmp_path: Path, what: str
) -> None:
    path = tree.root / what
    instead: list[Callable[[Path], object]] = [Path.mkdir, circle, not_there, Path.touch]
    for number, make in enumerate(instead):
        aside = path.rename(tmp_path / "aside")
        make(path)
        assert watch.expect("error")["message"].endswith("nothing was written"), make
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        aside.rename(path)
        assert watch.expect("reloaded")["mended"], make
        tree.edit(f"grad * {number}")
        watch.expect("reloaded")
        assert watch.formula() == f"grad * {number}"
    assert watch.end() == 143


def test_current_folder_is_made_anew(inputs: Inputs, tmp_path: Path) -> None:
    """Paths on the command line are of the folder that was the current one."""
    inside = ["--derivatives", "derivatives.yaml", "--native-functions", "native_functions.yaml"]
    watch = Watch(inside, tmp_path / "out", folder=inputs.folder)
    try:
        watch.expect("started")
        shutil.copytree(inputs.folder, tmp_path / "copy")
        shutil.rmtree(inputs.folder)
        assert watch.expect("error")["message"].endswith("nothing was written")
        (tmp_path / "copy").rename(inputs.folder)
        watch.until(lambda event: event["event"] == "reloaded")
        inputs.save("grad * 2")
        watch.settle_on("grad * 2")
    finally:
        watch.close()


# Outputs that cannot be shown, or written.


def started(inputs: Inputs, out: Path, *more: str, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "derivload", "watch", *inputs.options]
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [*command, "--out-dir", str(out), *more],
        env=child_environment(),
        **streams,
    )
    return process


def wait_until_written(out: Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    path = out / "differentiability.json"
    while not path.exists() or text not in path.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_reports_that_find_no_room_are_lost(
    inputs: Inputs, tmp_path: Path, form: list[str]
) -> None:
    out = tmp_path / "out"
    with Path("/dev/full").open("wb") as full:
        process = started(inputs, out, *form, stdout=full, stderr=subprocess.DEVNULL)
    try:
        wait_until_written(out, "grad * luster")
        for formula in ("grad * 22", "grad * 33"):
            inputs.save(formula)
            wait_until_written(out, formula)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ends_when_nobody_reads_its_reports(
    inputs: Inputs, tmp_path: Path, form: list[str]
) -> None:
    out = tmp_path / "out"
    process = started(inputs, out, *form, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        inputs.save("grad * 2")
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert not (out / ".derivwatch.lock").exists()
    finally:
        process.kill()
        process.wait()


def test_closed_stderr_ends_nothing(inputs: Inputs, tmp_path: Path) -> None:
    """With --json the command's lines go there."""
    reader, writer = os.pipe()
    os.close(reader)
    more = ("--json", "--exec", "echo said; echo done >> runs")
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": writer, "cwd": tmp_path}
    process = started(inputs, tmp_path / "out", *more, **streams)
    os.close(writer)
    try:
        assert process.stdout is not None
        inputs_seen = 0
        for line in process.stdout:
            if b'"state":"ended"' in line:
                inputs_seen += 1
                inputs.save(f"grad * {inputs_seen + 1}")
            if inputs_seen == 3:
                break
        assert (tmp_path / "runs").read_text("utf-8").count("done") >= 3
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("rest", ["x" * (1 << 22), "\0"])
def test_command_that_cannot_be_run_is_over_at_once(rest: str) -> None:
    """It is longer than the system takes, or none at all."""
    said: list[str] = []
    over: list[CommandEnded] = []
    began: list[None] = []
    runner = Runner(
        f"true {rest}",
        "restart",
        began=lambda: began.append(None),
        say=said.append,
        over=over.append,
    )
    runner.request()
    for number in (1, 2):
        assert [ended.exit_status for ended in over] == [126] * number
        assert said[-1].startswith("cannot be run: ")
        # The next save comes before it is heard that this one is over.
        assert runner.is_running
        runner.request()
        assert len(began) == number
        runner.go_on()
    runner.close()


# Signals that whoever starts it has decided about.


def with_ignored(*names: str) -> list[str]:
    """What to run a command with so that signals are ignored."""
    return ["sh", "-c", f"trap '' {' '.join(names)}; exec \"$@\"", "sh"]


@pytest.mark.parametrize("name", ["HUP", "TERM"])
def test_ignored_signal_stays_ignored(inputs: Inputs, tmp_path: Path, name: str) -> None:
    for watch in watching(inputs, tmp_path / "out", before=with_ignored(name)):
        watch.process.send_signal(getattr(signal, f"SIG{name}"))
        inputs.save("grad * 2")
        watch.settle_on("grad * 2")
        assert watch.end(signal.SIGINT) == 130


def test_ctrl_c_ends_what_a_script_started(inputs: Inputs, tmp_path: Path) -> None:
    """Its shell has background jobs ignore it: one that watches would stay, and its lock."""
    for watch in watching(inputs, tmp_path / "out", before=with_ignored("INT")):
        assert watch.end(signal.SIGINT) == 130


def test_command_heeds_what_we_ignore(inputs: Inputs, tmp_path: Path) -> None:
    """With nohup it goes on without the terminal too, but we end it by SIGTERM."""
    code = "import signal; print(*[signal.getsignal(n) == signal.SIG_IGN for n in (1, 2, 15)])"
    command = f"{sys.executable} -c '{code}'"
    before = with_ignored("HUP", "INT", "TERM")
    for watch in watching(inputs, tmp_path / "out", "--exec", command, before=before):
        watch.until(lambda event: event.get("state") == "ended")
        assert watch.end(signal.SIGINT) == 130
        said = watch.errors
    assert said == "True False False\n"


# Mistakes of our own.


class _Broken(LiveDocuments):
    def load(
        self, files: Files, contents: Sequence[bytes | OSError] | None = None
    ) -> PreparedDocuments:
        raise RuntimeError("half-way")


def test_mistake_of_ours_is_told_and_begins_anew(inputs: Inputs, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    made = iter([_Broken(out), LiveDocuments(out)])
    updates = Updates(out, lambda: next(made), Messages().signals, lambda: None)
    files = find_files(str(inputs.derivatives), [str(inputs.folder / "native_functions.yaml")])
    seen = make_seen(files, tuple(files.read()), [], False, Look(0.0, 0.0))
    refused = updates.load(seen)
    assert isinstance(refused, Refused)
    said = "derivload failed: RuntimeError: half-way; nothing was written"
    assert refused.failure.message == said
    assert refused.printed[0].startswith("Traceback")
    prepared = updates.load(seen)
    assert isinstance(prepared, PreparedDocuments)
    assert isinstance(updates.write(prepared, seen, 0.0, None), WatchStarted)
