"""What the entries of a text declare, and what its formulas call, also after edits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from derivload.editing.catalog import Catalog, lines_with, schema_in
from derivload.editing.documents import Document, TextSpot

TEXT = (
    "- func: aten::jet.out(Tensor self) -> Tensor\n  dispatch:\n    CPU: jet\n"
    "- func: onyx(Tensor self) -> Tensor\n  dispatch:\n    CompositeImplicitAutograd: onyx\n"
    "- tag: hard\n  desc: |\n    It is hard.\n"
)
PIECES = (
    *("- func: jet(Tensor self) -> Tensor", "- name: onyx(Tensor self) -> Tensor", "- tag: hard"),
    *("  dispatch:", "    CPU: jet", "    CompositeImplicitAutograd: jet", "  desc: It is hard."),
    *(
        "  self: braid(grad) + coil(self)",
        "  other: coil(grad)",
        "- autogen: jet.out",
        "# coil(",
        "",
    ),
)
ENDS = ("\n", "\r\n", "\r")
LINES = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(ENDS)).map("".join), max_size=9)


def catalog_of(document: Document) -> Catalog:
    made = Catalog()
    made.follow(document)
    return made


def test_what_a_text_declares() -> None:
    found = [
        (one.name, one.line, one.needs_derivative, one.about)
        for one in catalog_of(Document("", TEXT)).declared
    ]
    assert found == [
        ("jet.out", 0, True, ""),
        ("onyx", 3, False, ""),
        ("hard", 6, False, "It is hard."),
    ]


def test_an_entry_that_declares_nothing_tells_nothing_of_the_one_before_it() -> None:
    text = "- func: jet(Tensor self) -> Tensor\n- func: onyx\n  dispatch:\n    CPU: onyx\n"
    (jet,) = catalog_of(Document("", text)).declared
    assert not jet.needs_derivative


def test_what_formulas_call() -> None:
    text = "- name: jet(Tensor self) -> Tensor\n  self: braid(grad, self.coil()) + braid(grad)\n"
    assert catalog_of(Document("", text)).called == {"braid"}


@given(LINES, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), LINES), max_size=5))
def test_after_edits_it_is_as_if_looked_through_anew(
    lines: list[str], edits: list[tuple[int, int, list[str]]]
) -> None:
    document = Document("", "".join(lines))
    catalog = catalog_of(document)
    for line, length, typed in edits:
        start = TextSpot(min(line, document.last), 0)
        end = TextSpot(min(line + length, document.last), 0)
        document.edit(start, end, "".join(typed))
        catalog.follow(document)
        anew = catalog_of(Document("", document.text))
        assert (catalog.declared, catalog.called) == (anew.declared, anew.called)


def test_the_places_of_a_word() -> None:
    document = Document("", "jet(jet.out)\r\n# a comment\nsub jet # jet\n")
    assert [*lines_with(document, "jet")] == [(0, 0), (2, 4)]


def test_a_declaration_has_its_line_and_its_place_there() -> None:
    text = "- func: aten::jet.out(Tensor self) -> Tensor\r\n- tag: hard  # why\r\n"
    found = [(one.text, one.span, one.is_tag) for one in catalog_of(Document("", text)).declared]
    assert found == [
        ("- func: aten::jet.out(Tensor self) -> Tensor", (14, 21), False),
        ("- tag: hard  # why", (7, 11), True),
    ]


def test_a_tag_says_what_its_first_line_does() -> None:
    for said, about in (
        ("desc: 'It is hard.'", "It is hard."),
        ("desc: |\n      It is hard.\n      Very.", "It is hard."),
        ("desc: >\n      It is hard.", "It is hard."),
        ('desc:\n      "It is hard."\r', "It is hard."),
    ):
        (hard,) = catalog_of(Document("", f"- tag: hard\n  {said}\n")).declared
        assert hard.about == about


def test_the_schema_of_a_line() -> None:
    for line in ("- func: a::jet(int x) -> ()  # b # c", "- name: 'a::jet(int x) -> ()'"):
        assert schema_in(line) == "a::jet(int x) -> ()"
