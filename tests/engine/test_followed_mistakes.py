"""Edits of a few operators that bring mistakes, followed step by step, and compared in full."""

from __future__ import annotations

from typing import NamedTuple

import pytest

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
    refused = judge(linted._replace(found=[]), texts, has_errors=True, with_refused=True)
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


MISTAKES: dict[str, tuple[str, str, str]] = {
    "a formula that asks for another gradient": ("grad * luster", "grads[7]", "DL"),
    "a formula with two mistakes": ("grad * luster", "grads[7] * self.dtype()(", ""),
    "a schema that is not known": (
        "name: gild(Tensor self, float luster=0.5)",
        "name: gild(Tensor self, float lustre=0.5)",
        "DL405",
    ),
    "a name that is not known": ("name: temper(", "name: temmper(", "DL405"),
    "a name like that of an out variant": ("name: temper(", "name: polishh(", "DL405"),
    "a name like none": ("name: temper(", "name: zzz(", "DL405"),
    "a definition without brackets": ("name: temper(Tensor self) -> Tensor", "name: temper", ""),
    "a definition that names two things": (
        *("name: temper(Tensor self) -> Tensor", "name: temper gild", ""),
    ),
    "a definition without a name": ("name: temper(Tensor self) -> Tensor", "nome: x", ""),
    "a name that is a list": ("name: temper(Tensor self) -> Tensor", "name: [x]", ""),
    "a name that is no name": ("name: temper(", "name: te mper(", ""),
    "a schema of a function that is wrong": ("func: temper(Tensor", "func: temper(Tensr", ""),
    "a function without a schema": ("func: temper(Tensor self) -> Tensor", "fnuc: x", ""),
    "a function with another name": ("func: temper(", "func: tamper(", "DL405"),
    "a tag that is not known": ("tags: view_copy", "tags: view_cpoy", ""),
    "a view without its copy": ("func: fold_copy(", "func: bold_copy(", ""),
    "a delegate that is not structured": ("  structured: True\n", "", "DL305"),
    "a delegate that is not there": ("_delegate: forge.out", "_delegate: frge.out", ""),
    "a delegate with a slip": (
        "w) -> Tensor\n  structured_delegate: forge.out\n- func: forge.out",
        "w) -> Tensor\n  structured_delegate: forje.out\n- func: forge.out",
        "",
    ),
    "a function twice": ("func: temper(", "func: gild(", ""),
    "a key twice": ("  self: grad\n", "  self: grad\n  self: grad\n", "DL009"),
    "a key twice in a function": (
        "func: temper(Tensor self) -> Tensor\n",
        "func: temper(Tensor self) -> Tensor\n  func: temper(Tensor self) -> Tensor\n",
        "DL009",
    ),
    "a torn quote": ("self: grad * luster", "self: 'grad", "DL003"),
    "a torn list": ("self: grad * luster", "self: [grad", "DL003"),
    "an entry that is no mapping": (
        "- name: temper(Tensor self) -> Tensor\n  self: grad",
        "- x",
        "",
    ),
    "a line that is half typed": ("  self: grad * luster", "s", ""),
    "a mistake that another one hides": (
        *("_delegate: forge.out", "_delegate: forge.out\n  nonsense: 1", ""),
    ),
}


def mistake(name: str) -> tuple[Files, str]:
    old, new, code = MISTAKES[name]
    return START.edited((old, new)), code


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_as_by_a_load_of_its_own(name: str) -> None:
    wrong, code = mistake(name)
    followed = Followed()
    outcome = followed.go(wrong)
    assert outcome.is_incremental
    assert outcome.diagnostics
    assert code in "".join(found.code for found in outcome.diagnostics)
    # While it is there, another family is edited, which is read with it.
    other = ("fold_back(grad)", "fold_forth(grad)")
    both = followed.go(wrong.edited(other))
    assert both.is_incremental
    assert both.counts["reused"]
    assert followed.go(wrong.edited(("  w: grad * self", "  w: grad * slef"), other)).is_incremental
    right = followed.go(START.edited(other))
    assert right.is_incremental
    assert not right.diagnostics
    assert followed.go(START).is_incremental
    # One that begins with the mistake goes on from the families without it.
    begun = Followed(wrong)
    assert begun.go(wrong.edited(other)).is_incremental
    assert begun.go(START).is_incremental


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("a formula that asks for another gradient", (3, 11, 1, 2)),
        ("a name that is not known", (2, 12, 1, 1)),
        ("a delegate that is not structured", (4, 10, 1, 3)),
        ("a torn quote", (3, 11, 1, 2)),
    ],
)
def test_a_mistake_costs_its_families(name: str, counts: tuple[int, ...]) -> None:
    outcome = Followed().go(mistake(name)[0])
    assert (*outcome.counts.values(),) == counts
    assert [*outcome.counts] == ["read", "reused", "derived", "matched"]


