"""Which comments belong to an entry, and which of its values each of them stands beside."""

from __future__ import annotations

import pytest

from derivload.sources.entries import read_source
from derivload.sources.ignore_comments import IgnoreComment, find_comments
from derivload.sources.places import Placer

FILE = "some.yaml"
MARK = "# derivload: ignore"
ENTRY = f"""\
- name: x  {MARK}[a]
  # other
  self: |  {MARK}[b]
    grad {MARK}[no]
  {MARK}[c]
  other: 'it {MARK}[no]
    is'  {MARK}[d]
  deep:
    one: x  {MARK}[e]
    {MARK}[f]
    two: [p,
      q]  {MARK}[g]
  last: y  {MARK}[i]
{MARK}[h] why
"""


def comments_of(text: str, at: int = 0, *sections: str) -> dict[str, list[str]]:
    """For each comment of an entry, the values that it is beside."""
    entry = read_source(FILE, text, sections).entries[at].entry
    commented = Placer({FILE: text}).commented(entry)
    assert commented is not None
    paths = {
        "all": (),
        "name": ("name",),
        "self": ("self",),
        "other": ("other",),
        "deep": ("deep",),
        "one": ("deep", "one"),
        "two": ("deep", "two"),
        "item": ("deep", "two", 1),
        "none": ("none", "one"),
        "within": ("name", "none"),
    }
    return {
        comment.names[0]: [
            name for name, path in paths.items() if commented.is_beside(comment, path)
        ]
        for comment in commented.comments()
    }


BESIDE = {
    "a": "all name self other deep one two item none within".split(),
    "b": ["self"],
    "c": [],
    "d": ["other"],
    "e": ["deep", "one"],
    "f": ["deep"],
    "g": ["deep", "two", "item"],
    "i": [],  # the mapping above ends before it
}


def test_a_comment_is_beside_the_values_whose_lines_it_is_in() -> None:
    assert comments_of(ENTRY) == BESIDE
    # Where the text is that of the whole file, an entry ends with its last value.
    assert comments_of(f"custom:\n{ENTRY}", 0, "custom") == BESIDE
    assert comments_of(f"custom:\n- name: z {MARK}[z]\n{ENTRY}", 1, "custom") == BESIDE
    # Behind the last value, it belongs to an entry that is read alone only if it is indented.
    indented = ENTRY.replace(f"\n{MARK}[h]", f"\n  {MARK}[h]")
    assert comments_of(indented) == {**BESIDE, "h": []}
    assert comments_of(f"custom:\n{indented}", 0, "custom") == BESIDE


def test_an_entry_that_ends_in_a_block_has_the_comments_behind_it() -> None:
    text = f"- name: x\n  self: >-  {MARK}[a]\n    y {MARK}[no]\n"
    assert comments_of(text) == {"a": ["self"]}
    assert comments_of(f"- {MARK}[a]\n  name: x\n") == {}
    assert comments_of(f"- {{}}  {MARK}[a]\n") == {"a": BESIDE["a"]}
    assert comments_of(f"- name: |\n    {MARK}[a]\n") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MARK, [IgnoreComment(0, 19, (), "", True)]),
        (f"\n{MARK}\n", [IgnoreComment(1, 20, (), "", True)]),
        (f" {MARK}", [IgnoreComment(1, 20, (), "", False)]),
        (f"a {MARK}[]", [IgnoreComment(2, 23, (), "", False)]),
        (f"{MARK} [ x,,y , ]  so it is ", [IgnoreComment(0, 30, ("x", "y"), "so it is", True)]),
        (f"{MARK}  why", [IgnoreComment(0, 19, (), "why", True)]),
        (f"{MARK}[x", [IgnoreComment(0, 19, (), "[x", True)]),
        ("#\tderivload:\tignore\t[x]\twhy", [IgnoreComment(0, 23, ("x",), "why", True)]),
        (f"{MARK}[x] {MARK}[y]", [IgnoreComment(0, 22, ("x",), f"{MARK}[y]", True)]),
        (f"a{MARK}", []),
        (f"{MARK}d", []),
        ("derivload: ignore", []),
        ("# derivload ignore", []),
        (
            f"derivload: {MARK}[a]\n{MARK}",
            [IgnoreComment(11, 33, ("a",), "", False), IgnoreComment(34, 53, (), "", True)],
        ),
    ],
)
def test_a_comment_has_its_place_its_names_and_its_reason(
    text: str, expected: list[IgnoreComment]
) -> None:
    assert find_comments(text) == expected
