"""The entries of inputs: what is asked of them one by one, however their files are laid."""

from __future__ import annotations

import pytest

from derivload.engine.inputs import InputEntries
from derivload.engine.laid import EntryLine, LostEntryError, NotCertainError
from derivload.engine.texts import Text, Texts
from derivload.sources.additions import Additions
from derivload.sources.entries import EntryValue

TAGS = "- tag: shiny\n  desc: It shines.\n"
DEFINITIONS = "- name: f(T a) -> T\n  a: grad\n# between\n- name: g(T a) -> T\n  a: f(grad)\n"
NATIVES = "- func: f(T a) -> T\n\n- func: g(T a) -> T\n  tags: shiny\n"


def inputs(
    natives: str = NATIVES,
    *overlays: str,
    definitions: str = DEFINITIONS,
    more: tuple[str, ...] = (),
    tags: str = TAGS,
    additions: Additions | None = None,
    before: InputEntries | None = None,
) -> InputEntries:
    native_texts = [Text(f"n{i}", text) for i, text in enumerate((natives, *overlays))]
    texts = Texts(
        Text("d", definitions),
        tuple(native_texts),
        Text("t", tags),
        more_derivatives=tuple(Text(f"m{i}", text) for i, text in enumerate(more)),
        additions=additions or Additions(),
    )
    return InputEntries(texts, before)


WHOLE = "custom:\n- func: h(T a) -> T\n- func: f(T a, T b) -> T\nother:\n- x: 1\n"


def shown(value: EntryValue) -> tuple[str, int, int, object]:
    return value.entry.file, value.entry.line, value.entry.index, value.value.get("func")


def test_entries_are_read_by_their_number_among_all() -> None:
    made = inputs(NATIVES, WHOLE, NATIVES)
    assert [shown(made.native(i)) for i in range(6)] == [
        ("n0", 0, 0, "f(T a) -> T"),
        ("n0", 0, 1, "g(T a) -> T"),
        ("n1", 2, 2, "h(T a) -> T"),
        ("n1", 3, 3, "f(T a, T b) -> T"),
        ("n2", 0, 4, "f(T a) -> T"),
        ("n2", 0, 5, "g(T a) -> T"),
    ]
    assert [made.native(i, with_line=True).entry.line for i in range(6)] == [1, 3, 2, 3, 1, 3]
    assert [made.entry(i, of_native=True).line for i in range(6)] == [1, 3, 2, 3, 1, 3]
    assert [made.entry(i, of_native=True).index for i in range(6)] == [0, 1, 0, 1, 0, 1]
    assert [made.file(i, of_native=True) for i in range(6)] == ["n0", "n0", "n1", "n1", "n2", "n2"]
    for ask in (made.native, made.read_native, lambda i: made.entry(i, of_native=True)):
        with pytest.raises(IndexError):
            ask(6)
    assert [made.file(i, of_native=False) for i in range(2)] == ["d", "d"]
    assert made.definition(1) == EntryValue(
        made.definition(1).entry, {"name": "g(T a) -> T", "a": "f(grad)"}
    )
    assert (made.definition(1).entry.line, made.definition(1, with_line=True).entry.line) == (0, 4)
    assert made.is_of_entries is False
    assert inputs().is_of_entries is True
    assert made.passed_over == {"d": (), "n0": (), "n1": ("other",), "n2": (), "t": ()}
    assert [made.text_of(name) for name in ("d", "n1", "t")] == [DEFINITIONS, WHOLE, TAGS]
    assert [split.lines() for split in inputs().splits] == [[1, 4], [1, 3], [1]]


def test_an_entry_is_found_by_its_first_line() -> None:
    made = inputs(NATIVES, WHOLE, NATIVES, more=("- name: h(T a) -> T\n",))
    found = {
        (file, line): made.at_line(file, line)
        for file in ("d", "m0", "n0", "n1", "n2", "t")
        for line in range(6)
    }
    assert {place: at for place, at in found.items() if at is not None} == {
        ("d", 1): (False, 0),
        ("d", 4): (False, 1),
        ("m0", 1): (False, 2),
        ("n0", 1): (True, 0),
        ("n0", 3): (True, 1),
        ("n1", 2): (True, 2),
        ("n1", 3): (True, 3),
        ("n2", 1): (True, 4),
        ("n2", 3): (True, 5),
    }


