"""The state of a session as values: what is packed, and what is found by family."""

from __future__ import annotations

import msgspec
import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic, Mistake
from derivload.engine.coverage import CoverageGroup
from derivload.engine.difference import (
    Change,
    Difference,
    FullDifference,
    FunctionChange,
    Renamed,
)
from derivload.engine.facts import FunctionFacts
from derivload.engine.folding import Widespread
from derivload.engine.found import FoundByFamily, by_family
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import encode_lines
from derivload.engine.lint import Possible
from derivload.engine.load import load_texts
from derivload.engine.outcome import Outcome, outcome_of
from derivload.engine.rows import DefinitionRow, FunctionRow, Indexed, NativeRow
from derivload.engine.state import (
    Rows,
    State,
    certain_family,
    content_of,
    lines_of,
    no_state,
    pack,
    state_of,
    unpack,
)
from derivload.engine.texts import Text, Texts

TAGS = Text("t", "- tag: view_copy\n  desc: x\n- tag: core\n  desc: x\n")


def natives(*families: str) -> Indexed[NativeRow]:
    return Indexed([NativeRow(b"", family, ()) for family in families])


def definitions(*families: str) -> Indexed[DefinitionRow]:
    return Indexed([DefinitionRow(b"", family) for family in families])


def possible(of_native: bool, at: int, other: int = -1, declared: int = -1) -> Possible:
    name = f"{of_native}{at}"
    return Possible(name, name, Mistake("DL602", "x"), of_native, at, other, declared)


# ------------------------------------------------------------------------------ found by family


def test_what_was_found_is_kept_by_the_rank_in_its_family() -> None:
    rows = natives("a", "b", "a", "c", "a"), definitions("b", "a", "b", "a")
    found = [
        possible(False, 1, declared=4),
        possible(False, 2, other=0),
        possible(False, 3, other=1, declared=0),
        possible(True, 1),
        possible(True, 4, other=2),
    ]
    kept = by_family(found, *rows)
    assert {
        family: [(o.id, o.at, o.other, o.declared) for o in ones] for family, ones in kept.items()
    } == {
        "a": [("False1", 0, -1, 2), ("False3", 1, 0, 0), ("True4", 2, 1, -1)],
        "b": [("False2", 1, 0, -1), ("True1", 0, -1, -1)],
    }
    assert [*kept] == ["a", "b"]
    made = FoundByFamily(kept)
    assert made.all(*rows) == found
    # It is the same list as long as no entry changes its place.
    assert made.all(*rows) is made.all(*rows)
    same = rows[0].replaced(1, 2, [NativeRow(b"new", "b", ())]), rows[1]
    assert made.all(*same) is made.all(*rows)
    moved = natives("a", "b", "c", "a", "a"), rows[1]
    assert [(o.at, o.other, o.declared) for o in made.all(*moved)] == [
        *((1, -1, 4), (2, 0, -1), (3, 1, 0), (1, -1, -1), (4, 3, -1)),
    ]
    other = rows[0], definitions("a", "b", "b", "a")
    assert [one.at for one in made.all(*other)][:3] == [0, 2, 3]
    assert FoundByFamily({}).all(*rows) == []


def test_what_was_found_in_families_is_replaced() -> None:
    one, other, new = possible(False, 0), possible(False, 1), possible(False, 2)
    found = FoundByFamily({"a": (one,), "b": (other,)})
    assert found.replaced({"c"}, {}) is found
    assert found.replaced({"a"}, {}).by_family == {"b": (other,)}
    assert found.replaced({"a", "c"}, {"c": (new,)}).by_family == {"b": (other,), "c": (new,)}
    assert found.replaced({"a"}, {"a": (new,)}).by_family == {"a": (new,), "b": (other,)}
    assert found.by_family == {"a": (one,), "b": (other,)}


@pytest.mark.parametrize(
    "one",
    [
        possible(False, 1),
        possible(True, 2),
        possible(False, -1),
        possible(False, 0, other=1),
        possible(False, 0, declared=2),
    ],
)
def test_what_was_found_of_no_entry_is_refused(one: Possible) -> None:
    rows = natives("a", "a"), definitions("a")
    assert FoundByFamily({"a": (possible(False, 0, 0, 1),)}).all(*rows)
    for found in ({"a": (one,)}, {"b": (possible(False, 0),)}):
        with pytest.raises(
            ValueError, match=r"^(there is no such entry|a warning is about no entry)$"
        ):
            FoundByFamily(found).all(*rows)


# ------------------------------------------------------------------------------------- states


