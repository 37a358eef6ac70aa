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

SOURCE = Path(__file__).parents[1] / "src"
CATALOGUE = SOURCE / "derivload" / "catalog"


class Variant:
    """One of two catalogues that differ in a formula, and the documents that it gives."""

    def __init__(self, folder: Path, formula: str) -> None:
        self.inputs = folder
        shutil.copytree(CATALOGUE, folder)
        path = folder / "derivatives.yaml"
        text = path.read_text("utf-8")
        assert "self: grad * luster" in text
        path.write_text(text.replace("self: grad * luster", f"self: {formula}"), "utf-8")
        assert start(self, folder / "out", "--no-cache").wait() == 0
        self.documents = documents(folder / "out")


def start(
    variant: Variant, out: Path, *cache: str, stderr: int | None = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "derivload", "emit", "--out-dir", str(out), *cache),
            *("--derivatives", str(variant.inputs / "derivatives.yaml")),
            *("--native-functions", str(variant.inputs / "native_functions.yaml")),
        ],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
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


def test_killed_at_any_moment_outputs_are_whole(
    variants: list[Variant], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    out, cache = tmp_path / "out", ("--cache-dir", str(tmp_path / "cache"))
    times = 200 if request.config.getoption("--long") else 10
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
            assert data in (before.documents[name], wanted.documents[name]), f"seed {seed}"
        assert start(wanted, out, *cache).wait() == 0
        assert documents(out) == wanted.documents, f"seed {seed}"


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
            assert documents(out) == variants[i % 2].documents


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
    assert documents(out) == variant.documents
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


def test_damaged_cache_never_shows_in_the_outputs(
    variants: list[Variant], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    whole, cache, out = tmp_path / "whole", tmp_path / "cache", tmp_path / "out"
    for variant in variants:
        emit_again(variant, out, whole)
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    for _ in range(100 if request.config.getoption("--long") else 6):
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
