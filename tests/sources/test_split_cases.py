"""Texts cut into entries, against a plain model: lines, words, digests, and what is reused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from derivload.sources.splitting import (
    Split,
    find_window,
    spliced,
    split_digests,
    split_text,
    window_in_text,
    with_plain_line_ends,
)


def starts_of(text: str) -> list[int]:
    """The number of each line that begins an entry."""
    lines = text.removesuffix("\n").split("\n")
    return [at for at, line in enumerate(lines, 1) if line.startswith("- ") or line == "-"]


def raw_of(text: str) -> list[str]:
    """The text of each entry without its dash, and with what stands before the next."""
    lines, starts = text.removesuffix("\n").split("\n"), starts_of(text)
    ends = [*(start - 1 for start in starts[1:]), *([len(lines)] if starts else [])]
    return ["\n".join([lines[a - 1][2:], *lines[a:b]]) for a, b in zip(starts, ends, strict=True)]


def check(split: Split, text: str) -> None:
    """Check that all answers of a split are those of the model."""
    lines, raw = starts_of(text), raw_of(text)
    assert split.digests is not None
    assert (split.lines(), split.raw) == (lines, raw)
    assert [split.line(at) for at in range(len(raw))] == lines
    for line in (-1, 0, *range(1, text.count("\n") + 3)):
        assert split.at_line(line) == (lines.index(line) if line in lines else None)
    for word in ("k1", "x", "- ", "#", "nowhere", "k40", "last", "a: k3"):
        assert split.has(word) == (word in text) == split.has(word), word
        if word != "- ":
            assert [*split.with_word(word)] == [i for i, t in enumerate(raw) if word in t], word
    entries = [split.entry(at) for at in range(len(raw))]
    plain = [f"- {part}\n" for part in raw[:-1]] + [f"- {part}" for part in raw[-1:]]
    for entry, whole in zip(entries, plain, strict=True):
        behind = whole.removeprefix(entry.removesuffix("\n"))
        assert whole.startswith(entry.removesuffix("\n"))
        assert all(line[:1] in ("", "#") for line in behind.split("\n"))
        assert not entry.removesuffix("\n").endswith("\n")
    assert split_text(text) == [*zip(lines, entries, strict=True)]
    assert split.digests == [hashlib.sha256(e.encode()).digest()[:16] for e in entries]


MANY = "# head\n\n" + "".join(
    f"- a: k{at}\n" + "  b: x\n" * (at % 3) + "\n# c\n" * (at % 2) for at in range(70)
)
TEXTS = [
    *("", "# x k1\n", "# k1", "\n"),
    *(
        "- a: k1\n",
        "- a: k1",
        "# x\n- a: k1\n- a: x\n\n# end\n",
        "\n\n- a: k3\n-\n  b: x\n",
        "-\n-\n",
    ),
    *(
        "-",
        "- a: k1\n\n\n- a: k1\n# k1\n",
        "- a: é\n- a: k40\n",
        MANY,
        MANY.removesuffix("\n"),
        "- \n",
    ),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_as_the_model_cuts_it(text: str) -> None:
    check(split_digests(text), text)
    digests = split_digests(text).digests or []
    check(Split.of_digests(text, b"".join(digests)), text)
    for wrong in (b"", b"".join(digests)[1:], b"x" * 16 * (len(digests) + 1)):
        assert Split.of_digests(text, wrong).digests == digests


def test_what_is_known_of_one_text_does_not_mislead_in_another() -> None:
    short = [text for text in TEXTS if len(text) < 60]
    short += ["- a: x\n- b: y\n", "- a: x\n- b: y", "- a: x\n"]
    for before in (*short, "- a: x\n- b: \x00\n", "? a\n- a: x\n"):
        for text in short:
            check(split_digests(text, split_digests(before)), text)


def test_known_digests_are_taken_as_they_are() -> None:
    split = Split.of_digests("- a: x\n- b: y\n", b"0123456789abcdef" + b"x" * 16)
    assert split.digests == [b"0123456789abcdef", b"x" * 16]


def edits() -> Iterator[tuple[int, int, str]]:
    """Parts of MANY, between two entries, and what to put there."""
    lines = MANY.split("\n")
    at = {f"k{n}": MANY.index(f"- a: k{n}\n") for n in (0, 1, 32, 69)}
    for start in at.values():
        yield start, start, "- new: x\n"
        yield start, MANY.find("\n- ", start) + 1 or len(MANY), ""
        yield start + 5, start + 6, "q"
        yield start + 2, start + 2, "last: x\n  "
        yield start, start, "# c\n\n"
    yield at["k1"], at["k69"], ""
    yield at["k32"], at["k32"], "- new: k40\n" * 31
    yield at["k32"], at["k32"], "- new: k40\n" * 40
    yield at["k0"], len(MANY), "- last: x\n"
    yield 0, 8, ""
    yield 0, 0, "# more\n"
    yield len(MANY), len(MANY), "- last: x\n"
    yield len(MANY) - 1, len(MANY), ""
    yield len(MANY) - len(lines[-2]) - 1, len(MANY), "\n\n"
    yield at["k32"], at["k32"] + 1, "-\n  b: x\n-"
    yield at["k32"], at["k32"] + 1, ""


def test_an_edited_text_is_cut_as_the_model_cuts_it_and_keeps_what_it_can() -> None:
    before = split_digests(MANY)
    assert before.digests is not None
    for start, end, new in edits():
        text = MANY[:start] + new + MANY[end:]
        again = split_digests(text, before)
        anew = split_digests(text)
        if anew.digests is None:
            assert again.digests is None
            continue
        check(again, text)
        # What is before and behind the window is not computed anew.
        begin, old_end, new_end = find_window(before.raw, again.raw)
        if again.digests is not None and text.endswith("\n"):
            for old, made in (
                *zip(before.digests[: max(0, begin - 1)], again.digests, strict=False),
                *zip(before.digests[old_end + 1 :], again.digests[new_end + 1 :], strict=False),
            ):
                assert old is made, (start, end, new)
            if start > 20 and "-\n" not in text:  # nor are the texts cut anew
                kept = sum(a is b for a, b in zip(before.raw, again.raw, strict=False))
                kept += sum(a is b for a, b in zip(before.raw[::-1], again.raw[::-1], strict=False))
                assert kept >= begin + len(before.raw) - old_end - 2, (start, end, new)
        # An edit of the edited text finds its way by what was kept.
        more = text.replace("- a: k50", "- last: k50") + "- last: x\n" * text.endswith("\n")
        check(split_digests(more, again), more)
        assert split_digests(text, again).digests == again.digests


@pytest.mark.parametrize(
    "text",
    [
        *(
            "---\n- a: x\n",
            "a: x\n- b: y\n",
            "- a: x\n? b\n",
            "- a: x\n\tb\n",
            " - a: x\n",
            "-\ta: x\n",
        ),
        *(
            "- a: x\n-\tb\n",
            "- a: x\r\n",
            "- a: \x00\n",
            "#\x85\n- a: x\n",
            "- a: x\n- b: \u2028\n",
        ),
    ],
)
def test_a_text_that_must_be_read_whole_has_no_digests(text: str) -> None:
    for before in (None, split_digests("- a: x\n- b: y\n"), split_digests(MANY)):
        split = split_digests(text, before)
        assert split.digests is None
        check(split_digests("- a: x\n", split), "- a: x\n")
    assert split_text(text) is None
    assert Split.whole().digests is None
    assert Split.whole().raw == []
    assert not Split.whole().has("X")


def test_an_entry_that_must_be_read_whole_is_refused() -> None:
    split = split_digests("- a: x\n- b: \x00\n")
    assert split.entry(0) == "- a: x\n"
    with pytest.raises(ValueError, match=r"^this text has to be read whole$"):
        split.entry(1)


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("- a: x\n\n\n", "- a: x\n"),
        ("- a: x\n# c\n", "- a: x\n"),
        ("- a: x\n\n# c\n\n# d\n", "- a: x\n"),
        ("- a: x\n  # c\n", "- a: x\n  # c\n"),
        ("- a: x\n# c\n  b: y\n# d\n", "- a: x\n# c\n  b: y\n"),
        ("- a: |+\n    x\n\n# c\n", "- a: |+\n    x\n\n# c\n"),
        ("- a: |2+\n    x\n\n", "- a: |2+\n    x\n\n"),
        ("- a: >+\n    x\n\n", "- a: >+\n    x\n\n"),
        ("- a: |-\n    x + y\n\n", "- a: |-\n    x + y\n"),
        ("- # c\n", "- # c\n"),
        ("- \n\n# c\n", "- \n"),
        ("-\n# c\n", "- \n"),
        ("- a: x", "- a: x"),
        ("- a: x\n# c", "- a: x\n"),
    ],
)
def test_an_entry_ends_before_what_is_behind_it(part: str, entry: str) -> None:
    assert split_text(part) == [(1, entry)]
    if part.endswith("\n"):
        assert split_text(f"{part}- b: y\n") == [(1, entry), (part.count("\n") + 1, "- b: y\n")]


def test_line_ends_are_made_plain() -> None:
    assert with_plain_line_ends("a\r\nb\rc\nd\r\r\n") == "a\nb\nc\nd\n\n"
    text = "a\nb"
    assert with_plain_line_ends(text) is text


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 255, 4095, 4096, 4097, 65_535, 65_536, 70_000])
def test_what_two_texts_share_is_counted_exactly(size: int) -> None:
    same = "ab" * ((size + 1) // 2)
    same = same[:size]
    assert window_in_text(f"{same}x", f"{same}yz") == (size, 0)
    assert window_in_text(f"x{same}", f"yz{same}") == (0, size)
    assert window_in_text(f"{same}x{same}", f"{same}yy{same}") == (size, size)
    assert window_in_text(same, same) == (size, 0)
    assert window_in_text(same.encode(), f"{same}c".encode()) == (size, 0)
    items = [*range(size)]
    assert find_window(items, [*items, 1, 2]) == (size, size, size + 2)
    ones = [1] * size
    assert find_window(ones, [1, 1, *ones]) == (size, size, size + 2)
    assert window_in_text("a" * size, "a" * size + "aa") == (size, 0)
    assert window_in_text(f"x{same}", same) == (0, size)
    assert find_window([-1, *items], items) == (0, 1, 0)
    assert find_window([*items, -1, *items], [*items, -2, -3, *items]) == (size, size + 1, size + 2)


def test_a_list_is_spliced_into_a_copy() -> None:
    items = [1, 2, 3]
    assert spliced(items, 1, 2, [7, 8]) == [1, 7, 8, 3]
    assert (spliced(items, 0, 3, []), items) == ([], [1, 2, 3])
