"""Decides which of the possible warnings of a load are warnings, and which of them are wanted.

`lint.py` looks at one family of operators at a time. Here all is known: which names any formula
calls, which kernels a backend registers, and which comments ask to ignore a rule. The order is:

1. What speaks against a warning is asked for. What remains are the warnings.
2. A comment `# derivload: ignore[CODE]` beside a warning suppresses it. A comment that suppresses
   none is a warning itself (DL608).
3. The options say which of the others are wanted.

Each warning has an id that does not depend on its place, so whoever shows warnings again and again
can tell which are new. Places are found only for those that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from derivload.diagnostics import Diagnostic, Edit, Elsewhere, Fix, Mistake
from derivload.engine.lint import PLACE, Entries, Linted, Possible, digest_id
from derivload.engine.texts import Texts
from derivload.remedies import remove_other
from derivload.sources.entries import Entry
from derivload.sources.ignore_comments import MARKER, IgnoreComment, find_comments
from derivload.sources.mistakes import Mistakes
from derivload.sources.places import KnownPlaces, Placer
from derivload.tuples import NamedTuple
from derivload.wanted import EVERYTHING, WARNINGS, Wanted, ignored_codes_of

_UNUSED: Final = "DL608"
# What is at the other place of a warning about two entries.
_FIRST: Final = {"DL601": "the definition that does not count", "DL605": "the first declaration"}


class Backend(NamedTuple):
    """What is known of the kernels of a backend.

    `is_named` tells that an option names one; overlays tell the same. `kernels` are the operators
    that it registers kernels for, with their overloads and without namespaces; None if nobody says
    which.
    """

    is_named: bool = False
    kernels: frozenset[str] | None = None


NO_BACKEND: Final = Backend()


class Told(NamedTuple):
    """A warning, whose place `place` finds.

    `id` does not depend on the place, but on the text of the entry; `what` depends on neither.
    `find` gives the mistake and its entry, if it is about one. `reason` is why a comment suppresses
    it, "" if the comment does not say.
    """

    id: str
    what: tuple[str, ...]
    code: str
    operator: str
    file: str
    place: Callable[[], Diagnostic]
    find: Callable[[], tuple[Entry, Mistake]] | None = None
    reason: str = ""


class Judged(NamedTuple):
    """The warnings about a load: those to show, and those that a comment suppresses."""

    shown: list[Told]
    suppressed: list[Told]


NONE: Final = Judged([], [])


def judge(
    linted: Linted,
    texts: Texts,
    wanted: Wanted = EVERYTHING,
    backend: Backend = NO_BACKEND,
    *,
    has_errors: bool = False,
    with_refused: bool = False,
) -> Judged:
    """The warnings about a load of these texts.

    With `has_errors`, warnings may be missing, so no comment is told to be superfluous. With
    `with_refused`, what PyTorch's generators refuse is among those shown: these are errors, so
    all are wanted.
    """
    refused = linted.find_refused() if with_refused else ()
    return _Judge(linted, texts, backend, refused).judge(wanted, has_errors=has_errors)


def place_all(
    told: Iterable[Told], texts: Texts, known: KnownPlaces | None = None
) -> list[Diagnostic]:
    """The diagnostics of all these warnings, limited for each file, sorted by place.

    `known` are those of the loads before.
    """
    limited = Mistakes()
    placed = []
    for one in told:
        if one.find is None:
            placed.append(one.place())
        else:
            entry, mistake = one.find()
            limited.add(entry, [mistake])
    placed += Placer(_text_of(texts), known).place_all(limited)
    return sorted(set(placed))


def _text_of(texts: Texts) -> dict[str, str]:
    return {text.name: text.text for text in texts.of_entries}


class _Judge:
    """Judges the possible warnings of one load."""

    def __init__(
        self, linted: Linted, texts: Texts, backend: Backend, refused: Sequence[Possible]
    ) -> None:
        self._possible = linted.found
        self._refused = refused
        self._without_kernel = {one.at for one in refused if one.mistake.code == "DL801"}
        self._no_tensors = {
            (one.at, one.mistake.path) for one in refused if one.mistake.code == "DL805"
        }
        # Forward formulas that are one word, which is not known.
        self._misspelt = {
            (one.at, one.mistake.path)
            for one in refused
            if one.mistake.code == "DL808" and one.mistake.meant
        }
        self._entries: Entries = linted.entries
        self._text_of = _text_of(texts)
        self._base = texts.native_functions[0].name
        self._backend = backend
        self._has_backend = (
            backend.is_named or backend.kernels is not None or len(texts.native_functions) > 1
        )
        self._placer = Placer(self._text_of)
        self._of_backends = [
            _of_backend(diagnostic, texts.backends[index].name)
            for index, diagnostic in linted.of_backends
            if 0 <= index < len(texts.backends)
        ]

    def judge(self, wanted: Wanted, *, has_errors: bool) -> Judged:
        warnings = [one for one in self._possible if self._holds(one)]
        told, suppressed = [], []
        ignored = self._ignored(warnings)
        for one in warnings:
            comment = ignored.by_warning.get(one)
            if comment is None:
                told.append(self._told(one))
            else:
                suppressed.append(self._told(one)._replace(reason=comment.reason))
        told += self._of_backends
        if not has_errors:
            told += ignored.unused
        shown = [one for one in told if _is_wanted(one, wanted)]
        return Judged([*shown, *map(self._told, self._refused)], suppressed)

    def _holds(self, one: Possible) -> bool:
        """Whether nothing speaks against a possible warning."""
        if one.unless_called:
            return not self._entries.called_with(one.unless_called)
        if one.mistake.code == "DL604" and one.declared in self._without_kernel:
            return False  # the same is told as an error
        if one.mistake.code == "DL619" and (one.at, one.mistake.path) in self._no_tensors:
            return False
        if one.mistake.code in ("DL602", "DL609"):
            return one.of_native or (one.at, one.mistake.path) not in self._misspelt
        if one.mistake.code == "DL604" and self._has_backend:
            return self._is_composite(one)
        return True

    def _is_composite(self, one: Possible) -> bool:
        """Whether an operator has no kernel of its own, where a backend may register one.

        An operator of an overlay that has no dispatch table has a kernel of the backend: torchgen
        says it is composite, but the backend's own generator registers what `supported` lists. One
        of PyTorch's own is composite unless the backend registers it, as far as that is known.
        """
        kernels = self._backend.kernels
        if kernels is not None and one.operator.rpartition("::")[2] in kernels:
            return False
        if one.declared < 0:
            return kernels is not None
        file = self._entries.file(one.declared, of_native=True)
        return one.is_said if file != self._base else kernels is not None

    def _told(self, one: Possible) -> Told:
        file = self._entries.file(one.at, of_native=one.of_native)

        def find() -> tuple[Entry, Mistake]:
            return self._find(one)

        def place() -> Diagnostic:
            entry, mistake = find()
            return self._placer.place(mistake, entry)

        what = (one.mistake.code, one.operator, one.mistake.message, file)
        return Told(one.id, what, one.mistake.code, one.operator, file, place, find)

    def _find(self, one: Possible) -> tuple[Entry, Mistake]:
        """The entry that a warning is about, and the mistake with the place of the other entry."""
        entry = self._entries.entry(one.at, of_native=one.of_native)
        mistake = one.mistake
        if one.other >= 0:
            other = self._entries.entry(one.other, of_native=one.of_native)
            message = mistake.message.replace(PLACE, f"{other.file}:{other.line}")
            help_ = mistake.help
            if mistake.code == "DL605" and entry.file != other.file:
                help_ = "give this another overload name, or put it in its place with --override"
            first = Elsewhere(_FIRST[mistake.code], other.file, other.line)
            remedies = mistake.remedies
            if mistake.code == "DL601":
                is_same = entry.text == other.text
                remedies = (remove_other(other.file, other.line, is_safe=is_same),)
            mistake = msgspec.structs.replace(
                mistake, message=message, help=help_, elsewhere=(first,), remedies=remedies
            )
        return entry, mistake

    def _ignored(self, warnings: list[Possible]) -> _Ignored:
        comments = {
            file: find_comments(text)
            for file, text in self._text_of.items()
            if self._entries.may_have(MARKER, file)
        }
        if not any(comments.values()):
            return _Ignored({}, [])
        by_entry: dict[tuple[bool, int], list[Possible]] = {}
        for one in warnings:
            by_entry.setdefault((one.of_native, one.at), []).append(one)
        ignored = _Ignored({}, list(self._between_entries(comments)))
        for of_native, at, entry in self._entries.entries_with(MARKER):
            commented = self._placer.commented(entry)
            if commented is None:
                continue
            about = by_entry.get((of_native, at), [])
            for comment in commented.comments():
                if comment.is_alone:
                    continue
                codes = {code for name in comment.names for code in _codes(name)}
                beside = [
                    one
                    for one in about
                    if one.mistake.code in codes and commented.is_beside(comment, one.mistake.path)
                ]
                for one in beside:
                    ignored.by_warning.setdefault(one, comment)
                why, idle = _why_unused(comment, [one.mistake.code for one in beside])
                if why:
                    ignored.unused.append(self._unused(entry, comment, why, idle))
        return ignored

    def _unused(self, entry: Entry, comment: IgnoreComment, why: str, idle: str) -> Told:
        found = self._placer.at(entry, comment.start, comment.end, Mistake(_UNUSED, why))
        placed = self._without(found, comment, idle)
        # The entry's text is another one if the file is read whole.
        whole = self._placer.line_of(entry.file, entry.line) if entry.whole else ""
        first_line = whole or entry.text.partition("\n")[0]
        what = (_UNUSED, why, entry.file)
        id_ = digest_id("\0".join((*what, first_line, placed.source_line)))
        return Told(id_, what, _UNUSED, "", entry.file, lambda: placed)

    def _without(self, placed: Diagnostic, comment: IgnoreComment, idle: str) -> Diagnostic:
        """The diagnostic of a comment with the fix that removes it, or its name `idle` alone."""
        line = placed.source_line
        at = placed.column - 1
        left = [name for name in comment.names if name != idle]
        start, end, text = len(line[:at].rstrip()), len(line), ""
        if idle and left:
            start = line.index("[", at) + 1
            end, text = line.index("]", start), ", ".join(left)
        edit = Edit(placed.file, placed.line, start + 1, placed.line, end + 1, text)
        # There is nothing else in its line, and a line behind it.
        if not start and placed.line <= self._text_of[placed.file].count("\n"):
            edit = Edit(placed.file, placed.line, 1, placed.line + 1, 1, "")
        what = f"remove `{idle}`" if idle and left else "remove the comment"
        fix = Fix(what, (edit,), is_safe=bool(idle))
        return msgspec.structs.replace(placed, fixes=(fix,))

    def _between_entries(self, comments: Mapping[str, list[IgnoreComment]]) -> Iterator[Told]:
        """The comments in lines of their own that are not indented, of those in each file."""
        for file, found in comments.items():
            for comment in found:
                if comment.is_alone:
                    line = self._text_of[file].count("\n", 0, comment.start) + 1
                    yield self._alone(file, line, comment)

    def _alone(self, file: str, line: int, comment: IgnoreComment) -> Told:
        why = "this comment is beside no entry and no formula"
        mistake = Mistake(_UNUSED, why)
        length = comment.end - comment.start

        def place() -> Diagnostic:
            shown = self._placer.line_of(file, line)
            placed = self._placer.in_line(file, (line, 1), length, mistake, shown)
            return self._without(placed, comment, "")

        what = (_UNUSED, why, file, *comment.names)
        return Told(digest_id("\0".join(what)), what, _UNUSED, "", file, place)


def _is_wanted(one: Told, wanted: Wanted) -> bool:
    """Whether to show a warning. That there are more of them is always shown."""
    return one.code not in WARNINGS or wanted.has(one.code, one.operator, one.file)


def _of_backend(diagnostic: Diagnostic, file: str) -> Told:
    placed = msgspec.structs.replace(diagnostic, file=file)
    what = (placed.code, placed.message, file)
    id_ = digest_id("\0".join((*what, placed.source_line)))
    return Told(id_, what, placed.code, "", file, lambda: placed)


class _Ignored(NamedTuple):
    """The warnings that comments suppress, and the warnings about comments."""

    by_warning: dict[Possible, IgnoreComment]
    unused: list[Told]


def _codes(name: str) -> frozenset[str]:
    try:
        return ignored_codes_of(name)
    except ValueError:
        return frozenset()


def _why_unused(comment: IgnoreComment, suppressed: list[str]) -> tuple[str, str]:
    """Why a part of a comment has no effect; "" if each part has one. Also the name that has none.

    There is no such name if it may be misspelt.
    """
    if not comment.names:
        return "this comment names no rule to ignore", ""
    for name in comment.names:
        try:
            codes = ignored_codes_of(name)
        except ValueError as error:
            return str(error), ""
        if codes.isdisjoint(suppressed):
            return f"there is no `{name}` here to ignore", name
    return "", ""