DEFINED = (
    "- name: f(Tensor self, Tensor n) -> Tensor\n  self: grad * slef\n  n: grad\n"
    "- name: f(Tensor self, Tensor n) -> Tensor\n  self: grad\n  n: grad\n"
    "- name: fold(Tensor(a) self) -> Tensor(a)\n  dispatch:\n    Default:\n      self: grad\n"
    "    AutogradCUDA:\n      self: grad * 2\n"
)
DECLARED = (
    "- func: f(Tensor self, Tensor n) -> Tensor\n  structured_delegate: g.out\n"
    "- func: fold(Tensor(a) self) -> Tensor(a)\n  dispatch:\n    CompositeExplicitAutograd: f\n"
    "- func: fold_copy(Tensor self) -> Tensor\n"
    "  dispatch:\n    CompositeExplicitAutogradNonFunctional: f\n  tags: view_copy\n"
    "- func: g.out(Tensor self, Tensor n, *, Tensor(a!) out) -> Tensor(a!)\n"
    "  structured: True\n  dispatch:\n    CPU: f\n"
    "- func: g(Tensor self, Tensor n) -> Tensor\n  structured_delegate: g.out\n"
)


def texts_of(definitions: str = DEFINED, natives: str = DECLARED) -> Texts:
    return Texts(Text("d", definitions), (Text("n", natives),), TAGS)


def made_of(texts: Texts, *, with_refused: bool = False) -> State:
    loaded = load_texts(texts, NEWEST)
    assert [d.render() for d in loaded.diagnostics] == []
    return state_of(loaded, InputEntries(texts), with_refused=with_refused)


def test_the_state_of_a_load() -> None:
    texts = texts_of()
    state, inputs = made_of(texts), InputEntries(texts)
    assert state.tags == ["core", "view_copy"]
    assert state.natives.digests == inputs.natives
    assert [
        (row.digest, row.family, row.links, row.structured) for row in state.natives.rows.rows
    ] == [
        (inputs.natives[0], "f", ("g",), ""),
        (inputs.natives[1], "fold", (), ""),
        (inputs.natives[2], "fold", (), ""),
        (inputs.natives[3], "g", (), "g.out"),
        (inputs.natives[4], "g", (), ""),
    ]
    digests = inputs.definitions
    assert state.definitions.digests == digests
    assert state.definitions.rows.rows == [
        DefinitionRow(digests[0], "f", ("FBackward",), (0,), ("Default",), "f", None),
        DefinitionRow(digests[1], "f", ("FBackward",), (1,), ("Default",), None, None),
        DefinitionRow(
            digests[2],
            "fold",
            ("FoldBackward", "FoldBackwardAutogradCUDA"),
            (0, 0),
            ("Default", "AutogradCUDA"),
            "fold",
            "fold_copy",
        ),
    ]
    assert [line is None for line in state.definitions.own] == [False, True, False]
    assert [line is None for line in state.definitions.copies] == [True, True, False]
    assert state.functions.rows.rows == [
        *(FunctionRow("f", "f"), FunctionRow("fold", "fold"), FunctionRow("fold_copy", "fold")),
        *(FunctionRow("g", "g"), FunctionRow("g_out", "g")),
    ]
    assert state.generated.rows.rows == []
    assert [one.mistake.code for one in state.found()] == ["DL602", "DL601"]
    assert (state.checked, [*state.of_backends], state.refused) == (b"", [], None)
    assert state.found_refused() == []
    assert made_of(texts, with_refused=True).refused is not None
    assert lines_of(NEWEST.version, state) == encode_lines(load_texts(texts, NEWEST))


def test_a_state_is_packed_and_unpacked() -> None:
    warned = Diagnostic("d", 1, 1, "DL621", "x", severity="warning")
    refused = FoundByFamily({"f": (possible(False, 0),)})
    for state in (
        made_of(texts_of()),
        made_of(texts_of())._replace(
            checked=b"checked", of_backends=[(1, warned)], refused=refused
        ),
    ):
        lines = lines_of("2.15", state)
        made = unpack(pack(state), lines.records, [*lines.functions, *lines.generated])
        assert made.tags == state.tags
        assert made.natives.digests == state.natives.digests
        assert made.natives.rows.rows == state.natives.rows.rows
        assert made.definitions.digests == state.definitions.digests
        assert made.definitions.rows.rows == state.definitions.rows.rows
        assert made.definitions.own == state.definitions.own
        assert made.definitions.copies == state.definitions.copies
        assert made.functions.rows.rows == state.functions.rows.rows
        assert made.functions.lines == state.functions.lines
        assert made.generated.lines == state.generated.lines
        assert (made.checked, [*made.of_backends]) == (state.checked, [*state.of_backends])
        assert made.found() == state.found()
        assert made.found_refused() == state.found_refused()
        assert (made.refused is None) == (state.refused is None)
        assert lines_of("2.15", made) == lines


