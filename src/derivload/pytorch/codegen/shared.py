"""What the remote cache has of PyTorch's generators: three packs for each job.

- The trace of the job. What the generators read besides their source is in the keys of the others.
- The files, by the inputs. A container that has neither files nor pieces writes these, and needs no
  torchgen for that.
- The pieces of the last run, whatever its inputs were. With them, an edit is generated as it is in
  the container that made them.

The keys are those of the job without its out-dir. This module imports little, because it runs also
if there is nothing to generate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from derivload.identity import is_as_it_began
from derivload.pytorch.codegen.job import HEAD, Head, Job, Made, contents_in, named

if TYPE_CHECKING:
    from derivload.store.store import Store

_FILES: Final = b"files"
_PIECES: Final = b"pieces"
# Before the names of files, so that none is that of the head.
_FILE: Final = b"file "


def pull_files(store: Store | None, job: Job, inputs: bytes) -> Made | None:
    """The files that the job makes of these inputs, with their bytes; None if they are not there.

    From now on the store has the summary of this run.
    """
    values = None if store is None else store.pull(_key_of_files(job, inputs))
    if store is None or values is None:
        return None
    head = Head.read(values.get(HEAD, b""))
    if head is None or head.inputs != inputs:
        return None
    contents = {name: values.get(_FILE + name.encode(), b"") for name in head.files}
    if any(hashlib.sha256(contents[name]).hexdigest() != sha for name, sha in head.files.items()):
        return None
    store.put(named(job.digest(), HEAD), head.render())
    return Made("stored", head.note, head.files, contents_in(contents), {})


def push_files(store: Store, job: Job, head: Head, read: Callable[[str], bytes]) -> None:
    """Begin to send the files of a run, of which `read` returns the bytes by name.

    Nothing is sent if a file was edited meanwhile, or derivload was. Raises OSError.
    """
    if not is_as_it_began():
        return
    values = {HEAD: head.render()}
    for name, sha256 in head.files.items():
        values[_FILE + name.encode()] = data = read(name)
        if hashlib.sha256(data).hexdigest() != sha256:
            return
    store.push(_key_of_files(job, head.inputs), values)


def pull_pieces(store: Store, job: Job) -> Mapping[bytes, bytes]:
    """The values that a run of the job kept last, by name; none if there are none."""
    return store.pull(named(job.shared_digest(), _PIECES)) or {}


def push_pieces(store: Store, job: Job, values: Mapping[bytes, bytes]) -> None:
    """Begin to send the values that a run of the job kept, and its trace."""
    job.push_trace(store)
    store.push(named(job.shared_digest(), _PIECES), values)


def _key_of_files(job: Job, inputs: bytes) -> bytes:
    return named(job.shared_digest(), _FILES + inputs)
