"""Entries of the cache behind a right seal that are not what they should be: each is a miss.

The store's own check cannot tell these. They come from a mistake in derivload, or from somebody
who found a way to write there.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from derivload.cli import main
from derivload.commands.check.result import Checked
from derivload.pytorch.codegen.job import is_inside
from derivload.pytorch.codegen.upstream import forget
from derivload.store.owned import LAYOUT, value_files
from derivload.store.store import Store
from support.paths import CATALOGUE
from support.project import call
from support.releases import Release
from support.small_pytorch import SmallPyTorch

Damage = Callable[[random.Random, bytes, list[bytes]], bytes]


def some_bytes(rng: random.Random, _: bytes, __: list[bytes]) -> bytes:
    return rng.randbytes(rng.choice([0, 1, 32, 33, 100, 5000]))


def some_text(rng: random.Random, _: bytes, __: list[bytes]) -> bytes:
    words = ["", "note", "functions.json 1 " + "0" * 64, "../x.json 1 " + "f" * 64, "\0", "é", "{}"]
    return rng.choice(["\n", "\n\n", " "]).join(rng.choices(words, k=rng.randrange(8))).encode()


def deep(rng: random.Random, _: bytes, __: list[bytes]) -> bytes:
    return rng.choice([b"[", b"\x91", b"\x81\xa0", b'{"":']) * 100_000


def cut(rng: random.Random, value: bytes, _: list[bytes]) -> bytes:
    return value[: rng.randrange(len(value) + 1)]


def another(rng: random.Random, value: bytes, values: list[bytes]) -> bytes:
    return rng.choice([other for other in values if other != value])


def repeated(rng: random.Random, value: bytes, _: list[bytes]) -> bytes:
    lines = value.split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join([*lines[:at], *lines[at : at + 1] * rng.choice([0, 2, 3]), *lines[at + 1 :]])


def changed(rng: random.Random, value: bytes, _: list[bytes]) -> bytes:
    made = bytearray(value or b"\0")
    for _number in range(rng.choice([1, 1, 2, 8])):
        made[rng.randrange(min(len(made), rng.choice([200, 10**9])))] = rng.randrange(256)
    return bytes(made)


# What may be taken for sound: text in a note, or numbers in a state.
TELLING: list[Damage] = [some_bytes, some_text, deep, cut, another]
QUIET: list[Damage] = [repeated, changed]


def entries(cache: Path) -> dict[bytes, bytes]:
    with closing(sqlite3.connect(cache / LAYOUT / "cache.db")) as connection:
        keys = [bytes(key) for (key,) in connection.execute("SELECT key FROM Cache ORDER BY key")]
    with closing(Store(str(cache))) as store:
        return {key: value for key in keys if (value := store.get(key)) is not None}


def damage(cache: Path, rng: random.Random, ways: list[Damage]) -> str:
    """Put something else in the place of some entries, or of all; what was done."""
    found = entries(cache)
    chosen = [*found] if rng.random() < 0.1 else rng.sample([*found], rng.choice([1, 1, 2]))
    told = []
    with closing(Store(str(cache))) as store:
        for key in chosen:
            way = rng.choice(ways)
            made = way(rng, found[key], [*found.values()])
            while made != found[key] and (
                reads_as_checked(made) or reads_as_state(made, found[key])
            ):
                made = way(rng, found[key], [*found.values()])
            assert store.put(key, made)
            told.append(f"{way.__name__} {found[key][:30]!r}")
    return ", ".join(told)


def reads_as_checked(value: bytes) -> bool:
    """Whether `check` takes it for what it once found: all of that is text, so none can tell."""
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        msgspec.json.decode(value, type=Checked)
        return True
    return False


def reads_as_state(value: bytes, before: bytes) -> bool:
    """Whether it holds a state with other rows, which none can tell either: see below."""
    with suppress(msgspec.MsgspecError, RecursionError, ValueError, TypeError):
        *_, packed = value.split(b"\n\n", 2)
        return bool(msgspec.msgpack.decode(packed)) and packed not in before
    return False


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The catalogue; the same with a comment, with an edit, with a warning, and with a mistake."""
    edits = (
        ("", ""),
        ("- name: gleam(", "# a comment\n- name: gleam("),
        ("grad * luster", "luster * grad"),
        ("grad * luster", "grad"),
        ("grad * luster", "grad * lustre("),
    )
    folders = []
    for old, new in edits:
        folder = tmp_path_factory.mktemp("inputs")
        for file in CATALOGUE.glob("*.yaml"):
            text = file.read_text("utf-8")
            (folder / file.name).write_text(text.replace(old, new, 1) if old else text, "utf-8")
        folders.append(folder)
    return folders


