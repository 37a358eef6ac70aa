"""Outputs of runs that are killed, and of many runs at the same moment."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.outputs.staging import Staging, take_over
from derivload.outputs.stamp import stamp_name
from support.child import child_environment
from support.out_dirs import (
    WHOLE,
    edited,
    emit,
    listing,
    out,
    posix,
    pytorch,
    run,
    sha256_of,
    shards,
)
from support.paths import with_inputs
from support.small_pytorch import SmallPyTorch

__all__ = ["edited", "out", "pytorch"]  # fixtures


ABANDONED = ".derivload-0123456789ab.tmp"


# What was killed


def killed_before(event: int, *arguments: str) -> bool:
    """Run derivload, and kill it right before it changes the file system for the nth time.

    Whether it came so far.
    """
    code = (
        "import os, signal, sys\n"
        "left = int(sys.argv[1])\n"
        "changes = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir'}\n"
        "def count(event, arguments):\n"
        "    global left\n"
        "    if event in changes or event == 'open' and arguments[2] & (os.O_WRONLY | os.O_RDWR):\n"
        "        left -= 1\n"
        "        if not left:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "from derivload.cli import main\n"
        "import derivload.commands.emit, derivload.loading.memory\n"
        "sys.addaudithook(count)\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(event), *arguments],
        env=child_environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def left_by_kills(
    out: Path, first: list[str], second: list[str], *, twice: bool, steps: int = 1
) -> int:
    """Kill the second run, and then the third, at each step; the fourth leaves its own alone.

    At each of so many steps. How many there are.
    """
    base = ["emit", "--no-cache", "--quiet", "--out-dir", str(out)]
    event = random.randrange(1 - steps, 1)
    is_killed = True
    while is_killed:
        event += steps
        shutil.rmtree(out, ignore_errors=True)
        assert main([*base, *with_inputs(*first)]) == 0
        is_killed = killed_before(event, *base, *with_inputs(*second))
        if twice:
            killed_before(event, *base, "--catalogue", "--shards", "3")
        assert emit(out, "--shards", "2") == 0
        assert listing(out) == shards(2), event
        assert emit(out) == 0
        assert listing(out) == WHOLE, event
    return event


def test_a_run_killed_at_any_step_leaves_nothing_for_good(
    tmp_path: Path, edited: list[str], thinning: int
) -> None:
    # A hidden folder, a journal, five documents in two steps each, one that goes, and the ends.
    second, steps = [*edited, "--shards", "4"], min(thinning, 3)
    assert left_by_kills(tmp_path / "out", [], second, twice=False, steps=steps) > 15


@pytest.mark.thorough
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("before", [[], ["--shards", "4"], ["--shards", "5"]], ids=str)
def test_runs_killed_one_after_the_other_leave_nothing_for_good(
    tmp_path: Path, edited: list[str], before: list[str], *, twice: bool
) -> None:
    left_by_kills(tmp_path / "out", before, [*edited, "--shards", "4"], twice=twice)


@pytest.mark.thorough
@pytest.mark.release
def test_a_killed_codegen_leaves_nothing_for_good(
    seed: int, pytorch: SmallPyTorch, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    out = tmp_path / "out"
    command = ["codegen", "--quiet", "--pytorch", str(pytorch.root), "--out-dir", str(out)]
    module = pytorch.autograd / "gen_inplace_or_view_type.py"
    text = module.read_text("utf-8")
    run("codegen", pytorch, out)
    before = listing(out)
    for _ in range(12):
        pytorch.edit_a_generator()
        killed_before(chance.randrange(60, 180), *command)
        module.write_text(text, "utf-8")
        run("emit", pytorch, out)  # which leaves the journal to codegen
        run("codegen", pytorch, out)
        assert listing(out) == sorted([*before, *WHOLE, stamp_name()]), f"seed {seed}"
        for name in (*WHOLE, stamp_name()):
            (out / name).unlink()


def test_what_a_killed_run_left_goes_and_what_a_running_one_has_stays(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    for name in (ABANDONED, "deps"):
        (tmp_path / name).mkdir()
    left = out / ABANDONED
    left.mkdir()
    (left / "1").write_text("half")
    running = Staging(str(out))
    Path(running.new_path()).write_text("half")
    before = Path(running.path)
    assert emit(out, *edited, "--depfile", str(tmp_path / "out.d")) == 0
    assert not left.exists()
    assert not (tmp_path / ABANDONED).exists()
    assert listing(before) == ["1"]
    running.close()
    assert listing(out) == WHOLE


def test_what_older_versions_left_goes_when_it_is_of_an_output(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    depfile = tmp_path / "out.d"
    ours = ["functions.json", "differentiability_7.json", ".derivload-stamp-python"]
    for name in ours:
        (out / f".{name}.0123456789ab.tmp").write_text("half")
    (tmp_path / ".out.d.0123456789ab.tmp").write_text("half")
    mine = [
        *(".notes.0123456789ab.tmp", ".functions.json.0123456789AB.tmp", ".functions.json.1.tmp"),
        *("functions.json.0123456789ab.tmp", ".functions.json.0123456789ab.tmp~", ".tmp"),
        *(".functions.json.0123456789abcd.tmp", ".derivload-0123.tmp", "0123456789ab.tmp"),
    ]
    for name in mine:
        (out / name).write_text("mine")
        (tmp_path / name).write_text("mine")
    (out / ".manifest.json.0123456789ab.tmp").mkdir()
    (out / ".differentiability.json.0123456789ab.tmp").symlink_to(tmp_path / "mine")
    (out / ".derivload-fedcba987654.tmp").symlink_to(tmp_path)
    kept = [path.name for path in out.iterdir() if path.is_symlink() or path.is_dir()]
    assert emit(out, *edited, "--depfile", str(depfile)) == 0
    assert listing(out) == sorted([*WHOLE, *mine, *kept])
    assert {*mine, "mine"} <= {*listing(tmp_path)}
    assert not (tmp_path / ".out.d.0123456789ab.tmp").exists()


def test_what_a_journal_says_is_taken_over_before_it_goes(tmp_path: Path) -> None:
    left = tmp_path / ABANDONED
    other = tmp_path / ".derivload-ba9876543210.tmp"
    for folder, kind in ((left, "documents"), (other, "generated")):
        folder.mkdir()
        (folder / "1").write_text("half")
        (folder / "journal").write_text(f"{kind} {sha256_of(b'a')} name of it\n")
    staging = Staging(str(tmp_path))
    taken = take_over(str(tmp_path), "documents", lambda name: False, staging)
    assert taken == [(sha256_of(b"a"), "name of it")]
    assert Path(staging.path, "journal").read_text() == f"documents {sha256_of(b'a')} name of it\n"
    assert not left.exists()
    assert listing(other) == ["journal"]
    staging.close()


def test_a_journal_has_nothing_removed_that_was_not_written(out: Path, tmp_path: Path) -> None:
    victim = tmp_path / "mine"
    (out / "differentiability_1.json").write_text("mine")
    (out / ABANDONED).mkdir()
    names = ["../mine", str(victim), "differentiability_1.json", "a b\0", ""]
    lines = [f"documents {sha256_of(b'other')} {name}\n" for name in names]
    lines += [f"documents {sha256_of(b'mine')} {name}\n" for name in names[:2]]
    (out / ABANDONED / "journal").write_text("".join([*lines, "documents\n", "\n"]))
    assert emit(out) == 0
    assert listing(out) == ["differentiability.json", "differentiability_1.json", *WHOLE[1:]]
    assert victim.read_text() == "mine"


# Many at the same moment


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "derivload", "emit", "--quiet", "--no-cache"),
            *("--out-dir", str(out), *with_inputs(*options)),
        ],
        env=child_environment(),
    )


def race(out: Path, chance: random.Random, edited: list[str], *, kills: bool) -> None:
    """Runs with other shards at once, some of them killed, and then one that has the last word."""
    options = [["--shards", "4"], [], ["--shards", "2"], [*edited, "--shards", "3"], edited]
    running = [start(out, *chance.choice(options)) for _ in range(4)]
    if kills:
        for process in running[:2]:
            time.sleep(chance.random() * 0.3)
            process.kill()
    ended = [process.wait() for process in running]
    assert {*ended} <= ({0, -signal.SIGKILL} if kills else {0})
    count = chance.choice([2, 3])
    assert start(out, "--shards", str(count)).wait() == 0
    assert listing(out) == shards(count)
    manifest = json.loads((out / "manifest.json").read_bytes())
    for file in manifest["files"]:
        assert sha256_of((out / file["name"]).read_bytes()) == file["sha256"]


@pytest.mark.parametrize("kills", [False, True], ids=["none killed", "killed"])
def test_runs_with_other_shards_at_once(
    longer: bool,
    seed: int,
    tmp_path: Path,
    edited: list[str],
    thinning: int,
    *,
    kills: bool,
) -> None:
    chance = random.Random(seed)
    for _ in range(60 if longer else max(2, 4 // thinning)):
        race(tmp_path / "out", chance, edited, kills=kills)


@posix
@pytest.mark.thorough
def test_a_run_that_is_stopped_holds_up_nobody_for_good(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    """It stands still in the middle of writing, at a pipe that takes no more, and then ends."""
    os.mkfifo(tmp_path / "pipe")
    document = out / "differentiability.json"
    document.unlink()
    document.symlink_to(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, bytes(1 << 20))
        stopped = start(out, *edited)
        deadline = time.monotonic() + 20
        while not list(out.glob(".derivload-*/journal")) and time.monotonic() < deadline:
            time.sleep(0.01)
        stopped.send_signal(signal.SIGSTOP)
        document.unlink()
        assert start(out, "--shards", "2").wait() == 0
        assert shards(2) == [name for name in listing(out) if name[0] != "."]
        stopped.send_signal(signal.SIGKILL)
        stopped.wait()
    finally:
        os.close(pipe)
    assert start(out).wait() == 0
    assert listing(out) == WHOLE
