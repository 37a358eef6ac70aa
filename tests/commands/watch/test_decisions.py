"""What derivwatch decides, by plain values: no clock, no files, no threads."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

import pytest

from derivload.commands.watch.decisions import (
    DELAYS,
    Burst,
    Finding,
    Hint,
    Kind,
    Look,
    Watching,
    WatchState,
    burst_wait,
    fail_to_write,
    find,
    hear,
    is_command_due,
    is_cut,
    is_stale,
    look_within,
    lose,
    on_request,
    refuse,
    succeed,
    wait_for_hint,
    wake,
    watch_again,
    watching_after,
)

NOW: Final = 100.0
DEBOUNCE: Final = 0.005
TEXT: Final = b"".join(b"- func: name%d(Tensor self) -> Tensor\n" % i for i in range(100))
KINDS: Final[tuple[Kind, ...]] = ("unannounced", "cut", "gone")


def look(at: float, took: float = 0.0) -> Look:
    return Look(NOW + at, NOW + at + took)


def finding(
    content: bytes = TEXT,
    at: float = 0.0,
    *,
    took: float = 0.0,
    mark: int = 1,
    is_moving: bool = False,
    is_unreadable: bool = False,
) -> Finding:
    held = {"d.yaml": content} if content else {}
    return Finding(content, (mark,), held, is_moving, is_unreadable, look(at, took))


def save(at: float) -> Burst:
    return Burst(NOW + at, is_save=True)


EDITED: Final = TEXT.replace(b"name7(", b"another(")
OTHER: Final = TEXT.replace(b"name8(", b"other(")
# What has been loaded and written a while ago.
STEADY: Final = succeed(WatchState(), finding(at=-10))


# Hints become a save.


def burst(*hints: Hint, folders: tuple[str, ...] = ()) -> Burst:
    heard: Burst | None = None
    for hint in hints:
        heard = hear(heard, hint, hint.path in folders)
    assert heard is not None
    return heard


def test_a_burst_is_over_when_nothing_has_come_for_the_debounce() -> None:
    heard = burst(Hint("modified", "d", NOW), Hint("closed", "d", NOW + 1))
    assert heard.at == NOW + 1
    assert burst_wait(heard, DEBOUNCE, NOW + 1, NOW + 1) == pytest.approx(DEBOUNCE)
    assert burst_wait(heard, DEBOUNCE, NOW + 1, NOW + 1.5) == 0


def test_a_file_that_is_open_is_waited_for() -> None:
    written = Hint("modified", "d", NOW, is_open=True)
    assert burst_wait(burst(written), DEBOUNCE, NOW, NOW) == pytest.approx(DELAYS.closing)
    closed = burst(written, Hint("closed", "d", NOW))
    assert burst_wait(closed, DEBOUNCE, NOW, NOW) == pytest.approx(DEBOUNCE)
    other = burst(written, Hint("closed", "n", NOW))
    assert burst_wait(other, DEBOUNCE, NOW, NOW) == pytest.approx(DELAYS.closing)


def test_a_burst_that_never_ceases_ends() -> None:
    end = NOW + DELAYS.longest_save
    heard = burst(Hint("modified", "d", end - 0.001))
    assert burst_wait(heard, DEBOUNCE, NOW, end - 0.001) == pytest.approx(0.001)
    assert burst_wait(heard, DEBOUNCE, NOW, end) is None


@pytest.mark.parametrize(
    ("hint", "is_save"),
    [
        (Hint("modified", "file", NOW), True),
        (Hint("moved", "file", NOW), True),
        (Hint("deleted", "file", NOW), False),
        (Hint("moved", "folder", NOW), False),
        (Hint("modified", "", NOW), False),
    ],
)
def test_only_a_file_that_is_there_is_a_save(hint: Hint, is_save: bool) -> None:
    assert burst(hint, folders=("folder",)).is_save == is_save
    assert burst(Hint("closed", "file", NOW), hint, folders=("folder",)).is_save


def test_a_lock_of_git_that_stays_is_a_leftover() -> None:
    assert not is_stale(NOW, NOW + DELAYS.git)
    assert is_stale(NOW, NOW + DELAYS.git + 0.001)


# A look makes a finding.


def test_the_first_finding_counts_at_once() -> None:
    assert find(WatchState(), finding(), None).action == "load"


def test_a_save_counts_at_once_and_has_its_time() -> None:
    step = find(STEADY, finding(EDITED, 0.01), save(0))
    assert (step.action, step.saved_at) == ("load", NOW)


def test_good_news_counts_at_once_whatever_was_in_doubt() -> None:
    waiting = find(STEADY, finding(b"", 0), save(0)).state
    step = find(waiting, finding(EDITED, 0.1), save(0.1))
    assert (step.action, step.saved_at) == ("load", NOW + 0.1)


def test_what_is_known_is_passed() -> None:
    assert find(STEADY, finding(), None).action == "pass"
    doubtful = find(STEADY, finding(b"", -1), None).state
    assert doubtful.doubt is not None
    back = find(doubtful, finding(), None)
    assert back.action == "pass"
    assert back.state.doubt is None


def test_a_save_of_the_same_bytes_is_answered_once() -> None:
    same = finding(mark=2)
    assert find(STEADY, same, save(0)).action == "load"
    assert find(STEADY, finding(mark=1), save(0)).action == "pass"
    assert find(STEADY, same, None).action == "pass"
    assert find(STEADY, same, Burst(NOW)).action == "pass"
    echo = STEADY._replace(answered_at=NOW - DELAYS.echo + 0.01)
    passed = find(echo, same, save(0))
    assert passed.action == "pass"
    # Its marks are kept, so that a later hint of the same save is not answered either.
    later = finding(at=DELAYS.echo + 1, mark=2)
    assert find(passed.state, later, save(DELAYS.echo + 1)).action == "pass"


def test_what_could_not_be_written_is_loaded_again() -> None:
    _, state = fail_to_write(STEADY, finding(), NOW, "why")
    assert find(state, finding(at=3), None).action == "load"


def test_what_cannot_be_read_is_looked_at_again() -> None:
    step = find(WatchState(), finding(b"", is_unreadable=True), None)
    assert step.action == "load"
    assert step.state.look_at == NOW + DELAYS.read_again


@dataclass(frozen=True)
class Case:
    """A finding that may be half a save."""

    content: bytes
    is_announced: bool


CASES: Final[dict[Kind, Case]] = {
    "unannounced": Case(EDITED, is_announced=False),
    "cut": Case(TEXT[:1000], is_announced=True),
    "gone": Case(b"", is_announced=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_doubtful_finding_counts_when_it_has_stayed(kind: Kind) -> None:
    case = CASES[kind]
    stays = getattr(DELAYS, kind)

    def cause(at: float) -> Burst | None:
        return save(at) if case.is_announced else None

    first = find(STEADY, finding(case.content), cause(0))
    assert first.action == "wait"
    assert first.state.look_at is not None
    assert NOW < first.state.look_at <= NOW + stays
    early = find(first.state, finding(case.content, stays - 0.01), cause(stays - 0.01))
    assert early.action == "wait"
    counted = find(early.state, finding(case.content, stays + 0.01), cause(stays + 0.01))
    # It is as old as the save that was doubtful.
    assert (counted.action, counted.saved_at) == ("load", NOW)


def test_the_longest_of_several_kinds_decides() -> None:
    cut = TEXT[:1000]
    waiting = find(STEADY, finding(cut), None).state
    between = (DELAYS.unannounced + DELAYS.cut) / 2
    assert find(waiting, finding(cut, between), None).action == "wait"
    assert find(waiting, finding(cut, DELAYS.cut + 0.01), None).action == "load"


def test_another_finding_has_to_stay_for_itself() -> None:
    waiting = find(STEADY, finding(EDITED), None).state
    other = find(waiting, finding(OTHER, 0.1), None)
    assert other.action == "wait"
    assert find(other.state, finding(OTHER, 0.11), None).action == "wait"
    assert find(other.state, finding(OTHER, 0.11 + DELAYS.unannounced), None).action == "load"


def test_one_long_look_is_not_two() -> None:
    """A process that was not run for a while has seen nothing meanwhile."""
    waiting = find(STEADY, finding(b"", took=3.0), None).state
    assert find(waiting, finding(b"", 3.0, took=3.0), None).action == "wait"


def test_what_never_stays_counts_in_the_end() -> None:
    state = STEADY
    for number in range(1000):
        at = number * 0.03
        step = find(state, finding(b"%d" % number, at, is_moving=True), None)
        if step.action == "load":
            break
        state = step.state
        assert state.look_at is not None
        assert state.look_at <= NOW + DELAYS.longest_doubt
    assert at == pytest.approx(DELAYS.longest_doubt, abs=0.031)


@pytest.mark.parametrize(
    ("after", "cut"),
    [
        (EDITED, False),
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


# A load has an outcome.


def test_mistakes_count_when_they_have_stayed() -> None:
    step = find(STEADY, finding(EDITED, 0.01), save(0))
    is_due, state = refuse(step.state, finding(EDITED, 0.01), step.saved_at, "why")
    assert not is_due
    assert state.failure is None
    assert state.look_at == NOW + 0.01 + DELAYS.wrong
    again = find(state, finding(EDITED, 0.02 + DELAYS.wrong), save(1))
    assert (again.action, again.saved_at) == ("load", NOW)
    is_due, state = refuse(again.state, finding(EDITED, 0.02 + DELAYS.wrong), again.saved_at, "why")
    assert is_due
    assert (state.failure, state.doubt, state.stands) == ("why", None, True)
    # They stand until something else is found.
    assert find(state, finding(EDITED, 1), None).action == "pass"


def test_mistakes_of_what_counted_are_told_at_once() -> None:
    assert refuse(STEADY, finding(), NOW, "why")[0]


def test_success_ends_a_failure() -> None:
    _, state = refuse(STEADY, finding(), NOW, "why")
    assert succeed(state, finding(EDITED)).failure is None


def test_what_cannot_be_written_is_told_once_and_tried_again() -> None:
    is_due, state = fail_to_write(STEADY, finding(EDITED), NOW, "why")
    assert is_due
    assert state.look_at == NOW + DELAYS.write_again
    assert not fail_to_write(state, finding(EDITED), NOW + 3, "why")[0]
    assert fail_to_write(state, finding(EDITED), NOW + 3, "why else")[0]


def test_lost_inputs_are_told_when_they_stay_lost_and_only_once() -> None:
    is_due, state = lose(STEADY, "gone", look(0), NOW, "why")
    assert not is_due
    assert state.stands
    assert state.look_at == NOW + DELAYS.come_back
    late = DELAYS.gone + 0.01
    is_due, state = lose(state, "gone", look(late), NOW + late, "why")
    assert is_due
    assert not state.stands
    is_due, state = lose(state._replace(look_at=None), "gone", look(1), NOW + 1, "why")
    assert not is_due
    assert state.look_at == NOW + 1 + DELAYS.read_again
    # They come back as they were: that is loaded, to say that all is well.
    assert find(state, finding(at=2), None).action == "load"


def test_inputs_that_stand_have_to_stay_lost_whatever_was_told_before() -> None:
    _, state = refuse(STEADY, finding(), NOW, "why")
    is_due, state = lose(state, "gone", look(0), NOW, "why")
    assert not is_due
    assert state.stands


# The next look.


def test_the_earlier_look_stays() -> None:
    state = look_within(WatchState(), NOW, 0.1)
    assert look_within(state, NOW, 1.0).look_at == NOW + 0.1
    assert look_within(state, NOW, 0.05).look_at == NOW + 0.05


@pytest.mark.parametrize(
    ("look_at", "watching", "waits"),
    [
        (None, "events", None),
        (NOW + 0.5, "events", 0.5),
        (NOW - 0.5, "events", 0.0),
        (None, "polling", DELAYS.poll),
        (NOW + 0.5, "polling", DELAYS.poll),
        (NOW + 0.125, "polling", 0.125),
    ],
)
def test_how_long_a_hint_is_waited_for(
    look_at: float | None, watching: Watching, waits: float | None
) -> None:
    assert wait_for_hint(WatchState(look_at=look_at), watching, NOW) == waits


def test_it_wakes_for_a_look_that_is_due_or_a_change_that_polling_found() -> None:
    assert wake(WatchState(), NOW, None) == (False, WatchState())
    assert wake(WatchState(look_at=NOW + 1), NOW, None) == (False, WatchState(look_at=NOW + 1))
    assert wake(WatchState(look_at=NOW), NOW, None) == (True, WatchState())
    found, state = wake(WatchState(look_at=NOW), NOW, save(0))
    assert found
    assert state.look_at == NOW + DELAYS.poll


def test_new_watches_call_for_a_look() -> None:
    def look_at(*, is_news: bool, has_failed: bool) -> float | None:
        return watch_again(
            WatchState(), NOW, DEBOUNCE, is_news=is_news, has_failed=has_failed
        ).look_at

    assert look_at(is_news=False, has_failed=False) is None
    assert look_at(is_news=True, has_failed=False) == NOW + DEBOUNCE
    assert look_at(is_news=True, has_failed=True) == NOW + DELAYS.read_again


# Beside the stages.


def test_polling_begins_when_there_are_no_more_watches_or_tries() -> None:
    assert watching_after(errno.ENOSPC, 1) == "polling"
    assert watching_after(errno.EACCES, 1) == "events"
    assert watching_after(errno.EACCES, 5) == "polling"


def test_the_command_is_due_when_a_file_changed() -> None:
    assert is_command_due(["a"], [])
    assert is_command_due([], ["a"])
    assert not is_command_due([], [])


def test_what_a_request_for_the_command_does() -> None:
    assert on_request(False, "restart") == on_request(False, "queue") == "start"
    assert on_request(True, "restart") == "stop"
    assert on_request(True, "queue") == "wait"
