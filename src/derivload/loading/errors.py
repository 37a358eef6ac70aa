"""What ends a load: options that mean nothing, and inputs with errors."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.diagnostics import Diagnostic


class UsageError(Exception):
    """A combination of options that means nothing; the text says what to write instead."""


class SettingsError(UsageError):
    """A file of settings has mistakes. `lines` has one for each, which begins with its place."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)

    def __reduce__(self) -> tuple[type[SettingsError], tuple[Sequence[str]]]:
        """What pickle makes it of again, for a process that hands it to another."""
        return type(self), (self.lines,)


class TreeCodeError(Exception):
    """The torchgen of a tree cannot be run where its own code was to load; the text says why."""


class InputError(Exception):
    """The input has errors.

    Attributes:
        diagnostics (tuple[Diagnostic, ...]): All of them, sorted by place.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(d.render() for d in diagnostics))
        self.diagnostics = tuple(diagnostics)

    def __reduce__(self) -> tuple[type[InputError], tuple[Sequence[Diagnostic]]]:
        """What pickle makes it of again, for a process that hands it to another."""
        return type(self), (self.diagnostics,)
