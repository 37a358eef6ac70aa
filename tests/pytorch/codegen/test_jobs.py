"""`derivload codegen --jobs`: the generators in several processes, and what may happen to these.

Some tests change derivload, in a process of its own, so that something happens at a certain moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.child import FROM_A_TERMINAL, child_environment
from support.codegen_files import done, generated, kept, project, small_release
from support.codegen_project import CodegenProject, contents
from support.pytorch_entries import PyTorch
from support.releases import Release

__all__ = ["done", "generated", "project", "small_release"]  # fixtures


pytestmark = [
    pytest.mark.release,
    pytest.mark.skipif(sys.platform == "win32", reason="processes are asked of the system here"),
]

THOROUGH = pytest.mark.thorough

# Runs derivload after a few lines that change it.
RUN = """
import os, random, signal, sys, threading, time
from derivload.pytorch.codegen import batches, head_start, processes, update, workers
from derivload.pytorch.codegen import rendering_child
MAIN = os.getpid()
run = batches.BatchRunner.run
{change}
from derivload.cli import main
status = main()
assert "multiprocessing" not in sys.modules
sys.exit(status)
"""

SHUFFLED = """
def divide(groups, weights, jobs):
    groups = random_.sample(groups, len(groups))
    cuts = sorted(random_.sample(range(1, len(groups)), 9))
    return [set().union(*groups[a:b]) for a, b in zip([0, *cuts], [*cuts, len(groups)])]
update.divide = divide
batches.Plan.order = property(lambda plan: random_.sample(range(len(plan.batches)), 11))
"""
IN_FIRST = """
def changed(runner, index):
    if os.getpid() != MAIN and index == 0:
        {what}
    return run(runner, index)
batches.BatchRunner.run = changed
"""
KILLED = IN_FIRST.format(what="os.kill(os.getpid(), signal.SIGKILL)")
OUT_OF_MEMORY = IN_FIRST.format(what="raise MemoryError")
INTERRUPTED = IN_FIRST.format(what="os.kill(os.getpid(), signal.SIGINT)")
IGNORED = f"signal.signal(signal.SIGINT, signal.SIG_IGN)\n{INTERRUPTED}"
ALL_KILLED = KILLED.replace("index == 0", "True")
ENDLESS = IN_FIRST.format(
    what="print('waiting', file=sys.stderr, flush=True); time.sleep(600)"
).replace("index == 0", "True")
ENDED = "a process that generated ended"
WENT_ON = "derivload went on without"
NOT_STARTED = "no more than one process could be started: Resource temporarily unavailable"
THREAD = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
NO_FORK = "del os.fork"
NONE_STARTED = """
def fork(*_):
    raise BlockingIOError(11, "Resource temporarily unavailable")
head_start.fork = rendering_child.fork = workers.fork = fork
"""
NONE_AHEAD = NONE_STARTED.replace("= rendering_child.fork = workers.fork", "")
NO_TEMPORARY_FILE = """
import tempfile
def none(*_):
    raise OSError(28, "No space left on device")
tempfile.TemporaryFile = none
"""
FULL_DISK = """
import tempfile
tempfile.TemporaryFile = lambda: open("/dev/full", "r+b")
"""
RENDERER = """
def changed(child, *ends):
    {what}
