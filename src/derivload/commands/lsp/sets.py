"""The sets of inputs that a server has: one for each settings file or tree in which files are open.

The names of a set are relative to its folder, so that is the current folder while the set is the
current one. All is done in one thread, so nothing is between that and what is done with the set.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from derivload.loading.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from derivload.commands.lsp.workbench import Workbench


class InputSets:
    """The sets of inputs. `find` finds one from the current folder on; it raises UsageError."""

    def __init__(self, find: Callable[[], Workbench]) -> None:
        self._find = find
        self._folders: dict[Workbench, str] = {}
        self._missing: dict[str, str | None] = {}
        self.current: Workbench | None = None
        """The set that was asked for last."""

    def __iter__(self) -> Iterator[Workbench]:
        return iter([*self._folders])

    def enter(self, bench: Workbench) -> None:
        """Make a set the current one."""
        if bench is not self.current:
            self.current = bench
            with contextlib.suppress(OSError):  # the folder is gone, and its files with it
                os.chdir(self._folders[bench])

    def of(self, path: str) -> tuple[Workbench, str] | None:
        """The set that a file is an input of, which becomes the current one, and its name there."""
        for bench in self:
            name = bench.name_of(path)
            if name is not None:
                self.enter(bench)
                return bench, name
        return None

    def add(self, folder: str, having: str | None = None) -> Workbench | None:
        """Find the set of a folder. It becomes the current one; None if it is there already.

        With `having`, only if that file is one of its inputs. Raises UsageError and OSError; then
        `missing` finds it once it is there.
        """
        try:
            os.chdir(folder)
            bench = self._find()
        except (UsageError, OSError):
            self._missing[folder] = having
            self._return()
            raise
        is_there = any(set(bench.inputs_on_disk) == set(one.inputs_on_disk) for one in self)
        if is_there or (having is not None and bench.name_of(having) is None):
            bench.end()
            self._return()
            return None
        self._folders[bench] = folder
        self.current = bench
        return bench

    def _return(self) -> None:
        if self.current is not None:
            with contextlib.suppress(OSError):
                os.chdir(self._folders[self.current])

    def missing(self) -> list[tuple[str, str | None]]:
        """The folders whose sets could not be found, to be looked for again, and for which file."""
        found, self._missing = self._missing, {}
        return [*found.items()]

    def remove(self, bench: Workbench) -> str:
        """Forget a set; the folder that it was found from."""
        bench.end()
        if self.current is bench:
            self.current = None
        return self._folders.pop(bench)

    @property
    def watched(self) -> list[str]:
        """The paths whose files decide what is loaded, of all sets."""
        return [
            str(Path(at, path)) for bench, at in self._folders.items() for path in bench.watched
        ]
