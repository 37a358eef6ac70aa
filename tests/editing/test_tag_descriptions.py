"""What the tags of tags.yaml say."""

from __future__ import annotations

from derivload.editing.catalog import tag_descriptions

TEXT = """\
# The tags.
- tag: folded
  desc: >-
      Two lines,
      of one sentence.

      And another: `- tag: no` is no tag.
- tag: plain
  desc: A line of its own
# Nothing is said of the next.
- tag: silent
- tag: quoted
  desc: "in quotes"
- tag: greater
  desc: a >1 and b |, or <c>
"""


def test_each_is_one_line() -> None:
    assert tag_descriptions(TEXT) == {
        "folded": "Two lines, of one sentence. And another: `- tag: no` is no tag.",
        "plain": "A line of its own",
        "silent": "",
        "quoted": "in quotes",
        "greater": "a >1 and b |, or <c>",
    }
