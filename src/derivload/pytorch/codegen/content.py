"""Gives the bytes of generated files when they are asked for."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from derivload.outputs.digests import digest_of
from derivload.pytorch.codegen.processes import can_fork
from derivload.pytorch.codegen.rendering_child import Rendered, RenderingChild
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.update import Codegen, LostItemsError
from derivload.pytorch.errors import RAISED

# That the disk takes no more is nothing that another way to make the files would change.
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


# So many files are worth a process.
_MANY: Final = 8


class Content:
    """Gives the bytes of a file by its name. Files are rendered when they are asked for."""

    def __init__(
        self,
        codegen: Codegen,
        source: Source,
        run_plain: Callable[[], dict[str, bytes]],
        running: Running,
    ) -> None:
        self._running = running
        self._codegen = codegen
        self._source = source
        self._run_plain = run_plain

    def __call__(self, name: str) -> bytes:
        """The bytes of a file. Raises GeneratorError if upstream cannot render it either."""
        with self._running:
            return self._content(name)

    def several(self, names: Sequence[str]) -> Iterator[Rendered]:
        """The bytes of these files and their sha256, by name, in any order.

        If several processes generated, a child renders a part of them. Raises GeneratorError.
        """
        left = dict.fromkeys(names)
        child = self._child_for(names)
        if child is not None:
            try:
                for rendered in self._side_by_side(names, child):
                    del left[rendered[0]]
                    yield rendered
            finally:
                child.end()
        for name in left:
            yield self._with_digest(name)

    def _child_for(self, names: Sequence[str]) -> RenderingChild | None:
        if len(names) >= _MANY and self._codegen.counts["processes"] > 1 and can_fork():
            with suppress(OSError), self._running:  # no more processes, no memory, no disk
                return RenderingChild(names, self._codegen.file, self._running)
        return None

    def _side_by_side(self, names: Sequence[str], child: RenderingChild) -> Iterator[Rendered]:
        """What this process and a child render: each takes the next file when it has done one."""
        for index in child.turns:
            yield self._with_digest(names[index])
        yield from child.rendered()

    def _with_digest(self, name: str) -> Rendered:
        data = self(name)
        return name, data, digest_of(data)

    def _content(self, name: str) -> bytes:
        try:
            return self._render(name)
        except OSError as error:
            if error.errno in FULL:
                raise
        except RAISED:
            pass
        # Out here, for upstream's own exception shows what was being handled, too.
        return self._run_plain()[name]

    def _render(self, name: str) -> bytes:
        try:
            return self._codegen.file(name)
        except LostItemsError:
            self._codegen.kept = None
            self._codegen.update(self._source)
            return self._codegen.file(name)