def test_places_are_those_of_each_name_in_order() -> None:
    made = inputs(NATIVES, WHOLE, "- func: 'aten::g(T a) -> T'\n")
    assert made.places(of_native=True) == {
        "f": [EntryLine("n0", 1), EntryLine("n1", 3)],
        "g": [EntryLine("n0", 3), EntryLine("n2", 1)],
        "h": [EntryLine("n1", 2)],
    }
    assert made.places(of_native=False) == {"f": [EntryLine("d", 1)], "g": [EntryLine("d", 4)]}
    again = inputs(NATIVES, WHOLE, "- func: 'aten::g(T a) -> T'\n", before=made)
    assert again.places(of_native=True) is made.places(of_native=True)
    assert again.natives is made.natives
    moved = inputs(f"\n{NATIVES}", before=made)
    assert moved.places(of_native=True)["f"] == [EntryLine("n0", 2)]


# ---------------------------------------------------------------------------------- laid over


def laid(before: InputEntries | None = None) -> InputEntries:
    return inputs(
        NATIVES,
        WHOLE,
        "- func: g(T a, T c) -> T\n- func: i(T a) -> T\n",
        more=("- name: f(T a) -> T\n  a: 2 * g(grad)\n",),
        additions=Additions(override=True),
        before=before,
    )


def test_an_entry_stands_where_that_stood_whose_place_it_took() -> None:
    made = laid()
    assert [shown(made.native(i, with_line=True)) for i in range(4)] == [
        ("n1", 3, 0, "f(T a, T b) -> T"),
        ("n2", 1, 1, "g(T a, T c) -> T"),
        ("n1", 2, 2, "h(T a) -> T"),
        ("n2", 2, 3, "i(T a) -> T"),
    ]
    assert len(made.natives) == 4
    assert [made.file(i, of_native=False) for i in range(2)] == ["m0", "d"]
    assert made.places(of_native=True) == {
        "f": [EntryLine("n1", 3)],
        "g": [EntryLine("n2", 1)],
        "h": [EntryLine("n1", 2)],
        "i": [EntryLine("n2", 2)],
    }
    lines = {
        (file, line): found
        for file in ("d", "m0", "n0", "n1", "n2")
        for line in range(6)
        if (found := laid().at_line(file, line)) is not None
    }
    assert lines == {
        ("d", 4): (False, 1),
        ("m0", 1): (False, 0),
        ("n1", 2): (True, 2),
        ("n1", 3): (True, 0),
        ("n2", 1): (True, 1),
        ("n2", 2): (True, 3),
    }
    having = [(of_native, at) for of_native, at, _ in laid().entries_with("i(T")]
    assert having == [(True, 0), (True, 2), (True, 3)]  # of a file that was read whole, all
    assert laid(made).natives is made.natives
    plain = inputs(NATIVES, additions=Additions(override=True))
    assert plain.natives == inputs().natives


def test_the_same_definition_in_another_file_is_another_one() -> None:
    one = "- name: f(T a) -> T\n  a: grad\n"
    made = inputs(definitions=one, more=(one, one))
    assert len(set(made.definitions)) == 3
    assert {len(digest) for digest in made.definitions} == {16}
    assert inputs(definitions=one).definitions == made.definitions[:1]
    assert inputs(definitions=one, more=("# none\n", one)).definitions == [
        *(made.definitions[0], made.definitions[2])
    ]
    natives = inputs("- func: f() -> T\n", "- func: f() -> T\n").natives
    assert natives[0] == natives[1]


