"""What is wrong between an entry of PyTorch's and one of an overlay is told of the overlay's."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic, Invalid, Mistake
from derivload.engine.blame import Blame
from derivload.engine.load import load_texts
from derivload.engine.overlays import Replaced
from derivload.engine.texts import Text, Texts
from derivload.native.generation import Misfit
from derivload.sources.additions import Additions
from derivload.sources.entries import Entry
from derivload.sources.mistakes import Found
from support.in_full import check_recorded

TAGS = "- tag: view_copy\n  desc: x\n- tag: inplace_view\n  desc: x\n"
CPU = "  dispatch:\n    CPU: f\n"
CUDA = "  dispatch:\n    CUDA: f\n"
EXPLICIT = "  dispatch:\n    CompositeExplicitAutograd: f\n"
COPY = "  dispatch:\n    CompositeExplicitAutogradNonFunctional: f\n  tags: view_copy\n"
STRIDES = "  self: grad.as_strided_symint(self.sym_sizes(), self.sym_strides())\n"


class Case(NamedTuple):
    """Texts of which those of overlays are wrong. `says` is what the one message must have."""

    code: str
    natives: str
    overlay: str = ""
    derivatives: str = "[]\n"
    more: str = ""
    override: bool = False
    says: str = ""
    place: str = "overlay.yaml"


def of(*entries: str) -> str:
    return "".join(f"- func: {entry}" for entry in entries)


OUT = "polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"
VIEW = of(
    f"fold(Tensor(a) self) -> Tensor(a)\n{EXPLICIT}", f"fold_copy(Tensor self) -> Tensor\n{COPY}"
)
CASES = {
    "a delegate of another namespace": Case(
        "DL305",
        of(
            "polish(Tensor self) -> Tensor\n  structured_delegate: polish.out\n",
            "polish_(Tensor(a!) self) -> Tensor(a!)\n  structured_delegate: polish.out\n",
            f"{OUT}  structured: True\n{CPU}",
        ),
        of("mine::polish.out(Tensor self, int n, *, Tensor(a!) out) -> Tensor(a!)\n"),
        says="this makes `polish` (natives.yaml:1) wrong: `mine::polish.out` is not structured",
    ),
    "a delegate that was replaced": Case(
        "DL305",
        of(
            "polish(Tensor self) -> Tensor\n  structured_delegate: polish.out\n",
            f"{OUT}  structured: True\n{CPU}",
        ),
        of(f"{OUT}{CPU}"),
        override=True,
        says="`polish` (natives.yaml:1) wrong: `polish.out` is not structured",
    ),
    "two of one kind": Case(
        "DL301",
        of(f"polish.a(Tensor self) -> Tensor\n{CPU}"),
        of(f"mine::polish.b(Tensor self) -> Tensor\n{CPU}"),
        says="`mine::polish.b` and `polish.a` (natives.yaml:1) are both the functional variant",
    ),
    "two of one kind, the first of them replaced": Case(
        "DL301",
        of(
            f"polish.a(Tensor self, int n) -> Tensor\n{CPU}",
            f"polish.b(Tensor self) -> Tensor\n{CPU}",
        ),
        of(f"polish.a(Tensor self) -> Tensor\n{CPU}"),
        override=True,
        says="`polish.b` (natives.yaml:4) wrong: `polish.b` and `polish.a` (overlay.yaml:1)",
    ),
    "an out variant whose functional was replaced": Case(
        "DL302",
        of(f"polish(Tensor self) -> Tensor\n{CPU}", f"{OUT}{CPU}"),
        of(f"polish(Tensor self, int n) -> Tensor\n{CPU}"),
        override=True,
        says="`polish.out` (natives.yaml:4) wrong: `polish.out` is an out variant without any",
    ),
    "a name with a kernel for the same key": Case(
        "DL304",
        of(f"polish(Tensor self) -> Tensor\n{CPU}"),
        of(f"mine::polish(Tensor self, int n) -> Tensor\n{CPU}"),
        says="`mine::polish` is declared twice: here and at natives.yaml:1, as `polish`",
    ),
    "the name of a variant that is generated": Case(
        "DL304",
        of(f"polish(Tensor self) -> Tensor\n  autogen: polish.out\n{EXPLICIT}"),
        of(
            f"polish.out(Tensor self, int n, *, Tensor(a!) out) -> Tensor(a!)\n{EXPLICIT}",
            f"polish.n(Tensor self, int n) -> Tensor\n{EXPLICIT}",
        ),
        says="wrong: `polish` gets a variant `polish.out`, which overlay.yaml:1 declares already",
    ),
    "one more view": Case(
        "DL310",
        of("fold(Tensor(a) self) -> Tensor(a)\n"),
        of("mine::fold_copy(Tensor(a) self) -> Tensor(a)\n"),
        says="`mine::fold_copy` and `fold` are the same variant",
    ),
    "a copy that is replaced": Case(
        "DL313",
        VIEW,
        of("fold_copy(Tensor self) -> Tensor\n" + COPY.replace("  tags: view_copy\n", "")),
        override=True,
        says="`fold_copy` copies a view, so it needs the tag `view_copy`",
    ),
    "a view that is no composite beside one that is": Case(
        "DL314",
        of(
            "fold(Tensor(a) self) -> Tensor(a)\n",
            "fold_(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n",
        ),
        of(
            "fold_(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n" + CPU,
        ),
        override=True,
        says="`fold` is CompositeImplicitAutograd, but this is not",
    ),
    "a view whose copy was replaced by another": Case(
        "DL312",
        VIEW,
        of(f"fold_copy(Tensor self, int n) -> Tensor\n{COPY}"),
        override=True,
        says="`fold` (natives.yaml:1) wrong: the view `fold` has no copying variant",
    ),
    "a definition of what was replaced": Case(
        "DL405",
        of(f"polish(Tensor self) -> Tensor\n{CPU}"),
        of(f"polish(Tensor self, int n) -> Tensor\n{CPU}"),
        derivatives="- name: polish(Tensor self) -> Tensor\n  self: grad\n",
        override=True,
        says="the definition at derivatives.yaml:1 without its function: there is no function",
    ),
    "a formula that an in-place function cannot use": Case(
        "DL501",
        of(
            f"polish(Tensor self) -> Tensor\n{CPU}",
            f"polish_(Tensor(a!) self) -> Tensor(a!)\n{CPU}",
        ),
        derivatives="- name: polish(Tensor self) -> Tensor\n  self: grad\n",
        more="- name: polish(Tensor self) -> Tensor\n" + STRIDES,
        override=True,
        says="`polish_` (natives.yaml:4) wrong: a formula asks for the strides",
        place="more.yaml",
    ),
    "a formula that cannot be used for lists": Case(
        "DL504",
        of(
            f"polish(Tensor self, Tensor n) -> Tensor\n{CPU}",
            f"_foreach_polish(Tensor[] self, Tensor n) -> Tensor[]\n  device_check: NoCheck\n{CPU}",
        ),
        derivatives="[]\n",
        more="- name: polish(Tensor self, Tensor n) -> Tensor\n  self: grad * n\n  n: grad\n"
        "  result: auto_linear\n",
        says="`_foreach_polish` (natives.yaml:4) wrong",
        place="more.yaml",
    ),
}


def load(case: Case) -> list[Diagnostic]:
    texts = Texts(
        Text("derivatives.yaml", case.derivatives),
        (Text("natives.yaml", case.natives), Text("overlay.yaml", case.overlay)),
        Text("tags.yaml", TAGS),
        more_derivatives=(Text("more.yaml", case.more),) if case.more else (),
        additions=Additions(override=case.override),
    )
    return load_texts(texts, NEWEST).diagnostics


@pytest.mark.parametrize("name", CASES)
def test_an_overlay_is_told_what_it_makes_wrong(name: str) -> None:
    case = CASES[name]
    (found,) = load(case)
    assert (found.code, found.file) == (case.code, case.place), found.render()
    assert case.says in found.message, found.render()


def test_what_overlays_are_told_reads_as_recorded(tmp_path: Path) -> None:
    """The texts are in `reference/blamed.txt`."""
    check_recorded("blamed.txt", {name: load(case) for name, case in CASES.items()}, tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_without_overlays_nothing_is_wrong(name: str) -> None:
    assert load(CASES[name]._replace(overlay="", more="", override=False)) == []


def test_what_is_wrong_by_itself_is_told_where_it_is() -> None:
    natives = of(f"polish.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n{CPU}")
    overlay = of(f"mine::shine(Tensor self) -> Tensor\n{CPU}")
    (found,) = load(Case("", natives, overlay))
    assert (found.code, found.file) == ("DL302", "natives.yaml")


def test_of_several_later_entries_the_last_is_told() -> None:
    """The rank of a file is that among the files of its kind, in the order of the command line."""
    texts = Texts(
        Text("derivatives.yaml", "- name: f(Tensor self, Tensor n) -> Tensor\n  self: grad\n"),
        (
            Text("natives.yaml", of(f"f(Tensor self, Tensor n) -> Tensor\n{CPU}")),
            Text("second.yaml", of(f"mine::f.b(Tensor self, Tensor n) -> Tensor\n{CPU}")),
            Text("third.yaml", of(f"f.c(Tensor self, Tensor n) -> Tensor\n{CPU}")),
        ),
        Text("tags.yaml", TAGS),
    )
    found = load_texts(texts, NEWEST).diagnostics
    assert [(one.file, one.code, one.message) for one in found] == [
        (
            "second.yaml",
            "DL301",
            "`mine::f.b` and `f` (natives.yaml:1) are both the functional variant of one signature",
        ),
        (
            "third.yaml",
            "DL301",
            "`f.c` and `f` (natives.yaml:1) are both the functional variant of one signature",
        ),
    ]


def entry(file: str, text: str = "", line: int = 1) -> Entry:
    return Entry(file, line, 0, text)


def test_the_last_entry_that_took_the_place_of_a_schema_is_its_replacement() -> None:
    first = Replaced("f", entry("a", "- func: f(Tensor self) -> Tensor\n  tags: x"), entry("b"))
    last = Replaced("f", entry("b", "- func: f(Tensor self) -> Tensor"), entry("c"))
    other = Replaced("g", entry("a", "- func: g() -> Tensor"), entry("d"))
    blame = Blame(["a", "b", "c", "d"], replaced=iter([first, last, other]))
    assert blame.replacement("f(Tensor self) -> Tensor") == entry("c")
    assert blame.replacement("g() -> Tensor") == entry("d")
    assert blame.replacement("g() -> Tens") is None
    assert blame.replacement("() -> Tensor") is None
    assert Blame().replacement("g() -> Tensor") is None


def test_a_misfit_is_moved_to_the_schema_of_the_last_entry() -> None:
    natives = of(f"f(Tensor self) -> Tensor\n{CPU}", f"g(Tensor self) -> Tensor\n{CPU}")
    overlay = of(f"mine::h(Tensor self) -> Tensor\n{CPU}", f"i(Tensor self) -> Tensor\n{CPU}")
    texts = Texts(
        Text("d", "- name: f(Tensor self) -> Tensor\n  self: grad\n"),
        (Text("natives", natives), Text("overlay", overlay)),
        Text("t", TAGS),
    )
    f, g, h, i = load_texts(texts, NEWEST).load.natives
    invalid = Invalid("DL302", "it is wrong", "self", "do something")
    message = "this makes `f` (natives:1) wrong: it is wrong"
    advice = "torchgen does not look at namespaces: give this operator another name or overload"
    fit = "write this entry so that it fits the other one"
    blame = Blame(["natives", "overlay"])
    for others, entry, words, help_ in [
        ((h,), h.entry, "mine::h", advice),
        ((g, i), i.entry, "i", fit),
        ((i, h), i.entry, "i", fit),
    ]:
        found = blame.moved(Misfit(f, invalid, others=others))
        assert found == Found(entry, Mistake("DL302", message, ("func",), words, help=help_))
    assert blame.moved(Misfit(f, invalid, others=(g,))) is None
    assert blame.moved(Misfit(f, invalid)) is None
    assert blame.moved(Misfit(h, invalid, others=(f, i))) is None
    # One that took the place of an entry of the family is told where no other is.
    for name, is_moved in [
        ("f.x", True),
        ("f_", True),
        ("mine::f", True),
        ("g", False),
        ("f g", False),
    ]:
        replaced = Replaced(name, f.entry, h.entry)
        found = Blame(["natives", "overlay"], replaced=[replaced]).moved(Misfit(f, invalid))
        mistake = Mistake("DL302", message, ("func",), name, help=fit)
        assert found == (Found(h.entry, mistake) if is_moved else None), name
