"""What is wrong with a text that is not YAML, where, and what to write instead."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from derivload.patterns import lazy
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_CONFLICT = lazy(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)
_SIGN_HELP = "quote the value: this sign has a meaning in YAML"
# What to write instead, by words in libyaml's message.
_HELP = (
    ("could not find expected ':'", "write `key: value`"),
    (
        "mapping values are not allowed",
        "indent it like the keys beside it; a value with `: ` in it needs quotes",
    ),
    ("expected '-' indicator", "indent it like the keys of its entry, by two spaces"),
    ("unexpected end of stream", "close the quotes"),
    ("expected ',' or", "close the bracket, or quote the value"),
    (
        "did not find expected key",
        "end the value with its closing quote or bracket, or quote all of it",
    ),
    ("sequence entries are not allowed", "quote the value: `- ` begins an item of a list"),
    ("undefined alias", _SIGN_HELP),
    ("expected alphabetic or numeric", _SIGN_HELP),
    ("constructor for the tag", _SIGN_HELP),
    ("cannot start any token", _SIGN_HELP),
    ("expected node content", _SIGN_HELP),
    ("mapping keys are not allowed", _SIGN_HELP),
    ("another document", "remove the line `---`: a file is one list"),
    ("unhashable key", "write several names without brackets, as in `a, b: formula`"),
    ("unknown escape character", "write two backslashes for one, or use single quotes"),
)


class Instead(NamedTuple):
    """What to write instead: the parts of the text that are replaced, and what by.

    Each part has the line and column where it begins and those behind its end, from 0.
    """

    help: str
    parts: list[tuple[tuple[int, int], tuple[int, int], str]]
    is_safe: bool


class YamlError(Exception):
    """The text is not valid YAML.

    `line` and `column` count from 0. `help` says what to write instead, `instead` is how.
    """

    def __init__(
        self,
        message: str,
        line: int,
        column: int,
        help: str = "",  # noqa: A002
        instead: Instead | None = None,
    ) -> None:
        super().__init__(message)
        self.help = help
        self.instead = instead
        self.message = message
        self.line = line
        self.column = column


class Lines:
    """Finds lines and columns in a text. PyYAML's own line numbers count other line ends too."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def place(self, mark: yaml.Mark | yaml._yaml.Mark) -> tuple[int, int]:
        """The line and column of a mark of PyYAML, both counted from 0."""
        return self.from_0(mark.index)

    def from_0(self, index: int) -> tuple[int, int]:
        """The line and column of a character, both counted from 0."""
        line, column = self.at(index)
        return line - 1, column - 1

    def at(self, index: int, first_line: int = 1) -> tuple[int, int]:
        """The line and column of a character. Columns count from 1, lines from `first_line`."""
        line = bisect.bisect_left(self._ends, index)
        return first_line + line, index - (self._ends[line - 1] if line else -1)


def make_instead(
    lines: Lines,
    help: str,  # noqa: A002
    pieces: list[tuple[int, int, str]],
    is_safe: bool,
) -> Instead:
    """What to write instead, from pieces of the text by their indexes."""
    parts = [(lines.from_0(start), lines.from_0(end), new) for start, end, new in pieces]
    return Instead(help, parts, is_safe)


def error_of(error: yaml.YAMLError, text: str, is_entry: Callable[[str], bool]) -> YamlError:
    """The mistake in a text that PyYAML gave up on.

    `is_entry` tells of another text whether it is YAML, and an entry.
    """
    import yaml

    lines = Lines(text)
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        line, column = lines.at(conflict.start(), 0)
        return YamlError(
            "there is an unresolved merge conflict here",
            line,
            column - 1,
            "resolve it, and remove its marks",
        )
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem)
        if mark is not None and error.context_mark is not None:
            is_at_end = mark.index >= len(text.rstrip())
            # libyaml notices an open quote or bracket only at the end of the text. The mistake is
            # where it was opened. A key without a colon is also noticed only after the key.
            if is_at_end or "could not find expected ':'" in problem:
                mark = error.context_mark
        parts: tuple[str | None, str | None] = (problem, error.context)
        if problem.startswith("but "):
            parts = parts[::-1]
        message = " ".join(part for part in parts if part)
        if mark is not None:
            from derivload.sources.corrections import find_correction

            is_tab = text.startswith("\t", mark.index)
            remedy = "indent with spaces" if is_tab else _remedy(problem)
            found = find_correction(text, mark.index, is_entry)
            instead = None
            if found is not None:
                # The sentence may give the reason too.
                remedy = remedy if remedy.startswith(found.help) else found.help
                instead = make_instead(lines, remedy, found.pieces, found.is_safe)
            return YamlError(message, *lines.place(mark), remedy, instead)
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.character, int):
        # Its position counts bytes with libyaml and characters without it, so we search instead.
        before = text.partition(chr(error.character))[0]
        return YamlError(error.reason, before.count("\n"), len(before) - before.rfind("\n") - 1)
    return YamlError(str(error), 0, 0)


def _remedy(problem: str) -> str:
    return next((remedy for words, remedy in _HELP if words in problem), "")
