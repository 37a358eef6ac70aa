"""`derivload check` as text, for a person: in colour on a terminal, unless NO_COLOR is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Final

from derivload.diagnostics import Diagnostic

_STYLES: Final = {"error": "bold red", "warning": "bold yellow"}


def print_text(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics to stdout, one after another."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        _print_styled(diagnostics)
        return
    encoding = sys.stdout.encoding or "utf-8"
    for diagnostic in diagnostics:
        # A stream that cannot say a letter gets its number, rather than us a traceback.
        print(diagnostic.render().encode(encoding, "backslashreplace").decode(encoding))


def _print_styled(diagnostics: Iterable[Diagnostic]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for diagnostic in diagnostics:
        style = _STYLES[diagnostic.severity]
        parts: list[tuple[str, str]] = [
            (f"{diagnostic.place}: ", "bold"),
            (f"{diagnostic.severity}[{diagnostic.code}]", style),
            (f": {diagnostic.sentence}", "bold"),
        ]
        excerpt = diagnostic.excerpt()
        if excerpt:
            source, caret = excerpt
            gutter, bar, under = caret.partition("| ")
            parts += [(f"\n{source}", ""), (f"\n{gutter}{bar}", ""), (under, style)]
        parts += [("\n  help: ", "cyan"), (diagnostic.advice, "")]
        text = Text.assemble(*parts)
        # As it is: neither wrapped, which would part a caret from its line, nor with tabs widened.
        console.print(text, soft_wrap=True)
