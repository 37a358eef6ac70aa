"""When a finding of derivwatch counts, by plain values: no clock, no files."""

from __future__ import annotations

import pytest

from derivload.commands.watch.doubt import LONGEST, STAYS, Doubt, Kind, Look, decide, is_cut

NOW = 100.0


def look(at: float, took: float = 0.0) -> Look:
    return Look(NOW + at, NOW + at + took)


def test_good_news_counts_at_once() -> None:
    for doubt in (None, Doubt("other", NOW, NOW)):
        assert decide(doubt, (), "this", look(0.1)).counts


@pytest.mark.parametrize("kind", [kind for kind in STAYS if kind != "moving"])
def test_doubtful_counts_when_it_has_stayed(kind: Kind) -> None:
    first = decide(None, {kind}, "this", look(0))
    assert not first.counts
    assert first.look_at is not None
    assert NOW < first.look_at <= NOW + STAYS[kind]
    early = decide(first.doubt, {kind}, "this", look(STAYS[kind] - 0.01))
    assert not early.counts
    assert decide(early.doubt, {kind}, "this", look(STAYS[kind] + 0.01)).counts


def test_longest_of_several_kinds_decides() -> None:
    doubt = decide(None, {"wrong", "cut"}, "this", look(0)).doubt
    assert not decide(doubt, {"wrong", "cut"}, "this", look(STAYS["wrong"] + 0.01)).counts
    assert decide(doubt, {"wrong", "cut"}, "this", look(STAYS["cut"] + 0.01)).counts


def test_other_finding_has_to_stay_for_itself() -> None:
    doubt = decide(None, {"wrong"}, "this", look(0)).doubt
    other = decide(doubt, {"wrong"}, "other", look(0.15))
    assert not other.counts
    assert not decide(other.doubt, {"wrong"}, "other", look(0.2)).counts
    assert decide(other.doubt, {"wrong"}, "other", look(0.26)).counts


def test_one_long_look_is_not_two() -> None:
    """A process that was not run for a while has seen nothing meanwhile."""
    doubt = decide(None, {"gone"}, "this", look(0, took=3.0)).doubt
    assert not decide(doubt, {"gone"}, "this", look(3.0)).counts


def test_what_never_stays_counts_in_the_end() -> None:
    doubt: Doubt | None = None
    for step in range(1000):
        at = step * 0.03
        counts, doubt, look_at = decide(doubt, {"moving"}, step, look(at))
        if counts:
            break
        assert look_at is not None
        assert look_at <= NOW + LONGEST
    assert at == pytest.approx(LONGEST, abs=0.031)


TEXT = b"".join(b"- func: name%d(Tensor self) -> Tensor\n" % i for i in range(100))


@pytest.mark.parametrize(
    ("after", "cut"),
    [
        (TEXT.replace(b"name7(", b"another("), False),
        (TEXT.replace(b"name7(", b"n("), False),
        (TEXT + b"- func: more(Tensor self) -> Tensor\n", False),
        (TEXT, False),
        (TEXT[:1000], True),
        (TEXT[:-1], True),
        (b"# A longer one.\n" * 300 + TEXT[:3000], True),
    ],
)
def test_file_is_cut_that_has_lost_its_end(after: bytes, cut: bool) -> None:
    assert is_cut(TEXT, after) == cut
    assert not is_cut(b"", after)