class Runs:
    """Runs of emit and check on inputs, with a cache or without."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._out = out
        self._capsys = capsys
        capsys.readouterr()  # what was printed before

    def emit(
        self, inputs: Path, shards: int, cache: Path | None
    ) -> tuple[tuple[int, str, str], dict[str, bytes]]:
        shutil.rmtree(self._out, ignore_errors=True)
        more = ["--shards", str(shards)] if shards else []
        said = self._run("emit", inputs, cache, "--quiet", "--out-dir", str(self._out), *more)
        files = self._out.rglob("*") if self._out.exists() else ()
        made = {f.relative_to(self._out).as_posix(): f.read_bytes() for f in files}
        return said, {name: data for name, data in made.items() if name != ".derivload-stamp"}

    def check(self, inputs: Path, cache: Path | None) -> tuple[int, str, str]:
        return self._run("check", inputs, cache, "--format=json")

    def _run(
        self, command: str, inputs: Path, cache: Path | None, *more: str
    ) -> tuple[int, str, str]:
        named = [
            *("--derivatives", str(inputs / "derivatives.yaml")),
            *("--native-functions", str(inputs / "native_functions.yaml")),
            *("--tags", str(inputs / "tags.yaml")),
        ]
        kept = ["--no-cache"] if cache is None else ["--cache-dir", str(cache)]
        status = main([command, *named, *kept, *more])
        return status, *self._capsys.readouterr()


@pytest.fixture(scope="module")
def filled(inputs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that runs on the first inputs have filled."""
    cache = tmp_path_factory.mktemp("filled") / "cache"
    out = cache.with_name("out")
    first = inputs[0]
    named = [
        *("--derivatives", str(first / "derivatives.yaml")),
        *("--native-functions", str(first / "native_functions.yaml")),
        *("--tags", str(first / "tags.yaml")),
        *("--cache-dir", str(cache)),
    ]
    for shards in ([], ["--shards=2"]):
        assert main(["emit", *named, "--quiet", "--out-dir", str(out), *shards]) == 0
    for folder in inputs:
        named[1] = str(folder / "derivatives.yaml")
        main(["check", *named])
    assert len(entries(cache)) > 12
    return cache


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param(TELLING, id="telling"),
        pytest.param(QUIET, id="quiet", marks=pytest.mark.thorough),
    ],
)
def test_no_entry_changes_what_comes_out(
    ways: list[Damage],
    inputs: list[Path],
    filled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    thinning: int,
    seed: int,
) -> None:
    rng = random.Random(seed)
    runs = Runs(tmp_path / "out", capsys)
    cold = {
        (folder, shards): runs.emit(folder, shards, None) for folder in inputs for shards in (0, 2)
    }
    checked = {folder: runs.check(folder, None) for folder in inputs}
    cache = tmp_path / "cache"
    for _ in range(ROUNDS // thinning):
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(filled, cache)
        told = damage(cache, rng, ways)
        for _run in range(3):
            folder, shards = rng.choice(inputs), rng.choice([0, 2])
            if rng.random() < 0.6:
                assert runs.emit(folder, shards, cache) == cold[folder, shards], told
            else:
                assert runs.check(folder, cache) == checked[folder], told


ROUNDS = 60


def alter(rng: random.Random, rows: Any) -> None:
    """Change one thing in the rows of a state, which stay rows."""
    rows = rows[rng.randrange(1, 5)]
    if rng.random() < 0.3:
        at = rng.randrange(len(rows))
        rows[at:] = rng.choice([[], rows[at + 1 :], rows[at:][::-1], [rows[at], *rows[at:]]])
        return
    row = rng.choice(rows)
    at = rng.randrange(len(row))
    other = rng.choice(rows)[at]
    row[at] = other if other != row[at] else type(row[at])()


def test_a_state_whose_rows_do_not_fit_together_ends_no_run(
    inputs: list[Path],
    filled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    thinning: int,
    seed: int,
) -> None:
    """Rows that fit and are wrong cannot be told: nobody else may write there, see owned.py."""
    rng = random.Random(seed)
    runs = Runs(tmp_path / "out", capsys)
    (key,) = [key for key, value in entries(filled).items() if value.count(b"\n\n") >= 2]
    listing, learned, packed = entries(filled)[key].split(b"\n\n", 2)
    cache = tmp_path / "cache"
    for number in range(ROUNDS // thinning):
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(filled, cache)
        rows = msgspec.msgpack.decode(packed)
        if number:
            alter(rng, rows)
        else:
            for definition in rows[2]:
                definition[3] = ()  # the numbers of its ops, which it has as many of as ops
        state = b"\n\n".join([listing, learned, msgspec.msgpack.encode(rows)])
        with closing(Store(str(cache))) as store:
            assert store.put(key, state)
        said, made = runs.emit(inputs[2], 0, cache)
        if said[0] == 1:  # by what stands there, something is wrong in what was edited
            assert ": error[DL" in said[2], said
            continue
        assert said == (0, "", ""), said
        assert sorted(made) == ["differentiability.json", "functions.json", "manifest.json"]


# --- codegen


class Generated:
    """A small PyTorch in a folder of its own, generated from, and the cache of that run."""

    def __init__(self, folder: Path, release: Path) -> None:
        self.out = folder / "out"
        self.cache = folder / "cache"
        self._tree = SmallPyTorch(release, folder / "tree").root
        self.run()
        self.files = self._files()
        self.entries = entries(self.cache)

    def run(self, *more: str) -> str:
        options = ["--out-dir", str(self.out), "--cache-dir", str(self.cache), *more]
        try:
            ran = call(["codegen", "--pytorch", str(self._tree), *options])
        finally:
            forget()
        assert ran.status == 0, ran.err
        return ran.err

    def assert_right_with(self, values: Mapping[bytes, bytes]) -> None:
        """With these entries, the first run and the second write what they should."""
        with closing(Store(str(self.cache))) as store:
            for key, value in {**self.entries, **values}.items():
                assert store.put(key, value)
        for _ in range(2):
            shutil.rmtree(self.out)
            self.run()
            assert self._files() == self.files
        assert {entry.name for entry in self.out.parent.iterdir()} == {"out", "cache", "tree"}

    def _files(self) -> dict[str, bytes]:
        files = [f for f in self.out.rglob("*") if f.is_file() and not f.name.startswith(".")]
        return {str(file.relative_to(self.out)): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def generated(
    release: Release,
    newest: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generated:
    return Generated(tmp_path_factory.mktemp("generated"), release(newest))


@pytest.mark.release
@pytest.mark.parametrize(
    "way", [TELLING[0], *(pytest.param(w, marks=pytest.mark.thorough) for w in TELLING[1:])]
)
def test_no_entry_changes_what_is_generated(generated: Generated, way: Damage, seed: int) -> None:
    rng = random.Random(seed)
    values = [*generated.entries.values()]
    generated.assert_right_with(
        {key: way(rng, value, values) for key, value in generated.entries.items()}
    )


@pytest.mark.release
def test_a_name_that_leads_out_of_the_folder_is_not_written(generated: Generated) -> None:
    name, other = b"VariableType.h", b"../leads_out.h"
    holding = {key: value for key, value in generated.entries.items() if name in value}
    assert len(holding) > 1
    generated.assert_right_with({k: value.replace(name, other) for k, value in holding.items()})


@pytest.mark.release
def test_rows_that_do_not_fit_are_used_once_at_most(generated: Generated) -> None:
    """Of a family that is not generated again, items without the place that they had."""
    (head,) = [k for k, value in generated.entries.items() if b" VariableType.h\n" in value]
    (kept,) = [k for k, v in generated.entries.items() if v[:2] == b"\x98\x92"]
    rows, deprecated, families, *others = msgspec.msgpack.decode(generated.entries[kept])
    for row in rows:
        row[4] = ""
    families["gild"] = b"changed"
    packed = msgspec.msgpack.encode([rows, deprecated, families, *others])
    generated.assert_right_with({head: b"", kept: packed})
    assert "upstream's generators ran in their own way" not in generated.run("--stats")


@pytest.mark.parametrize("name", ["a.h", "python/a.h", "a..h", ".a", "Träger.h"])
def test_a_name_inside(name: str) -> None:
    assert is_inside(name)


@pytest.mark.parametrize(
    "name",
    ["", "/a.h", "../a.h", "a/../../b.h", "..", ".", "a//b", "a/", "..\\a.h", "a\nb", "\0"],
)
def test_a_name_outside(name: str) -> None:
    assert not is_inside(name)


def test_a_folder_that_cannot_be_listed_has_no_value_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [*value_files(str(tmp_path / "file"))] == [*value_files(str(tmp_path / "none"))] == []
