"""`check --fix`: applies fixes to the inputs in memory, in rounds, until nothing is left to fix.

A round takes one fix of each entry, so that no two of them can get into each other's way. Then the
inputs are checked as they would be, and each mistake that was fixed must be gone. If one is not,
its fix is wrong: that is a bug of derivload's. The round is done again without it.

Nothing is written here: see `fixed_files.py`.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from derivload.diagnostics import Diagnostic, Edit, Fix
from derivload.outputs.edits import EditedText

# The text of each input, by the name that diagnostics call it by.
Texts = Mapping[str, str]

# A line at which an item of a list begins.
_ITEM: Final = re.compile(r"[ ]*- ")
# Messages name the lines of other entries, which a fix may move.
_PLACE: Final = re.compile(r":\d+")
# A fix may uncover mistakes that were held back. After so many rounds that leave no fewer mistakes
# than before, fixes make what the next ones fix, without end.
_MOST_ROUNDS: Final = 50


class Chosen(NamedTuple):
    """A mistake, and the fix that is to remove it."""

    diagnostic: Diagnostic
    fix: Fix


class Fixed(NamedTuple):
    """What fixing came to: the new texts, what is left, what was done, and what did not work."""

    texts: Texts
    left: Sequence[Diagnostic]
    applied: list[Chosen]
    refused: list[Chosen]


def fix_all(
    texts: Texts,
    diagnostics: Sequence[Diagnostic],
    find: Callable[[Texts], Sequence[Diagnostic]],
    *,
    is_unsafe: bool,
) -> Fixed:
    """Apply the safe fixes to these texts, and with `is_unsafe` the others too.

    Only these texts may be changed. `diagnostics` are the mistakes in them, and `find` finds those
    in other texts.
    """
    applied: list[Chosen] = []
    refused: list[Chosen] = []
    seen = [texts]
    fewest, rounds = len(diagnostics), 0
    while True:
        chosen = _choose(texts, diagnostics, refused, is_unsafe=is_unsafe)
        lost = [one for one in chosen if not _has_place(one.fix, texts)]
        refused += lost
        if lost:
            continue
        if not chosen:
            return Fixed(texts, diagnostics, applied, refused)
        after = _apply(texts, [one.fix for one in chosen])
        found = find(after)
        is_endless = after in seen or rounds == _MOST_ROUNDS
        left = chosen if is_endless else _left(chosen, texts, diagnostics, after, found)
        if left:
            refused += left
            continue
        seen.append(after)
        texts, diagnostics = after, found
        applied += chosen
        rounds = 0 if len(found) < fewest else rounds + 1
        fewest = min(fewest, len(found))


def fix_of(diagnostic: Diagnostic, *, is_unsafe: bool) -> Fix | None:
    """The fix of a mistake that may be applied: the first that is safe, else with `is_unsafe` any.

    None if there is none.
    """
    safe = [fix for fix in diagnostic.fixes if fix.is_safe]
    return next(iter(safe or (diagnostic.fixes if is_unsafe else ())), None)


def _choose(
    texts: Texts,
    diagnostics: Iterable[Diagnostic],
    refused: Sequence[Chosen],
    *,
    is_unsafe: bool,
) -> list[Chosen]:
    """The fixes of one round: of each entry one, in the order of the mistakes."""
    entries = {name: _entries(text) for name, text in texts.items()}
    taken: set[tuple[str, int]] = set()
    chosen = []
    for diagnostic in diagnostics:
        fix = fix_of(diagnostic, is_unsafe=is_unsafe)
        if fix is None or any(edit.file not in texts for edit in fix.edits):
            continue
        touched = {
            (edit.file, entry)
            for edit in fix.edits
            for entry in entries[edit.file][edit.line - 1 : edit.end_line]
        }
        one = Chosen(diagnostic, fix)
        if taken.isdisjoint(touched) and one not in refused:
            taken |= touched
            chosen.append(one)
    return chosen


def _entries(text: str) -> list[int]:
    """The number of the entry that each line is of; that of the item, if an entry has a list."""
    return [*itertools.accumulate(_ITEM.match(line) is not None for line in EditedText(text).lines)]


def _has_place(fix: Fix, texts: Texts) -> bool:
    """Whether the texts have the places of a fix."""
    try:
        _apply(texts, [fix])
    except ValueError:
        return False
    return True


def _apply(texts: Texts, fixes: Iterable[Fix]) -> Texts:
    edits: dict[str, list[Edit]] = {}
    for fix in fixes:
        for edit in fix.edits:
            edits.setdefault(edit.file, []).append(edit)
    return {
        name: EditedText(text).apply(edits[name]) if name in edits else text
        for name, text in texts.items()
    }


def _left(
    chosen: Sequence[Chosen],
    texts: Texts,
    before: Sequence[Diagnostic],
    after: Texts,
    found: Sequence[Diagnostic],
) -> list[Chosen]:
    """The fixes that did not remove their mistake.

    The same mistake is still there if there are as many of its kind as before, and one of them is
    where it was.
    """
    edits = [edit for one in chosen for edit in one.fix.edits]
    fixed = Counter(_kind(one.diagnostic) for one in chosen)
    expected = Counter(map(_kind, before)) - fixed
    there = Counter(map(_kind, found))
    places = {(_kind(diagnostic), diagnostic.line) for diagnostic in found}
    left = []
    for one in chosen:
        kind = _kind(one.diagnostic)
        line = one.diagnostic.line
        if there[kind] > expected[kind] and line and one.diagnostic.file in texts:
            line = _moved(one.diagnostic, texts, after, edits)
        if there[kind] > expected[kind] and (kind, line) in places:
            left.append(one)
    return left


def _kind(diagnostic: Diagnostic) -> tuple[str, str, str]:
    return diagnostic.code, diagnostic.file, _PLACE.sub(":", diagnostic.message)


def _moved(diagnostic: Diagnostic, texts: Texts, after: Texts, edits: Iterable[Edit]) -> int:
    """The line that the place of a mistake has after the edits."""
    name = diagnostic.file
    text = EditedText(texts[name])
    at = text.index_of(diagnostic.line, diagnostic.column)
    moved = at
    for start, end, new in _spans(text, name, edits):
        if end <= at:
            moved += len(new) - (end - start)
        elif start < at:
            moved -= at - start
    return EditedText(after[name]).line_at(moved)


def _spans(text: EditedText, name: str, edits: Iterable[Edit]) -> Iterator[tuple[int, int, str]]:
    for edit in edits:
        if edit.file == name:
            yield (*text.span(edit), text.spelled(edit.text))
