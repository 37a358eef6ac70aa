"""Gives the bytes of generated files when they are asked for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.update import Codegen, LostItemsError
from derivload.pytorch.errors import RAISED

# That the disk takes no more is nothing that another way to make the files would change.
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


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
