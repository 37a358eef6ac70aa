"""Where the cache is and how large it may be: by options, by variables, or as the user has it.

Imports nothing of the store until it is opened: the exit that does nothing never gets here.
"""

from __future__ import annotations

import os
import sys

from derivload.loading.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.store.remote.remote import Remote
    from derivload.store.store import Store

# The variable that names the remote cache: `remote_settings.py` has the others.
REMOTE_CACHE = "DERIVLOAD_REMOTE_CACHE"


def open_store(named: str | None) -> Store:
    """The store in the folder of the cache, made if need be. Raises StoreError and UsageError.

    What it knows of derivload itself, this process knows from then on.
    """
    from derivload.store.store import Store
    from derivload.store.tool import find_tool

    limit = cache_size_limit()
    store = Store(cache_folder(named), limit)
    find_tool(store)
    return store


def try_to_open_store() -> Store | None:
    """The store in the user's cache; None where it cannot be used. Raises UsageError.

    Behind it is the remote cache of this process, if it has one.
    """
    from derivload.store.owned import StoreError

    try:
        store = open_store(None)
    except StoreError:
        return None
    store.remote = _remote_of_this_process[0] if _remote_of_this_process else None
    return store


def find_store(named: str | None) -> Store | None:
    """The store in the folder of the cache, if there is one already. Raises as `open_store` does.

    It is for who only reads: no folder is made, and a user without a home folder has none.
    """
    from derivload.store.owned import DATABASE, LAYOUT, FolderError

    try:
        database = os.path.join(cache_folder(named), LAYOUT, DATABASE)
    except FolderError:
        return None
    return open_store(named) if os.path.exists(database) else None


_of_this_process: list[str | None] = []
_remote_of_this_process: list[Remote] = []


def use_in_this_process(folder: str | None) -> None:
    """Have this folder be the one of the cache where none is named; None: there is no cache."""
    _of_this_process[:] = [folder]


def use_remote_in_this_process(remote: Remote) -> None:
    """Have this remote cache be behind every store that `try_to_open_store` opens."""
    _remote_of_this_process[:] = [remote]


def cache_folder(named: str | None) -> str:
    """The folder of the cache: the one named, else DERIVLOAD_CACHE_DIR, else the user's.

    A `~` that no shell has replaced stands for the home folder. Raises FolderError where there is
    none.
    """
    if _of_this_process and not named:
        named = _checked(_of_this_process[0])
    folder = named or os.environ.get("DERIVLOAD_CACHE_DIR")
    if not folder:
        return _users_cache_folder()
    if folder == "~" or folder[:2] in ("~/", "~" + os.sep):
        # An empty HOME would make it the root of the file system.
        return _checked(None if os.environ.get("HOME") == "" else os.path.expanduser(folder))
    return folder


def runs_folder(cache: str) -> str:
    """Where the records of `derivload run` are, in the folder of the cache."""
    return os.path.join(cache, "runs")


def releases_folder(cache: str) -> str:
    """Where the releases are that `derivload diff` fetched, in the folder of the cache."""
    return os.path.join(cache, "releases")


def find_cache_folder(named: str | None) -> str | None:
    """The same; None where there is none."""
    try:
        return cache_folder(named)
    except Exception as error:
        if type(error).__name__ != "FolderError":  # of the store, which is not imported here
            raise
        return None


def _users_cache_folder() -> str:
    if sys.platform == "linux":  # what platformdirs says there, without importing it
        folder = os.environ.get("XDG_CACHE_HOME", "").strip()
        home = os.environ.get("HOME", "")
        if not folder and os.path.isabs(home):
            folder = os.path.join(home, ".cache")
        if os.path.isabs(folder):
            return os.path.join(folder, "derivload")
    import platformdirs

    try:
        return _checked(platformdirs.user_cache_dir("derivload", appauthor=False))
    except RuntimeError:  # of a new platformdirs; an old one returns a path that begins with `~`
        return _checked(None)


def _checked(folder: str | None) -> str:
    """A folder below the user's home. Raises FolderError where there is no home."""
    if folder is None or not os.path.isabs(folder):
        from derivload.store.owned import FolderError

        raise FolderError("there is no home folder to keep it in")
    return folder


def cache_size_limit() -> int | None:
    """The bytes that DERIVLOAD_CACHE_SIZE allows the cache, None when it says nothing.

    Raises UsageError.
    """
    limit = os.environ.get("DERIVLOAD_CACHE_SIZE")
    if not limit:
        return None
    from derivload.loading.amounts import parse_size

    try:
        return parse_size(limit)
    except UsageError as error:
        raise UsageError(f"DERIVLOAD_CACHE_SIZE: {error}") from None
