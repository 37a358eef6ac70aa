"""Takes a run from the remote cache that another container did, and sends what was run here."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from derivload.commands.remote_cache import begin_remote
from derivload.loading.cache_settings import open_store
from derivload.loading.errors import UsageError
from derivload.outputs.files import write_changed
from derivload.outputs.kept_runs import RecordLine, check
from derivload.outputs.kept_values import write_record
from derivload.outputs.shared_runs import (
    DAMAGED,
    Places,
    allowed_folders,
    is_of_pytorch,
    make_shared,
    name_of_command,
    read_left,
    read_names,
)
from derivload.pytorch.script.seen import REMOTE
from derivload.store.owned import StoreError

if TYPE_CHECKING:
    import argparse

    from derivload.commands.run.asked import Asked
    from derivload.outputs.shared_runs import Depends, FinishedRun, Left
    from derivload.store.store import Store


class Sharing:
    """The remote cache of one run of a script."""

    def __init__(self, asked: Asked, store: Store, url: str | None) -> None:
        """`url` is that of the option, which holds no secret."""
        self._store = store
        self._url = url
        is_fixed = not is_of_pytorch(asked.is_module, asked.target)
        self._places = Places(is_fixed=is_fixed)
        self._name = name_of_command(self._places, asked.is_module, asked.target, asked.arguments)
        self._allowed = allowed_folders(asked.arguments)

    def take(self, path: str, context: str) -> list[RecordLine] | None:
        """Write what another container's run left, and a record; its items.

        None if there is none that holds here.
        """
        try:
            found = self._find()
        except DAMAGED:
            return None
        if found is None:
            return None
        depends, left = found
        try:
            for folder in left.folders:
                os.makedirs(folder, exist_ok=True)
            write_changed(left.files)
        except OSError:  # the script may know what to do
            return None
        items = [RecordLine("context", context, ""), *depends.items, *left.items()]
        if check(items).differing:  # something was edited meanwhile
            return None
        write_record(path, items)
        return items

    def _find(self) -> tuple[Depends, Left] | None:
        names = self._store.pull(self._name)
        if names is None:
            return None
        depends = read_names(self._places, self._name, names)
        values = self._store.pull(depends.name)
        if values is None:
            return None
        return depends, read_left(self._places, values, self._allowed)

    def tell_child(self, journal: str) -> None:
        """Tell the script's process which remote cache to use, by a file in its folder."""
        remote = self._store.remote
        if remote is None or not remote.left:
            return
        settings = remote.settings
        # Not the settings themselves: the child has their secrets from the same variables.
        told = (self._url, settings.mode, remote.left, settings.upload_limit)
        path = os.path.join(journal, REMOTE)
        try:
            with open(path, "w", encoding="ascii") as file:
                json.dump(told, file)
        except OSError:  # the disk is full, say: the child does without
            with suppress(OSError):
                os.unlink(path)

    def send(self, run: FinishedRun) -> None:
        """Begin to send what a run left that ended well, if it can be shared."""
        if not self._store.pushes:
            return
        with suppress(OSError):
            packs = make_shared(self._places, self._name, run, self._allowed)
            for name, values in packs.items():
                self._store.push(name, values)


def begin_sharing(options: argparse.Namespace, asked: Asked) -> Sharing | None:
    """The remote cache of a run; None if there is none. Raises UsageError."""
    try:
        store = open_store(options.cache_dir)
    except (StoreError, UsageError):
        return None
    begin_remote(store, options)
    if store.remote is None:
        return None
    # The script's process sends packs, too: both together wait no longer than any run.
    half = store.remote.settings.upload_limit / 2
    store.remote.settings = store.remote.settings._replace(upload_limit=half)
    return Sharing(asked, store, options.remote_cache)
