"""The result of one load, full or incremental."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from derivload.diagnostics import shortened
from derivload.engine.lines import DocumentLines, encode_lines
from derivload.terminal.text import printable
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    from derivload.diagnostics import Diagnostic
    from derivload.engine.backends import Backends
    from derivload.engine.lint import Linted, Possible
    from derivload.engine.load import LoadedTexts
    from derivload.engine.pipeline import Load

_HANDFUL = 12


class Outcome(NamedTuple):
    """The result of a load: lines or, if there are mistakes, diagnostics; never both.

    `own` is our own load; None if the code of a tree's torchgen loaded. `whole` is our full load;
    None if the load was incremental. `counts` has the numbers of entries read and reused, of
    definitions derived and of functions matched. `is_of_entries` tells whether each entry was read
    by itself. `make_lines` makes the lines, if there are no mistakes. `passed_over` are the
    sections of overlays and backends' files that were not read.
    """

    own: Load | None
    whole: LoadedTexts | None
    counts: dict[str, int]
    is_of_entries: bool
    make_lines: Callable[[], DocumentLines]
    is_incremental: bool
    """Whether only the touched families were loaded."""
    make_linted: Callable[[], Linted] | None = None
    """Makes what there may be to warn of; None if the code of a tree's torchgen loaded."""
    passed_over: tuple[str, ...] = ()
    backends: Backends | None = None
    """What backends register, as it was read; None if the code of a tree's torchgen loaded."""

    mistakes: Sequence[Diagnostic] = ()
    """The mistakes that an incremental load found."""

    @property
    def note(self) -> str:
        """What the user should know of the load, or ""."""
        if not self.passed_over:
            return ""
        names = ", ".join(f"`{name}`" for name in self.passed_over[:_HANDFUL])
        more = len(self.passed_over) - _HANDFUL
        names = printable(shortened(names)) + (f" and {more} more" if more > 0 else "")
        s = "s" if len(self.passed_over) > 1 else ""
        return (
            f"passed over the section{s} {names}: --section NAME lays a section over that declares "
            "operators, and --backend-yaml FILE takes a file that registers kernels"
        )

    @property
    def load(self) -> Load:
        """What was loaded now: everything, or the touched families."""
        assert self.own is not None
        return self.own

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All mistakes, sorted by place."""
        return [*self.mistakes] if self.whole is None else self.whole.diagnostics

    @property
    def lines(self) -> DocumentLines | None:
        """The lines of the documents, made now; None if there are mistakes."""
        return None if self.diagnostics else self.make_lines()


def outcome_of(whole: LoadedTexts) -> Outcome:
    """The result of a full load."""
    from derivload.engine.lint import lint

    def find_refused() -> Sequence[Possible]:
        from derivload.engine.generators import find_refused

        return find_refused(load)

    load = whole.load
    counts = {
        "read": load.declared + len(load.derived),
        "reused": 0,
        "derived": len(load.derived),
        "matched": len(load.matched),
    }
    return Outcome(
        own=load,
        whole=whole,
        counts=counts,
        is_of_entries=whole.is_of_entries,
        make_lines=lambda: encode_lines(whole),
        is_incremental=False,
        make_linted=lambda: lint(load)._replace(
            of_backends=whole.of_backends, find_refused=find_refused
        ),
        passed_over=whole.passed_over,
        backends=whole.backends,
    )
