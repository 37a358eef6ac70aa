"""The text output of `derivload check`: coloured if that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from derivload.diagnostics import WIDTH, Diagnostic
from derivload.terminal import colour
from derivload.terminal.stdout import Stdout

_STYLES: Final = {
    "": "",
    "place": "bold",
    "sentence": "bold",
    "help": "cyan",
    "error": "bold red",
    "warning": "bold yellow",
}


def print_text(diagnostics: Iterable[Diagnostic], stdout: Stdout) -> None:
    """Print diagnostics, one after another."""
    width = stdout.width(WIDTH)
    if not colour.is_wanted():
        for diagnostic in diagnostics:
            stdout.print_lines(diagnostic.render(width).split("\n"))
        return
    painter = colour.Painter(_STYLES)
    for diagnostic in diagnostics:
        stdout.write("".join(map(painter.line, _lines(diagnostic, width))))


def _lines(diagnostic: Diagnostic, width: int) -> Iterator[list[tuple[str, str]]]:
    """The lines of a diagnostic. Each line is a list of parts: a text and the name of its style."""
    severity = diagnostic.severity
    yield [
        (f"{diagnostic.place}: ", "place"),
        (f"{severity}[{diagnostic.code}]", severity),
        (f": {diagnostic.sentence}", "sentence"),
    ]
    excerpt = diagnostic.excerpt(width)
    if excerpt:
        source, caret = excerpt
        gutter, bar, under = caret.partition("| ")
        yield [(source, "")]
        yield [(f"{gutter}{bar}", ""), (under, severity)]
    yield [("  help: ", "help"), (diagnostic.advice, "")]
