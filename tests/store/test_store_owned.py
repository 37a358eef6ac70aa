"""The store's folder: others' files stay there, and what others may have written is not used."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from derivload.commands.cache import look_after
from derivload.store.owned import LAYOUT, FolderError, StoreError
from derivload.store.store import Store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes, owners and links")
IS_ROOT = os.name != "nt" and os.geteuid() == 0
OTHER = 12345
VALUE = bytes(50_000)
NAME = f"{'0' * 28}.val"


@contextmanager
def opened(folder: Path, size_limit: int | None = None) -> Iterator[Store]:
    with closing(Store(str(folder), size_limit)) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of two values, of which one is a file of its own."""
    folder = tmp_path / "cache"
    with opened(folder) as store:
        assert store.put(b"large", VALUE)
        assert store.put(b"small", b"value")
    return folder


def value_file(folder: Path) -> Path:
    (file,) = (folder / LAYOUT).rglob("*.val")
    return file


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / LAYOUT / "cache.db")) as connection:
        yield connection
        connection.commit()


def unused(folder: Path) -> str:
    """A name that a folder of values could have, and none has."""
    taken = {entry.name for entry in (folder / LAYOUT).iterdir()}
    return next(name for name in ("0a", "0b", "0c", "0d") if name not in taken)


# --- strangers' files


def make_strangers(folder: Path, outside: Path) -> list[Path]:
    """Files, folders and links of somebody else, some of which look much like the store's."""
    layout = folder / LAYOUT
    ours = value_file(folder).parent
    free = layout / unused(folder)
    files = [
        folder / "notes.txt",
        folder / "1" / "cache.db",
        layout / "notes.txt",
        layout / "other.db",
        layout / "cache.db.backup",
        layout / "old-cache.db",
        layout / "photos" / "a.txt",
        layout / NAME,
        ours / "notes.txt",
        ours / f"{'0' * 27}.val",
        ours / f"{'0' * 29}.val",
        ours / f"{'A' * 28}.val",
        ours / f"{NAME}.txt",
        ours / "deeper" / NAME,
        ours.parent / NAME,
        free / "notes.txt",
        free / "name" / NAME,
        layout / "photos" / "00" / NAME,
        layout / "AB" / "00" / NAME,
        layout / f"aa\\bb\\{NAME}",
        outside / NAME,
        outside / "00" / NAME,
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"precious")
    empty = [folder / "empty", layout / "empty", free / "00"]
    for path in empty:
        path.mkdir(exist_ok=True)
    links = [ours / f"{'1' * 28}.val", free / "01", free / "02" / NAME, free / "03" / NAME]
    for link, target in zip(links, ("00", ".", f"00/{NAME}", "missing"), strict=True):
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(outside / target)
    inside = free / "04" / NAME / "kept"
    inside.mkdir(parents=True)
    return [*files, *empty, *links, inside]


def clear_damaged(folder: Path) -> None:
    (folder / LAYOUT / "cache.db").write_bytes(b"garbage" * 1000)
    assert look_after("clear", str(folder), None, None) == 0


def evict(folder: Path) -> None:
    with opened(folder, 100_000) as store:
        for number in range(60):
            store.put(b"%d" % number, VALUE)
        assert store.get(b"large") is None


ACTIONS: dict[str, Callable[[Path], object]] = {
    "verify": lambda folder: Store(str(folder)).verify(),
    "prune": lambda folder: Store(str(folder)).prune(max_size=0),
    "clear": lambda folder: Store(str(folder)).clear(),
    "clear of a damaged cache": clear_damaged,
    "eviction": evict,
}


