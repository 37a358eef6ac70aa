"""The remote cache of a command: it begins when the store is opened, and ends with the command."""

from __future__ import annotations

import os
import sys

from derivload.identity import sha256
from derivload.loading.errors import UsageError
from derivload.loading.remote_settings import find_remote
from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from derivload.store.remote.remote import RemoteSettings
    from derivload.store.store import Store

# Under this key the store has what the remote cache did for all runs.
FIGURES = sha256(b"figures of the remote cache").digest()


def checked_remote(options: argparse.Namespace) -> RemoteSettings | None:
    """The remote cache that is named; None if there is none. Raises UsageError."""
    settings = find_remote(options)
    if settings is None:
        return None
    from derivload.store.remote.addresses import AddressError, options_of

    try:
        options_of(settings.url)
    except AddressError as error:
        raise UsageError(f"the remote cache cannot be used: {error}") from None
    return settings


def begin_remote(store: Store, options: argparse.Namespace) -> None:
    """Put the remote cache that is named, if one is, behind the store. Raises UsageError."""
    settings = checked_remote(options)
    if settings is None:
        return
    from derivload.store.remote.remote import Remote

    store.remote = Remote(settings, say)
    options.with_remote = store
    if options.verbose:
        uses = [
            word for word, is_so in (("read", settings.reads), ("write", settings.writes)) if is_so
        ]
        say(f"remote     {settings.place} ({'-'.join(uses)})")


def end_remote(options: argparse.Namespace, status: int) -> int:
    """Wait for uploads, within their limit, and note what the remote cache did. Returns `status`.

    Does not return if a thread is still in an operation that was given up: Python may crash when it
    ends while such a thread goes on.
    """
    store: Store | None = getattr(options, "with_remote", None)
    if store is None or store.remote is None:
        return status
    remote, store.remote = store.remote, None
    store.keep_packs(remote.close())
    if not remote.figures.is_empty:
        store.put(FIGURES, remote.figures.render(store.get(FIGURES)))
    if remote.is_stuck and options.is_own_process:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                continue
        os._exit(status)
    return status