def test_a_name_is_meant_in_another_family_as_by_a_load_of_its_own() -> None:
    wrong = START.edited(("name: temper(", "name: polishh("))
    (found,) = Followed().go(wrong).diagnostics
    assert found.help == "did you mean `polish`?"
    # In old releases, names do not tell which function a definition may be of.
    assert not Followed(version="2.1").go(wrong).is_incremental


def test_what_only_a_full_load_can_tell_is_loaded_in_full() -> None:
    wrong = ("grad * luster", "grads[7]")
    overlay = f"- func: anvil(Tensor self) -> Tensor\n{CPU}"
    backend = "backend: XPU\ncpp_namespace: x\nsupported:\n- gild\n"
    for start, edits in [
        (START._replace(backends=(backend,)), wrong),
        (START._replace(additions=Additions(override=True), overlays=(overlay,)), wrong),
        (START._replace(unread=frozenset({"o0"}), overlays=("",)), wrong),
        (START, ("self: grad * luster", "self: &a grads[7]")),
        (START, ("name: temper(", "name: foreach_temper(")),
    ]:
        followed = Followed(start)
        assert not followed.go(start.edited(edits)).is_incremental
        followed.go(start)


def test_an_overlay_with_mistakes_is_followed() -> None:
    good = f"- func: anvil(Tensor self) -> Tensor\n{CPU}"
    start = START._replace(
        overlays=(good,),
        more=("- name: forge(Tensor self, Tensor w) -> Tensor\n  self, w: f(grad)\n",),
    )
    followed = Followed(start)
    for overlay, is_incremental in [
        (f"- func: anvil(Tensr self) -> Tensor\n{CPU}", True),
        (f"{good}- func: gild.x(Tensor self, float luster=0.5) -> Tensor\n{CPU}", True),
        (f"{good}- func: mine::gild(Tensor self, int n) -> Tensor\n{CPU}", True),
        (f"{good}- func: anvil\n", False),
        ("- func: anvil\n- func: gild\n", False),
    ]:
        outcome = followed.go(start._replace(overlays=(overlay,)))
        assert (outcome.is_incremental, bool(outcome.diagnostics)) == (is_incremental, True), (
            overlay
        )
        assert followed.go(start).diagnostics == []
    twice = START.definitions.partition("- name: fold")[0]
    outcome = followed.go(start._replace(more=(*start.more, twice)))
    assert (outcome.is_incremental, [d.code for d in outcome.diagnostics]) == (True, ["DL415"])


def test_what_backends_register_is_checked_again_where_functions_change() -> None:
    backend = "backend: XPU\ncpp_namespace: x\nsupported:\n- gild\n- gild\n- temper\n"
    start = START._replace(backends=(backend,))
    followed = Followed(start)
    for files in (
        start.edited(("grad * luster", "luster * grad")),
        start.edited(("  tags: view_copy", "  tags: [view_copy, core]")),
        start,
        start._replace(backends=(backend.replace("- temper\n", "- temper\n- temper\n"),)),
        start._replace(backends=(backend, backend)),
        START,
        start,
    ):
        outcome = followed.go(files)
        assert outcome.is_incremental
        assert outcome.backends is not None
        codes = [found.code for found in told_of(outcome, files.texts).warnings]
        assert bool(codes) == bool(files.backends)
    # A mistake in it can only be told by a full load, also that there is no such function any more.
    for wrong in (
        start._replace(backends=(backend.replace("temper", "tamper"),)),
        start.edited(("func: temper(", "func: tamper("), ("name: temper(", "name: tamper(")),
    ):
        outcome = followed.go(wrong)
        assert (outcome.is_incremental, [d.code for d in outcome.diagnostics]) == (False, ["DL707"])
        followed.go(start)


