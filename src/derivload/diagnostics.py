"""Mistakes in an input: the rule that is broken, the place, and the text that users see.

Mistakes are reported in two steps. The code that reads entries knows their values but not their
lines. It reports a `Mistake`, which names a rule and points into the entry: by the path of YAML
keys and by the offending words. The engine has the text of the file, and turns each mistake into a
`Diagnostic` with a line and a column. So positions are computed only for entries with a mistake.

What to write instead is reported in the same two steps. A `Remedy` says what to change in the
entry: a value, a key, a line. The engine turns it into a `Fix`, whose edits are spans of the file
(sources/fixing.py). If it cannot tell a span exactly, there is no fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from derivload.patterns import lazy
from derivload.rules import RULES
from derivload.spelling import ask, is_slip
from derivload.terminal.text import in_place, printable

Path = tuple[str | int, ...]

_WORD = lazy(r"\w")

WIDTH = 80
"""How wide an excerpt is where no terminal tells its width: so it is the same everywhere."""
# Of a line, at least so many characters are shown, however narrow the terminal is.
_NARROWEST = 20
# The longest sentence. The longest schema of any release has 492 characters, and some sentences
# name several schemas.
_LONGEST = 2_000
MAX_OF_ENTRY = 100
"""So many mistakes are told of one entry."""


class EntryChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change to an entry, at the value that `path` leads to from the entry.

    - "replace": put `text` in the place of the value. With `words`, only these words of it are
      replaced, as for a `Mistake`. With `on_key`, it is the last key that is replaced.
    - "remove": remove the last key of the path with its value, or the item of a list.
    - "add": add the last key of the path, with the value `text`, to its mapping: behind the key
      `words`, or at the end.
    - "add_item", "remove_item": add the item `text` to the list, or remove it. The list may be a
      text, which is its only item, or not be there yet.
    - "quote": put the value in quotes, so that it is a text.
    - "remove_entry": remove the whole entry, or the one that begins at `line` of `file`.

    Where `text` replaces words, it is what they are to be in the value: quotes and escapes are the
    engine's part. Where it is a whole value or key, it is YAML.
    """

    kind: Literal["replace", "remove", "add", "add_item", "remove_item", "quote", "remove_entry"]
    path: Path = ()
    text: str = ""
    words: str = ""
    on_key: bool = False
    occurrence: int = 0
    file: str = ""
    line: int = 0


