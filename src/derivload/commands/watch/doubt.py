"""Whether what a look found counts at once, or has to be found a second time first.

A look can fall into the middle of a save: an editor has emptied the file and not written all of
it, or has moved it away and not yet put the new one in its place. Events do not tell that for
certain. The event that the file was closed may come from another process, and a look that no
event caused may fall anywhere. So each kind of finding has a time for which it must stay the
same, from one look to another, before it counts; good news has none.

Everything that decides this is here: values in, values out, no clock and no files.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

Kind = Literal["unannounced", "wrong", "cut", "gone", "moving"]

# How long each kind must stay as it is, in seconds. What is of no kind counts at once.
STAYS: Final[dict[Kind, float]] = {
    # A change that no event has told of. Its event is on the way, unless there are none.
    "unannounced": 0.05,
    # It has mistakes.
    "wrong": 0.1,
    # A file ends otherwise than before: it may not be written to its end.
    "cut": 0.2,
    # A file that was there is missing, empty or cannot be read: editors do that for a moment.
    "gone": 0.2,
    # A file changed while it was read.
    "moving": float("inf"),
}
# After so long of findings that differ, the last one counts all the same.
LONGEST: Final = 1.0
# How soon the next look is due at the latest: what is gone comes back without an event, at times.
_AGAIN: Final = {"gone": 0.02, "moving": 0.02}


class Look(NamedTuple):
    """A look at the files: when the first was read, and when the last had been."""

    began: float
    ended: float


class Doubt(NamedTuple):
    """A finding that does not count yet.

    `what` equals that of another finding where both are the same. `since` is the end of the
    first look that found it, and `began` that of the first one after the last that counted.
    """

    what: object
    since: float
    began: float


class Decision(NamedTuple):
    """Whether a finding counts. If not, `look_at` says when to look again.

    `doubt` is for the next decision; where the finding counts, for one of the same look.
    """

    counts: bool
    doubt: Doubt | None
    look_at: float | None


def decide(doubt: Doubt | None, kinds: Collection[Kind], what: object, look: Look) -> Decision:
    """Decide about what a look found; `doubt` is what the look before has left."""
    if not kinds:
        return Decision(True, doubt, None)
    if doubt is None:
        doubt = Doubt(what, look.ended, look.ended)
    elif doubt.what != what:
        doubt = Doubt(what, look.ended, doubt.began)
    due = min(doubt.since + max(STAYS[kind] for kind in kinds), doubt.began + LONGEST)
    if look.began >= due:
        return Decision(True, doubt, None)
    soon = min(_AGAIN.get(kind, STAYS[kind]) for kind in kinds)
    return Decision(False, doubt, min(due, look.ended + soon))


def is_cut(before: bytes, after: bytes) -> bool:
    """Whether a file may not be written to its end, by what it held before.

    Most edits leave the end as it was, and most others add to it.
    """
    return not after.endswith(before[-_END:]) and not after.startswith(before)


# So many bytes at the end of a file are not found anywhere else in it.
_END: Final = 256
