"""`derivload cache`: look after the store that runs share, and move it to a remote cache and back.

No build needs these commands. A damaged store only costs time, until `clear` fixes it. A folder
that does not exist counts as an empty store and is not created, except by `pull`.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing, nullcontext, suppress
from pathlib import Path

from derivload.exit_status import DONE, ENVIRONMENT
from derivload.loading.amounts import parse_age, parse_size, size_text
from derivload.loading.cache_settings import (
    cache_folder,
    cache_size_limit,
    find_store,
    open_store,
    runs_folder,
)
from derivload.loading.errors import UsageError
from derivload.outputs.kept_values import records_in, remove_records
from derivload.store.owned import (
    LAYOUT,
    FolderError,
    StoreError,
    remove_database,
    remove_value,
    value_files,
)
from derivload.store.store import Store
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

_ACTIONS = ("stats", "verify", "prune", "clear")


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    if options.action in ("push", "pull"):
        return _with_remote(options)
    status = look_after(options.action, options.cache_dir, options.max_size, options.older_than)
    return _with_remote(options) if options.remote and status == DONE else status


def _with_remote(options: argparse.Namespace) -> int:
    """Do what is about the remote cache, print the result and return the exit status."""
    from derivload.commands.remote_cache import act_on_remote

    open_or_find = open_store if options.action == "pull" else find_store
    try:
        store = open_or_find(options.cache_dir)
        with nullcontext() if store is None else closing(store):
            lines = act_on_remote(store, options)
    except StoreError as error:
        say(f"error: {error}")
        return ENVIRONMENT
    Stdout().print_lines(lines)
    return DONE


def look_after(
    action: str, cache_dir: str | None, max_size: str | None, older_than: str | None
) -> int:
    """Do `action` (stats, verify, prune or clear), print the result and return the exit status.

    `max_size` and `older_than` are prune's options, as the user wrote them. Raises UsageError.
    """
    if action not in _ACTIONS:
        raise UsageError(f"cache {action} means nothing: write {', '.join(_ACTIONS)}")
    size = None if max_size is None else parse_size(max_size)
    age = None if older_than is None else parse_age(older_than)
    if action == "prune" and size is None and age is None:
        raise UsageError("cache prune needs --max-size SIZE, --older-than AGE or both")
    try:
        folder = cache_folder(cache_dir)
    except StoreError as error:
        say(f"error: the cache cannot be used: {error}; {error.advice}")
        return ENVIRONMENT
    _remove_runs(action, runs_folder(folder), age)
    if _is_absent(Path(folder)):
        Stdout().print_lines([f"{folder}: empty"])
        return DONE
    try:
        with closing(Store(folder, cache_size_limit())) as store:
            done = _act(store, action, size, age)
    except StoreError as error:
        if action == "clear" and not isinstance(error, FolderError):
            return _clear_files(folder, str(error))
        say(f"error: the cache cannot be used: {error}; {error.advice}")
        return ENVIRONMENT
    if done is not None:
        Stdout().print_lines(done)
        return DONE
    if action == "clear":
        return _clear_files(folder, f"{folder} does not answer")
    say(f"error: the cache {folder} does not answer: `derivload cache clear` starts it afresh")
    return ENVIRONMENT


def _remove_runs(action: str, folder: str, age: float | None) -> None:
    """Remove the records of `derivload run` that `action` is about."""
    removed = 0
    if action == "clear":
        removed = remove_records(folder)
    elif action == "prune" and age is not None:
        removed = remove_records(folder, age)
    if removed:
        Stdout().print_lines([f"{folder}: removed {_files(removed)} of runs"])


def _act(store: Store, action: str, size: int | None, age: float | None) -> list[str] | None:
    """Do `action` and return the lines to print, or None if the store does not answer."""
    if action == "stats":
        return _stats(store)
    if action == "verify":
        return _verify(store)
    removed = store.prune(age, size) if action == "prune" else store.clear()
    if action == "clear":
        store.verify()  # removes files that no value refers to any more
    return None if removed is None else [f"{store.folder}: removed {_values(removed)}"]


def _stats(store: Store) -> list[str] | None:
    figures = store.figures()
    if figures is None:
        return None
    lines = [
        f"folder  {store.folder}",
        f"values  {figures.values}",
        f"size    {size_text(figures.size)}",
        f"limit   {size_text(store.size_limit)}",
    ]
    records = [path for path in map(Path, records_in(runs_folder(store.folder))) if path.is_file()]
    if records:
        size = sum(path.stat().st_size for path in records)
        lines.append(f"runs    {_files(len(records))}, {size_text(size)}")
    return lines


def _verify(store: Store) -> list[str] | None:
    removed = store.verify()
    # Counted after verifying: before, the count itself may be damaged.
    figures = store.figures()
    if removed is None or figures is None:
        return None
    return [f"{store.folder}: read {_values(figures.values + removed)}, removed {removed}"]


def _clear_files(folder: str, problem: str) -> int:
    """Remove the files of a store that cannot be opened or does not answer; the exit status."""
    say(f"note: the cache cannot be used, so its files are removed: {problem}")
    layout = str(Path(folder, LAYOUT))
    try:
        removed = remove_database(layout)
    except OSError as error:
        say(f"error: {error.filename}: {error.strerror or error}")
        return ENVIRONMENT
    removed += sum([remove_value(layout, name) for name in list(value_files(layout))])
    with suppress(OSError):  # the folder may hold somebody else's files
        Path(layout).rmdir()
    Stdout().print_lines([f"{folder}: removed {_files(removed)} of a damaged cache"])
    return DONE


def _is_absent(folder: Path) -> bool:
    """Whether there is no store yet. False if in doubt: opening it then reports the problem."""
    try:
        return not os.path.lexists(folder) or (folder.is_dir() and not (folder / LAYOUT).exists())
    except (OSError, ValueError):
        return False


def _files(count: int) -> str:
    return f"{count} {'file' if count == 1 else 'files'}"


def _values(count: int) -> str:
    return f"{count} {'value' if count == 1 else 'values'}"
