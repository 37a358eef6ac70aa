"""What a mistake is: its place, what removes it, and how it is shown."""

from __future__ import annotations

import msgspec
import pytest

from derivload import remedies
from derivload.diagnostics import (
    Diagnostic,
    Edit,
    Elsewhere,
    EntryChange,
    Fix,
    Invalid,
    Mistake,
    Related,
    Remedy,
    help_of,
    moved,
    occurrence_of,
    raise_all,
    remedies_of,
    shortened,
)
from derivload.spelling import Guesses, is_slip, nearest, operators_of


@pytest.mark.parametrize(
    ("remedy", "message", "change"),
    [
        (remedies.write(" a "), "write `a`", EntryChange("replace", text=" a ")),
        (
            remedies.write("", ", b", path=("x",), on_key=True, occurrence=2),
            "remove `b`",
            EntryChange("replace", ("x",), "", ", b", True, 2),
        ),
        (remedies.remove("x", "y"), "remove `y`", EntryChange("remove", ("x", "y"))),
        (remedies.remove("x", 1), "remove the item", EntryChange("remove", ("x", 1))),
        (
            remedies.add("k", "a\n  b", path=("x",), behind="j"),
            "add `k: a b`",
            EntryChange("add", ("x", "k"), "a\n  b", "j"),
        ),
        (remedies.add("k", "a"), "add `k: a`", EntryChange("add", ("k",), "a")),
        (remedies.add_item("a", "x"), "add `a` to x", EntryChange("add_item", ("x",), "a")),
        (remedies.remove_item("a", "x"), "remove `a`", EntryChange("remove_item", ("x",), "a")),
        (remedies.quote("x", 1), "put it in quotes", EntryChange("quote", ("x", 1))),
        (
            remedies.remove_other("f", 3),
            "remove the entry at f:3",
            EntryChange("remove_entry", file="f", line=3),
        ),
        (remedies.remove_entry(), "remove this entry", EntryChange("remove_entry")),
    ],
)
def test_a_remedy_says_what_it_does_and_is_not_safe_unless_it_says_so(
    remedy: Remedy, message: str, change: EntryChange
) -> None:
    assert remedy == Remedy(message, (change,), is_safe=False)


def test_a_remedy_that_is_certain_is_safe() -> None:
    made = [
        remedies.write("a", is_safe=True),
        remedies.remove("x", is_safe=True),
        remedies.add("k", "a", is_safe=True),
        remedies.add_item("a", "x", is_safe=True),
        remedies.remove_item("a", "x", is_safe=True),
        remedies.quote("x", is_safe=True),
        remedies.remove_other("f", 3, is_safe=True),
        remedies.remove_entry(is_safe=True),
    ]
    assert all(remedy.is_safe for remedy in made)


def test_a_mistake_of_a_text_is_placed_in_its_entry() -> None:
    found = Invalid(
        "DL410",
        "it is wrong",
        "b",
        "right it",
        occurrence=2,
        meant=["c"],
        remedies=[
            remedies.write("c", "b"),
            remedies.write("c", "other", occurrence=1),
            remedies.write("c", path=(0,), on_key=True),
            remedies.add("k", "a"),
        ],
    )
    assert str(found) == "it is wrong"
    placed = found.at("x", 1)
    assert placed == Mistake(
        "DL410",
        "it is wrong",
        ("x", 1),
        "b",
        help="right it",
        occurrence=2,
        meant=("c",),
        remedies=(
            # Of the words of the mistake, it is those that are wrong.
            remedies.write("c", "b", path=("x", 1), occurrence=2),
            remedies.write("c", "other", path=("x", 1), occurrence=1),
            remedies.write("c", path=("x", 1, 0), on_key=True),
            remedies.add("k", "a"),
        ),
    )
    of_key = found.at("x", on_key=True)
    assert of_key.on_key
    assert [change.on_key for remedy in of_key.remedies for change in remedy.changes] == [
        *(True, True, True, False),
    ]


def test_of_several_mistakes_the_first_has_the_others() -> None:
    raise_all([])
    found = [Invalid("DL410", str(number)) for number in range(3)]
    with pytest.raises(Invalid) as raised:
        raise_all(found)
    assert raised.value.every == found
    assert (raised.value.words, raised.value.help, raised.value.occurrence) == ("", "", 0)


