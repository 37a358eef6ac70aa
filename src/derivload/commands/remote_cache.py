"""The remote cache of a command: it begins when the store is opened, and ends with the command."""

from __future__ import annotations

import os
import sys

from derivload.loading.errors import UsageError
from derivload.loading.remote_settings import FIGURES, close_remote, find_remote
from derivload.store.owned import StoreError
from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from derivload.store.remote.remote import RemoteSettings
    from derivload.store.store import Store


def act_on_remote(store: Store | None, options: argparse.Namespace) -> list[str]:
    """Push or pull, or what `stats` has to say, and return the lines to print.

    None is a store that does not exist yet: nothing can be pulled to it.

    Raises UsageError, and StoreError if the server does not do what it should.
    """
    action = options.action
    if action == "stats":
        return _stats_lines(store, options)
    settings = checked_remote(options)
    if settings is None:
        raise UsageError(f"cache {action} needs --remote-cache, or DERIVLOAD_REMOTE_CACHE")
    if not (settings.writes if action == "push" else settings.reads):
        raise UsageError(f"cache {action} is not what the mode of the remote cache allows")
    from derivload.loading.amounts import size_text

    try:
        from derivload.store.remote.services import ServiceError
        from derivload.store.remote.transfer import fetch_packs, send_packs
    except ImportError:
        raise StoreError("the remote cache needs `pip install derivload[remote]`") from None
    packs = {} if store is None else store.packs()
    try:
        if action == "push":
            done = send_packs(settings, packs)
        else:
            done = fetch_packs(settings, packs)
            if store is not None:
                store.keep_packs(done.packs)
    except ServiceError as error:
        raise StoreError(f"the remote cache {settings.place} failed ({error})") from None
    count = "1 pack" if len(done.packs) == 1 else f"{len(done.packs)} packs"
    word = "pushed" if action == "push" else "pulled"
    return [f"{settings.place}: {word} {count}, {size_text(done.size)}"]


def _stats_lines(store: Store | None, options: argparse.Namespace) -> list[str]:
    """What the remote cache did for the runs with this store. Raises UsageError."""
    from derivload.loading.amounts import size_text
    from derivload.store.remote.remote import RemoteFigures

    settings = checked_remote(options)
    figures = RemoteFigures.read(None if store is None else store.get(FIGURES))
    packs = {} if store is None else store.packs()
    return [
        f"remote  {'none' if settings is None else settings.place}",
        f"hits    {figures.hits}",
        f"misses  {figures.misses}",
        f"pulled  {size_text(figures.pulled)}",
        f"pushed  {size_text(figures.pushed)}",
        f"saved   {figures.saved:.1f} s",
        f"waited  {figures.waited:.1f} s",
        f"packs   {len(packs)} here, {size_text(sum(map(len, packs.values())))}",
    ]


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
        say(f"remote     {settings.place} ({settings.mode})")


def end_remote(options: argparse.Namespace, status: int) -> int:
    """Wait for uploads, within their limit, and note what the remote cache did. Returns `status`.

    Does not return if a thread is still in an operation that was given up: Python may crash when it
    ends while such a thread goes on.
    """
    store: Store | None = getattr(options, "with_remote", None)
    if store is None or store.remote is None:
        return status
    remote = store.remote
    close_remote(remote, store)
    if remote.is_stuck and options.is_own_process:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                continue
        os._exit(status)
    return status
