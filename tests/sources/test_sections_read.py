"""Files of sections: what is read of them, with places, and what is told of their flaws."""

from __future__ import annotations

from typing import Any

import pytest

from derivload.diagnostics import Diagnostic, Edit, Fix
from derivload.sources.entries import MAX_MISTAKES
from derivload.sources.sections import (
    Flaw,
    Section,
    SectionFile,
    SectionItem,
    Spot,
    place_flaws,
    read_sections,
)

FILE = "b.yaml"
# Their values nest in ways that no literal is typed by.
SECTION: Any = Section
ITEM: Any = SectionItem
WHOLE: Any = SectionFile


def test_sections_have_their_items_and_places() -> None:
    text = (
        "# é\nbackend: XLA\nsupported:\n- abs\n- func: add.out(x)  # c\n  a: b\n"
        "- {a: b, op: mul}\n- a: b\nfull:\n  one: x\n  'two': {y: z}\nnone:\nset: !!set {p, q}\n"
        "empty: []\n3: [4]\n"
    )
    func = {"func": "add.out(x)", "a": "b"}
    assert read_sections(FILE, text) == WHOLE(
        name=FILE,
        sections=[
            SECTION("backend", Spot(2, 1, 7), "XLA", None),
            SECTION(
                *("supported", Spot(3, 1, 9)),
                ["abs", func, {"a": "b", "op": "mul"}, {"a": "b"}],
                [
                    ITEM("abs", Spot(4, 3, 3)),
                    ITEM(func, Spot(5, 9, 10)),
                    ITEM({"a": "b", "op": "mul"}, Spot(7, 14, 3)),
                    ITEM({"a": "b"}, Spot(8, 3, 4)),
                ],
            ),
            SECTION(
                *("full", Spot(9, 1, 4), {"one": "x", "two": {"y": "z"}}),
                [ITEM("one", Spot(10, 3, 3)), ITEM("two", Spot(11, 3, 5))],
            ),
            SECTION("none", Spot(12, 1, 4), None, None),
            SECTION(
                *("set", Spot(13, 1, 3), {"p", "q"}),
                [ITEM("p", Spot(13, 13, 1)), ITEM("q", Spot(13, 16, 1))],
            ),
            SECTION("empty", Spot(14, 1, 5), [], []),
            SECTION(3, Spot(15, 1, 1), [4], [ITEM(4, Spot(15, 5, 1))]),
        ],
        is_list=False,
        value={
            "backend": "XLA",
            "supported": ["abs", func, {"a": "b", "op": "mul"}, {"a": "b"}],
            "full": {"one": "x", "two": {"y": "z"}},
            "none": None,
            "set": {"p", "q"},
            "empty": [],
            3: [4],
        },
        diagnostics=[],
    )


@pytest.mark.parametrize(
    ("text", "sections", "is_list", "value"),
    [
        (
            "- a\n- b: c\n",
            [
                SECTION(
                    *(None, Spot(1, 1, 1), ["a", {"b": "c"}]),
                    [ITEM("a", Spot(1, 3, 1)), ITEM({"b": "c"}, Spot(2, 3, 4))],
                )
            ],
            *(True, ["a", {"b": "c"}]),
        ),
        ("", None, False, None),
        ("# c\n", None, False, None),
        ("word\n", None, False, "word"),
        ("{}\n", [], False, {}),
        ("[]\n", [SECTION(None, Spot(1, 1, 1), [], [])], True, []),
        ("!!set {a}\n", None, False, {"a"}),
        ("a: ''\n", [SECTION("a", Spot(1, 1, 1), "", None)], False, {"a": ""}),
        (
            "a:\n- ''\n-\n",
            [
                SECTION(
                    *("a", Spot(1, 1, 1), ["", None]),
                    [ITEM("", Spot(2, 3, 2)), ITEM(None, Spot(3, 2, 1))],
                )
            ],
            *(False, {"a": ["", None]}),
        ),
    ],
)
def test_other_files_have_no_sections_or_one(
    text: str, sections: list[Section] | None, is_list: bool, value: object
) -> None:
    assert read_sections(FILE, text) == WHOLE(FILE, sections, is_list, value, [])


def test_what_is_no_yaml_or_has_a_key_twice_is_told() -> None:
    broken = read_sections(FILE, "a: b\nc: x: y\n")
    quote = "quote the value: it has `: ` in it"
    assert broken == WHOLE(
        *(FILE, None, False, None),
        [
            Diagnostic(
                *(FILE, 2, 5, "DL003"),
                "this is not YAML: mapping values are not allowed in this context",
                help=quote,
                source_line="c: x: y",
                fixes=(Fix(quote, (Edit(FILE, 2, 4, 2, 8, "'x: y'"),), is_safe=True),),
            )
        ],
    )
    twice = read_sections(FILE, "a: b\nsupported:\n- x\nsupported:\n- y\na: b\n")
    removed = [
        Fix("remove the second `supported`", (Edit(FILE, 3, 4, 5, 4, ""),)),
        Fix("remove the second `a`", (Edit(FILE, 5, 4, 6, 5, ""),), is_safe=True),
    ]
    assert twice == WHOLE(
        *(FILE, None, False, {"a": "b", "supported": ["y"]}),
        [
            Diagnostic(
                *(FILE, line, 1, "DL009", f"the key `{key}` occurs twice in one mapping"),
                source_line=shown,
                fixes=(fix,),
            )
            for line, key, shown, fix in (
                (4, "supported", "supported:", removed[0]),
                (6, "a", "a: b", removed[1]),
            )
        ],
    )
    of_two = read_sections(FILE, "- name: b\n  name: c\n- d: e\n")
    assert of_two.is_list
    assert [f.message for d in of_two.diagnostics for f in d.fixes] == ["remove the second `name`"]
    many = "".join("a:\n" for _ in range(MAX_MISTAKES + 2))
    assert len(read_sections(FILE, many).diagnostics) == MAX_MISTAKES


