"""What is found in a load before it is judged, as whole values; what is refused; the facts."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic, Mistake
from derivload.engine import lint as linting
from derivload.engine.facts import FunctionFacts, Origins, facts_of, read_facts
from derivload.engine.generators import find_refused
from derivload.engine.lint import Possible, digest_id, id_of, lint
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from derivload.remedies import remove
from derivload.sources.entries import Entry

TAGS = Text("t", "- tag: generated\n  desc: x\n- tag: core\n  desc: x\n")
CPU = "  dispatch:\n    CPU: k\n"
F = "f(Tensor self) -> Tensor"


def loaded(natives: str, definitions: str = "", overlay: str = "") -> LoadedTexts:
    declared = [Text("n", natives), *([Text("o", overlay)] if overlay else [])]
    fill = "- name: unused(Tensor self) -> Tensor\n  self: grad\n"
    if not definitions:
        definitions, declared[0] = (
            fill,
            Text("n", f"{natives}- func: unused(Tensor self) -> Tensor\n{CPU}"),
        )
    return load_texts(Texts(Text("d", definitions), tuple(declared), TAGS), NEWEST)


def found_in(natives: str, definitions: str = "", overlay: str = "") -> list[Possible]:
    """What is found, with the ids checked and left out."""
    made = loaded(natives, definitions, overlay)
    linted = lint(made.load)
    assert linted.is_complete
    for one in linted.found:
        entry = linted.entries.entry(one.at, of_native=one.of_native)
        assert one.id == id_of(entry, one.mistake)
        assert linted.entries.file(one.at, of_native=one.of_native) == entry.file
    return [without_id(one) for one in linted.found]


def without_id(one: Possible) -> Possible:
    return Possible("", *(getattr(one, field) for field in one.__struct_fields__[1:]))


def test_functions_that_are_declared_again() -> None:
    natives = (
        f"- func: {F}\n{CPU}- func: f(Tensor self, int n) -> Tensor\n  dispatch:\n    CUDA: k\n"
    )
    overlay = "- func: mine::f(Tensor self, int m) -> Tensor\n  dispatch:\n    XPU: k\n"
    again = "- func: mine::f(Tensor self, float m) -> Tensor\n  dispatch:\n    MPS: k\n"
    message = "`{}` is already declared at {{place}}, with other arguments"
    assert found_in(natives, overlay=overlay + again) == [
        Possible("", "f", Mistake("DL605", message.format("f"), ("func",), "f"), True, 1, 0),
        Possible(
            "",
            "mine::f",
            Mistake("DL605", message.format("mine::f"), ("func",), "f"),
            True,
            4,
            3,
        ),
    ]


def test_arguments_that_have_one_name() -> None:
    schema = "f(Tensor self, int a, int b, int a, int b, int a) -> Tensor"
    other = "g(Tensor self, int a, *, int self) -> Tensor"
    message = "`{}` has two arguments that are named `{}`"
    made = [("f", "a", 0), ("f", "b", 0), ("g", "self", 1)]
    assert found_in(f"- func: {schema}\n{CPU}- func: {other}\n{CPU}") == [
        Possible(
            *("", of),
            Mistake("DL624", message.format(of, name), ("func",), name, occurrence=1),
            *(True, at),
        )
        for of, name, at in made
    ]


def test_keys_with_two_kernels() -> None:
    natives = f"- func: {F}\n  dispatch:\n    CPU, CUDA: k\n    CUDA, CPU: j\n    CUDA: i\n"
    message = "`{}` stands in this table already; only the last kernel counts"
    assert found_in(natives) == [
        Possible(
            *("", "f"),
            Mistake(
                "DL626", message.format(key), ("dispatch", line), key, on_key=True, occurrence=-1
            ),
            *(True, 0),
        )
        for line, key in [("CUDA, CPU", "CUDA"), ("CUDA, CPU", "CPU"), ("CUDA", "CUDA")]
    ]


def test_definitions_that_are_there_again() -> None:
    one = f"- name: {F}\n  self: grad\n"
    other = "- name: g(Tensor self) -> Tensor\n  self: grad\n"
    natives = f"- func: {F}\n{CPU}- func: g(Tensor self) -> Tensor\n{CPU}"
    message = "`f` is already defined at {place}; only this definition counts"
    mistake = Mistake("DL601", message, ("name",), F)
    assert found_in(natives, one + other + one + one) == [
        Possible("", "f", mistake, False, 2, 0),
        Possible("", "f", mistake, False, 3, 0),
    ]


def test_on_what_a_warning_of_a_definition_depends() -> None:
    natives = (
        f"- func: {F}\n"
        "- func: g(Tensor self) -> Tensor\n  dispatch:\n    CompositeImplicitAutograd: g_symint\n"
        f"- func: h(Tensor self, Tensor w) -> Tensor\n{CPU}"
    )
    definitions = (
        "- name: h(Tensor self, Tensor w) -> Tensor\n  self: grad * w * slef\n  w: grad\n"
        "- name: nothing(Tensor self) -> Tensor\n  self: (grad\n"
        "- name: g(Tensor self) -> Tensor\n  self: grad\n"
        f"- name: {F}\n  self: grad\n"
    )
    found = found_in(natives, definitions)
    fields = [
        (o.mistake.code, o.operator, o.of_native, o.at, o.other, o.declared, o.is_said)
        for o in found
    ]
    assert fields == [
        ("DL602", "h", False, 0, -1, -1, True),
        ("DL604", "g", False, 1, -1, 1, True),
        ("DL604", "f", False, 2, -1, 0, False),
        ("DL607", "nothing", False, 3, -1, -1, False),
    ]


def test_what_a_wrong_autogen_is_about() -> None:
    natives = (
        f"- func: {F}\n  autogen: f.out\n- func: f_(Tensor(a!) self) -> Tensor(a!)\n"
        "  autogen: f.ouut\n"
    )
    (one,) = found_in(natives)
    assert (one.mistake.code, one.operator, one.of_native, one.at) == ("DL625", "f_", True, 1)
    # Not where the family has an error.
    assert found_in(f"{natives}- func: f_(Tensor(a!) self) -> Tensor(a!)\n") == []


def test_of_very_many_warnings_no_more_than_so_many_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = "".join(
        f"- func: f.o{i}(Tensor self, int[{i}] a, int a) -> Tensor\n{CPU}" for i in range(1, 5)
    )
    for most, count, is_complete in [(5, 4, True), (4, 4, True), (3, 3, False)]:
        monkeypatch.setattr(linting, "_MOST", most)
        load = loaded(names).load
        linted = lint(load)
        assert (len(linted.found), linted.is_complete) == (count, is_complete)
        assert lint(load).found == linted.found
    assert linting._MOST_OF_ENTRY == 101


def test_of_one_definition_no_more_than_so_many_are_kept() -> None:
    slips = " + ".join(f"slef{i}" for i in range(120))
    found = found_in(f"- func: {F}\n{CPU}", f"- name: {F}\n  self: {slips}\n")
    assert len(found) == 101


def test_an_id_stands_for_the_warning_and_its_entry() -> None:
    entry = Entry("d", 3, 2, "- name: f()")
    mistake = Mistake("DL602", "words", ("a", 0), "b")
    own = digest_id("\0".join(["- name: f()", "DL602", "words", "a", "0", "b", "0"]))
    assert id_of(entry, mistake) == own
    assert id_of(Entry("e", 4, 5, "- name: f()"), mistake) == own
    whole = digest_id("\0".join(["", "DL602", "words", "a", "0", "b", "0"]))
    assert id_of(Entry("d", 3, 2, "- name: f()", whole=True), mistake) == whole
    others = [
        Mistake("DL603", "words", ("a", 0), "b"),
        Mistake("DL602", "other", ("a", 0), "b"),
        Mistake("DL602", "words", ("a", 1), "b"),
        Mistake("DL602", "words", ("a", 0), "c"),
        Mistake("DL602", "words", ("a", 0), "b", occurrence=1),
    ]
    assert len({own, *(id_of(entry, other) for other in others)}) == 6
    assert len(own) == 16
    assert digest_id("\ud800") != digest_id("")


def test_what_the_entries_of_a_load_tell() -> None:
    natives = (
        f"- func: {F}  # the first\n{CPU}- func: mine::f.x(Tensor self, int n) -> Tensor\n{CPU}"
        f"- func: f_(Tensor(a!) self) -> Tensor(a!)\n{CPU}  tags: generated\n"
        f"- func: g(Tensor self) -> Tensor\n{CPU}"
    )
    definitions = (
        f"- name: {F}\n  self: helper(grad)\n- name: nothing(Tensor self) -> Tensor\n"
        "  self: other(grad)\n  result: tangent(self_t)\n"
        "- name: g(Tensor self) -> Tensor\n  self: grad # the last\n"
    )
    entries = lint(loaded(natives, definitions).load).entries
    assert [entries.entry(at, of_native=False).line for at in range(3)] == [1, 6, 3]
    assert [entries.entry(at, of_native=True).line for at in range(4)] == [1, 4, 7, 11]
    assert [entries.file(at, of_native=at < 1) for at in range(2)] == ["n", "d"]
    assert entries.may_have("anything")
    found = [(of_native, at) for of_native, at, _ in entries.entries_with("the")]
    assert found == [(False, 1), (False, 2), (True, 0)]
    assert [(n, at) for n, at, _ in entries.entries_with("the first")] == [(True, 0)]
    assert [(n, at) for n, at, _ in entries.entries_with("the last")] == [(False, 1)]
    assert [(n, at) for n, at, _ in entries.entries_with("other(")] == [(False, 2)]
    assert [*entries.schemas_of(frozenset({"f"}))] == [F, "f.x(Tensor self, int n) -> Tensor"]
    for name in ("helper", "other", "tangent"):
        assert entries.called_with(name)
    assert not entries.called_with("grad")


def test_what_linted_tells_of_itself() -> None:
    texts = f"- func: {F}\n{CPU}"
    empty = lint(loaded(texts, f"- name: {F}\n  self: grad\n").load)
    assert (empty.is_empty, empty.may_ignore, empty.called) == (True, True, [])
    of_backends = [(0, Diagnostic("b", 1, 1, "DL621", "x"))]
    assert not empty._replace(of_backends=of_backends).is_empty
    found = lint(loaded(texts, f"- name: {F}\n  self: slef(grad)\n").load)
    called = [
        Possible("", "f", Mistake("DL603", "x"), False, 0, unless_called=name)
        for name in ("slef", "", "grad")
    ]
    assert found._replace(found=called).called == [True, False]
    assert not found._replace(found=called).is_empty
    assert [*found.find_refused()] == []


# -------------------------------------------------------------------------------- what is refused


def test_what_generators_refuse_is_told_once_where_its_cause_stands() -> None:
    natives = (
        f"- func: {F}\n"
        f"- func: f_(Tensor(a!) self) -> Tensor(a!)\n"
        f"- func: g(Tensor self, int n) -> Tensor\n{CPU}"
    )
    definitions = (
        f"- name: {F}\n  self: grad\n"
        "- name: g(Tensor self, int n) -> Tensor\n  dispatch:\n    Default:\n      self: grad\n"
        "      n: grad\n    AutogradCUDA:\n      self, n: f(grad)\n"
    )
    load = loaded(natives, definitions).load
    refused = find_refused(load)
    told = [
        (o.mistake.code, o.operator, o.of_native, o.at, o.mistake.path, o.mistake.words)
        for o in refused
    ]
    assert told == [
        ("DL805", "g", False, 1, ("dispatch", "Default", "n"), "n"),
        ("DL805", "g", False, 1, ("dispatch", "AutogradCUDA", "self, n"), "n"),
        ("DL801", "f", True, 0, ("func",), "f"),
        ("DL801", "f_", True, 1, ("func",), "f_"),
    ]
    # Only a formula for what is no tensor alone can be removed.
    formula = ("dispatch", "Default", "n")
    assert [one.mistake.remedies for one in refused][:2] == [(remove(*formula),), ()]
    assert find_refused(load) is refused
    for one in refused:
        entries = (
            [f.entry for f in load.natives] if one.of_native else [m.entry for m in load.derived]
        )
        assert one.id == id_of(entries[one.at], one.mistake)


def test_a_formula_that_nobody_wrote_is_refused_at_the_schema() -> None:
    natives = (
        f"- func: g(Tensor self, Scalar n) -> Tensor\n{CPU}"
        f"- func: g_(Tensor(a!) self, Scalar n) -> Tensor(a!)\n{CPU}"
        f"- func: _foreach_g(Tensor[] self, Scalar n) -> Tensor[]\n  device_check: NoCheck\n{CPU}"
    )
    definitions = (
        "- name: g(Tensor self, Scalar n) -> Tensor\n  self: grad\n  n: grad\n"
        "  result: auto_linear\n"
    )
    load = loaded(natives, definitions).load
    message = "`n` is no tensor of `{}`, so it has no derivative"
    assert [without_id(one) for one in find_refused(load)] == [
        Possible(
            *("", "_foreach_g"),
            Mistake("DL805", message.format("_foreach_g"), ("func",), "n"),
            *(True, 2),
        ),
        Possible(
            *("", "g"),
            Mistake(
                "DL805", message.format("g"), ("n",), "n", on_key=True, remedies=(remove("n"),)
            ),
            *(False, 0),
        ),
    ]


# ------------------------------------------------------------------------------------------ facts


def test_the_facts_of_functions() -> None:
    natives = (
        f"- func: {F}\n  structured_delegate: f.out\n"
        "- func: f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n  structured: True\n"
        "  dispatch:\n    CUDA: k\n    CPU: k\n"
        "- func: mine::g(Tensor self) -> Tensor\n  autogen: g.out\n"
        "  dispatch:\n    CompositeExplicitAutograd: k\n"
        "- func: mine::g(Tensor self, int n) -> Tensor\n  dispatch:\n    CPU: k\n"
        "- func: mine::g(Tensor self, str n) -> Tensor\n  dispatch:\n    CUDA: k\n"
        "- func: _foreach_f(Tensor[] self) -> Tensor[]\n  device_check: NoCheck\n" + CPU
    )
    definitions = (
        f"- name: {F}\n  self: grad\n  result: auto_element_wise\n"
        "- name: g(Tensor self, int n) -> Tensor\n  self: grad\n"
        f"- name: {F}\n  self: 3 * grad\n  result: auto_element_wise\n"
        f"- name: {F}\n  self: 2 * grad\n  result: auto_element_wise\n"
    )
    made = loaded(natives, definitions)
    assert [d.render() for d in made.diagnostics] == []
    lines = facts_of(made.load)
    schemas = [record.schema for _, record, _ in made.load.matched]
    assert [*lines] == schemas
    listed, f, f_out, *gs = schemas
    g, g_int, g_str, g_out = gs
    explicit = ("CompositeExplicitAutograd",)
    assert {schema: read_facts(line) for schema, line in lines.items()} == {
        listed: FunctionFacts(
            listed, "aten", ("CPU",), declared="_foreach_f", defined="f", defined_twin=2
        ),
        f: FunctionFacts(*(f, "aten", (), "f.out"), declared="f", defined="f", defined_twin=2),
        f_out: FunctionFacts(
            *(f_out, "aten", ("CPU", "CUDA")), declared="f.out", defined="f", defined_twin=2
        ),
        g: FunctionFacts(g, "mine", explicit, autogen=("g.out",), declared="mine::g"),
        g_int: FunctionFacts(
            g_int, "mine", ("CPU",), declared="mine::g", defined="g", declared_twin=1
        ),
        g_str: FunctionFacts(g_str, "mine", ("CUDA",), declared="mine::g", declared_twin=2),
        g_out: FunctionFacts(g_out, "mine", explicit, declared="mine::g"),
    }
    origins = Origins(made.load)
    assert (origins.of(f), origins.reference(f)) == (f, f)
    assert (origins.of(listed), origins.reference(listed)) == (f, f)
    assert [*origins.generated] == [listed]
