"""What the tests of store share."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from derivload.store.owned import LAYOUT, StoreError
from derivload.store.store import DEFAULT_SIZE_LIMIT, Store
from support.child import child_environment

# Below and above the size from which values are files of their own.
SIZES = (0, 1, 100, 3000, 20_000, 33_000, 70_000)


# How long a process that finds the store locked may take, starting Python included.
PATIENCE = 20.0


def value_of(number: int) -> bytes:
    size = SIZES[number % len(SIZES)]
    return random.Random(number).randbytes(size)


def key_of(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def fill(folder: Path, count: int = 30) -> None:
    with opened(folder) as store:
        for number in range(count):
            assert store.put(key_of(number), value_of(number))


@contextmanager
def opened(folder: Path, size_limit: int = DEFAULT_SIZE_LIMIT) -> Iterator[Store]:
    store = Store(str(folder), size_limit)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / LAYOUT / "cache.db")) as connection:
        yield connection
        connection.commit()


def value_files(folder: Path) -> list[Path]:
    return sorted((folder / LAYOUT).rglob("*.val"))


def assert_right_or_absent(folder: Path, count: int = 30) -> int | None:
    """How many of the values are there; None when the store cannot be opened."""
    try:
        store = Store(str(folder))
    except StoreError:
        return None
    found = 0
    with closing(store):
        for number in range(count):
            value = store.get(key_of(number))
            assert value is None or value == value_of(number), number
            found += value is not None
    return found


def exercise(folder: Path) -> None:
    """Every call there is; none may raise, but the opening."""
    try:
        store = Store(str(folder))
    except StoreError:
        return
    with closing(store):
        store.figures()
        store.put(key_of(1), value_of(1))
        store.put(key_of(6), value_of(6))
        store.verify()
        store.prune(older_than=1e6, max_size=10**9)


PREAMBLE = """
import hashlib, sys, time
from derivload.store.owned import StoreError
from derivload.store.store import Store
"""


def python_of(script: str) -> list[str]:
    import textwrap

    return [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)]


def run_python(script: str) -> str:
    return subprocess.run(
        python_of(script),
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout
