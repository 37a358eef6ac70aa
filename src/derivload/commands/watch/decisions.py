"""What derivwatch decides: every delay and every decision of derivwatch lives in this file.

It is a pure state machine. A `WatchState` and what just happened go in; a new one and what to do
come out. There is no clock, no file and no thread here: a time is an argument, in seconds of the
monotonic clock. `looking.py` reads and waits, has what counts acted on, and asks here at each turn.
The one delay that is not in `DELAYS` is the user's `--debounce`, an argument too.

The theory is this. The file system tells of events, and an event is only a hint that it is time
to look at the inputs. What a look reads decides. It goes through four stages:

1. **Hints become a save.** One save causes several events. `hear` collects them in a `Burst`, and
   `burst_wait` says how much longer to listen: until no event has come for a moment and every
   file that was being written has been closed. While git changes a checkout, its lock file is
   waited for; `is_stale` says when to stop believing in it.
2. **A look makes a finding.** `find` says what to do with it: `pass` if the inputs are those that
   already count, `load` if it counts, and `wait` if it may be half a save. An editor may have
   emptied the file and not written all of it, or moved it away and not yet put the new one in its
   place. Events cannot tell that for certain: the event that a file was closed may come from
   another process, and a look that no event caused may fall anywhere. So each kind of doubt has a
   delay. A doubtful finding counts when looks have found the same for that long. A finding without
   doubt counts at once.
3. **A load has an outcome.** `refuse` is for inputs with mistakes, which is one more kind of doubt.
   `succeed`, `fail_to_write` and `lose` are for the other outcomes.
4. **The next look.** It comes with the next hint, or at `WatchState.look_at` if that is earlier;
   `wait_for_hint` says how long to wait. Each of the functions above that leaves something open
   sets `look_at`. One second after the last event there is an extra look, for anything that no
   event told of. When it finds nothing new, derivwatch sleeps until the next event.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal["unannounced", "wrong", "cut", "gone", "moving"]
Watching = Literal["events", "polling"]
OnBusy = Literal["restart", "queue"]


class Delays(NamedTuple):
    """The delays, in seconds."""

    # A save: wait this long for a file that is being written to be closed;
    closing: float = 0.3
    # stop listening after this long if events never cease;
    longest_save: float = 1.0
    # wait this long for git's lock to go, and look for it this often.
    git: float = 2.0
    git_step: float = 0.005

    # Doubt: each kind must stay the same for this long before it counts.
    # A change without an event. The event is on its way, unless there are none.
    unannounced: float = 0.05
    # The inputs have mistakes.
    wrong: float = 0.1
    # A file has lost its end: it may not be written completely.
    cut: float = 0.2
    # A file is missing, empty or unreadable that was not before. Editors do that for a moment.
    gone: float = 0.2
    # A file changed while it was read.
    moving: float = float("inf")
    # If findings keep differing, the last one counts after this long.
    longest_doubt: float = 1.0
    # The next look at a "gone" or "moving" file: it may come back without an event.
    come_back: float = 0.02

    # Looks: one more this long after the last event.
    afterthought: float = 1.0
    # This long after a save was answered, an event that changed nothing is an echo of that save.
    echo: float = 0.3
    # Try again to find, read or watch the inputs, or to write the outputs.
    read_again: float = 0.25
    write_again: float = 2.0
    # Without events: look at the inputs this often.
    poll: float = 0.25

    # The command of --exec: time to end by itself before it is killed;
    grace: float = 2.0
    # time to read its last lines, if something that it started still holds its pipe;
    last_lines: float = 0.5
    # check this often whether its process group is empty.
    group_step: float = 0.02

    # Wait this long for watchdog's threads to end. They end with us in any case.
    threads: float = 1.0


DELAYS: Final = Delays()

# The file system refused a watch. With these errors it has no more to give, so another try is
# useless. Any other error may be over at the next try, but not after so many tries.
_LIMITS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ENOMEM, errno.ENOSYS)
_TRIES: Final = 5
# This many bytes from the end of a file do not occur anywhere else in it.
_END: Final = 256


class Hint(NamedTuple):
    """Something happened to a name on the way to an input, at a moment of the monotonic clock.

    `kind` is watchdog's event type: "modified", "closed", "created", "moved" or "deleted". `path`
    is "" if it is not known. With `is_open`, the file is still being written; a later hint says
    that it was closed.
    """

    kind: str
    path: str
    at: float
    is_open: bool = False


class Burst(NamedTuple):
    """The hints of one save: the time of the last, whether a file was saved, and what is open.

    `is_save` is False when the events were only of folders or of deleted files.
    """

    at: float
    is_save: bool = False
    open: frozenset[str] = frozenset()


class Look(NamedTuple):
    """A look at the files: when it began to read, and when it had read everything."""

    began: float
    ended: float


class Finding(NamedTuple):
    """What a look found.

    `key` is equal for two findings exactly if the outputs for both are the same. `marks` differ
    after another save, even of the same bytes. `held` has the content of each file that is not
    empty, by path. `is_moving`: a file changed while it was read.
    """

    key: object
    marks: Sequence[object]
    held: Mapping[str, bytes]
    is_moving: bool
    is_unreadable: bool
    look: Look


class Doubt(NamedTuple):
    """A finding that does not count yet.

    `what` is its key. `since` is the end of the first look that found it. `began` is the end of
    the first look in doubt after the last finding that counted. `saved_at` is when it was saved.
    """

    what: object
    since: float
    began: float
    saved_at: float


class WatchState(NamedTuple):
    """What derivwatch remembers between two looks.

    `counted` is the last finding that counted. `stands` is False if its outcome must be redone.
    `answered_at` is when the last save was answered. `look_at` is when to look without a hint.
    `failure` is the error that was reported last and is not fixed yet.
    """

    counted: Finding | None = None
    stands: bool = False
    answered_at: float = 0.0
    doubt: Doubt | None = None
    look_at: float | None = None
    failure: object = None


class Step(NamedTuple):
    """What to do with a finding. `saved_at` is when it was saved, or the look's beginning."""

    action: Literal["pass", "wait", "load"]
    state: WatchState
    saved_at: float


# Stage 1: hints become a save.


def hear(burst: Burst | None, hint: Hint, is_folder: bool) -> Burst:
    """Add a hint to a burst, or begin one. `is_folder`: there is a folder at the hint's path."""
    if burst is None:
        burst = Burst(hint.at)
    is_save = hint.kind != "deleted" and hint.path != "" and not is_folder
    still_open = burst.open | {hint.path} if hint.is_open else burst.open - {hint.path}
    return Burst(max(burst.at, hint.at), burst.is_save or is_save, still_open)


def burst_wait(burst: Burst, debounce: float, began: float, now: float) -> float | None:
    """How long to wait for the next hint of a burst; None if it must end in any case.

    If no hint comes meanwhile, the burst is over. 0 means: take the hints that are there.
    """
    if now >= began + DELAYS.longest_save:
        return None
    quiet = burst.at + (DELAYS.closing if burst.open else debounce)
    return max(0.0, min(quiet, began + DELAYS.longest_save) - now)


def is_stale(seen_at: float, now: float) -> bool:
    """Whether a git lock is a leftover, by when it was first seen. Then it is ignored."""
    return now - seen_at > DELAYS.git


# Stage 2: a look makes a finding.


def find(state: WatchState, finding: Finding, save: Burst | None) -> Step:
    """Decide about a finding. `save` is what caused the look, None if nothing did."""
    if finding.is_unreadable:
        state = look_within(state, finding.look.ended, DELAYS.read_again)
    saved_at = finding.look.began if save is None else save.at
    if state.stands and _is_counted(state, finding) and not _is_answered(state, finding, save):
        # Keep the new marks: another hint of the same save must not be answered.
        counted = state.counted if save is None else finding
        return Step("pass", state._replace(doubt=None, counted=counted), saved_at)
    kinds = _kinds(state.counted, finding, is_announced=save is not None)
    counts, state = _weigh(state, kinds, finding.key, saved_at, finding.look)
    if state.doubt is not None and state.doubt.what == finding.key:
        saved_at = state.doubt.saved_at
    return Step("load" if counts else "wait", state, saved_at)


def _is_counted(state: WatchState, finding: Finding) -> bool:
    return state.counted is not None and state.counted.key == finding.key


def _is_answered(state: WatchState, finding: Finding, save: Burst | None) -> bool:
    """Whether a save of the same bytes is reported, because it is no echo of an earlier one."""
    return (
        save is not None
        and save.is_save
        and save.at - state.answered_at > DELAYS.echo
        and (state.counted is None or finding.marks != state.counted.marks)
    )


def _kinds(before: Finding | None, finding: Finding, is_announced: bool) -> set[Kind]:
    """The kinds of doubt about a finding; `before` is the last one that counted."""
    kinds: set[Kind] = {"moving"} if finding.is_moving else set()
    if before is None or before.key == finding.key:
        return kinds
    if not is_announced:
        kinds.add("unannounced")
    for path, content in before.held.items():
        now = finding.held.get(path, b"")
        if not now:
            kinds.add("gone")
        elif is_cut(content, now):
            kinds.add("cut")
    return kinds


def is_cut(before: bytes, after: bytes) -> bool:
    """Whether a file may not be written completely, judged by what it held before.

    Most edits leave the end of a file as it was. Most others add to the end.
    """
    return not after.endswith(before[-_END:]) and not after.startswith(before)


def _weigh(
    state: WatchState, kinds: Collection[Kind], what: object, saved_at: float, look: Look
) -> tuple[bool, WatchState]:
    """Whether a finding counts. If not, the state says when to look again.

    Where it counts, the doubt is kept: a later stage may have another doubt about the same look.
    """
    if not kinds:
        return True, state
    doubt = state.doubt
    if doubt is None:
        doubt = Doubt(what, look.ended, look.ended, saved_at)
    elif doubt.what != what:
        doubt = Doubt(what, look.ended, doubt.began, saved_at)
    state = state._replace(doubt=doubt)
    stays = max(_stays(kind) for kind in kinds)
    due = min(doubt.since + stays, doubt.began + DELAYS.longest_doubt)
    if look.began >= due:
        return True, state
    soon = min(DELAYS.come_back if kind in ("gone", "moving") else _stays(kind) for kind in kinds)
    return False, look_within(state, look.ended, min(due - look.ended, soon))


def _stays(kind: Kind) -> float:
    seconds: float = getattr(DELAYS, kind)
    return seconds


# Stage 3: a load has an outcome. What is returned first says whether to report it.


def succeed(state: WatchState, finding: Finding) -> WatchState:
    """The finding was loaded and written."""
    return state._replace(counted=finding, stands=True, doubt=None, failure=None)


def refuse(
    state: WatchState, finding: Finding, saved_at: float, failure: object
) -> tuple[bool, WatchState]:
    """The finding has mistakes. They are reported at once if it counted before."""
    if not _is_counted(state, finding):
        counts, state = _weigh(state, {"wrong"}, finding.key, saved_at, finding.look)
        if not counts:
            return False, state
    return True, state._replace(counted=finding, stands=True, doubt=None, failure=failure)


def fail_to_write(
    state: WatchState, finding: Finding, now: float, failure: object
) -> tuple[bool, WatchState]:
    """The outputs could not be written. That is reported once, and tried again."""
    is_news = failure != state.failure
    state = state._replace(counted=finding, stands=False, doubt=None, failure=failure)
    return is_news, look_within(state, now, DELAYS.write_again)


def lose(
    state: WatchState, reason: str, look: Look, now: float, failure: object
) -> tuple[bool, WatchState]:
    """The inputs could not be found: a folder was moved away, say. That too may be for a moment."""
    is_news = failure != state.failure
    if state.stands or is_news:
        counts, state = _weigh(state, {"gone"}, reason, look.began, look)
        if not counts:
            return False, state
    state = state._replace(stands=False, doubt=None, failure=failure)
    return is_news, look_within(state, now, DELAYS.read_again)


# Stage 4: the next look.


def look_within(state: WatchState, now: float, seconds: float) -> WatchState:
    """Look without a hint after so many seconds, unless an earlier look is due already."""
    at = now + seconds
    return state._replace(look_at=at if state.look_at is None else min(at, state.look_at))


def wait_for_hint(state: WatchState, watching: Watching | None, now: float) -> float | None:
    """How long to wait for a hint. None is forever: there are events, and nothing is open."""
    waits = [] if state.look_at is None else [max(0.0, state.look_at - now)]
    if watching == "polling":
        waits.append(DELAYS.poll)
    return min(waits, default=None)


def wake(state: WatchState, now: float, save: Burst | None) -> tuple[bool, WatchState]:
    """No hint came: whether to look. `save` is a change that polling has found."""
    is_time = state.look_at is not None and now >= state.look_at
    if is_time:
        state = state._replace(look_at=None)
    if save is not None:
        # Two changes within one tick of the file system's clock look like one.
        state = look_within(state, now, DELAYS.poll)
    return is_time or save is not None, state


def watch_again(
    state: WatchState, now: float, debounce: float, *, is_news: bool, has_failed: bool
) -> WatchState:
    """The watches were brought up to date after a look.

    `is_news`: something may have happened that nobody watched. `has_failed`: not all is watched.
    """
    if not is_news:
        return state
    return look_within(state, now, DELAYS.read_again if has_failed else debounce)


# What stands beside the stages.


def watching_after(error_number: int | None, failures: int) -> Watching:
    """Whether to go on with events, after so many tries in a row to watch the inputs failed."""
    is_over = error_number in _LIMITS or failures >= _TRIES
    return "polling" if is_over else "events"


def is_command_due(written: Collection[str], removed: Collection[str]) -> bool:
    """Whether the command of --exec runs after a load: only if the load changed a file."""
    return bool(written or removed)


def on_request(is_running: bool, on_busy: OnBusy) -> Literal["start", "stop", "wait"]:
    """What to do when the command is due: start it, stop the run in progress first, or wait."""
    if not is_running:
        return "start"
    return "stop" if on_busy == "restart" else "wait"
