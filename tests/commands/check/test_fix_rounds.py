"""Which fixes are applied at once, and which wait for the next round."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from derivload.commands.check.fix import Texts, fix_all, fix_of
from derivload.diagnostics import Diagnostic, Edit, Fix

Find = Callable[[Texts], list[Diagnostic]]


def wrong_letters(texts: Texts) -> list[Diagnostic]:
    """Each `x` is a mistake, whose fix writes an `o` there."""
    return [
        Diagnostic(
            name,
            line,
            found.start() + 1,
            "DL006",
            f"letter {found.start()} of {name}:{line} is wrong",
            fixes=(
                Fix("o", (Edit(name, line, found.start() + 1, line, found.end() + 1, "o"),), True),
            ),
        )
        for name in sorted(texts)
        for line, text in enumerate(texts[name].split("\n"), 1)
        for found in re.finditer("x", text)
    ]


def rounds(texts: Texts, find: Find = wrong_letters) -> list[dict[str, str]]:
    """The texts after each round."""
    seen: list[dict[str, str]] = []

    def look(after: Texts) -> Sequence[Diagnostic]:
        seen.append(dict(after))
        return find(after)

    fixed = fix_all(texts, find(texts), look, is_unsafe=False)
    assert dict(fixed.texts) == (seen[-1] if seen else texts)
    assert fixed.refused == []
    return seen


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("- x\n- x\n", ["- o\n- o\n"]),
        ("- x\n  x\n- x\n", ["- o\n  x\n- o\n", "- o\n  o\n- o\n"]),
        ("- x x\n- a\n", ["- o x\n- a\n", "- o o\n- a\n"]),
        ("- a:\n  - x\n  - x\n", ["- a:\n  - o\n  - o\n"]),
        ("- a\n", []),
    ],
)
def test_of_each_entry_one_mistake_is_fixed_in_a_round(text: str, after: list[str]) -> None:
    assert [found["f"] for found in rounds({"f": text})] == after


def test_files_have_entries_of_their_own() -> None:
    assert rounds({"f": "- x\n", "g": "- x\n- x x\n"}) == [
        {"f": "- o\n", "g": "- o\n- o x\n"},
        {"f": "- o\n", "g": "- o\n- o o\n"},
    ]


def test_a_fix_of_several_entries_waits_for_each_of_them() -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        both = Fix("both", (Edit("f", 1, 3, 1, 4, "b"), Edit("f", 3, 3, 3, 4, "b")), True)
        if "b" in texts["f"]:
            return []
        first = [one for one in wrong_letters(texts) if one.line == 1]
        return [*first, Diagnostic("f", 3, 3, "DL007", "both", fixes=(both,))]

    assert [after["f"] for after in rounds({"f": "- x\n- a\n- x\n"}, find)] == [
        *("- o\n- a\n- x\n", "- b\n- a\n- b\n")
    ]


def test_an_edit_in_a_file_that_may_not_be_changed_is_left() -> None:
    texts = {"f": "- x\n"}
    found = wrong_letters({"f": "- x\n", "other": "- x\n"})
    fixed = fix_all(texts, found, lambda after: [*wrong_letters(after), found[1]], is_unsafe=False)
    assert (fixed.texts, fixed.left, fixed.refused) == ({"f": "- o\n"}, [found[1]], [])
    assert [one.diagnostic for one in fixed.applied] == [found[0]]


def test_of_two_mistakes_of_a_kind_one_may_be_left_where_the_other_was() -> None:
    """A fix that works on one of two equal mistakes is not taken for one that does nothing."""

    def find(texts: Texts) -> list[Diagnostic]:
        lines = texts["f"].split("\n")
        return [
            Diagnostic(
                "f",
                number,
                1,
                "DL006",
                "it is odd",
                fixes=(Fix("away", edits, True),) if edits else (),
            )
            for number, line in enumerate(lines, 1)
            if "x" in line
            for edits in [(Edit("f", number, 1, number + 1, 1, ""),) if number == 1 else ()]
        ]

    fixed = fix_all({"f": "- x\n- x\n"}, find({"f": "- x\n- x\n"}), find, is_unsafe=False)
    assert (fixed.texts, len(fixed.applied), fixed.refused) == ({"f": ""}, 2, [])


def test_the_best_fix_that_may_be_applied_is() -> None:
    safe, other, unsafe = Fix("safe", (), True), Fix("other", (), True), Fix("unsafe", ())
    for fixes, of_safe, of_all in (
        ((unsafe, safe, other), safe, safe),
        ((unsafe,), None, unsafe),
        ((), None, None),
    ):
        one = Diagnostic("f", 1, 1, "DL006", "it is wrong", fixes=fixes)
        assert fix_of(one, is_unsafe=False) == of_safe
        assert fix_of(one, is_unsafe=True) == of_all


@pytest.mark.parametrize("place", ["other:7", "f:2"])
def test_a_mistake_that_names_a_line_which_moved_is_still_the_same(place: str) -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        """The fix writes a line above, and removes nothing."""
        at = texts["f"].count("\n")
        fix = Fix("write more", (Edit("f", 1, 1, 1, 1, "- a\n"),), True)
        told = f"as {place}{at} is"
        return [Diagnostic("f", at, 3, "DL006", told, fixes=(fix,))]

    texts = {"f": "- x\n"}
    fixed = fix_all(texts, find(texts), find, is_unsafe=False)
    assert (fixed.texts, fixed.applied) == (texts, [])
    assert len(fixed.refused) == 1


def test_a_mistake_inside_of_what_is_replaced_is_where_that_begins() -> None:
    def find(texts: Texts) -> list[Diagnostic]:
        """The fix writes the line anew, with the same mistake."""
        line = texts["f"].split("\n")[1]
        fix = Fix("anew", (Edit("f", 2, 3, 2, len(line) + 1, "x again"),), True)
        at = line.index("x") + 1
        return [Diagnostic("f", 2, at, "DL006", "it is wrong", fixes=(fix,))]

    texts = {"f": "- k\n- a b x\n- k\n"}
    fixed = fix_all(texts, find(texts), find, is_unsafe=False)
    assert (fixed.texts, fixed.applied, len(fixed.refused)) == (texts, [], 1)
