"""Comments that ask to ignore rules, as they are found in a text."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from derivload.sources import ignore_comments
from derivload.sources.ignore_comments import IgnoreComment, find_comments

PIECES = (
    "#",
    "# derivload: ignore",
    "derivload:",
    "ignore",
    "[DL602]",
    "[a, b",
    "]",
    " why",
    " ",
    "\n",
)


def test_what_is_told_of_a_comment() -> None:
    text = "# derivload: ignore[DL6] why \n- a: b  #derivload:ignore[ x , y ]\n# derivload: no\n"
    assert find_comments(text) == [
        IgnoreComment(0, 24, ("DL6",), "why", True),
        IgnoreComment(38, 64, ("x", "y"), "", False),
    ]


@given(st.lists(st.sampled_from([*PIECES, "\t", "\x0b", "\u2028"]), max_size=12).map("".join))
@example("# derivload: ignore# derivload: ignore[DL602] why\n# derivload: ignore")
def test_a_comment_is_found_wherever_its_pattern_is(text: str) -> None:
    found = [match.start() for match in ignore_comments._COMMENT.finditer(text)]
    assert [comment.start for comment in find_comments(text)] == found
