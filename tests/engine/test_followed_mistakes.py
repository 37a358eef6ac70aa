"""Edits of a few operators that bring mistakes, followed step by step, and compared in full."""

from __future__ import annotations

import pytest

from derivload.sources.additions import Additions
from support.followed import CPU, DEFINITIONS, NATIVES, START, TAGS, Files, Followed, told_of

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
    "a torn function": (
        "func: gild(Tensor self, float luster=0.5)",
        "func: gild(Tensor self: [, float luster=0.5)",
        "DL003",
    ),
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


def test_a_torn_definition_costs_the_family_that_it_names() -> None:
    for name, read in {"temper.x": 3, "gild.x": 4, "anvil": 1, "hammer": 5}.items():
        torn = f"{DEFINITIONS}- name: {name}(Tensor self: [\n"
        assert Followed().go(START._replace(definitions=torn)).counts["read"] == read, name


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


def test_what_a_torn_definition_may_say_is_not_missed() -> None:
    strides = START.edited(("grad * luster", "grad + self.sym_strides()"))
    followed = Followed()
    (found,) = followed.go(strides).diagnostics
    assert found.code == "DL501"
    for name, codes in {"gild": ["DL003"], "anvil": ["DL003", "DL501"]}.items():
        torn = f"{strides.definitions}- name: {name}.x(Tensor self: [\n"
        outcome = followed.go(strides._replace(definitions=torn))
        assert (outcome.is_incremental, [d.code for d in outcome.diagnostics]) == (True, codes)


def test_warnings_of_a_family_with_mistakes_are_told_too() -> None:
    natives = f"{NATIVES}- func: lone(Tensor self) -> Tensor\n"
    definitions = f"{DEFINITIONS}- name: lone(Tensor self) -> Tensor\n  self: grad * slef\n"
    start = START._replace(natives=natives, definitions=definitions)
    followed = Followed(start)
    unknown = "- name: lone.x(Tensor self) -> Tensor\n  self: grad * sefl\n"
    for wrong in (
        start._replace(definitions=definitions + unknown),
        start._replace(definitions=unknown + definitions),
        start._replace(definitions=definitions + unknown + definitions),
    ):
        outcome = followed.go(wrong)
        assert outcome.is_incremental
        found = {one.code for one in told_of(outcome, wrong.texts).warnings}
        assert found >= {"DL602", "DL604"}
    first = START._replace(
        natives=f"- func: lone(Tensor self) -> Tensor\n{NATIVES}", definitions=definitions
    )
    followed = Followed(first)
    # What is refused of a family without a mistake is told in the place of its warning.
    both = first.edited(("grad * slef", "slef * grad"), ("name: temper(", "name: temmper("))
    outcome = followed.go(both)
    assert outcome.is_incremental
    told = told_of(outcome, both.texts)
    assert [one.code for one in told.diagnostics] == ["DL405"]
    assert [one.code for one in told.warnings] == ["DL604", "DL602"]
    assert [one.code for one in told.refused] == ["DL602", "DL801", "DL830"]


def test_a_call_speaks_against_a_warning_beside_mistakes_too() -> None:
    """A name that another formula calls is that of a function, where it is not called too."""
    used = ("  self: grad\n", "  self: apply(grad, anneal)\n")
    calls = ("grad * self", "anneal(grad)")
    torn = ("grad * luster", "'grad * anneal(luster)")
    wrong = ("grad * luster", "grads[7] * anneal(luster)")
    followed = Followed()
    for edits, is_warned in [
        ([used], True),
        ([used, calls], False),
        ([used, calls, ("grad * luster", "grads[7]")], False),
        ([used, wrong], False),
        ([used, torn], True),
        ([used, ("grad * luster", "grads[7]")], True),
    ]:
        files = START.edited(*edits)
        outcome = followed.go(files)
        assert outcome.is_incremental
        found = [one.code for one in told_of(outcome, files.texts).warnings]
        assert (found == ["DL602"]) == is_warned, edits
        deprecated = outcome.make_linted
        assert deprecated is not None
        entries = deprecated().entries
        schemas = [*entries.schemas_of(frozenset({"gild", "temper"}))]
        assert [schema.partition("(")[0] for schema in schemas] == ["gild", "gild_", "temper"]
        assert entries.may_have("anneal")
        assert not entries.may_have("nothing at all")


def test_other_tags_are_loaded_in_full() -> None:
    followed = Followed()
    assert not followed.go(START._replace(tags=f"{TAGS}- tag: new\n  desc: x\n")).is_incremental
    assert not followed.go(START._replace(tags=f"{TAGS}- tag: 1\n")).is_incremental
    assert not followed.go(START).is_incremental
    assert followed.go(START._replace(tags=TAGS.replace("desc: x", "desc: y"))).is_incremental