LINES = ["a: b", "c:", "- x, y", "- y", "", "  - x", "- x"]


@pytest.mark.parametrize(
    ("flaw", "place", "help_", "fixes"),
    [
        (Flaw("DL003", "m", Spot(1, 4, 1)), (1, 4, 1), "", []),
        (Flaw("DL003", "m", Spot(1, 4, 9), "do"), (1, 4, 1), "do", []),
        (Flaw("DL003", "m", Spot(1, 9, 3)), (1, 5, 1), "", []),
        (Flaw("DL003", "m", Spot(1, 1, 0)), (1, 1, 1), "", []),
        (Flaw("DL003", "m", Spot(0, 1, 3)), (0, 1, 1), "", []),
        (Flaw("DL003", "m", Spot(8, 1, 3)), (8, 1, 1), "", []),
        (Flaw("DL003", "m", Spot(7, 1, 3), words="-"), (7, 1, 3), "", []),
        (
            Flaw("DL003", "m", Spot(3, 3, 1), words="y", meant=("z",)),
            *((3, 3, 1), "did you mean `z`?"),
            [Fix("write `z`", (Edit(FILE, 3, 6, 3, 7, "z"),), is_safe=True)],
        ),
        (
            Flaw("DL003", "m", Spot(1, 1, 1), words="a", meant=("z", "w")),
            *((1, 1, 1), "did you mean `z` or `w`?"),
            [
                Fix("write `z`", (Edit(FILE, 1, 1, 1, 2, "z"),)),
                Fix("write `w`", (Edit(FILE, 1, 1, 1, 2, "w"),)),
            ],
        ),
        (
            Flaw("DL601", "m", Spot(1, 1, 1), "so", "a", ("z",)),
            *((1, 1, 1), "so"),
            [Fix("write `z`", (Edit(FILE, 1, 1, 1, 2, "z"),))],
        ),
        # Words that are only before the place are not meant.
        (Flaw("DL003", "m", Spot(1, 4, 1), "so", "a", ("z",)), (1, 4, 1), "so", []),
        (Flaw("DL003", "m", Spot(9, 1, 1), "so", "X", ("z",)), (9, 1, 1), "so", []),
        (
            Flaw("DL003", "m", Spot(4, 3, 1), words="y", is_superfluous=True),
            *((4, 3, 1), ""),
            [Fix("remove `y`", (Edit(FILE, 3, 7, 4, 4, ""),), is_safe=True)],
        ),
        (
            Flaw("DL003", "m", Spot(7, 3, 1), words="x", is_superfluous=True),
            *((7, 3, 1), ""),
            [Fix("remove `x`", (Edit(FILE, 6, 6, 7, 4, ""),), is_safe=True)],
        ),
        # Without an item above it, the list would be gone.
        (Flaw("DL003", "m", Spot(6, 5, 1), words="x", is_superfluous=True), (6, 5, 1), "", []),
        (Flaw("DL003", "m", Spot(3, 3, 1), words="x", is_superfluous=True), (3, 3, 1), "", []),
        (Flaw("DL003", "m", Spot(4, 3, 1), words="y"), (4, 3, 1), "", []),
    ],
)
def test_a_flaw_is_placed_with_its_fixes(
    flaw: Flaw, place: tuple[int, int, int], help_: str, fixes: list[Fix]
) -> None:
    line, column, length = place
    assert flaw.diagnostic(FILE, LINES) == Diagnostic(
        *(FILE, line, column, flaw.code, "m", help_),
        source_line=LINES[line - 1] if 0 < line <= len(LINES) else "",
        length=length,
        severity="warning" if flaw.code == "DL601" else "error",
        fixes=tuple(fixes),
    )


def test_an_item_is_left_out_even_in_the_second_line() -> None:
    flaw = Flaw("DL003", "m", Spot(2, 3, 1), words="y", is_superfluous=True)
    removed = Fix("remove `y`", (Edit(FILE, 1, 4, 2, 4, ""),), is_safe=True)
    assert flaw.diagnostic(FILE, ["- x", "- y"]).fixes == (removed,)


def test_flaws_are_placed_in_their_order_the_errors_first() -> None:
    flaws = [
        *(Flaw("DL601", "late", Spot(2, 1, 1)), Flaw("DL003", "later", Spot(1, 3, 1))),
        *(Flaw("DL601", "soon", Spot(1, 1, 1)), Flaw("DL003", "first", Spot(1, 1, 1))),
    ]
    placed = place_flaws(flaws, FILE, "a: b\nc: d\n")
    assert [d.source_line for d in placed] == ["a: b", "a: b", "a: b", "c: d"]
    assert [(d.message, d.severity) for d in placed] == [
        *(("first", "error"), ("later", "error"), ("soon", "warning"), ("late", "warning"))
    ]


@pytest.mark.parametrize(("code", "severity"), [("DL003", "error"), ("DL601", "warning")])
def test_of_many_flaws_the_first_are_placed(code: str, severity: str) -> None:
    flaws = [Flaw(code, "m", Spot(line, 1, 1)) for line in range(1, MAX_MISTAKES + 2)]
    assert len(place_flaws(flaws[1:], FILE, "")) == MAX_MISTAKES
    *placed, last = place_flaws(flaws[::-1], FILE, "")
    assert [d.line for d in placed] == [*range(1, MAX_MISTAKES + 1)]
    assert last == Diagnostic(
        *(FILE, 0, 0, "DL010", f"this file has more than {MAX_MISTAKES} mistakes"),
        "fix these first, and check again",
        severity=severity,
    )