rendering_child.RenderingChild._work = changed
"""


def command(project: CodegenProject, change: str, *options: str) -> list[str]:
    cache = () if "--cache-dir" in options else ("--no-cache",)
    own = project.command(*cache, *options)[3:]
    return [sys.executable, "-c", RUN.format(change=change), *own]


def run(
    project: CodegenProject, change: str, *options: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, bytes]]:
    """Run derivload with a change; how it ended, and the files."""
    done = subprocess.run(
        command(project, change, *options),
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=child_environment(),
        timeout=120,
    )
    return done, contents(project.out)


def processes(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["counts"]["processes"])


@pytest.fixture(scope="session")
def expected(generated: Path) -> dict[str, bytes]:
    """What was written at first: tests that ran before have edited the folder itself."""
    folder = kept(generated)
    return contents(CodegenProject(PyTorch(folder / "pytorch"), folder).out)


@pytest.mark.parametrize(
    "jobs", [pytest.param(1, marks=THOROUGH), 2, pytest.param(5, marks=THOROUGH)]
)
def test_files_are_the_same_in_any_number_of_processes(
    project: CodegenProject, expected: dict[str, bytes], jobs: int
) -> None:
    done, made = run(project, "", "--stats=json", f"--jobs={jobs}")
    assert processes(done) == jobs
    assert made == expected


def test_files_are_the_same_with_any_batches(
    project: CodegenProject, expected: dict[str, bytes]
) -> None:
    done, made = run(project, f"random_ = random.Random(1)\n{SHUFFLED}", "--stats=json", "--jobs=3")
    assert processes(done) == 3
    assert made == expected


@pytest.mark.thorough
def test_release_is_the_same_in_any_number_of_processes(
    outer_release: str, release: Release, tmp_path: Path, longer: bool
) -> None:
    project = CodegenProject(PyTorch(release(outer_release)), tmp_path)
    expected = project.upstream()
    shuffled = [f"random_ = random.Random({seed})\n{SHUFFLED}" for seed in (1, 2)]
    for jobs in (1, 2, 5):
        for more, change in enumerate(["", *shuffled[: 2 if longer else 1]]):
            done, made = run(project, change, "--stats=json", f"--jobs={jobs + more}")
            assert processes(done) == jobs + more
            assert made == expected


def test_few_functions_are_generated_in_one_process(done: CodegenProject) -> None:
    done.replace(done.pytorch.derivatives, "  self: grad * self.sgn()\n", "  self: grad\n")
    stats = done.run("--jobs=4")
    assert stats["exit"] == "incremental"
    assert stats["counts"]["processes"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    "change",
    [pytest.param(THREAD, id="threads"), pytest.param(NO_FORK, id="no fork", marks=THOROUGH)],
)
def test_processes_that_share_no_memory_make_the_same_files(
    project: CodegenProject, expected: dict[str, bytes], change: str
) -> None:
    done, made = run(project, change, "--stats=json", "--jobs=2")
    assert processes(done) == 2
    assert made == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(KILLED, f"{ENDED} by signal 9; {WENT_ON} it", id="killed", marks=THOROUGH),
        pytest.param(
            OUT_OF_MEMORY, f"{ENDED} with status 1; {WENT_ON}", id="memory", marks=THOROUGH
        ),
        pytest.param(ALL_KILLED, f"{ENDED} by signal 9; {WENT_ON} it", id="all killed"),
        pytest.param(NONE_STARTED, NOT_STARTED, id="none started"),
        pytest.param(NONE_AHEAD, "", id="none ahead", marks=THOROUGH),
        pytest.param(NO_TEMPORARY_FILE, "", id="no temporary file", marks=THOROUGH),
        pytest.param(FULL_DISK, f"{ENDED} by signal 9; {WENT_ON} it", id="full disk"),
        pytest.param(
            RENDERER.format(what="os.kill(os.getpid(), signal.SIGKILL)"), "", id="renderer killed"
        ),
        pytest.param(RENDERER.format(what="raise MemoryError"), "", id="renderer", marks=THOROUGH),
        # The change is not in a new Python.
        pytest.param(f"{NO_FORK}\n{KILLED}", "", id="spawned", marks=THOROUGH),
    ],
)
def test_files_are_whole_when_a_process_ends(
    project: CodegenProject, expected: dict[str, bytes], change: str, said: str
) -> None:
    done, made = run(project, change, "--jobs=3")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert made == expected


def test_a_signal_that_is_ignored_ends_no_process(
    project: CodegenProject, expected: dict[str, bytes]
) -> None:
    done, made = run(project, IGNORED, "--jobs=3")
    assert done.returncode == 0, done.stderr
    assert "ended" not in done.stderr
    assert made == expected


@pytest.mark.thorough
def test_what_a_generator_raises_is_told_as_in_one_process(project: CodegenProject) -> None:
    old = "def method_definition(f: NativeFunction) -> str:\n"
    new = f"{old}    assert str(f.func.name) != 'neg', 'not neg'\n"
    project.replace(project.pytorch.autograd / "gen_trace_type.py", old, new)
    ends = [run(project, "", f"--jobs={jobs}") for jobs in (1, 3)]
    assert [made for _, made in ends] == [{}, {}]
    (one, _), (other, _) = ends
    assert one.returncode == other.returncode == 1
    assert "not neg" in one.stderr
    assert one.stderr == other.stderr


@pytest.mark.thorough
def test_what_a_process_reads_is_known(project: CodegenProject) -> None:
    path = project.pytorch.autograd / "gen_trace_type.py"
    old = "def method_definition(f: NativeFunction) -> str:\n"
    new = old
    # Functions have a line in upstream's own way alone.
    for name, way in (("batches", "not f.loc.line"), ("beside", "f.loc.line")):
        beside = path.with_name(name)
        beside.write_text("1", "utf-8")
        new += f"    {way} and open({str(beside)!r}).close()\n"
    project.replace(path, old, new)
    own = ["--cache-dir", str(project.cache)]
    done, _ = run(project, "", "--stats=json", "--jobs=3", *own)
    assert processes(done) == 2
    assert project.run("--jobs=3")["exit"] == "up-to-date"
    for name in ("batches", "beside"):
        path.with_name(name).write_text("2", "utf-8")
        assert project.run("--jobs=3")["exit"] == "cold", name


def group_of(process: int) -> list[int]:
    """The processes of a process group that are there, zombies too."""
    told = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in told.stdout.splitlines()]
    return [int(pid) for pid, group in rows if int(group) == process]


def start(project: CodegenProject, change: str, *options: str) -> subprocess.Popen[str]:
    """Start derivload in a process group."""
    return subprocess.Popen(
        [*FROM_A_TERMINAL, *command(project, change, *options)],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=child_environment(),
        start_new_session=True,
    )


def start_waiting(project: CodegenProject, change: str) -> subprocess.Popen[str]:
    """Start derivload with three processes; wait until its two children have a batch."""
    process = start(project, change, "--jobs=3")
    assert process.stderr is not None
    for _ in range(2):
        assert "waiting" in process.stderr.readline()
    return process


@pytest.mark.parametrize("to_group", [True, False], ids=["terminal", "one process"])
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=THOROUGH)])
def test_a_signal_ends_all_processes(
    project: CodegenProject, number: signal.Signals, to_group: bool
) -> None:
    with start_waiting(project, ENDLESS) as process:
        assert len(group_of(process.pid)) == 3
        (os.killpg if to_group else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (128 + number, -number)
        assert "Traceback" not in said
        assert group_of(process.pid) == []
        assert contents(project.out) == {}


def test_processes_end_after_the_one_that_started_them(project: CodegenProject) -> None:
    change = ENDLESS.replace("time.sleep(600)", "time.sleep(1)")
    with start_waiting(project, change) as process:
        process.kill()
        process.wait()
        until = time.monotonic() + 60
        while group_of(process.pid):
            assert time.monotonic() < until
            time.sleep(0.1)


EDITED = ("\nimport itertools\n", "\nimport itertools\n# edited\n")
BESIDE = """
from derivload.pytorch.codegen import plain
written = plain._run
def changed(*arguments):
    {what}
    return written(*arguments)
plain._run = changed
"""


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("pass", id="as it is"),
        pytest.param("if os.getpid() != MAIN: os.kill(os.getpid(), signal.SIGKILL)", id="killed"),
        pytest.param("if os.getpid() != MAIN: raise MemoryError", id="memory", marks=THOROUGH),
    ],
)
def test_upstreams_own_way_runs_beside_the_short_cut(
    project: CodegenProject, expected: dict[str, bytes], what: str
) -> None:
    project.replace(project.pytorch.autograd / "gen_trace_type.py", *EDITED)
    done, made = run(project, BESIDE.format(what=what), "--stats=json", "--jobs=2")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exit"] == "cold"
    assert made == expected


@pytest.mark.parametrize("is_known", [True, False])
def test_a_mistake_in_the_inputs_ends_what_was_begun(
    project: CodegenProject, is_known: bool
) -> None:
    if not is_known:
        project.replace(project.pytorch.autograd / "gen_trace_type.py", *EDITED)
    project.replace(project.pytorch.derivatives, "grad * self.sgn()", "grads[7]")
    change = ENDLESS if is_known else BESIDE.format(what="time.sleep(600)")
    process = start(project, change, "--jobs=2")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "DL410" in said
    assert group_of(process.pid) == []
