"""A session that follows edits of a few operators, compared in full with loads of their own."""

from __future__ import annotations

from typing import NamedTuple

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.load import load_texts
from derivload.engine.outcome import Outcome, outcome_of
from derivload.engine.session import Session
from derivload.engine.texts import Text, Texts
from derivload.sources.additions import NOTHING, Additions

CPU = "  dispatch:\n    CPU: k\n"
DEFINITIONS = (
    "- name: gild(Tensor self, float luster=0.5) -> Tensor\n  self: grad * luster\n"
    "- name: fold(Tensor(a) self) -> Tensor(a)\n  self: fold_back(grad)\n"
    "- name: hammer(Tensor self, Tensor w) -> Tensor\n  self: grad * w\n  w: grad * self\n"
    "- name: temper(Tensor self) -> Tensor\n  self: grad\n"
)
NATIVES = (
    f"- func: gild(Tensor self, float luster=0.5) -> Tensor\n{CPU}"
    f"- func: gild_(Tensor(a!) self, float luster=0.5) -> Tensor(a!)\n{CPU}"
    "- func: fold(Tensor(a) self) -> Tensor(a)\n  dispatch:\n    CompositeExplicitAutograd: k\n"
    "- func: fold_copy(Tensor self) -> Tensor\n  dispatch:\n"
    "    CompositeExplicitAutogradNonFunctional: k\n  tags: view_copy\n"
    "- func: hammer(Tensor self, Tensor w) -> Tensor\n  structured_delegate: forge.out\n"
    "- func: forge.out(Tensor self, Tensor w, *, Tensor(a!) out) -> Tensor(a!)\n"
    f"  structured: True\n{CPU}"
    "- func: forge(Tensor self, Tensor w) -> Tensor\n  structured_delegate: forge.out\n"
    f"- func: temper(Tensor self) -> Tensor\n{CPU}"
    f"- func: polish_(Tensor(a!) self) -> Tensor(a!)\n{CPU}"
    f"- func: polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n{CPU}"
)
TAGS = "- tag: view_copy\n  desc: x\n- tag: core\n  desc: x\n"


class Files(NamedTuple):
    """The texts of a load."""

    definitions: str = DEFINITIONS
    natives: str = NATIVES
    overlays: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    tags: str = TAGS
    additions: Additions = NOTHING
    backends: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()

    @property
    def texts(self) -> Texts:
        return Texts(
            Text("d", self.definitions),
            (Text("n", self.natives), *(Text(f"o{i}", o) for i, o in enumerate(self.overlays))),
            Text("t", self.tags),
            self.unread,
            tuple(Text(f"m{i}", more) for i, more in enumerate(self.more)),
            self.additions,
            tuple(Text(f"b{i}", backend) for i, backend in enumerate(self.backends)),
        )

    def edited(self, *edits: tuple[str, str]) -> Files:
        """With other words in the place of some, wherever they stand."""
        definitions, natives = self.definitions, self.natives
        for old, new in edits:
            assert old in definitions + natives, old
            definitions, natives = definitions.replace(old, new), natives.replace(old, new)
        return self._replace(definitions=definitions, natives=natives)


START = Files()


class Told(NamedTuple):
    """All that is told of a load."""

    diagnostics: list[Diagnostic]
    warnings: list[Diagnostic]
    suppressed: list[str]
    refused: list[Diagnostic]
    lines: object


def told_of(outcome: Outcome, texts: Texts) -> Told:
    assert outcome.make_linted is not None
    linted = outcome.make_linted()
    has_errors = bool(outcome.diagnostics)
    judged = judge(linted, texts, has_errors=has_errors)
    refused = judge(linted, texts, has_errors=has_errors, with_refused=True)
    return Told(
        outcome.diagnostics,
        place_all(judged.shown, texts),
        sorted(one.id for one in judged.suppressed),
        place_all(refused.shown, texts),
        outcome.lines,
    )


class Followed:
    """A session that follows texts; at each step, it tells what a load of its own tells."""

    def __init__(self, files: Files = START, version: str = NEWEST.version) -> None:
        self.dialect = DIALECTS[version]
        self.session = Session(self.dialect, with_refused=True)
        assert not self.go(files).is_incremental

    def go(self, files: Files) -> Outcome:
        outcome = self.session.load(files.texts)
        whole = outcome_of(load_texts(files.texts, self.dialect))
        assert told_of(outcome, files.texts) == told_of(whole, files.texts)
        assert outcome.note == whole.note
        assert outcome.is_of_entries == whole.is_of_entries
        counts = outcome.counts
        entries = self.session.entries
        assert entries is not None
        if outcome.is_incremental:
            everything = len(entries.natives) + len(entries.definitions)
            assert counts["read"] + counts["reused"] == everything
        return outcome