class Remedy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to change so that a mistake is gone: `message` says it in a few words.

    `is_safe` tells that the entry then means what was certainly meant. Else somebody has to look.
    """

    message: str
    changes: tuple[EntryChange, ...]
    is_safe: bool = False


class Elsewhere(msgspec.Struct, frozen=True, omit_defaults=True):
    """Another place that a mistake is about, and what is there.

    It is at `words` of the line `line` of a file. Without a line, it is in the entry of the
    mistake, and `path`, `on_key` and `words` are as there.
    """

    message: str
    file: str = ""
    line: int = 0
    path: Path = ()
    on_key: bool = False
    words: str = ""


class Mistake(msgspec.Struct, frozen=True, omit_defaults=True):
    """One broken rule inside one entry.

    `path` leads from the entry to the value, by mapping keys and list indexes. With `on_key` it
    points at the last key instead of its value. `words` are the offending words inside the value;
    empty if all of it is wrong. If the words occur several times, `occurrence` tells which ones
    are meant: it counts from 0, and -1 means the last.

    `also` are further occurrences of the words, which are the same mistake.

    `option` is the option that accepts this, if there is one. Where many entries have a mistake
    that one option accepts, only the first is reported, with their number. `help_of_few` is the
    help where only a few have it. `lacking` is a name that many entries use and no file declares:
    it is reported in the same way.

    `meant` are the names of which one was probably meant, the best first: the help asks for them,
    and a fix writes one of them instead of the words. Each of `remedies` removes the mistake too;
    the best is first. `elsewhere` are the other places that it is about.
    """

    code: str
    message: str
    path: Path = ()
    words: str = ""
    on_key: bool = False
    help: str = ""
    occurrence: int = 0
    also: tuple[int, ...] = ()
    option: str = ""
    meant: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    help_of_few: str = ""
    lacking: str = ""


class Invalid(Exception):  # noqa: N818 - it is the mistake, not what a caller catches
    """A mistake, raised while one text is read.

    The code that reads the entry catches it and goes on with the entry's next key, so that one
    run reports every mistake. So it never leaves the pure floors.

    Where `remedies` replace, their paths begin at the text that is read. Else they begin at the
    entry, for a text has no keys or items.

    A text with several mistakes raises the first. The rest are its `others`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        words: str = "",
        help: str = "",  # noqa: A002
        *,
        occurrence: int = 0,
        meant: Iterable[str] = (),
        remedies: Iterable[Remedy] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.words = words
        self.help = help
        self.occurrence = occurrence
        self.meant = tuple(meant)
        self.remedies = tuple(remedies)
        self.others: list[Invalid] = []

    @property
    def every(self) -> list[Invalid]:
        """All mistakes of the text, this one first."""
        return [self, *self.others]

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
            meant=self.meant,
            remedies=tuple(self._placed(remedy, path, on_key=on_key) for remedy in self.remedies),
        )

    def _placed(self, remedy: Remedy, path: Path, *, on_key: bool) -> Remedy:
        """A remedy of the text that is at `path` of its entry.

        If it changes the words of the mistake, it is these, and no others that read the same.
        """
        changes = [
            msgspec.structs.replace(
                change,
                path=(*path, *change.path),
                on_key=change.on_key or on_key,
                occurrence=self.occurrence if change.words == self.words else change.occurrence,
            )
            if change.kind == "replace"
            else change
            for change in remedy.changes
        ]
        return msgspec.structs.replace(remedy, changes=tuple(changes))


def remedies_of(mistake: Mistake) -> tuple[Remedy, ...]:
    """What to change so that a mistake is gone, what was probably meant first.

    Of an error, the only name that may have been meant is certain, if it is nearly what is there. A
    warning may be wrong.
    """
    wrong = mistake.words or (str(mistake.path[-1]) if mistake.path and mistake.on_key else "")
    is_error = RULES[mistake.code].severity == "error"
    is_safe = is_error and len(mistake.meant) == 1 and is_slip(wrong, mistake.meant[0])
    # From the last one on: those before it keep their number.
    occurrences = (*reversed(mistake.also), mistake.occurrence)
    meant = [
        Remedy(
            f"write `{name}`",
            tuple(
                EntryChange("replace", mistake.path, name, mistake.words, mistake.on_key, number)
                for number in occurrences
            ),
            is_safe,
        )
        for name in mistake.meant
    ]
    return (*meant, *mistake.remedies)


def help_of(mistake: Mistake) -> str:
    """What to write instead, as a sentence; "" if the rule's own sentence says it."""
    return mistake.help or ask(mistake.meant)


