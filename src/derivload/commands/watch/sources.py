"""The inputs as derivwatch has them: found and read anew at each look, watched in between."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from derivload.commands.watch.doubt import Kind, Look, is_cut
from derivload.commands.watch.git import git_locks
from derivload.commands.watch.lookups import Signature, current_folder, return_to, signatures
from derivload.commands.watch.messages import Hint
from derivload.loading.paths import Files

if TYPE_CHECKING:
    from derivload.commands.watch.events import Watches

Watching = Literal["events", "polling"]

# How often the inputs are looked at where there are no events, in seconds.
INTERVAL: Final = 0.25
# How long inputs may go on changing before they are read all the same.
_LONGEST: Final = 1.0
# What the system says that has no more watches to give. Anything else may be over at the next try.
_LIMITS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ENOMEM, errno.ENOSYS)
_TRIES: Final = 5
# A signature without its last part: when the file's mode changed, say.
_MARK: Final = 4


class Seen(NamedTuple):
    """What a look found: all that the outputs depend on.

    An input that could not be read stands there as the reason why.
    `marks` tell a file from one that was saved later with the same bytes. `look` is when it was.
    """

    files: Files
    contents: tuple[bytes | OSError, ...]
    marks: Sequence[tuple[int, ...] | None]
    is_moving: bool
    look: Look

    @property
    def is_unreadable(self) -> bool:
        """Whether any input could not be read."""
        return any(isinstance(content, OSError) for content in self.contents)

    def equals(self, other: Seen) -> bool:
        """Whether both come to the same."""
        return self.key() == other.key()

    def key(self) -> tuple[object, ...]:
        """What equals that of a look that comes to the same."""
        known = tuple([c if isinstance(c, bytes) else str(c) for c in self.contents])
        return self.files.version, self.files.paths, known, self.files.consulted

    def doubts_since(self, other: Seen) -> set[Kind]:
        """What kinds of doubt there are about it, after another look."""
        kinds: set[Kind] = set()
        after = self._held()
        for path, before in other._held().items():
            now = after.get(path, b"")
            if not now:
                kinds.add("gone")
            elif is_cut(before, now):
                kinds.add("cut")
        return kinds

    def _held(self) -> dict[str, bytes]:
        """What each file held that held anything."""
        named = zip(self.files.paths, self.contents, strict=True)
        return {
            path: content
            for path, content in (*self.files.consulted, *named)
            if isinstance(content, bytes) and content
        }


class WatchedInputs:
    """The inputs that `find` finds.

    `tell` is called with hints, from other threads; `note` with what the user should know.
    """

    def __init__(
        self,
        find: Callable[[], Files],
        watching: Watching | None,
        tell: Callable[[Hint], None],
        note: Callable[[str], None],
    ) -> None:
        self._find = find
        self._tell = tell
        self._home = current_folder()
        self._failures = 0
        self._note = note
        self._watches: Watches | None = None
        self._paths: list[str] = []
        self._signatures: list[Signature | None] = []
        self.watching = watching
        self.git_locks: list[str] = []

    @property
    def is_uncovered(self) -> bool:
        """Whether the inputs could not be watched the last time."""
        return self._failures > 0

    def read(self) -> Seen:
        """What the inputs hold now. Raises UsageError and OSError where they cannot be found."""
        began = time.monotonic()
        return_to(self._home)
        files = self._find()
        self._paths = [*files.paths, *(path for path, _ in files.consulted), *files.absent]
        self._signatures = signatures(self._paths)
        contents = tuple(files.read())
        marks = [None if found is None else found[:_MARK] for found in self._signatures]
        is_moving = self.have_changed()
        return Seen(files, contents, marks, is_moving, Look(began, time.monotonic()))

    def cover(self) -> bool:
        """Watch the inputs that were read last, where they are now; whether that is any news.

        Then something may have happened before they were watched, or they could not be.
        """
        if self.watching != "events":
            return False
        if self._watches is None:
            from derivload.commands.watch.events import Watches

            self._watches = Watches(self._tell)
        try:
            is_news = self._watches.cover(self._paths)
            self.git_locks = git_locks(self._paths)
        except OSError as error:
            self._failures += 1
            if error.errno in _LIMITS or self._failures >= _TRIES:
                self._poll(error)
            return True
        self._failures = 0
        return is_news

    def _poll(self, error: OSError) -> None:
        self.close()
        self.watching = "polling"
        self._note(
            f"no events ({error.strerror or error}): looking at the inputs "
            f"{round(1 / INTERVAL)} times a second"
        )

    def have_changed(self) -> bool:
        """Whether an input differs from what it was when it was read, by its looks."""
        return signatures(self._paths) != self._signatures

    def settle(self, quiet: float) -> None:
        """Wait until the inputs look the same for so many seconds."""
        end = time.monotonic() + _LONGEST
        before = signatures(self._paths)
        while time.monotonic() < end:
            time.sleep(quiet)
            now = signatures(self._paths)
            if now == before:
                return
            before = now

    def close(self) -> None:
        """Watch nothing any more."""
        if self._watches is not None:
            self._watches.close()
            self._watches = None
