"""Where the cache is: what platformdirs would say, without asking it where that is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derivload.loading import cache_settings
from derivload.loading.cache_settings import (
    cache_folder,
    cache_size_limit,
    find_cache_folder,
    find_store,
    runs_folder,
    try_to_open_store,
    use_in_this_process,
)
from derivload.loading.errors import UsageError
from derivload.store.owned import FolderError


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with a home folder, and nothing else."""
    for name in ("DERIVLOAD_CACHE_DIR", "XDG_CACHE_HOME", "DERIVLOAD_CACHE_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cache_settings, "_of_this_process", [])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
def test_platformdirs_is_not_asked_on_linux(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert cache_folder(None) == f"{tmp_path}/.cache/derivload"
    monkeypatch.setenv("XDG_CACHE_HOME", " /x ")
    assert cache_folder(None) == "/x/derivload"
    with pytest.raises(ImportError):
        monkeypatch.setenv("XDG_CACHE_HOME", "x")
        cache_folder(None)


def test_platformdirs_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")
    assert Path(cache_folder(None)).is_relative_to(tmp_path)
    assert Path(cache_folder(None)).name == "derivload"


def test_without_a_home_platformdirs_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")

    def of_an_old_one(*_: object, **__: object) -> str:
        return "~/.cache/derivload"

    def of_a_new_one(*_: object, **__: object) -> str:
        raise RuntimeError("no home")

    for answer in (of_an_old_one, of_a_new_one):
        monkeypatch.setattr("platformdirs.user_cache_dir", answer)
        with pytest.raises(FolderError, match="there is no home folder to keep it in"):
            cache_folder(None)


def test_what_is_named_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    use_in_this_process("/process")
    assert cache_folder(None) == "/process"
    assert cache_folder("named") == "named"
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", "variable")
    assert cache_folder(None) == "/process"
    use_in_this_process(None)
    with pytest.raises(FolderError, match="there is no home folder to keep it in"):
        cache_folder(None)
    assert find_cache_folder(None) is None
    assert find_store(None) is None
    assert try_to_open_store() is None
    assert find_cache_folder("named") == "named"


def test_a_home_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("~") == str(tmp_path)
    assert cache_folder("~/x") == f"{tmp_path}/x"
    assert cache_folder("~x") == "~x"
    assert cache_folder("x/~") == "x/~"
    monkeypatch.setenv("HOME", "")
    with pytest.raises(FolderError):
        cache_folder("~/x")


def test_a_mistake_is_no_missing_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(named: str | None) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(cache_settings, "cache_folder", fail)
    with pytest.raises(ZeroDivisionError):
        find_cache_folder(None)


def test_a_store_that_is_there_is_found(tmp_path: Path) -> None:
    folder = str(tmp_path / "cache")
    assert find_store(folder) is None
    assert not (tmp_path / "cache").exists()
    use_in_this_process(folder)
    store = try_to_open_store()
    assert store is not None
    store.close()
    found = find_store(folder)
    assert found is not None
    found.close()
    assert runs_folder(folder) == f"{folder}/runs"


def test_how_large_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_size_limit() is None
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "")
    assert cache_size_limit() is None
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "2k")
    assert cache_size_limit() in (2000, 2048)
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "much")
    with pytest.raises(UsageError, match=r"^DERIVLOAD_CACHE_SIZE: "):
        cache_size_limit()
