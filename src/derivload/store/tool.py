"""The digest of derivload's own source, kept by the state of its files.

To compute the digest, all of that source is read, which takes 5 ms of each run that has something
to do. The state tells that it is the same source: see `identity.tool_state`.
"""

from __future__ import annotations

from derivload.identity import learn_digest, sha256, tool_digest, tool_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.store.store import Store


def find_tool(store: Store) -> None:
    """Have `tool_digest` be what is kept for the state of the files, if anything is."""
    learn_digest(lambda state: store.get(_key(state)))


def keep_tool(store: Store) -> None:
    """Keep the digest for the state of the files, if they have one that tells every edit.

    Call it only if derivload's own files are as they were when the process began.
    """
    state = tool_state()
    if state and _key(state) not in store:
        store.put(_key(state), tool_digest())


def _key(state: str) -> bytes:
    return sha256(b"own source\0" + state.encode()).digest()
