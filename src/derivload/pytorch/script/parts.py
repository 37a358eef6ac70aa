"""Answers parts of a run whole: calls of functions that derivload has no short cut for.

What such a call does depends on the command line and on everything that the process has read by the
end of the call. The one exception is `derivatives.yaml` if only derivload's engine has read it: its
contents go to the generators of autograd alone. If nothing of this changed, and the files that the
call wrote are there, the call is left out, and what it depends on is noted for the whole run.
"""

from __future__ import annotations

import os
import sys
from copy import copy
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from derivload.outputs.kept_runs import INPUT, OUTPUT, VALUE, RecordLine, check, read_record
from derivload.outputs.kept_values import holds_by_value
from derivload.pytorch.importable import FunctionReplacement
from derivload.pytorch.script.seen import PART, write_seen

if TYPE_CHECKING:
    from derivload.pytorch.script.imports import Change, Imports
    from derivload.pytorch.script.seen import ObservedRun
    from derivload.pytorch.script.watching import Watch

_DERIVATIVES: Final = "derivatives.yaml"


class Parts:
    """Answers calls.

    `record` is the path of the run's record, and `folder` is for notes. `context` is the digest of
    the run's surroundings; only the parent process can compute it.
    """

    def __init__(
        self, watch: Watch, imports: Imports, record: str, folder: str, context: str
    ) -> None:
        self._watch = watch
        self._imports = imports
        self._record = record
        self._folder = folder
        self._context = context
        self._counts: dict[str, int] = {}

    def answer(self, name: str) -> Change:
        """What to do with a module that has a function of this name: have its calls answered."""

        def change(module: ModuleType) -> None:
            original = getattr(module, name, None)
            if original is None:
                return

            def called(*arguments: Any, **how: Any) -> Any:
                number = self._counts[name] = self._counts.get(name, 0) + 1
                part = f"{PART}{name}-{number}"
                with self._watch.unwatched():
                    if self._is_answered(part):
                        return None
                written, printed = [*self._watch.seen.written], len(self._watch.seen.printed)
                result = original(*arguments, **how)
                if result is None:
                    with self._watch.unwatched():
                        self._note(part, written, printed)
                return result

            setattr(module, name, FunctionReplacement(name, original, called))

        return change

    def _is_answered(self, part: str) -> bool:
        path = f"{self._record}.{part}"
        items = read_record(path)
        if not items:
            return False
        if any(item.kind == "context" and item.value != self._context for item in items):
            return False
        differing = check(item for item in items if item.kind != "context").differing
        if differing and not holds_by_value(path, items, differing):
            return False
        for item in items:
            self._take(item)
        return True

    def _take(self, item: RecordLine) -> None:
        """Note for the whole run what a part depends on, and what it wrote and printed."""
        seen = self._watch.seen
        noted = {
            "kind": seen.kinds,
            "link": seen.links,
            "status": seen.statuses,
            "listed": seen.listed,
            "variable": seen.variables,
            "terminal": seen.terminals,
        }
        if item.kind in noted:
            noted[item.kind].setdefault(item.name, item.value)
        elif item.kind == INPUT:
            seen.files[item.name] = None
        elif item.kind == VALUE:
            seen.values[item.name] = None
        elif item.kind == OUTPUT:
            self._watch.note_output(item.name)
        elif item.kind == "modules":
            folder, *names = item.name.split("\0")
            seen.modules.setdefault(folder, set()).update(names)
        elif item.kind == "printed":
            stream = sys.stdout if item.value == "1" else sys.stderr
            stream.flush()
            stream.buffer.write(bytes.fromhex(item.name))
            stream.flush()

    def _note(self, part: str, written: list[str], printed: int) -> None:
        """Note a call that has ended, for the process that keeps records."""
        self._imports.finish()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        seen: ObservedRun = copy(self._watch.finish())
        before = dict.fromkeys(written)
        if seen.reasons or self._watch.read_of_own & before.keys():
            return
        seen.written = {path: None for path in seen.written if path not in before}
        seen.printed = seen.printed[printed:]
        seen.values = {path: None for path in seen.values if not self._is_of_engine(path)}
        write_seen(os.path.join(self._folder, part), seen)

    def _is_of_engine(self, path: str) -> bool:
        is_opened = self._watch.is_opened(path)
        return os.path.basename(path) == _DERIVATIVES and not is_opened