class Edit(msgspec.Struct, frozen=True, order=True):
    """A part of a file, and the text to put there.

    Lines and columns count from 1, columns in characters. `end_line` and `end_column` are the
    place after the last character; if that is the place itself, the text is inserted. Line ends of
    the text are `\\n`, whatever those of the file are.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(msgspec.Struct, frozen=True, order=True):
    """Edits that remove a diagnostic; none of them overlaps another. `message` says what they do.

    `is_safe` tells that the input then means what was certainly meant.
    """

    message: str
    edits: tuple[Edit, ...]
    is_safe: bool = False


class Related(msgspec.Struct, frozen=True, order=True):
    """Another place that a diagnostic is about, and what is there. It is a part of one line."""

    file: str
    line: int
    column: int
    end_column: int
    message: str


def occurrence_of(text: str, words: str, at: int) -> int:
    """The `occurrence` of the first of these words that are at or behind a place in their text.

    Places where they are not part of a longer word are preferred, as when they are looked for.
    """
    places = [match.span() for match in re.finditer(re.escape(words), text)] if words else []
    alone = [
        (start, end)
        for start, end in places
        if not _WORD.search(text[max(0, start - 1) : start] + text[end : end + 1])
    ]
    return sum(start < at for start, _ in alone or places)


def raise_all(found: Sequence[Invalid]) -> None:
    """Raise the first of these mistakes, with the others, if there are any."""
    if found:
        first = found[0]
        first.others = list(found[1:])
        raise first


class Diagnostic(msgspec.Struct, frozen=True, order=True):
    """A mistake with its place, as shown to people and tools. Diagnostics sort by place.

    `line` and `column` count from 1; 0 means the file as a whole. `length` is the number of
    characters on the first line that the caret underlines. `end_line` and `end_column` are the
    place after the last wrong character; 0 means that `length` gives it. `severity` is "error" or
    "warning". Each of `fixes` removes the mistake; the best is first. `related` are the other
    places that it is about.
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
    fixes: tuple[Fix, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether it is an error, not a warning."""
        return self.severity == "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as compilers write it, on one line."""
        file = printable(self.file)
        return file if not self.line else f"{file}:{self.line}:{self.column}"

    @property
    def end(self) -> tuple[int, int]:
        """The line and column after the last wrong character."""
        return (self.end_line or self.line, self.end_column or self.column + self.length)

    @property
    def sentence(self) -> str:
        """The sentence that says what is wrong, on one line."""
        return printable(shortened(self.message))

    @property
    def advice(self) -> str:
        """The sentence that says what to write instead, on one line."""
        return printable(shortened(self.help or RULES[self.code].help))

    def render(self, width: int = WIDTH) -> str:
        """The diagnostic as text: place, code and sentence, the source line with a caret, help.

        `width` is how wide the line with the caret may be. The others are as long as they are.
        """
        sentence = f"{self.place}: {self.severity}[{self.code}]: {self.sentence}"
        return "\n".join([sentence, *self.excerpt(width), f"  help: {self.advice}"])

    def excerpt(self, width: int = WIDTH) -> list[str]:
        """The source line and the caret under it; empty if there is no line to show.

        Of a line that is too long, only the part around the wrong words is shown, with `…` where it
        is cut.
        """
        if not self.column or not self.source_line or self.source_line.isspace():
            return []
        at, line = self.column - 1, self.source_line
        room = max(_NARROWEST, width - len(f"  {self.line} | "))
        cut, end = _window(line, at, self.length, room)
        before, behind = "…" if cut else "", "…" if end < len(line) else ""
        part = f"{before}{line[cut + len(before) : end - len(behind)]}{behind}"
        at -= cut
        caret = "^" * max(1, min(self.length, len(part) - len(behind) - at))
        # Tabs are kept in the padding, so that the caret is at the right place for any tab width.
        lead = "".join("\t" if c == "\t" else " " for c in part[:at])
        pad = " " * len(f"{self.line}")
        return [f"  {self.line} | {in_place(part)}", f"  {pad} | {lead}{caret}"]


def moved(found: Diagnostic, by: int) -> Diagnostic:
    """The diagnostic of an entry that stands so many lines further down."""

    def edit(one: Edit) -> Edit:
        return msgspec.structs.replace(one, line=one.line + by, end_line=one.end_line + by)

    replace = msgspec.structs.replace
    return replace(
        found,
        line=found.line + by,
        end_line=found.end_line + by if found.end_line else 0,
        fixes=tuple(replace(fix, edits=tuple(map(edit, fix.edits))) for fix in found.fixes),
        related=tuple(replace(one, line=one.line + by) for one in found.related),
    )


def _window(line: str, at: int, length: int, room: int) -> tuple[int, int]:
    """Where the part of a line begins and ends that is shown around `length` characters at `at`.

    The first and the last character of the part may give their places to a `…`.
    """
    if len(line) <= room:
        return 0, len(line)
    begin = max(0, min(at - max(1, (room - length) // 2), len(line) - room))
    return begin, begin + room


def shortened(sentence: str) -> str:
    """The sentence, without its middle if it quotes something very long."""
    if len(sentence) <= _LONGEST:
        return sentence
    return f"{sentence[: _LONGEST * 2 // 3]} … {sentence[-_LONGEST // 3 :]}"
