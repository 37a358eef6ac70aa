"""What is wrong with an input, where it is, and how that reads.

Everything below reports in two steps. The floors of values know an entry but not its lines:
they report a `Mistake`, which names a rule and points into the entry by the path of YAML keys
and the offending words. The engine, which has the text, turns each into a `Diagnostic` with a
line and a column; nothing that has no mistake ever pays for positions.
"""

from __future__ import annotations

import msgspec

from derivload.rules import RULES
from derivload.terminal.text import in_place, printable

Path = tuple[str | int, ...]

# So much of a line is shown: schemas have some two hundred characters, and are one line.
_SHOWN = 400
# So long is a sentence: the longest schema of any release has 492 characters, and some sentences
# name several.
_LONGEST = 2_000


class Mistake(msgspec.Struct, frozen=True):
    """One broken rule inside one entry.

    `path` leads from the entry to the value by mapping keys and list indexes; with `on_key` it
    points at the last key itself. `words` are the offending words inside that value, when less
    than the whole of it is wrong, and `occurrence` counts, from 0, which of them are meant; -1
    means the last.
    """

    code: str
    message: str
    path: Path = ()
    words: str = ""
    on_key: bool = False
    help: str = ""
    occurrence: int = 0


class Invalid(Exception):  # noqa: N818 - it is the mistake, not what a caller catches
    """Raised while one text is read, caught where its entry is read; carries the mistake.

    It never leaves the floors of values: whoever reads an entry catches it and goes on with
    the entry's next key, so that one run reports every mistake.
    """

    def __init__(
        self,
        code: str,
        message: str,
        words: str = "",
        help: str = "",  # noqa: A002
        *,
        occurrence: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.words = words
        self.help = help
        self.occurrence = occurrence

    def at(self, *path: str | int, on_key: bool = False) -> Mistake:
        """The mistake, placed at `path` of the entry being read."""
        return Mistake(
            code=self.code,
            message=self.message,
            path=path,
            words=self.words,
            on_key=on_key,
            help=self.help,
            occurrence=self.occurrence,
        )


class Diagnostic(msgspec.Struct, frozen=True, order=True):
    """A mistake with its place: what a person or a tool is shown.

    `line` and `column` count from 1; 0 means the file as a whole. `length` is the number of
    characters that the caret underlines, on the first line. `end_line` and `end_column` stand
    behind the last character of what is wrong; 0 means that `length` says it. `severity` is
    "error" or "warning". Diagnostics sort by place.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    help: str = ""
    source_line: str = ""
    length: int = 1
    end_line: int = 0
    end_column: int = 0
    severity: str = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as compilers write it, on one line."""
        file = printable(self.file)
        return file if not self.line else f"{file}:{self.line}:{self.column}"

    @property
    def end(self) -> tuple[int, int]:
        """The line and column behind the last character of what is wrong."""
        return (self.end_line or self.line, self.end_column or self.column + self.length)

    @property
    def sentence(self) -> str:
        """What is wrong, on one line."""
        return printable(shortened(self.message))

    @property
    def advice(self) -> str:
        """What to write instead, on one line."""
        return printable(shortened(self.help or RULES[self.code].help))

    def render(self) -> str:
        """The diagnostic as text: place, code and sentence, the source line with a caret, help."""
        sentence = f"{self.place}: {self.severity}[{self.code}]: {self.sentence}"
        return "\n".join([sentence, *self.excerpt(), f"  help: {self.advice}"])

    def excerpt(self) -> list[str]:
        """The source line and the caret under it; nothing where there is nothing to show.

        Of a long line the part around the caret, with `…` where it is cut.
        """
        if not self.column or not self.source_line or self.source_line.isspace():
            return []
        at, line = self.column - 1, self.source_line
        cut = max(0, min(at - _SHOWN // 2, len(line) - _SHOWN))
        before, behind = "…" if cut else "", "…" if cut + _SHOWN < len(line) else ""
        part = f"{before}{line[cut : cut + _SHOWN]}{behind}"
        at += len(before) - cut
        caret = "^" * max(1, min(self.length, len(part) - len(behind) - at))
        # Tabs are kept in the padding, so that the caret stands right at any tab width.
        lead = "".join("\t" if c == "\t" else " " for c in part[:at])
        pad = " " * len(f"{self.line}")
        return [f"  {self.line} | {in_place(part)}", f"  {pad} | {lead}{caret}"]


def shortened(sentence: str) -> str:
    """The sentence with its middle left out, where it quotes something very long."""
    if len(sentence) <= _LONGEST:
        return sentence
    return f"{sentence[: _LONGEST * 2 // 3]} … {sentence[-_LONGEST // 3 :]}"