@pytest.mark.parametrize(
    ("text", "words", "at", "number"),
    [
        ("a b a", "a", 0, 0),
        ("a b a", "a", 1, 1),
        ("a b a", "a", 4, 1),
        # What is a part of a longer word does not count, where the words are alone somewhere.
        ("ab ba a cab a", "a", 7, 1),
        ("ab ba cab", "a", 4, 1),
        ("a", "", 0, 0),
        ("a+b", "+", 0, 0),
        ("x.a a", "a", 3, 1),
    ],
)
def test_which_of_the_same_words_is_meant(text: str, words: str, at: int, number: int) -> None:
    assert occurrence_of(text, words, at) == number


def written(mistake: Mistake) -> list[tuple[str, list[int], bool]]:
    """The remedies of a mistake: what each says, which words it replaces, whether it is safe."""
    return [
        (remedy.message, [change.occurrence for change in remedy.changes], remedy.is_safe)
        for remedy in remedies_of(mistake)
    ]


def test_what_was_probably_meant_is_written_instead() -> None:
    mistake = Mistake("DL410", "", ("x",), "othr", meant=("other",), also=(3, 5), occurrence=1)
    # From the last one on: those before it keep their number.
    assert written(mistake) == [("write `other`", [5, 3, 1], True)]
    several = Mistake("DL410", "", ("x",), "othr", meant=("other", "ether"))
    assert [safe for _, _, safe in written(several)] == [False, False]
    far = Mistake("DL410", "", ("x",), "quite", meant=("other",))
    assert written(far) == [("write `other`", [0], False)]
    warning = Mistake("DL602", "", ("x",), "othr", meant=("other",))
    assert written(warning) == [("write `other`", [0], False)]
    key = Mistake("DL410", "", ("x", "othr"), on_key=True, meant=("other",))
    assert written(key) == [("write `other`", [0], True)]
    more = Mistake("DL410", "", meant=("other",), remedies=(remedies.remove_entry(),))
    assert [message for message, _, _ in written(more)] == ["write `other`", "remove this entry"]


FOUND = Diagnostic(
    "f.yaml",
    3,
    2,
    "DL410",
    "it is wrong",
    length=4,
    fixes=(Fix("do", (Edit("f.yaml", 3, 2, 4, 1, "x"),)),),
    related=(Related("f.yaml", 9, 1, 2, "there"),),
)


def test_a_diagnostic_moves_with_its_entry() -> None:
    found = moved(FOUND, 10)
    assert (found.line, found.end_line, found.end) == (13, 0, (13, 6))
    assert found.fixes == (Fix("do", (Edit("f.yaml", 13, 2, 14, 1, "x"),)),)
    assert found.related == (Related("f.yaml", 19, 1, 2, "there"),)
    longer = Diagnostic("f.yaml", 3, 2, "DL410", "it is wrong", end_line=4, end_column=7)
    assert moved(longer, 10).end == (14, 7)
    assert FOUND.is_error
    assert not Diagnostic("f", 1, 1, "DL602", "", severity="warning").is_error


def test_what_is_not_said_of_a_mistake_is_left_out_of_what_is_kept() -> None:
    for value, kept in (
        (EntryChange("remove"), {"kind": "remove"}),
        (Remedy("do", ()), {"message": "do", "changes": ()}),
        (Elsewhere("there"), {"message": "there"}),
        (Mistake("DL410", "it is wrong"), {"code": "DL410", "message": "it is wrong"}),
    ):
        assert msgspec.to_builtins(value) == kept
    assert Elsewhere("there") == Elsewhere("there", "", 0, (), False, "")
    assert EntryChange("remove") == EntryChange("remove", (), "", "", False, 0, "", 0)


def test_diagnostics_sort_by_place_and_read_in_lines() -> None:
    plain = Diagnostic("f.yaml", 3, 2, "DL410", "it is wrong")
    assert plain.excerpt() == []
    assert plain.render() == (
        "f.yaml:3:2: error[DL410]: it is wrong\n  help: outputs are counted from 0"
    )
    shown = msgspec.structs.replace(plain, source_line="abc", help="do")
    assert shown.render().split("\n")[1:] == ["  3 | abc", "    |  ^", "  help: do"]
    whole = Diagnostic("f\n.yaml", 0, 0, "DL001", "gone")
    assert whole.place == "f\\n.yaml"
    for one, other in (
        (plain, Diagnostic("f.yaml", 10, 1, "DL410", "it is wrong")),
        (Related("f", 1, 1, 2, "a"), Related("f", 2, 1, 1, "a")),
        (Fix("a", ()), Fix("b", ())),
        (Edit("f", 1, 9, 1, 9, ""), Edit("f", 2, 1, 2, 1, "")),
    ):
        assert sorted([other, one]) == [one, other]