@pytest.mark.parametrize("action", ACTIONS)
def test_what_others_made_stays(folder: Path, tmp_path: Path, action: str) -> None:
    strangers = make_strangers(folder, tmp_path / "outside")
    ACTIONS[action](folder)
    assert [path for path in strangers if not os.path.lexists(path)] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_what_a_row_names_and_is_anothers_stays(folder: Path, tmp_path: Path, action: str) -> None:
    """Rows that somebody forged or damaged: each names a file that is none of the store's."""
    layout = folder / LAYOUT
    strangers = make_strangers(folder, tmp_path / "outside")
    names = [os.path.relpath(path, layout) for path in strangers]
    names += [str(path) for path in strangers]
    # Through the link that leads to a folder outside.
    names += [os.path.relpath(p / NAME, layout) for p in strangers if p.name == "01"]
    with database(folder) as connection:
        for number, name in enumerate(names):
            connection.execute(
                "INSERT INTO Cache (key, raw, access_time, size, mode, filename)"
                " VALUES (?, 1, 0.5, 8, 2, ?)",
                (b"forged %d" % number, name),
            )
    with opened(folder) as store:
        assert [store.get(b"forged %d" % number) for number in range(0, len(names), 3)] == (
            [None] * len(range(0, len(names), 3))
        )
    ACTIONS[action](folder)
    assert [path for path in strangers if not os.path.lexists(path)] == []


@pytest.mark.parametrize("action", ["verify", "clear", "clear of a damaged cache"])
def test_an_empty_folder_stays(folder: Path, action: str) -> None:
    free = folder / LAYOUT / unused(folder)
    free.mkdir()
    ACTIONS[action](folder)
    assert free.is_dir()


@pytest.mark.parametrize("action", ["verify", "clear of a damaged cache"])
def test_a_value_that_no_row_names_is_removed(folder: Path, action: str) -> None:
    """What a process leaves that is killed before it has written the row."""
    with database(folder) as connection:
        connection.execute("DELETE FROM Cache WHERE filename IS NOT NULL")
    orphan = folder / LAYOUT / unused(folder) / "00" / NAME
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half")
    orphan.parent.parent.chmod(0o755)  # as an earlier derivload made it
    ACTIONS[action](folder)
    assert list(folder.rglob("*.val")) == []
    assert not orphan.parent.parent.exists()


def test_a_folder_of_something_else_gets_nothing_but_one_folder(tmp_path: Path) -> None:
    before = {tmp_path / "a.txt", tmp_path / "photos"}
    (tmp_path / "a.txt").write_bytes(b"precious")
    (tmp_path / "photos").mkdir()
    with opened(tmp_path) as store:
        assert store.put(b"large", VALUE)
        assert store.clear() == 1
    assert {*tmp_path.iterdir()} == {*before, tmp_path / LAYOUT}


def test_verify_mends_figures_that_are_wrong(folder: Path) -> None:
    with database(folder) as connection:
        connection.execute("UPDATE Cache SET size = 'many'")
        connection.execute("UPDATE Settings SET value = 77 WHERE key IN ('count', 'size')")
    with opened(folder) as store:
        assert store.verify() == 0
        figures = store.figures()
    with database(folder) as connection:
        sizes = [size for (size,) in connection.execute("SELECT size FROM Cache ORDER BY rowid")]
    assert sizes == [len(VALUE) + 32, 0]
    assert figures is not None
    assert figures.values == 2
    assert 50_000 < figures.size < 200_000


# --- modes


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077, 0o377, 0o777])
def test_all_is_made_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "above" / "further" / "cache"
    if umask & 0o300 and not IS_ROOT:
        folder = tmp_path / "cache"  # nobody can make anything below such a folder
    before = os.umask(umask)
    try:
        with opened(folder) as store:
            assert store.put(b"large", VALUE)
            assert store.get(b"large") == VALUE
            beside = [entry.name for entry in (folder / LAYOUT).iterdir() if entry.is_file()]
            assert {"cache.db", "cache.db-wal", "cache.db-shm"} <= {*beside}
            found = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
            found[folder] = stat.S_IMODE(folder.stat().st_mode)
            expected = {path: 0o700 if path.is_dir() else 0o600 for path in found}
    finally:
        os.umask(before)
    assert found == expected
    above = [path for path in folder.parents if tmp_path in path.parents]
    assert [path for path in above if path.stat().st_mode & 0o022] == []


