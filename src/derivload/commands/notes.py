"""Notes that a run has for the user, and those of them that are given once, not at every run.

That a torch is newer than derivload knows stays so until there is a newer derivload. The cache
remembers that it was said. Without a cache it is said each time.
"""

from __future__ import annotations

import re
from contextlib import closing

from derivload.terminal.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_ONCE = re.compile(r"torch \S+ is newer than derivload knows; following \S+?(?:; |$)")


def say_note(note: str, options: argparse.Namespace) -> None:
    """Say a note, unless it is "" or was said before and is given once."""
    once = _ONCE.search(note)
    if once is not None and _was_said(once[0], options):
        note = lasting(note)
    if note:
        say(f"note: {note}")


def lasting(note: str) -> str:
    """The part of a note that is given at every run."""
    return _ONCE.sub("", note)


def _was_said(note: str, options: argparse.Namespace) -> bool:
    """Whether the cache remembers that this was said. From now on it does."""
    from derivload.identity import sha256, tool_digest
    from derivload.loading.cache_settings import open_store
    from derivload.store.owned import StoreError

    if getattr(options, "no_cache", False):
        return False
    key = sha256(b"\0".join([b"said", tool_digest(), note.encode("utf-8", "replace")])).digest()
    try:
        with closing(open_store(getattr(options, "cache_dir", None))) as store:
            was_said = key in store
            store.put(key, b"said")
            return was_said
    except StoreError:
        return False
