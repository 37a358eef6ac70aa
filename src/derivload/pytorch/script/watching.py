"""Collects what a script reads and writes.

Python reports most of it to an audit hook (`events.py`), and imports to a finder (`imports.py`).
For the rest, functions are replaced (`asking.py`). Each thing is noted here with the value that it
had when it was first seen.

A file that the run wrote itself does not count as read: the run decides what is in it.
"""

from __future__ import annotations

import os
from _thread import get_ident
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from derivload.outputs.journal import Journal
from derivload.outputs.kept_runs import ABSENT, FILE, FOLDER, OTHER, current, kind_of
from derivload.pytorch.script.callers import is_derivloads, is_standard
from derivload.pytorch.script.seen import ObservedRun


class CopySaw(NamedTuple):
    """What a copy of the process has seen, as plain data: the fields of `Watch` of these names."""

    seen: bytes
    opened: dict[str, int]
    parsed: dict[str, int]
    lined: list[str]
    read_of_own: list[str]


class Watch:
    """Sees what the script of this process does. There is one in a process.

    `value_path` is the YAML file that derivload reads just now, and `read_of_own` are the files
    that the run has read after it had written them.
    """

    def __init__(self, journal: Journal) -> None:
        self.seen = ObservedRun()
        self.value_path: str | None = None
        self.read_of_own: set[str] = set()
        self._journal = journal
        self._unwatched: dict[int, int] = {}
        self._comparing: dict[int, str] = {}
        self._opened: dict[str, int] = {}
        self._parsed: dict[str, int] = {}
        self._lined: set[str] = set()
        self._own: set[str] = set()
        self._saved: set[str] = set()
        self._set: set[str] = set()

    def is_watched(self) -> bool:
        """Whether what this thread does is the script's doing."""
        return not self._unwatched.get(get_ident())

    def is_own(self, path: str) -> bool:
        """Whether the run has written a file."""
        return path in self._own

    def is_known(self, path: str) -> bool:
        """Whether what is at a path is the run's own, or is about to be."""
        if path in self._own:
            return True
        compared = self._comparing.get(get_ident())
        return compared is not None and f"{compared}{os.sep}".startswith(f"{path}{os.sep}")

    def unwatched(self) -> AbstractContextManager[None]:
        """Inside, what this thread reads and writes is derivload's own business."""
        return _counted(self._unwatched)

    @contextmanager
    def comparing(self, path: str) -> Iterator[None]:
        """Inside, this thread reads a file only to compare it with what it would write there."""
        path = os.path.abspath(path)
        thread = get_ident()
        self._comparing[thread] = path
        try:
            yield
        finally:
            del self._comparing[thread]
        self.note_output(path)

    def refuse(self, reason: str) -> None:
        """Note why the run cannot be kept."""
        self.seen.reasons[reason] = None

    @contextmanager
    def reading_values(self, *paths: str) -> Iterator[None]:
        """Inside, derivload reads YAML files by their values. `value_path` is the first of them."""
        self.note_values(*paths)
        before, self.value_path = self.value_path, paths[0]
        try:
            with self.unwatched():
                yield
        finally:
            self.value_path = before

    def note_values(self, *paths: str) -> None:
        """Note YAML files of which only the value counts."""
        self.seen.values.update(dict.fromkeys(map(os.path.abspath, paths)))

    def note_files(self, *paths: str) -> None:
        """Note files that were read."""
        self.seen.files.update(dict.fromkeys(map(os.path.abspath, paths)))

    def note_absent(self, *paths: str) -> None:
        """Note files that were looked for and were not there."""
        for path in paths:
            self.note_kind(os.path.abspath(path), ABSENT)

    def note_lists(self, *paths: str) -> None:
        """Note folders that were listed."""
        for path in map(os.path.abspath, paths):
            if path not in self.seen.listed:
                self.seen.listed[path] = self._now("listed", path)

    def note_terminal(self, descriptor: int) -> None:
        """Note that the script asked whether a standard stream is a terminal."""
        if descriptor <= 2 and self.is_watched():
            name = str(descriptor)
            self.seen.terminals.setdefault(name, self._now("terminal", name))

    def note_module(self, path: str) -> None:
        """Note the file of a module, unless Python or derivload as a whole stands for it."""
        if not is_standard(path) and not is_derivloads(path) and os.path.isfile(path):
            self.seen.files[path] = None

    def note_read(self, path: str) -> None:
        """Note that the script is about to read a file, if it is there."""
        if self.is_known(path):
            if path in self._own:
                self.read_of_own.add(path)
            return
        kind = kind_of(path)
        if kind == FILE:
            self._opened[path] = self._opened.get(path, 0) + 1
        elif kind == OTHER and path != os.devnull:
            self.refuse(f"it read from {path}, which is no file")
        else:
            self.note_kind(path, kind)

    def note_write(self, path: str) -> None:
        """Note that the script is about to write a file."""
        kind = kind_of(path)
        if kind == FOLDER or path == os.devnull:
            return
        if kind == OTHER:
            self.refuse(f"it wrote to {path}, which is no file")
            return
        self.about_to_write(path)
        self.note_output(path)

    def about_to_write(self, path: str, *, follow: bool = True) -> None:
        """Have a file be put back if the run fails. Without `follow`, a link is replaced itself."""
        path = os.path.abspath(path)
        if path not in self._saved:
            self._saved.add(path)
            try:
                with self.unwatched():
                    self._journal.note_file(path, follow=follow)
            except (OSError, ValueError):
                self.refuse(f"{path} cannot be copied")

    def write(self, path: str, data: bytes) -> None:
        """Write a file in the script's stead: in its place, as the script does. Raises OSError."""
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            self.note_made(folder, is_new=True)
            os.makedirs(folder, exist_ok=True)
        self.about_to_write(path)
        with open(path, "wb") as file:
            file.write(data)

    def note_folders(self, path: str) -> None:
        """Note that the script is about to make a folder, and those above it, unless it is one."""
        if path not in self.seen.made:
            missing = [path]
            while not os.path.isdir(os.path.dirname(missing[-1])):
                missing.append(os.path.dirname(missing[-1]))
            for folder in reversed(missing):
                self.note_made(folder, is_new=kind_of(folder) == ABSENT)

    def note_made(self, path: str, *, is_new: bool) -> None:
        """Note a folder that the script is about to make, unless it is there."""
        if is_new:
            self._journal.note_folder(path)
        self.seen.made[path] = None

    def note_parsed(self, path: str) -> None:
        """Note that a YAML parser read all of a file that was opened."""
        path = os.path.abspath(path)
        self._parsed[path] = self._parsed.get(path, 0) + 1

    def note_lines_used(self, path: str) -> None:
        """Note that the numbers of lines of a YAML file went into something."""
        self._lined.add(os.path.abspath(path))

    def note_output(self, path: str) -> None:
        """Note a file that holds what the script would write to it."""
        path = os.path.abspath(path)
        self.seen.written[path] = None
        self._own.add(path)

    def note_kind(self, path: str, kind: str) -> None:
        """Note what is at a path."""
        self.seen.kinds.setdefault(path, kind)

    def note_link(self, path: str) -> None:
        """Note that the script asked where a link leads, or whether it is one."""
        if path not in self.seen.links:
            self.seen.links[path] = self._now("link", path)

    def note_status(self, path: str) -> None:
        """Note that the script asked for the size or the times of a file."""
        if path not in self.seen.statuses:
            self.seen.statuses[path] = self._now("status", path)

    def note_set(self, name: str) -> None:
        """Note that the script sets an environment variable."""
        self._set.add(name)

    def note_variables(self, *names: str) -> None:
        """Note environment variables, unless the script has set them itself."""
        for name in names:
            if name not in self.seen.variables and name not in self._set:
                self.seen.variables[name] = self._now("variable", name)

    def is_opened(self, path: str) -> bool:
        """Whether the script itself has opened a file."""
        return path in self._opened

    def begin_copy(self) -> None:
        """In a copy of the process: forget what was seen before, for `tell`."""
        self.seen = ObservedRun()
        self.read_of_own = set()
        self._opened, self._parsed, self._lined = {}, {}, set()

    def tell(self) -> CopySaw:
        """In a copy of the process: what it saw."""
        opened, parsed = self._opened, self._parsed
        own = [*self.read_of_own]
        return CopySaw(self.seen.render(), opened, parsed, [*self._lined], own)

    def take(self, saw: CopySaw) -> None:
        """Take what a copy of the process saw as seen here."""
        self.seen.take(saw.seen)
        for counts, more in ((self._opened, saw.opened), (self._parsed, saw.parsed)):
            for path, count in more.items():
                counts[path] = counts.get(path, 0) + count
        self._lined.update(saw.lined)
        self.read_of_own.update(saw.read_of_own)

    def finish(self) -> ObservedRun:
        """What was seen so far."""
        seen = self.seen
        for path, count in self._opened.items():
            if count != self._parsed.get(path):
                seen.files[path] = None
            else:
                seen.values[path] = None
        for path in seen.values.keys() & (self._lined | seen.files.keys()):
            del seen.values[path]
            seen.files[path] = None
        return seen

    def path_of(self, name: object, folder: object = -1) -> str | None:
        """The absolute path of what an event names; None for what has none."""
        if isinstance(name, int):
            if name == 0:
                self.refuse("it read from stdin")
            path = _path_of_descriptor(name)
            if path is None and name > 2:
                return None  # a pipe, or what was seen when it was opened
            return path
        if not isinstance(name, (str, bytes, os.PathLike)):
            return None
        text = os.fsdecode(name)
        if isinstance(folder, int) and folder >= 0 and not os.path.isabs(text):
            above = _path_of_descriptor(folder)
            if above is None:
                self.refuse("it used a folder by a number")
                return None
            text = os.path.join(above, text)
        return os.path.abspath(text)

    def _now(self, kind: str, path: str) -> str:
        with self.unwatched():
            return current(kind, path)


@contextmanager
def _counted(threads: dict[int, int]) -> Iterator[None]:
    thread = get_ident()
    threads[thread] = threads.get(thread, 0) + 1
    try:
        yield
    finally:
        threads[thread] -= 1


def _path_of_descriptor(number: int) -> str | None:
    """The path of an open file or folder; None where the system does not tell."""
    try:
        path = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return None
    return path if path.startswith("/") else None
