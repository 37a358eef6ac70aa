"""What a check of the inputs came to."""

from __future__ import annotations

import msgspec

from derivload.diagnostics import Diagnostic


class Checked(msgspec.Struct, frozen=True):
    """The mistakes in the inputs, sorted by place, and the release whose rules were followed.

    `note` tells the user what they should know about the choice of that release. `functions` and
    `definitions` are how many were loaded. `suppressed` are the warnings that comments suppress,
    each with the reason that the comment gives.
    """

    diagnostics: list[Diagnostic]
    torch_version: str
    note: str
    functions: int
    definitions: int
    suppressed: list[tuple[Diagnostic, str]] = []
