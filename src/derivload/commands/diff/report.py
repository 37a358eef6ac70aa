"""What `derivload diff` found, ready to be printed."""

from __future__ import annotations

from typing import NamedTuple

from derivload.commands.diff.sides import Side
from derivload.engine.difference import FullDifference, FunctionChange
from derivload.engine.folding import Widespread


class DiffReport(NamedTuple):
    """What differs. `changed` are the functions of `found` without what is `widespread`."""

    before: Side
    after: Side
    found: FullDifference
    changed: tuple[FunctionChange, ...]
    widespread: tuple[Widespread, ...]

    @property
    def has_differences(self) -> bool:
        """Whether anything differs that was asked for, besides the release that is followed."""
        found = self.found
        heads = [change for change in found.documents if change.what != "torch_version"]
        return bool(found.added or found.removed or found.renamed or found.changed or heads)

    @property
    def note(self) -> str:
        """What could not be compared, in a sentence, or ""."""
        sides = (self.before, self.after)
        without = [side.name for side in sides if side.lines.facts is None]
        if without:
            return f"kernels and autogen are not compared: {_do_not_say(without)} them"
        documents = [side.name for side in sides if side.request is None]
        if documents:
            return f"autogen is not compared: {_do_not_say(documents)} it"
        return ""


def _do_not_say(names: list[str]) -> str:
    return f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not say"
