"""The inputs as derivwatch sees them: found and read anew at each look, watched in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.commands.watch.decisions import (
    DELAYS,
    Finding,
    Hint,
    Look,
    Watching,
    watching_after,
)
from derivload.commands.watch.git import git_locks
from derivload.commands.watch.lookups import Signature, current_folder, return_to, signatures
from derivload.loading.paths import Files
from derivload.loading.reading import KnownContents
from derivload.loading.rules_of_tree import Rules, key_of_additions
from derivload.outputs.digests import names_like

if TYPE_CHECKING:
    from derivload.commands.watch.events import Watches

# A signature without its last field, which also changes when only the file's mode does.
_MARK: Final = 4


class Seen(NamedTuple):
    """All that a look read and the outputs depend on; `finding` is the same, for the decisions.

    If an input could not be read, its content is the error.
    """

    files: Files
    contents: tuple[bytes | OSError, ...]
    finding: Finding


def make_seen(
    files: Files,
    contents: tuple[bytes | OSError, ...],
    marks: Sequence[object],
    is_moving: bool,
    look: Look,
) -> Seen:
    """Put together what a look read."""
    known = tuple([c if isinstance(c, bytes) else str(c) for c in contents])
    named = zip(files.paths, contents, strict=True)
    rules = files.rules.key if isinstance(files.rules, Rules) else ""
    finding = Finding(
        key=(
            files.version,
            key_of_additions(files),
            files.paths,
            known,
            files.consulted,
            files.listed,
            rules,
        ),
        marks=marks,
        held={
            path: content
            for path, content in (*files.consulted, *named)
            if isinstance(content, bytes) and content
        },
        is_moving=is_moving,
        is_unreadable=any(isinstance(content, OSError) for content in contents),
        look=look,
    )
    return Seen(files, contents, finding)


def has_read_more(files: Files) -> bool:
    """Whether the tree's own code was seen to read more than was known when `files` were found."""
    reads = files.rules.reads if isinstance(files.rules, Rules) else None
    return reads is not None and reads.has_news


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
        self._contents = KnownContents()
        self._failures = 0
        self._note = note
        self._watches: Watches | None = None
        self._paths: list[str] = []
        self._signatures: list[Signature | None] = []
        # Patterns, and the names that matched when the inputs were read.
        self._listed: Sequence[tuple[str, list[str]]] = ()
        self.watching = watching
        self.git_locks: list[str] = []

    @property
    def is_uncovered(self) -> bool:
        """Whether the last try to watch the inputs failed."""
        return self._failures > 0

    def read(self) -> Seen:
        """Read the inputs. Raises UsageError and OSError if they cannot be found."""
        began = time.monotonic()
        return_to(self._home)
        files = self._find()
        self._paths = [*files.paths, *(path for path, _ in files.consulted), *files.absent]
        self._signatures = signatures(self._paths)
        self._listed = files.listed
        contents = tuple(self._contents.read(files.paths))
        marks = [None if found is None else found[:_MARK] for found in self._signatures]
        is_moving = self.have_changed()
        return make_seen(files, contents, marks, is_moving, Look(began, time.monotonic()))

    def cover(self) -> bool:
        """Watch the inputs that were read last, where they are now.

        Returns whether something may have happened unseen: they were not watched before, or
        cannot be watched now.
        """
        if self.watching != "events":
            return False
        if self._watches is None:
            from derivload.commands.watch.events import Watches

            self._watches = Watches(self._tell)
        try:
            is_news = self._watches.cover(self._paths, [pattern for pattern, _ in self._listed])
            self.git_locks = git_locks(self._paths)
        except OSError as error:
            self._failures += 1
            if watching_after(error.errno, self._failures) == "polling":
                self._poll(error)
            return True
        self._failures = 0
        return is_news

    def _poll(self, error: OSError) -> None:
        self.close()
        self.watching = "polling"
        self._failures = 0
        self._note(
            f"no events ({error.strerror or error}): looking at the inputs "
            f"{round(1 / DELAYS.poll)} times a second"
        )

    def have_changed(self) -> bool:
        """Whether the size, inode or times of an input differ from when it was read.

        Or whether there are other names where some were listed.
        """
        return signatures(self._paths) != self._signatures or any(
            names_like(pattern) != names for pattern, names in self._listed
        )

    def settle(self, quiet: float) -> None:
        """Wait until the inputs look the same for so many seconds."""
        end = time.monotonic() + DELAYS.longest_save
        before = signatures(self._paths)
        while time.monotonic() < end:
            time.sleep(quiet)
            now = signatures(self._paths)
            if now == before:
                return
            before = now

    def close(self) -> None:
        """Stop watching."""
        if self._watches is not None:
            self._watches.close()
            self._watches = None
