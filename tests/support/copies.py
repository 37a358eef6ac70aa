"""Something that cannot be taken back, done in a copy of this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from derivload.pytorch.codegen.processes import fork, send


def in_a_copy(do: Callable[[], object]) -> None:
    """Do something in a copy of this process; an assertion that fails there fails here."""

    def work(_: int, write: int) -> None:
        try:
            do()
        except BaseException:
            send(write, traceback.format_exc().encode())
        else:
            send(write, b"")

    child = fork(work, ())
    said = child.answer().decode()
    child.close()
    assert not said, said
