"""What a tree's own torchgen reads besides its source and the inputs: files, folders, variables.

We know it once that torchgen has run. Its process tells the names, and the store keeps them. The
next run begins with a look at what they hold now, and this is a part of the key of its results. A
run that sees names that were not known keeps no results.
"""

from __future__ import annotations

import os

from derivload.identity import sha256, tool_digest
from derivload.loading.reading import read_path
from derivload.loading.trace import NOTHING, Trace, read_trace, with_root, without_root
from derivload.outputs.digests import digest_of, digest_of_names, digest_of_variable, names_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.loading.paths import Files
    from derivload.store.store import Store

_KIND = b"what a tree's own torchgen reads"
# The names that processes have told to this one, by the key of the torchgen's source.
_of_this_process: dict[str, Trace] = {}


class TreeReads:
    """What the torchgen of one source reads; `trace` has the names that were known at the begin.

    `has_news` tells that it was seen to read more since.
    """

    def __init__(self, source: str, modules: Sequence[str], root: str, store: Store | None) -> None:
        """`source` is the key of the source, `modules` are the paths of its files."""
        self._source = source
        self._root = root
        self._modules = frozenset(without_root(os.path.abspath(path), root) for path in modules)
        self._store = store
        self._place = sha256(b"\0".join([_KIND, tool_digest(), source.encode()])).digest()
        kept = None if store is None else store.get(self._place)
        self.trace = _of_this_process.get(source, NOTHING).with_other(read_trace(kept))
        self.has_news = False

    @property
    def modules(self) -> list[str]:
        """The paths of the Python files that it imports besides its own."""
        return [with_root(name, self._root) for name in self.trace.files if name.endswith(".py")]

    def look(self, files: Files) -> str:
        """Note in `files` what the names hold. The text stands for it; "" if there are no names."""
        held = []
        for name in sorted(self.trace.files):
            path = with_root(name, self._root)
            content = read_path(path)
            if isinstance(content, bytes):
                files.consulted.append((path, content))
                held.append(f"{name} {digest_of(content)}")
            else:
                files.absent.append(path)
                held.append(f"{name} {os.path.exists(path)}")
        for name in sorted(self.trace.folders):
            pattern = with_root(name, self._root)
            names = names_like(pattern)
            files.listed.append((pattern, names))
            held.append(f"{name} {digest_of_names(names)}")
        for name in sorted(self.trace.variables):
            files.variables.append((name, digest_of_variable(name)))
            held.append(" ".join(files.variables[-1]))
        return "\n".join(held)

    def held(self) -> str:
        """The same text, of what the names hold now; noted nowhere."""
        from derivload.loading.paths import Files

        return self.look(Files("", (), "", None))

    def learn(self, seen: Trace) -> None:
        """Take in what it has read so far."""
        seen = seen._replace(files=seen.files - self._modules)
        if seen.is_within(self.trace):
            return
        self.has_news = True
        every = self.trace.with_other(seen)
        _of_this_process[self._source] = every
        if self._store is not None:
            self._store.put(self._place, every.render())