def test_a_mistake_in_an_entry_that_was_replaced_is_not_certain() -> None:
    override = Additions(override=True)
    wrong = "- func: f(T a) -> T\n  func: f(T a) -> T\n- func: g() -> T\n"
    replaced = "- func: f(T a) -> T\n"
    with pytest.raises(LostEntryError):
        _ = inputs(wrong, replaced, additions=override).natives
    assert len(inputs(wrong, "- func: g() -> T\n", additions=override).natives) == 2


# --------------------------------------------------------------------------------- not certain


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: 1\n", "- [\n...\n- x\n"])
def test_a_file_that_cannot_be_cut_is_certain_only_as_an_overlay(text: str) -> None:
    made = inputs(text)
    with pytest.raises(NotCertainError):
        _ = made.natives
    with pytest.raises(NotCertainError):
        _ = inputs(definitions=text).definitions
    if text in ("", "# nothing\n"):
        assert len(inputs(NATIVES, text).natives) == 2
        assert inputs(NATIVES, text).is_of_entries
    else:
        with pytest.raises(NotCertainError):
            _ = inputs(NATIVES, text).natives


def test_entries_of_an_overlay_that_is_read_whole_are_told_apart_by_their_values() -> None:
    def of(value: str) -> list[bytes]:
        return inputs(NATIVES, f"custom:\n- func: h() -> T\n  x: {value}\n").natives

    assert of("1") == of(" 1  # the same")
    assert of("1") != of("'1'")
    assert of("2001-12-14") != of("'2001-12-14'")
    assert len(of("1")[2]) == 16
    # The entry may share parts with another one.
    for text in ("&a 1", f"1{'0' * 5000}"):
        with pytest.raises(NotCertainError):
            of(text)


def test_which_entries_are_lost_and_which_are_not_certain() -> None:
    text = "- func: f() -> T\n- func: [\n- func: &a f() -> T\n- func: *a\n- x\n"
    made = inputs(text, definitions=text)
    for read in (made.read_native, made.read_definition):
        first = read(0)
        assert first is not None
        assert first.value == {"func": "f() -> T"}
        assert (read(1), read(4), read(3)) == (None, None, None)
        with pytest.raises(NotCertainError) as raised:
            read(2)
        assert raised.type is NotCertainError
    with pytest.raises(LostEntryError):
        made.native(1)


def test_tags_are_read_once_or_not_certain() -> None:
    made = inputs()
    assert made.read_tags() == {"shiny"}
    assert inputs(before=made).read_tags() is made.read_tags()
    other = inputs(tags="- tag: dull\n  desc: It does not.\n", before=made)
    assert other.read_tags() == {"dull"}
    for text in ("- tag: 1\n", "- tag: &a x\n  desc: *a\n- tag: y\n  desc: *a\n", ""):
        with pytest.raises(NotCertainError):
            inputs(tags=text, before=made).read_tags()


def test_which_files_had_to_be_read_whole_is_checked() -> None:
    inputs().check_whole(())
    inputs(NATIVES, WHOLE).check_whole({"n1"})
    for whole in ((), ("n1", "n0"), ("n0",), ("n1", "d")):
        with pytest.raises(NotCertainError):
            inputs(NATIVES, WHOLE).check_whole(whole)


# ---------------------------------------------------------------------------------- looked up


def test_keys_of_a_backend_are_passed_over() -> None:
    made = inputs(
        "- func: f() -> T\n  exposed: True\n  gen_x: 1\n  tags: x\n",
        additions=Additions(entry_keys=("exposed", "gen_*")),
    )
    assert made.native(0).value == {"func": "f() -> T", "tags": "x"}
    read = made.read_native(0)
    assert read is not None
    assert read.value == {"func": "f() -> T", "tags": "x"}


def test_which_texts_have_a_word() -> None:
    made = inputs(NATIVES, WHOLE, more=("# mine\n- name: h() -> T\n",))
    for word, files in {
        "between": "d",
        "mine": "m0",
        "shiny": "n0",
        "custom": "n1",
        "T a": "d n0 n1",
        "desc": "",
    }.items():
        having = [name for name in ("d", "m0", "n0", "n1", "t") if made.may_have(word, name)]
        assert having == files.split(), word
        assert made.may_have(word) == bool(files)


def test_which_entries_have_a_word() -> None:
    made = inputs(NATIVES, f"{WHOLE}# far\n", more=("- name: i() -> T\n  a: far\n# near\n",))

    def having(word: str) -> list[tuple[bool, int, str]]:
        found = made.entries_with(word)
        return [(of_native, at, entry.file) for of_native, at, entry in found]

    assert having("T a") == [
        (False, 0, "d"),
        (False, 1, "d"),
        (True, 0, "n0"),
        (True, 1, "n0"),
        (True, 2, "n1"),
        (True, 3, "n1"),
    ]
    # Of a file that was read whole, all; and what stands behind an entry is not its text.
    assert having("far") == [(False, 2, "m0"), (True, 2, "n1"), (True, 3, "n1")]
    assert having("near") == having("nowhere") == [(True, 2, "n1"), (True, 3, "n1")]
    assert having("between") == having("near")


@pytest.mark.parametrize(
    ("entry", "schemas"),
    [
        ("func: f(T a) -> T", ["f(T a) -> T"]),
        ("func: f_(T a) -> T  \n  tags: x", ["f_(T a) -> T"]),
        ("func: f.out(T a) -> T", ["f.out(T a) -> T"]),
        ("func: h(T a) -> T", ["h(T a) -> T"]),
        ("func: ff(T a) -> T", []),
        ("func: xf(T a) -> T", []),
        ("func: f__(T a) -> T", []),
        ("func: other(f(T a)) -> T", []),
        # What is not plain is read.
        ("func: 'f(T a) -> T'", ["f(T a) -> T"]),
        ('func: "f(T a) -> T"', ["f(T a) -> T"]),
        ("func: >\n    f(T a)\n    -> T", ["f(T a) -> T"]),
        ("func: mine::f(T a) -> T", ["f(T a) -> T"]),
        ("func: f(T a) -> T  # f", ["f(T a) -> T"]),
        ("func: mine::f(str a='x::(') -> T", ["f(str a='x::(') -> T"]),
        ("tags: x\n  func: f(T a) -> T", ["f(T a) -> T"]),
        ("func: f(T a,\n    T b) -> T", ["f(T a, T b) -> T"]),
        # Those that are hidden from Python are left out.
        ("func: f(T a) -> T\n  tags: generated", []),
        ("func: f(T a) -> T\n  tags: [x, generated]", []),
        ("func: f(T a) -> T\n  tags: x  # not generated", ["f(T a) -> T"]),
        ("func: f(T a) -> T\n  tags: not_generated", ["f(T a) -> T"]),
        ("func: 'f(T a) -> T'\n  func: x", []),
    ],
)
def test_schemas_are_found_by_their_base_names(entry: str, schemas: list[str]) -> None:
    made = inputs(f"- {entry}\n- func: unlike(T a) -> T\n")
    assert [*made.schemas_of(frozenset({"f", "h"}))] == schemas


FORMULAS = (
    "- name: f(T a, T b) -> T\n  a: helper(grad) * x.method (grad)\n"
    "  b: '\"quoted(\" + not_helper(grad)'\n"
    '- name: g(T a) -> T\n  a: "hel\\x70er2(grad) * escaped\\x28grad)"\n'
    "- name: h(T a) -> T\n  # commented(\n  result: tangent(a_t)\n"
    "- name: i(T a) -> T\n  dispatch:\n    Default:\n      a: nested(grad)\n"
    "- name: j(T a) -> T\n  nonsense: [\n"
)


def test_which_names_a_formula_calls() -> None:
    made = inputs(definitions=FORMULAS)
    called = "helper escaped quoted not_helper tangent nested method".split()
    others = "elper commented x grad f nothing".split()
    for name in called + others:
        assert made.called_with(name, {4}) == (name in called), name
    assert not made.called_with("nonsense", {4})
    assert not made.called_with("nested", {3, 4})
    assert not inputs(definitions=f"{FORMULAS}- name: unread(\n").called_with("unread", {4, 5})
