"""Runs upstream's own way in a process of its own, while the short cut runs in this one.

The first run of a torchgen that is not known needs both, to compare them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from derivload.pytorch.codegen.processes import Child, ChildEndedError, flush, fork, send
from derivload.pytorch.codegen.running import Learned, Running


class _BesideFiles(msgspec.Struct, array_like=True):
    files: dict[str, bytes]
    learned: Learned


class RunBeside:
    """A run of upstream's own way in a forked process."""

    def __init__(self, run: Callable[[], dict[str, bytes]], running: Running) -> None:
        """`run` makes the files, in the context `running`. Raises OSError."""
        self._running = running

        def work(_: int, write: int) -> None:
            data = msgspec.msgpack.encode(_BesideFiles(run(), running.learn()))
            flush()
            send(write, data)

        self._child: Child | None = fork(work, ())

    def files(self) -> dict[str, bytes] | None:
        """The bytes of the files, by name; None if there are none, or they were taken before.

        That is so if a generator raised an exception: running it here shows it.
        """
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            answered = child.answer()
        except ChildEndedError:
            return None
        except BaseException:
            child.kill()
            raise
        finally:
            child.close()
        written = msgspec.msgpack.decode(answered, type=_BesideFiles)
        self._running.take(written.learned)
        return written.files

    def end(self) -> None:
        """End it, if it still runs."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.close()
