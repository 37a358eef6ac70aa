"""Runs that are killed, that run at the same moment, or whose cache is damaged: real ones."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import forks
from support.bad_disks import fill, restless
from support.child import child_environment
from support.project import Project
from support.sampling import one_in


class Variant(Project):
    """One of two catalogues that differ in a formula, and the documents that it gives."""

    def __init__(self, folder: Path, formula: str) -> None:
        super().__init__(folder)
        self.edit("self: grad * luster", f"self: {formula}")
        assert start(self, self.out, "--no-cache").wait() == 0
        self.made = documents(self.out)


def start(
    variant: Project, out: Path, *cache: str, stderr: int | None = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    return forks.popen(
        ["emit", "--out-dir", str(out), *cache, *variant.options],
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        text=True,
    )


def documents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("[!.]*.json")}


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> list[Variant]:
    folder = tmp_path_factory.mktemp("variants")
    formulas = ["grad * luster", "luster * grad"]
    return [Variant(folder / str(i), formula) for i, formula in enumerate(formulas)]


@pytest.mark.thorough
def test_killed_at_any_moment_outputs_are_whole(
    longer: bool,
    seed: int,
    variants: list[Variant],
    tmp_path: Path,
) -> None:
    moments = random.Random(seed)
    out, cache = tmp_path / "out", ("--cache-dir", str(tmp_path / "cache"))
    times = 200 if longer else 10
    for i in range(times):
        before, wanted = variants[i % 2], variants[(i + 1) % 2]
        assert start(before, out, *cache).wait() == 0
        if moments.random() < 0.5:
            shutil.rmtree(tmp_path / "cache")
        process = start(wanted, out, *cache)
        time.sleep(moments.random() * 0.5)
        process.kill()
        process.wait()
        found = documents(out)
        for name, data in found.items():
            assert data in (before.made[name], wanted.made[name]), f"seed {seed}"
        assert start(wanted, out, *cache).wait() == 0
        assert documents(out) == wanted.made, f"seed {seed}"


def test_many_at_the_same_moment_on_one_new_cache(variants: list[Variant], tmp_path: Path) -> None:
    for number in range(2):
        cache = ("--cache-dir", str(tmp_path / f"cache{number}"))
        outs = [tmp_path / f"out{number}-{i}" for i in range(8)]
        running = [
            start(variants[i % 2], out, *cache, stderr=subprocess.PIPE)
            for i, out in enumerate(outs)
        ]
        ended = [process.communicate()[1] for process in running]
        assert [process.returncode for process in running] == [0] * 8, ended
        assert not [text for text in ended if "Traceback" in text]
        for i, out in enumerate(outs):
            assert documents(out) == variants[i % 2].made


@contextmanager
def held_exclusively(database: Path) -> Iterator[None]:
    """The database locked by a process that does nothing more."""
    code = (
        "import sqlite3, sys, time\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA locking_mode = EXCLUSIVE')\n"
        "connection.execute('BEGIN EXCLUSIVE')\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(database)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def emit_again(variant: Variant, out: Path, cache: Path) -> str:
    """Emit with outputs missing; the run ends well, with the right documents. What it said."""
    shutil.rmtree(out, ignore_errors=True)
    process = start(variant, out, "--cache-dir", str(cache), stderr=subprocess.PIPE)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    assert documents(out) == variant.made
    assert "Traceback" not in said
    assert said.count("warning") <= 1
    return said


def test_locked_cache_is_done_without(variants: list[Variant], tmp_path: Path) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    emit_again(variants[0], out, cache)
    (database,) = cache.rglob("cache.db")
    with held_exclusively(database):
        emit_again(variants[0], out, cache)
    emit_again(variants[0], out, cache)


@pytest.mark.thorough
def test_damaged_cache_never_shows_in_the_outputs(
    longer: bool,
    seed: int,
    variants: list[Variant],
    tmp_path: Path,
) -> None:
    chance = random.Random(seed)
    whole, cache, out = tmp_path / "whole", tmp_path / "cache", tmp_path / "out"
    for variant in variants:
        emit_again(variant, out, whole)
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    for _ in range(100 if longer else 6):
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(whole, cache)
        for _ in range(50):
            path = cache / chance.choice(files).relative_to(whole)
            data = bytearray(path.read_bytes())
            if data:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
        for variant in variants:
            emit_again(variant, out, cache)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty", "missing", "values gone"])
def test_broken_cache_costs_at_most_a_warning(
    variants: list[Variant], tmp_path: Path, damage: str
) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    emit_again(variants[0], out, cache)
    (database,) = cache.rglob("cache.db")
    data = database.read_bytes()
    if damage == "values gone":
        for value in cache.rglob("*.val"):
            value.unlink()
    elif damage == "missing":
        database.unlink()
    else:
        kept = {"truncated": data[: len(data) // 2], "garbage": os.urandom(5000), "empty": b""}
        database.write_bytes(kept[damage])
    emit_again(variants[0], out, cache)


# ------------------------------------------------------------- inputs that do not hold still


def says_one_thing(process: subprocess.Popen[str], *statuses: int) -> str:
    """What a process says on stderr once it has ended, well or with one sentence."""
    said = process.communicate(timeout=60)[1]
    assert process.returncode in statuses, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("how", [pytest.param("changes", marks=pytest.mark.thorough), "vanishes"])
def test_an_input_that_does_not_hold_still(
    variants: list[Variant], tmp_path: Path, how: str
) -> None:
    moving = Project(tmp_path / "inputs")
    file = moving.derivatives
    texts = [variant.derivatives.read_bytes() for variant in variants]

    def change() -> None:
        if how == "vanishes":
            file.unlink(missing_ok=True)
        for text in texts:
            file.write_bytes(text)

    out, cache = tmp_path / "out", ("--cache-dir", str(tmp_path / "cache"))
    with restless(change):
        for _ in range(6):
            said = says_one_thing(start(moving, out, *cache, stderr=subprocess.PIPE), 0, 1)
            assert said.startswith(("derivload: ", f"{moving.folder}"))
    file.write_bytes(texts[1])
    assert start(moving, out, *cache).wait() == 0
    assert documents(out) == variants[1].made


# ------------------------------------------------------------------------ where outputs go


@pytest.mark.parametrize("cache", [["--no-cache"], []])
def test_a_full_disk_leaves_the_outputs_as_they_were(
    variants: list[Variant], small_disk: Path, cache: list[str]
) -> None:
    out = small_disk / "out"
    assert start(variants[0], out, *cache).wait() == 0
    before = sorted(path.name for path in out.iterdir())
    filler = fill(small_disk)
    said = says_one_thing(start(variants[1], out, *cache, stderr=subprocess.PIPE), 3)
    assert said.startswith(f"derivload: error: {out}{os.sep}")
    assert said.endswith(".json: No space left on device\n")
    assert said.count("\n") == 1
    assert documents(out) == variants[0].made
    assert sorted(path.name for path in out.iterdir()) == before
    filler.unlink()
    assert start(variants[1], out, *cache).wait() == 0
    assert documents(out) == variants[1].made


def test_a_disk_that_is_full_from_the_start_gets_no_output(
    variants: list[Variant], small_disk: Path
) -> None:
    out = small_disk / "out"
    fill(small_disk)
    said = says_one_thing(start(variants[0], out, "--no-cache", stderr=subprocess.PIPE), 3)
    assert said.startswith("derivload: error: ")
    assert said.count("\n") == 1
    assert not out.exists() or not list(out.iterdir())


def test_a_disk_that_is_read_only(variants: list[Variant], small_disk: Path) -> None:
    out = small_disk / "out"
    # On another device than the inputs and the cache.
    assert start(variants[0], out).wait() == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert start(variants[0], out).wait() == 0
    said = says_one_thing(start(variants[1], out, stderr=subprocess.PIPE), 3)
    assert said.startswith("derivload: error: ")
    assert said.endswith("Read-only file system\n")
    assert said.count("\n") == 1
    assert documents(out) == variants[0].made


# --------------------------------------------------------------------- streams and signals


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the shell, in which `derivload` is this checkout's, with pipefail."""
    derivload = f'derivload() {{ {sys.executable} -m derivload "$@"; }}; set -o pipefail'
    return subprocess.run(
        ["bash", "-c", f"{derivload}; {command}"],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs bash and /dev/full")
@pytest.mark.parametrize(
    ("command", "status", "said"),
    one_in(
        2,
        [
            ("derivload show --catalogue gild | head -n 1", 0, ""),
            ("derivload show --catalogue gild | true", 0, ""),
            ("derivload show --catalogue gild >&-", 0, ""),
            ("derivload --version >&-", 0, ""),
            (
                "derivload show --catalogue gild >/dev/full",
                3,
                "derivload: error: No space left on device\n",
            ),
            ("derivload show --catalogue gild 2>&-", 0, ""),
            ("derivload emit --catalogue --out-dir {} 2>/dev/full", 0, ""),
            ("derivload emit --catalogue --out-dir {} 2>&1 | true", 0, ""),
            ("derivload emit --out-dir {} --pytorch /none 2>/dev/full", 2, ""),
            ("derivload emit --out-dir {} --derivatives / --native-functions / 2>&1 | true", 2, ""),
            (
                "derivload emit --out-dir {} --derivatives / --native-functions / --tags / 2>&-",
                1,
                "",
            ),
            (
                "derivload emit --derivatives / --native-functions / --tags / --out-dir {} |& :",
                1,
                "",
            ),
        ],
    ),
)
def test_streams_that_nobody_reads(tmp_path: Path, command: str, status: int, said: str) -> None:
    done = shell(command.format(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (status, said)
    assert "emit" not in command or done.stdout == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_ended_half_way_outputs_are_whole(variants: list[Variant], tmp_path: Path) -> None:
    out, cache = tmp_path / "out", ("--cache-dir", str(tmp_path / "cache"))
    assert start(variants[0], out, *cache).wait() == 0
    before = sorted(path.name for path in out.iterdir())
    ended = moment = 0
    while moment < 12 or not ended:  # on a busy machine it starts later
        moment += 1
        assert moment < 200
        process = start(variants[1], out, "--no-cache", stderr=subprocess.PIPE)
        time.sleep(0.03 * (moment - 1))
        process.terminate()
        said = says_one_thing(process, 0, 128 + signal.SIGTERM, -signal.SIGTERM)
        if process.returncode > 0:
            ended += 1
            assert said.startswith("derivload: error: ended by SIGTERM")
            assert said.count("\n") == 1
        for name, data in documents(out).items():
            assert data in (variants[0].made[name], variants[1].made[name])
        assert start(variants[0], out, *cache).wait() == 0
        assert sorted(path.name for path in out.iterdir()) == before
