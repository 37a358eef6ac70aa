"""The diagnostics of the load before are those of this one, where the entry's text tells them."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Diagnostic, Elsewhere, EntryChange, Mistake, Remedy
from derivload.sources.entries import read_source, split_entries
from derivload.sources.places import KnownPlaces, Placer

ENTRY = "- name: jet(Tensor self) -> Tensor\n  self: |\n    grad\n    + grad\n"
MISTAKES = (
    Mistake("DL603", "of the entry"),
    Mistake("DL603", "of a line", ("name",), "self"),
    Mistake("DL603", "of lines", ("self",)),
    Mistake(
        "DL603", "of a line and another", ("name",), elsewhere=(Elsewhere("it", path=("self",)),)
    ),
    Mistake("DL603", "of another entry", ("name",), elsewhere=(Elsewhere("it", "a", 1),)),
    Mistake("DL603", "of a word", ("self",), "grad", meant=("grads",), also=(1,)),
    Mistake(
        *("DL601", "of no use", ("name",)),
        remedies=(Remedy("remove it", (EntryChange("remove_entry"),)),),
    ),
)
TEXTS = (
    *(
        ENTRY,
        "# one\n" + ENTRY,
        ENTRY + ENTRY,
        "- name: onyx\n" + ENTRY + "\n\n",
        ENTRY + "# two\n",
    ),
    *("- " + ENTRY[1:], "-\n " + ENTRY[1:], "- \n " + ENTRY[1:], "-\n " + ENTRY[1:]),
)


def placed(text: str, mistake: Mistake, known: KnownPlaces | None) -> list[Diagnostic]:
    placer = Placer({"a": text}, known)
    entries = split_entries("a", text)
    assert entries is not None
    return [placer.place(mistake, entry) for entry in entries if "jet" in entry.text]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.message)
def test_known_places_are_those_that_are_found(mistake: Mistake) -> None:
    known = KnownPlaces()
    for text in TEXTS:
        known.begin()
        assert placed(text, mistake, known) == placed(text, mistake, None), text


def test_a_file_that_is_read_whole_may_indent_its_entries() -> None:
    known, mistake = KnownPlaces(), MISTAKES[1]
    for text in ("custom:\n- name: self\n", "custom:\n  - name: self\n"):
        known.begin()
        (read,) = read_source("a", text, ("custom",)).entries
        found = Placer({"a": text}, known).place(mistake, read.entry)
        assert text.split("\n")[1][found.column - 1 :] == "self"


def test_what_was_not_placed_last_is_forgotten() -> None:
    known = KnownPlaces()
    (entry,) = split_entries("a", ENTRY) or []
    found = Placer({"a": ENTRY}, known).place(MISTAKES[0], entry)
    known.begin()
    assert known.find(MISTAKES[0], entry) is found
    known.begin()
    known.begin()
    assert known.find(MISTAKES[0], entry) is None
