"""The inputs as derivwatch has them: found and read anew at each look, watched in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from derivload.commands.paths import Files
from derivload.commands.watch_git import git_locks
from derivload.commands.watch_messages import Hint
from derivload.commands.watch_paths import Signature, signatures

if TYPE_CHECKING:
    from derivload.commands.watch_events import Watches

Watching = Literal["events", "polling"]

# How often the inputs are looked at where there are no events, in seconds.
INTERVAL: Final = 0.25
# How long inputs may go on changing before they are read all the same.
_LONGEST: Final = 1.0


class Seen(NamedTuple):
    """What a look found: all that the outputs depend on.

    An input that could not be read stands there as the reason why.
    """

    files: Files
    contents: tuple[bytes | OSError, ...]

    @property
    def is_unreadable(self) -> bool:
        """Whether any input could not be read."""
        return any(isinstance(content, OSError) for content in self.contents)

    def equals(self, other: Seen) -> bool:
        """Whether both come to the same."""
        return self._key() == other._key()

    def lost_since(self, other: Seen | None) -> bool:
        """Whether any input is gone or empty that was not so then: for a moment, perhaps."""
        before = {} if other is None else dict(zip(other.files.paths, other.contents, strict=True))
        return any(
            (isinstance(content, OSError) or not content) and bool(_known(before.get(path, b"")))
            for path, content in zip(self.files.paths, self.contents, strict=True)
        )

    def _key(self) -> tuple[object, ...]:
        known = tuple([c if isinstance(c, bytes) else str(c) for c in self.contents])
        return self.files.version, self.files.paths, known, self.files.consulted


def _known(content: bytes | OSError) -> bytes:
    return content if isinstance(content, bytes) else b""


class Sources:
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
        self._note = note
        self._watches: Watches | None = None
        self._paths: list[str] = []
        self._signatures: list[Signature | None] = []
        self.watching = watching
        self.git_locks: list[str] = []

    def read(self) -> Seen:
        """What the inputs hold now. Raises UsageError."""
        files = self._find()
        self._paths = [*files.paths, *(path for path, _ in files.consulted), *files.absent]
        self._signatures = signatures(self._paths)
        return Seen(files, tuple(files.read()))

    def cover(self) -> bool:
        """Watch the inputs that were read last, where they are now; whether that is any news.

        Then something may have happened before they were watched.
        """
        if self.watching != "events":
            return False
        if self._watches is None:
            from derivload.commands.watch_events import Watches

            self._watches = Watches(self._tell)
        try:
            is_news = self._watches.cover(self._paths)
        except OSError as error:
            self.close()
            self.watching = "polling"
            self._note(
                f"no events ({error.strerror or error}): looking at the inputs "
                f"{round(1 / INTERVAL)} times a second"
            )
            return True
        self.git_locks = git_locks(self._paths)
        return is_news

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
