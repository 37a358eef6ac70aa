"""What derivwatch remembers after each outcome, and the very moments at which a doubt is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from derivload.commands.watch.decisions import (
    DELAYS,
    Burst,
    Doubt,
    Finding,
    Look,
    WatchState,
    fail_to_write,
    find,
    is_cut,
    lose,
    refuse,
    succeed,
)

NOW: Final = 100.0
# What counted while the text was longer.
LONGER: Final = b"- func: a(Tensor self) -> Tensor\n- func: b(Tensor self) -> Tensor\n"
SHORTER: Final = LONGER[:40]


def finding(content: bytes, at: float = 0.0, *, is_moving: bool = False, mark: int = 1) -> Finding:
    held = {"d.yaml": content} if content else {}
    look = Look(NOW + at, NOW + at)
    return Finding(content, (mark,), held, is_moving, is_unreadable=False, look=look)


KNOWN: Final = finding(LONGER)
STEADY: Final = WatchState(counted=KNOWN, stands=True)
OTHER: Final = finding(b"- func: c(Tensor self) -> Tensor\n")
# Of other inputs, with a doubt and a failure from before.
DOUBT: Final = Doubt("another", NOW - 5, NOW - 5, NOW - 5)
OPEN: Final = WatchState(KNOWN, stands=False, doubt=DOUBT, failure="before")


@pytest.mark.parametrize(
    ("outcome", "counted", "stands", "failure"),
    [
        (lambda state: succeed(state, OTHER), OTHER, True, None),
        (lambda state: refuse(state, KNOWN, NOW, "why")[1], KNOWN, True, "why"),
        (lambda state: fail_to_write(state, OTHER, NOW, "why")[1], OTHER, False, "why"),
        (
            lambda state: lose(state, "gone", Look(NOW, NOW), NOW, "before")[1],
            KNOWN,
            False,
            "before",
        ),
    ],
)
def test_an_outcome_that_counts_ends_the_doubt(
    outcome: Callable[[WatchState], WatchState],
    counted: Finding,
    stands: bool,
    failure: object,
) -> None:
    state = outcome(OPEN)
    assert (state.counted, state.stands) == (counted, stands)
    assert (state.doubt, state.failure) == (None, failure)


@pytest.mark.parametrize(
    ("found", "stays", "next_look"),
    [
        (SHORTER, DELAYS.cut, DELAYS.cut),
        # It may come back without an event: it is looked for often.
        (b"", DELAYS.gone, DELAYS.come_back),
    ],
)
def test_a_doubt_is_over_when_it_has_stayed_that_long(
    found: bytes, stays: float, next_look: float
) -> None:
    save = Burst(NOW, is_save=True)
    waiting = find(STEADY, finding(found), save).state
    assert waiting.look_at == NOW + next_look
    # The next look is no later than the end of the doubt.
    halfway = find(waiting._replace(look_at=None), finding(found, stays - 0.01), save)
    assert halfway.action == "wait"
    assert halfway.state.look_at == pytest.approx(NOW + stays)
    assert find(waiting, finding(found, stays), save).action == "load"


def test_a_file_that_moves_is_looked_at_again_soon_even_the_first_time() -> None:
    for state in (WatchState(), STEADY._replace(stands=False)):
        step = find(state, finding(LONGER, is_moving=True), None)
        assert step.action == "wait"
        assert step.state.look_at == NOW + DELAYS.come_back


def test_a_save_that_comes_as_soon_as_an_echo_is_one() -> None:
    def action(at: float) -> str:
        return find(STEADY, finding(LONGER, mark=2), Burst(at, is_save=True)).action

    assert action(DELAYS.echo) == "pass"
    assert action(DELAYS.echo + 0.001) == "load"


def test_the_last_256_bytes_are_the_end_of_a_file() -> None:
    text = bytes(range(256)) * 2

    def edited(place: int) -> bytes:
        return text[:place] + b"?" + text[place + 1 :]

    assert not is_cut(text, edited(-257))
    assert is_cut(text, edited(-256))
