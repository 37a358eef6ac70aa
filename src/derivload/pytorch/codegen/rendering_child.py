"""A child that renders some of the files, while this process renders the others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from derivload.outputs.digests import digest_of
from derivload.pytorch.codegen.processes import ChildEndedError, flush, fork, send
from derivload.pytorch.codegen.running import Learned, Running
from derivload.pytorch.codegen.turns import Turns
from derivload.pytorch.errors import RAISED

# A file's name, bytes and sha256.
Rendered = tuple[str, bytes, str]


class _RenderedPlace(msgspec.Struct, array_like=True):
    """Where the bytes of a file are in the temporary file, its sha256, and what was read for it."""

    name: str
    start: int
    size: int
    sha256: str
    learned: Learned


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[_RenderedPlace])


class RenderingChild:
    """The child. It puts what it renders into a temporary file, where it takes no memory.

    `turns` has the indices of the names that are left.
    """

    def __init__(
        self, names: Sequence[str], render: Callable[[str], bytes], running: Running
    ) -> None:
        """`running` is the context that we are in. Raises OSError."""
        self._names = names
        self._render = render
        self._running = running
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.turns = Turns()
        try:
            self.turns.put(range(len(names)))
            self._child = fork(self._work, ())
        except OSError:
            self._close()
            raise

    def rendered(self) -> Iterator[Rendered]:
        """What it rendered, when no name is left."""
        with suppress(ChildEndedError):  # it was killed: what it had is not there
            for place in _DECODER.decode(self._child.answer()):
                self._running.take(place.learned)
                data = os.pread(self._file.fileno(), place.size, place.start)
                if len(data) == place.size:
                    yield place.name, data, place.sha256

    def end(self) -> None:
        """End it."""
        self._child.kill()
        self._child.close()
        self._close()

    def _close(self) -> None:
        self.turns.close()
        self._file.close()

    def _work(self, _: int, write: int) -> None:
        """In the child. What it cannot render is left to its parent."""
        places = []
        for index in self.turns:
            with suppress(*RAISED):
                name = self._names[index]
                data = self._render(name)
                start = self._file.tell()
                self._file.write(data)
                place = _RenderedPlace(
                    name, start, len(data), digest_of(data), self._running.learn()
                )
                places.append(place)
        self._file.flush()
        flush()
        send(write, _ENCODER.encode(places))
