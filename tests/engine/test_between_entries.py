"""Mistakes between entries and files: whose they are, what is told once, what is held back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.lines import encode_lines
from derivload.engine.load import (
    LoadedTexts,
    find_replaced,
    load_texts,
    names_lost,
    passed_over,
    read_entries,
    read_tags,
)
from derivload.engine.pipeline import Load, Readers
from derivload.engine.texts import Text, Texts
from derivload.sources.additions import NOTHING, Additions
from support.in_full import check_recorded

TAGS = "- tag: view_copy\n  desc: x\n- tag: core\n  desc: x\n"
CPU = "  dispatch:\n    CPU: k\n"
CUDA = "  dispatch:\n    CUDA: k\n"
F = f"- func: f(Tensor self) -> Tensor\n{CPU}"
DEFINED = "- name: f(Tensor self) -> Tensor\n  self: grad\n"


class Case(NamedTuple):
    """The texts of a load."""

    definitions: str = DEFINED
    natives: tuple[str, ...] = (F,)
    more: tuple[str, ...] = ()
    override: bool = False
    tags: str = TAGS
    unread: frozenset[str] = frozenset()
    backends: tuple[str, ...] = ()
    additions: Additions = NOTHING

    @property
    def texts(self) -> Texts:
        return Texts(
            Text("d", self.definitions),
            tuple(Text(f"n{i}", text) for i, text in enumerate(self.natives)),
            Text("t", self.tags),
            self.unread,
            tuple(Text(f"m{i}", text) for i, text in enumerate(self.more)),
            Additions(override=True) if self.override else self.additions,
            tuple(Text(f"b{i}", text) for i, text in enumerate(self.backends)),
        )

    def load(self) -> LoadedTexts:
        return load_texts(self.texts, NEWEST)


INPLACE = f"- func: f_(Tensor(a!) self) -> Tensor(a!)\n{CPU}"
OUT = "f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"
CASES = {
    "a function defined in two files": Case(more=(DEFINED,)),
    "a function defined in two files, and twice in one": Case(DEFINED * 2, more=(DEFINED * 2,)),
    "a function defined in three files": Case(more=(DEFINED, DEFINED)),
    "a function declared twice": Case(natives=(F + F,)),
    "a function declared three times": Case(natives=(F + F + F,)),
    "a function declared in two files": Case(natives=(F, F)),
    "two of one kind, and a name twice": Case(
        natives=(F + "- func: f.x(Tensor self) -> Tensor\n" + CPU + F,)
    ),
    "a delegate that is not structured, of several": Case(
        natives=(
            F.replace(CPU, "  structured_delegate: f.out\n")
            + "- func: f_(Tensor(a!) self) -> Tensor(a!)\n  structured_delegate: f.out\n"
            + f"- func: {OUT}{CPU}",
        )
    ),
    "a delegate of an overlay that is not structured, of several": Case(
        natives=(
            F.replace(CPU, "  structured_delegate: f.out\n")
            + "- func: f_(Tensor(a!) self) -> Tensor(a!)\n  structured_delegate: f.out\n"
            + f"- func: {OUT}  structured: True\n{CPU}",
            f"- func: {OUT}{CPU}",
        ),
        override=True,
    ),
    "the same, and another delegate that is not there": Case(
        natives=(
            F.replace(CPU, "  structured_delegate: f.out\n")
            + "- func: f_(Tensor(a!) self) -> Tensor(a!)\n  structured_delegate: f.out\n"
            + f"- func: {OUT}  structured: True\n{CPU}"
            + "- func: g(Tensor self) -> Tensor\n  structured_delegate: nothing.out\n",
            f"- func: {OUT}{CPU}",
        ),
        override=True,
    ),
    "a variant that is generated and declared": Case(
        natives=(f"{F}  autogen: f.out\n- func: {OUT}{CUDA}",)
    ),
    "a definition of a function whose entry is wrong": Case(
        natives=(f"{F}  nonsense: 1\n",),
    ),
    "a definition of a function that is lost": Case(natives=("- func: f(Tensor self: [\n",)),
    "a definition of a function whose name is lost": Case(natives=("- func: [\n",)),
    "a definition of nothing beside one that is lost": Case(
        DEFINED + "- name: g(Tensor self) -> Tensor\n  self: grad\n",
        natives=("- func: f(Tensor self: [\n",),
    ),
    "a delegate to what is lost": Case(
        natives=(
            F.replace(CPU, "  structured_delegate: g.out\n") + "- func: g.out(Tensor self: [\n",
        )
    ),
    "a delegate to nothing beside one that is lost": Case(
        natives=(
            F.replace(CPU, "  structured_delegate: h.out\n") + "- func: g.out(Tensor self: [\n",
        )
    ),
    "a file that could not be read": Case(
        natives=(F.replace(CPU, "  structured_delegate: g.out\n"), ""), unread=frozenset({"n1"})
    ),
    "a formula that an in-place function cannot use": Case(
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n",
        (f"{F}- func: f_(Tensor(a!) self) -> Tensor(a!)\n{CPU}",),
    ),
    "the same beside a definition that is wrong": Case(
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n"
        "- name: f.x(Tensor self, int n) -> Tensor\n  self: 1\n",
        (f"{F}{INPLACE}- func: f.x(Tensor self, int n) -> Tensor\n{CPU}",),
    ),
    "the same beside a wrong definition of another family": Case(
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n"
        "- name: g(Tensor self) -> Tensor\n  self: 1\n",
        (f"{F}{INPLACE}- func: g(Tensor self) -> Tensor\n{CPU}",),
    ),
    "the same beside a definition of the family that is lost": Case(
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n"
        "- name: f.x(Tensor self: [\n",
        (F + INPLACE,),
    ),
    "the same beside a definition of another family that is lost": Case(
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n"
        "- name: g.x(Tensor self: [\n",
        (F + INPLACE,),
    ),
    "a formula of an in-place function that it cannot use": Case(
        DEFINED.replace("f(", "g(")
        + "- name: f_(Tensor(a!) self) -> Tensor(a!)\n  self: grad\n  result: self_t * self_p\n",
        (INPLACE + F.replace("f(", "g("),),
    ),
    "several definitions of nothing that may mean the same": Case(
        DEFINED + "- name: g(Tensor self) -> Tensor\n  self: grad.sizes()\n"
        "- name: ff(Tensor self) -> Tensor\n  slef: grad\n",
        (f"{F}  nonsense: 1\n- func: gg(Tensor self) -> Tensor\n{CPU}",),
    ),
    "a definition without a schema": Case("- name: f\n  self: grad.sizes()\n"),
    "a definition that is no mapping": Case(f"{DEFINED}- x\n"),
    "an empty file of definitions": Case(""),
    "an empty overlay": Case(natives=(F, "# nothing\n"), more=("",)),
    "a tag that is wrong, and one that is not known": Case(
        natives=(f"{F}  tags: nothing\n",), tags=f"{TAGS}- tag: 1\n"
    ),
    "a file that is an overlay and a backend's": Case(
        natives=(F, "backend: 1\ncustom:\n- func: g(Tensor self) -> Tensor\n"),
        backends=("backend: 1\ncustom:\n- func: g(Tensor self) -> Tensor\n",),
    ),
    "a backend that registers what is lost": Case(
        natives=("- func: g(Tensor self: [\n" + F,),
        backends=("backend: XLA\ncpp_namespace: x\nsupported:\n- g\n- g.x\n- h\n",),
    ),
    "a backend that registers nothing that is there": Case(
        backends=("backend: XLA\ncpp_namespace: x\nsupported:\n- g\n- f\n- f\n",)
    ),
}


def test_what_is_told_between_entries_reads_as_recorded(tmp_path: Path) -> None:
    """The texts are in `reference/between_entries.txt`."""
    told = {}
    for name, case in CASES.items():
        loaded = case.load()
        told[name] = [*loaded.diagnostics, *loaded.warnings]
    check_recorded("between_entries.txt", told, tmp_path)


@pytest.mark.parametrize(
    ("name", "bad", "bad_natives"),
    [
        ("an empty overlay", set(), set()),
        ("a function declared twice", {"f"}, {"f"}),
        ("a function defined in two files", {"f"}, set()),
        ("a definition of a function whose entry is wrong", {"f"}, {"f"}),
        ("a definition of a function whose name is lost", {"f", None}, {None}),
        ("a definition of nothing beside one that is lost", {"f", "g"}, {"f"}),
        ("a delegate to nothing beside one that is lost", {"f", "g"}, {"f", "g"}),
        ("a formula that an in-place function cannot use", {"f"}, set()),
        ("the same beside a wrong definition of another family", {"f", "g"}, set()),
        ("a definition without a schema", {"f"}, set()),
        (
            "several definitions of nothing that may mean the same",
            {"f", "ff", "g", "gg"},
            {"f"},
        ),
        ("a definition that is no mapping", {None}, set()),
    ],
)
def test_which_families_have_a_mistake(
    name: str, bad: set[str | None], bad_natives: set[str | None]
) -> None:
    load: Load = CASES[name].load().load
    assert (load.bad, set(load.bad_natives)) == (bad, bad_natives)
    for function in load.natives:
        assert load.is_whole(function) == bad.isdisjoint({function.name.base, None})


def test_each_load_may_guess_anew() -> None:
    readers = Readers(NEWEST, frozenset())
    assert readers.guesses.can_compare("ab", ["abc"])
    assert not readers.guesses.can_compare("a" * 10_000, ["b" * 10_000])
    assert not readers.guesses.can_compare("ab", ["abc"])
    Load(readers)
    assert readers.guesses.can_compare("ab", ["abc"])


def test_which_functions_may_be_lost() -> None:
    load = CASES["a delegate to nothing beside one that is lost"].load().load
    for name, is_lost in {
        "g": True,
        "g.out": True,
        "g_": True,
        "mine::g.x": True,
        "f": False,
        "h": False,
        "add_out": True,
    }.items():
        assert load.may_be_lost(name) == is_lost, name
    assert not Case().load().load.may_be_lost("add_out")
    assert CASES["a definition of a function whose name is lost"].load().load.may_be_lost("f")


def test_all_that_a_load_makes() -> None:
    view = (
        "- func: fold(Tensor(a) self) -> Tensor(a)\n  dispatch:\n    CompositeExplicitAutograd: k\n"
        "- func: fold_copy(Tensor self) -> Tensor\n  dispatch:\n"
        "    CompositeExplicitAutogradNonFunctional: k\n  tags: view_copy\n"
    )
    listed = "- func: _foreach_f(Tensor[] self) -> Tensor[]\n  device_check: NoCheck\n"
    case = Case(
        f"{DEFINED}- name: fold(Tensor(a) self) -> Tensor(a)\n  self: grad\n",
        (f"{F}  autogen: f.out\n{view}{listed}{CPU}",),
    )
    loaded = case.load()
    assert [d.render() for d in loaded.diagnostics] == []
    load = loaded.load
    assert (load.declared, len(load.natives)) == (4, 5)
    assert load.numbers == [(0,), (0,)]
    schemas = {
        name: f"{name}(Tensor{view} self) -> Tensor{view}"
        for name, view in (("f", ""), ("fold", "(a)"), ("fold_copy", ""))
    }
    assert [*load.infos] == [*schemas.values()]
    assert {schema: entry.line for schema, entry in load.definitions.items()} == {
        schemas["f"]: 1,
        schemas["fold"]: 3,
        schemas["fold_copy"]: 8,
    }
    assert load.copied_from == {schemas["fold_copy"]: schemas["fold"]}
    assert load.references == {"_foreach_f(Tensor[] self) -> Tensor[]": schemas["f"]}
    assert [entry.line for entry, _ in load.read] == [1, 3]
    assert (load.bad, load.bad_natives, load.wrong) == (set(), frozenset(), [])
    assert load.dialect is NEWEST
    assert [one.keys for one in load.derived] == [("Default",), ("Default",)]


# --------------------------------------------------------------------------------- what is read


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("- func: f(Tensor self", {"f"}),
        ("- func: 'mine::f.out(", {"mine::f.out"}),
        ('- "func" : f(\n  func: g(', {"f", "g"}),
        ("- func:\n", {""}),
        ("- fnuc: f(", {None}),
        ("- myfunc: f(", {None}),
        (None, {None}),
    ],
)
def test_the_names_of_entries_that_are_lost(text: str | None, names: set[str | None]) -> None:
    assert names_lost([text], "func") == names
    assert names_lost([], "func") == set()
    assert names_lost([text, "- func: other("], "func") == {*names, "other"}


def test_all_that_is_read_of_texts() -> None:
    case = Case(
        natives=(F, "custom:\n- func: g(Tensor self) -> Tensor\n  mine: 1\nother:\n- x: 1\n"),
        additions=Additions(entry_keys=("mine",)),
    )
    loaded = case.load()
    assert loaded.diagnostics == loaded.warnings == []
    assert loaded.torch_version == NEWEST.version
    assert loaded.tags == {"view_copy", "core"}
    assert (sorted(loaded.whole), loaded.is_of_entries) == (["n1"], False)
    assert loaded.passed_over == ("other",)
    assert loaded.used_dispatch_keys == ("Default",)
    assert [function.name.text for function, _ in loaded.records()] == ["f"]
    assert [record.schema for _, record in loaded.records()] == ["f(Tensor self) -> Tensor"]
    definitions, natives, diagnostics = read_entries(case.texts)
    assert ([e.value["name"] for e in definitions], diagnostics) == (
        ["f(Tensor self) -> Tensor"],
        [],
    )
    assert [e.value for e in natives][1] == {"func": "g(Tensor self) -> Tensor"}
    assert Case().load().is_of_entries
    lines = encode_lines(loaded)
    assert (lines.torch_version, lines.used_dispatch_keys) == (NEWEST.version, ("Default",))
    assert (lines.bases, len(lines.functions), lines.generated) == (["f"], 2, [])
    wrong = Case(natives=("- func: [\n",))
    assert [d.code for d in read_entries(wrong.texts)[2]] == ["DL003"]


def test_the_tags_of_a_text() -> None:
    assert read_tags(Text("t", TAGS)) == frozenset({"view_copy", "core"})
    for text in ("- tag: 1\n", f"{TAGS}- x\n", f"{TAGS}- tag: &a x\n  desc: *a\n", ""):
        assert read_tags(Text("t", text)) is None


def test_what_takes_the_place_of_what() -> None:
    case = Case(
        natives=(F, F, f"- func: aten::f(Tensor self, int n) -> Tensor\n{CPU}"), more=(DEFINED,)
    )
    assert find_replaced(case.texts) == []
    found = find_replaced(case._replace(override=True).texts)
    assert [(r.name, r.old.file, r.new.file) for r in found] == [
        ("f", "d", "m0"),
        ("f", "n0", "n1"),
        ("f", "n1", "n2"),
    ]
    definitions, natives, _ = read_entries(case._replace(override=True).texts)
    assert [e.entry.file for e in definitions] == ["m0"]
    assert [e.entry.file for e in natives] == ["n2"]


def test_sections_that_were_not_read_are_told_once_and_sorted() -> None:
    overlay = "custom:\n- func: g(Tensor self) -> Tensor\nlater: []\nearlier: []\n"
    backend = "backend: XLA\ncpp_namespace: x\nsupported:\n- f\nmore:\n- f\nlater: []\n"
    texts = Case(natives=(F, overlay, overlay), backends=(backend,)).texts
    loaded = load_texts(texts, NEWEST)
    both = ("earlier", "later", "more")
    assert set(loaded.passed_over) <= set(both)
    sections = {"n1": ("later", "earlier"), "n2": ("other",), "none": ("x",)}
    assert passed_over(sections, texts, loaded.backends) == tuple(
        sorted({"later", "earlier", "other", *loaded.backends.passed_over})
    )
    # A file that is a backend's too is read as both.
    same = Case(natives=(F, overlay), backends=(overlay,)).texts
    assert passed_over({"n1": ("later",)}, same, same.read_backends(NEWEST)) == tuple(
        sorted(set(same.read_backends(NEWEST).passed_over))
    )