def linked(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def replaced(file: Path, make: Callable[[], None]) -> None:
    file.unlink()
    make()


SPOILED: dict[str, Callable[[Path], object]] = {
    "file that its group may write to": lambda file: file.chmod(0o620),
    "file that all may write to": lambda file: file.chmod(0o602),
    "inner folder that its group may write to": lambda file: file.parent.chmod(0o720),
    "outer folder that all may write to": lambda file: file.parent.parent.chmod(0o777),
    "file of another": lambda file: os.chown(file, OTHER, -1),
    "inner folder of another": lambda file: os.chown(file.parent, OTHER, -1),
    "outer folder of another": lambda file: os.chown(file.parent.parent, OTHER, -1),
    "link to a file": linked,
    "link to an inner folder": lambda file: linked(file.parent),
    "link to an outer folder": lambda file: linked(file.parent.parent),
    "pipe": lambda file: replaced(file, lambda: os.mkfifo(file, 0o600)),
    "folder": lambda file: replaced(file, file.mkdir),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_value_that_another_may_have_written_is_a_miss(folder: Path, spoiled: str) -> None:
    if "another" in spoiled and not IS_ROOT:
        pytest.skip("only root can give a file away")
    SPOILED[spoiled](value_file(folder))
    with opened(folder) as store:
        assert b"large" in store
        assert store.get(b"large") is None
        assert b"large" not in store
        assert store.put(b"large", VALUE)
        assert store.get(b"large") == VALUE
        assert store.get(b"small") == b"value"


def test_folders_of_values_that_others_may_write_to_are_taken_back(folder: Path) -> None:
    """Caches that an earlier derivload filled under a umask of 002 have them."""
    for number in range(256):
        path = folder / LAYOUT / f"{number:02x}"
        path.mkdir(exist_ok=True)
        path.chmod(0o775)
    with opened(folder) as store:
        assert store.get(b"large") is None
        assert store.put(b"large", VALUE)
        assert store.get(b"large") == VALUE
    assert stat.S_IMODE(value_file(folder).parent.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["cache.db", "cache.db-wal", "cache.db-shm", "cache.db-journal"])
@pytest.mark.parametrize("spoiled", ["mode", "owner", "link"])
def test_a_database_that_another_may_have_written_is_refused(
    folder: Path, tmp_path: Path, name: str, spoiled: str
) -> None:
    file = folder / LAYOUT / name
    file.touch()
    if spoiled == "mode":
        file.chmod(0o660)
    elif spoiled == "owner":
        if not IS_ROOT:
            pytest.skip("only root can give a file away")
        os.chown(file, OTHER, -1)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=f"{name} (may be written|belongs to|is not a regular)"):
        Store(str(folder))


def test_clear_starts_a_database_afresh_that_another_may_have_written(folder: Path) -> None:
    (folder / LAYOUT / "cache.db").chmod(0o666)
    assert look_after("clear", str(folder), None, None) == 0
    with opened(folder) as store:
        assert store.get(b"large") is None
        assert store.put(b"large", VALUE)


def test_a_link_below_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / LAYOUT).rename(tmp_path / "elsewhere")
    (folder / LAYOUT).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="is a link"):
        Store(str(folder))


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    """As users make them who want their caches on another disk."""
    (tmp_path / "link").symlink_to(folder)
    with opened(tmp_path / "link") as store:
        assert store.get(b"large") == VALUE


def test_a_value_with_another_sha256_than_asked_for_is_a_miss(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for value in (b"value", VALUE):
            right = hashlib.sha256(value).digest()
            assert store.put(b"key", value)
            assert store.get(b"key", right) == value
            assert store.get(b"key", hashlib.sha256(b"other").digest()) is None
            assert b"key" not in store
