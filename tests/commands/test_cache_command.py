"""`derivload cache`: what it prints, what it removes, and what it leaves alone."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from derivload.commands.cache import look_after
from derivload.loading.amounts import parse_age, parse_size
from derivload.loading.cache_settings import cache_folder
from derivload.loading.errors import UsageError
from derivload.store.owned import LAYOUT, StoreError
from derivload.store.store import Store


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    with closing(Store(str(folder))) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of four values, of which two are files of their own."""
    folder = tmp_path / "cache"
    with opened(folder) as store:
        for number in range(4):
            assert store.put(b"%d" % number, bytes(40_000 if number % 2 else 10))
    return folder


def database(folder: Path) -> Path:
    return folder / LAYOUT / "cache.db"


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(database(folder))) as connection:
        connection.execute(statement)
        connection.commit()


def done(action: str, folder: Path, size: str | None = None, age: str | None = None) -> int:
    return look_after(action, str(folder), size, age)


# --- the folder


def test_the_folder_is_the_option_then_the_variable_then_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", "variable")
    assert cache_folder("option") == "option"
    assert cache_folder(None) == "variable"
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", "")
    assert "derivload" in cache_folder(None)
    monkeypatch.delenv("DERIVLOAD_CACHE_DIR")
    assert Path(cache_folder(None)).is_absolute()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no shell has replaced it: in a variable of a build image, or behind a `=`."""
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path))
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", "~/variable")
    assert Path(cache_folder(None)) == tmp_path / "variable"
    assert Path(cache_folder("~/option")) == tmp_path / "option"
    assert Path(cache_folder("~")) == tmp_path
    assert cache_folder("~other") == "~other"
    assert cache_folder("./~/x") == "./~/x"


@pytest.mark.skipif(os.name == "nt", reason="Windows asks no HOME")
@pytest.mark.parametrize("home", ["", "relative", "~"])
def test_a_home_that_is_no_absolute_path_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str
) -> None:
    monkeypatch.setenv("HOME", home)
    with pytest.raises(StoreError, match="there is no home folder"):
        cache_folder("~/option")
    assert look_after("stats", "~/option", None, None) == 3
    assert capsys.readouterr().err == (
        "derivload: error: the cache cannot be used: there is no home folder to keep it in; "
        "--cache-dir names another folder\n"
    )


def test_the_variable_names_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(folder))
    assert look_after("clear", None, None, None) == 0
    assert capsys.readouterr().out == f"{folder}: removed 4 values\n"


def test_the_variable_sets_the_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "3M")
    assert done("stats", folder) == 0
    assert "\nlimit   3.0 MiB (3145728 bytes)\n" in capsys.readouterr().out
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "")
    assert done("stats", folder) == 0
    assert "\nlimit   512.0 MiB" in capsys.readouterr().out
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "little")
    with pytest.raises(UsageError, match="DERIVLOAD_CACHE_SIZE: 'little' is not a size"):
        done("stats", folder)


@pytest.mark.parametrize("action", ["stats", "verify", "prune", "clear"])
def test_a_folder_that_does_not_exist_is_empty_and_stays_so(
    tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "missing"
    assert done(action, folder, "1G" if action == "prune" else None) == 0
    assert capsys.readouterr() == (f"{folder}: empty\n", "")
    assert not folder.exists()
    folder.mkdir(0o700)
    assert done(action, folder, "1G" if action == "prune" else None) == 0
    assert list(folder.iterdir()) == []


# --- sizes and ages


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("10B", 10),
        ("3K", 3072),
        ("200M", 200 * 1024**2),
        ("200m", 200 * 1024**2),
        ("512MiB", 512 * 1024**2),
        ("1G", 1024**3),
        ("1GB", 1024**3),
        ("2TiB", 2 * 1024**4),
    ],
)
def test_a_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1.5G", "1 G", "1X", "1iB", "1Gi", "\u0661", "9" * 5000, "1G\n"]
)
def test_a_bad_size_is_wrong_usage(folder: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not a size: write it like 200M"):
        done("prune", folder, size=text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("45m", 2700), ("12h", 43200), ("30d", 2592000), ("0s", 0)]
)
def test_an_age(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1w", "1 d", "1D", "\u0661d", "9" * 5000])
def test_a_bad_age_is_wrong_usage(folder: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not an age: write it like 30d"):
        done("prune", folder, age=text)


def test_prune_needs_a_limit(folder: Path) -> None:
    with pytest.raises(UsageError, match="--max-size SIZE, --older-than AGE or both"):
        done("prune", folder)


def test_another_action_is_wrong_usage(folder: Path) -> None:
    with pytest.raises(UsageError, match="stats, verify, prune, clear"):
        done("wipe", folder)


# --- what they do


def test_stats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done("stats", folder) == 0
    out, err = capsys.readouterr()
    with opened(folder) as store:
        figures = store.figures()
    assert figures is not None
    assert out == (
        f"folder  {folder}\n"
        "values  4\n"
        f"size    {figures.size / 1024:.1f} KiB ({figures.size} bytes)\n"
        "limit   512.0 MiB (536870912 bytes)\n"
    )
    assert err == ""


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert done("verify", folder) == 0
    change(folder, "UPDATE Cache SET value = x'00' WHERE rowid = 1")
    assert done("verify", folder) == 0
    assert done("verify", folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: read 4 values, removed 0",
        f"{folder}: read 4 values, removed 1",
        f"{folder}: read 3 values, removed 0",
    ]


def test_prune(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder, "UPDATE Cache SET access_time = access_time - 7200 WHERE rowid = 2")
    assert done("prune", folder, size="1G", age="3h") == 0
    assert done("prune", folder, age="1h") == 0
    assert done("prune", folder, size="0") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}: removed 0 values",
        f"{folder}: removed 1 value",
        f"{folder}: removed 3 values",
    ]


def test_clear(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orphan = folder / LAYOUT / "ab" / "cd" / f"{'0' * 28}.val"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"left by a process that was killed")
    assert done("clear", folder) == 0
    assert capsys.readouterr() == (f"{folder}: removed 4 values\n", "")
    assert list(folder.rglob("*.val")) == []
    with opened(folder) as store:
        assert store.put(b"key", b"value")


# --- damage


@pytest.mark.parametrize("action", ["stats", "verify", "prune"])
def test_a_damaged_store_is_one_sentence(
    folder: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database(folder).write_bytes(b"garbage" * 1000)
    assert done(action, folder, "1G" if action == "prune" else None) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("derivload: error: the cache cannot be used: ")
    assert err.endswith("; `derivload cache clear` starts it afresh\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("action", ["stats", "verify", "prune"])
def test_a_store_that_does_not_answer_is_one_sentence(
    folder: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, "ALTER TABLE Cache RENAME TO Other")
    change(folder, "CREATE VIEW Cache AS SELECT *, missing AS rowid FROM Settings, Other")
    assert done(action, folder, "1G" if action == "prune" else None) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_clear_mends_a_damaged_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database(folder).write_bytes(b"garbage" * 1000)
    assert done("clear", folder) == 0
    out, err = capsys.readouterr()
    assert out == f"{folder}: removed 3 files of a damaged cache\n"
    assert err.startswith("derivload: note: the cache cannot be used, so its files are removed: ")
    assert err.count("\n") == 1
    assert folder.is_dir()
    assert not (folder / LAYOUT).exists()
    with opened(folder) as store:
        assert store.put(b"key", b"value")


def test_clear_leaves_the_files_of_others(folder: Path, tmp_path: Path) -> None:
    database(folder).write_bytes(b"garbage" * 1000)
    outside = tmp_path / "outside"
    (outside / "aa").mkdir(parents=True)
    others = [
        folder / "notes.txt",
        folder / LAYOUT / "notes.txt",
        folder / LAYOUT / "other.db",
        folder / LAYOUT / "name" / "x.val",
        folder / LAYOUT / "00" / "name" / "x.val",
        folder / LAYOUT / "00" / "00" / "notes.txt",
        outside / "x.val",
        outside / "aa" / "x.val",
    ]
    for file in others:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    if os.name != "nt":
        taken = {entry.name for entry in (folder / LAYOUT).iterdir()}
        free = next(name for name in ("11", "22", "33") if name not in taken)
        (folder / LAYOUT / free).symlink_to(outside, target_is_directory=True)
    assert done("clear", folder) == 0
    assert all(file.exists() for file in others)
    assert not database(folder).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes to set")
def test_clear_touches_nothing_in_a_folder_that_others_may_write_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.chmod(0o777)
    assert done("clear", folder) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"derivload: error: the cache cannot be used: {folder} may be written to by others; "
        "--cache-dir names another folder\n"
    )
    assert database(folder).exists()


def test_a_file_for_a_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"kept")
    for action in ("stats", "clear"):
        assert done(action, file) == 3
        assert capsys.readouterr().err.count("\n") == 1
    assert file.read_bytes() == b"kept"


def test_clear_says_when_a_file_cannot_be_removed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database(folder).unlink()
    (database(folder) / "full").mkdir(parents=True)
    assert done("clear", folder) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert f"derivload: error: {database(folder)}: " in err