def test_rows_are_packed_as_arrays_without_names() -> None:
    """Their names would be most of what is kept."""
    state = made_of(texts_of())
    tags, declared, defined, functions, generated, *rest = msgspec.msgpack.decode(pack(state))
    digests = InputEntries(texts_of())
    assert tags == ["core", "view_copy"]
    assert declared[3] == [digests.natives[3], "g", [], "g.out"]
    row = [digests.definitions[0], "f", ["FBackward"], [0], ["Default"], "f", None]
    assert defined[0] == row
    assert (functions[0], generated) == (["f", "f"], [])
    checked, warnings, of_backends, refused = rest
    assert (checked, of_backends, refused) == (b"", [], None)
    id_, operator, _, *places = warnings["f"][0]
    assert (len(id_), operator, places) == (16, "f", [False, 1, 0, -1, False, ""])


@pytest.mark.parametrize(
    "kind",
    [
        *(Possible, Rows, NativeRow, DefinitionRow, FunctionRow, FunctionFacts, CoverageGroup),
        *(Change, FunctionChange, Difference, FullDifference, Renamed, Widespread),
    ],
)
def test_values_are_frozen_and_the_collector_passes_them_over(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    assert kind is Widespread or not kind.__struct_config__.gc


def test_what_does_not_fit_together_is_no_state() -> None:
    state = made_of(texts_of())
    lines = lines_of("2.15", state)
    packed, records, functions = pack(state), lines.records, lines.functions
    nowhere = FoundByFamily({"nowhere": (possible(False, 0),)})
    for kept, own, other, message in [
        (b"", records, functions, "these are no rows"),
        (packed[:-1], records, functions, "these are no rows"),
        (packed, records[1:], functions, "these lines are not of these rows"),
        (packed, [*records, b"{}"], functions, "these lines are not of these rows"),
        (packed, records, functions[1:], "these lines are not of these rows"),
        (packed, records, [*functions, b"{}"], "these lines are not of these rows"),
        (pack(state._replace(warnings=nowhere)), records, functions, "there is no such entry"),
        (pack(state._replace(refused=nowhere)), records, functions, "there is no such entry"),
    ]:
        with pytest.raises(ValueError, match=f"^{message}$"):
            unpack(kept, own, other)


def test_what_a_state_was_made_from_is_told_by_a_digest() -> None:
    all_of = [
        content_of([b"a"], [b"b"], ["c"]),
        content_of([b"b"], [b"a"], ["c"]),
        content_of([b"a", b"b"], [], ["c"]),
        content_of([], [b"a", b"b"], ["c"]),
        content_of([b"a"], [b"b"], ["c", "d"]),
        content_of([b"a"], [b"b"], ["cd"]),
    ]
    assert len(set(all_of)) == len(all_of)
    assert content_of([b"a"], [b"b"], ["c"]) == all_of[0]
    assert len(all_of[0]) == 32


def test_names_that_no_family_covers_are_not_certain() -> None:
    assert certain_family("fold_copy") == "fold"
    for name in ("__and__", "add_out"):
        with pytest.raises(NotCertainError):
            certain_family(name)


def test_without_entries_a_state_is_empty() -> None:
    state = no_state(["b", "a"])
    assert state.tags == ["a", "b"]
    assert state.found() == state.found_refused() == []
    assert (state.checked, state.of_backends, state.refused) == (b"", (), None)
    assert lines_of("2.15", state) == ("2.15", (), [], [], [], [], None)


# ------------------------------------------------------------------------------------ outcomes


def outcome(*passed_over: str) -> Outcome:
    made = outcome_of(load_texts(texts_of(), NEWEST))
    return made._replace(passed_over=passed_over)


def test_what_a_full_load_gives() -> None:
    loaded = load_texts(texts_of(), NEWEST)
    made = outcome_of(loaded)
    assert made.counts == {"read": 5 + 3, "reused": 0, "derived": 3, "matched": 5}
    assert (made.is_incremental, made.is_of_entries, made.diagnostics) == (False, True, [])
    assert made.load is loaded.load
    assert made.backends is loaded.backends
    assert made.lines == encode_lines(loaded)
    assert made.make_linted is not None
    linted = made.make_linted()
    assert [one.mistake.code for one in linted.found] == ["DL601", "DL602"]
    assert [one.mistake.code for one in linted.find_refused()] == []
    wrong = outcome_of(load_texts(texts_of(natives="- func: f(\n"), NEWEST))
    assert wrong.diagnostics
    assert wrong.lines is None


def test_sections_that_were_passed_over_are_noted() -> None:
    rest = (
        ": --section NAME lays a section over that declares "
        "operators, and --backend-yaml FILE takes a file that registers kernels"
    )
    assert outcome().note == ""
    assert outcome("a").note == f"passed over the section `a`{rest}"
    assert outcome("a", "b\n").note == f"passed over the sections `a`, `b\\n`{rest}"
    many = [f"s{i}" for i in range(14)]
    names = ", ".join(f"`{name}`" for name in many[:12])
    assert outcome(*many[:12]).note == f"passed over the sections {names}{rest}"
    assert outcome(*many[:13]).note == f"passed over the sections {names} and 1 more{rest}"
    assert outcome(*many).note == f"passed over the sections {names} and 2 more{rest}"