def test_comments_count_behind_an_entry_that_cannot_be_read() -> None:
    comment = "# derivload: ignore[DL602]"
    files = START.edited(
        ("  self: grad\n", f"  self: slef  {comment}\n"),
        ("self: grad * luster", f"self: 'grad  {comment}"),
    )
    followed = Followed()
    outcome = followed.go(files)
    assert outcome.is_incremental
    assert [found.code for found in outcome.diagnostics] == ["DL003"]
    assert len(told_of(outcome, files.texts).suppressed) == 1


def test_other_tags_are_loaded_in_full() -> None:
    followed = Followed()
    assert not followed.go(START._replace(tags=f"{TAGS}- tag: new\n  desc: x\n")).is_incremental
    assert not followed.go(START._replace(tags=f"{TAGS}- tag: 1\n")).is_incremental
    assert not followed.go(START).is_incremental
    assert followed.go(START._replace(tags=TAGS.replace("desc: x", "desc: y"))).is_incremental


def test_families_are_loaded_by_themselves() -> None:
    session = Followed().session
    found = {
        (file, line): session.family_at(file, line)
        for file in "dnt"
        for line in range(40)
        if session.family_at(file, line) is not None
    }
    assert found == {
        ("d", 1): "gild",
        ("d", 3): "fold",
        ("d", 5): "hammer",
        ("d", 8): "temper",
        **{("n", 1 + i): f for i, f in {0: "gild", 3: "gild", 6: "fold", 9: "fold"}.items()},
        **{("n", i): f for i, f in {14: "hammer", 16: "forge", 20: "forge"}.items()},
        **{("n", i): f for i, f in {22: "temper", 25: "polish", 28: "polish"}.items()},
    }
    for family, names in {
        "gild": ["gild", "gild_"],
        "fold": ["fold", "fold_copy"],
        "hammer": ["hammer", "forge.out", "forge"],
        "forge": ["hammer", "forge.out", "forge"],
        "nothing": [],
    }.items():
        load = session.load_family(family)
        assert load is not None
        assert [function.name.text for function in load.natives] == names
        assert [f.entry.line for f in load.natives] == [
            line
            for (file, line), own in found.items()
            if file == "n"
            and own in {f.name.base.removesuffix("_copy").removesuffix("_") for f in load.natives}
        ]
    made = session.load_family("gild")
    assert made is not None
    assert [one.entry.line for one in made.derived] == [1]
    assert len(made.matched) == 2
    assert Session(NEWEST).load_family("gild") is None
    assert Session(NEWEST).family_at("d", 1) is None


def test_a_family_with_mistakes_is_loaded_where_that_is_asked_for() -> None:
    followed = Followed()
    followed.go(START.edited(("grad * luster", "grads[7]")))
    session = followed.session
    assert session.family_at("d", 1) == "gild"
    assert session.load_family("gild") is None
    assert session.load_family("temper") is None
    load = session.load_family("gild", with_mistakes=True)
    assert load is not None
    assert load.mistakes
    assert len(load.natives) == 2
    followed.go(START.edited(("self: grad * luster", "self: 'grad")))
    load = session.load_family("gild", with_mistakes=True)
    assert load is not None
    assert (len(load.natives), load.derived, load.wrong) == (2, [], [])
    assert session.family_at("d", 1) is None
    assert session.keep() is None
    assert session.content() is None
    followed.go(START)
    assert session.load_family("gild") is not None
    assert session.keep() is not None
    assert session.content() is not None


def test_what_another_session_kept_is_gone_on_from() -> None:
    first = Followed().session
    lines = first.load(START.texts).lines
    kept = first.keep()
    assert kept is not None
    assert lines is not None
    edit = START.edited(("grad * luster", "luster * grad"))
    for with_refused, is_incremental in [(True, True), (False, True)]:
        session = Session(NEWEST, with_refused=with_refused)
        assert not session.is_restored
        session.restore(kept, lines.records, [*lines.functions, *lines.generated])
        assert session.is_restored
        assert session.content() == first.content()
        assert session.load(edit.texts).is_incremental == is_incremental
        assert session.entries is not None
    without = Session(NEWEST)
    without.load(START.texts)
    kept = without.keep()
    assert kept is not None
    session = Session(NEWEST, with_refused=True)
    session.restore(kept, lines.records, [*lines.functions, *lines.generated])
    # Nobody has looked for what is refused.
    assert not session.load(edit.texts).is_incremental
    other = Session(NEWEST)
    other.restore(kept, lines.records[1:], [*lines.functions, *lines.generated])
    assert not other.is_restored
    assert other.keep() is None
    assert other.content() is None