def excerpt(line: str, column: int, length: int, width: int) -> list[str]:
    found = Diagnostic("f", 7, column, "DL410", "it", source_line=line, length=length)
    return [part.removeprefix("  7 | ").removeprefix("    | ") for part in found.excerpt(width)]


def test_the_caret_is_under_the_wrong_words() -> None:
    assert excerpt("abcdef", 3, 2, 80) == ["abcdef", "  ^^"]
    assert excerpt("a\tb c", 3, 1, 80) == ["a\tb c", " \t^"]
    # It ends with the line, and has one character at least.
    assert excerpt("abc", 3, 9, 80) == ["abc", "  ^"]
    assert excerpt("abc", 2, 0, 80) == ["abc", " ^"]
    assert excerpt("  ", 1, 1, 80) == excerpt("", 1, 1, 80) == excerpt("abc", 0, 1, 80) == []


def test_of_a_long_line_the_part_around_the_wrong_words_is_shown() -> None:
    line = "".join(chr(ord("a") + number % 26) for number in range(200))
    for column in (1, 50, 100, 199):
        shown, caret = excerpt(line, column, 3, 86)
        assert len(shown) == 80
        part = shown[caret.index("^") : caret.rindex("^") + 1]
        assert line[column - 1 :].startswith(part)
        assert shown.startswith("…") == (column > 40)
        assert shown.endswith("…") == (column < 160)
    assert len(excerpt(line[:80], 1, 1, 86)[0]) == 80
    assert "…" not in excerpt(line[:80], 1, 1, 86)[0]
    shown, caret = excerpt(line, 100, 3, 86)
    # As much is shown before them as behind them.
    assert caret == " " * 38 + "^^^"


def test_a_caret_ends_before_the_cut_and_no_line_is_too_narrow() -> None:
    line = "x" * 200
    shown, caret = excerpt(line, 100, 150, 86)
    assert shown.startswith("…") and shown.endswith("…")
    assert caret.endswith("^") and len(caret) == len(shown) - 1
    assert [len(excerpt(line, 1, 1, width)[0]) for width in (1, 20, 26, 27)] == [20, 20, 20, 21]


def test_the_help_of_a_mistake_is_its_own_or_asks_for_what_was_meant() -> None:
    assert help_of(Mistake("DL410", "")) == ""
    assert help_of(Mistake("DL410", "", meant=("a",))) == "did you mean `a`?"
    assert help_of(Mistake("DL410", "", help="do", meant=("a",))) == "do"


def test_a_very_long_sentence_loses_its_middle() -> None:
    assert shortened("x" * 2000) == "x" * 2000
    cut = shortened("a" * 1500 + "b" * 1500)
    head, tail = cut.split(" … ")
    assert (head, tail) == ("a" * 1333, "b" * 667)


# Names that may be meant


def test_a_name_may_have_80_letters_to_be_guessed_at() -> None:
    known = ["x" * 79 + "y"]
    assert nearest("x" * 80, known) == Guesses().nearest("x" * 80, known) == known
    assert nearest("x" * 81, known) == Guesses().nearest("x" * 81, known) == []
    assert Guesses().nearest("other", ["othr", "x" * 81]) == ["othr"]


def test_what_is_nearly_a_name_is_a_slip() -> None:
    assert is_slip("_Other", "other")
    assert is_slip("othr", "other")
    assert not is_slip("quite", "other")
    assert not is_slip("", "other")


def test_of_names_that_are_alike_the_closest_in_spelling_is_taken() -> None:
    assert nearest("lustr_", ["luster", "luster_", "_luster"]) == ["luster_"]


@pytest.mark.parametrize("module", ["torch", "at", "aten", "ops", "nn", "F", "Tensor", "_C", "_VF"])
def test_modules_of_python_and_cpp_are_no_part_of_a_name(module: str) -> None:
    assert operators_of(f"{module}.gelu") == ["gelu"]
