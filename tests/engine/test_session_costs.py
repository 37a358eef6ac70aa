"""What an edit costs: how much is read, derived and matched again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from derivload.engine.session import Session
from support.session_entries import schema_of, with_keys
from support.session_operators import EXPLICIT, KERNEL
from support.sessions import (
    DEFINITIONS,
    EDITED,
    JET,
    NATIVES,
    START,
    TAGS,
    Inputs,
    Walk,
    cut,
    edited,
    joined,
    result_of,
    with_overlay,
    without,
)

# -------------------------------------------------------------------------- what an edit costs


SHEEN = "sheen(Tensor self) -> Tensor\n  structured_delegate: gleam.out"


def replaced(old: str, new: str) -> Inputs:
    """The start with words replaced wherever they stand."""
    return Inputs(START.release, tuple(text.replace(old, new) for text in START.files))


def with_added(
    *natives: str, definitions: Sequence[str] = (), first: bool = False, inputs: Inputs = START
) -> Inputs:
    """The inputs with entries added, at the end or as the first ones."""
    for file, key, added in ((NATIVES, "func", natives), (DEFINITIONS, "name", definitions)):
        before, *parts = cut(inputs.files[file])
        new = [f"- {key}: {text}\n" for text in added]
        parts = [*new, *parts] if first else [*parts, *new]
        inputs = inputs.with_file(file, joined([before, *parts]))
    return inputs


def jets(definition: str, *, first: bool = False) -> Inputs:
    """The start with an operator and its definition, whose schema may be told by its name."""
    schema = JET.replace("jet", definition)
    return with_added(f"{schema}\n{KERNEL}", definitions=[f"{schema}\n  self: grad"], first=first)


def swapped(file: int, first: str, second: str) -> Inputs:
    before, *parts = cut(START.files[file])
    i, j = (next(n for n, e in enumerate(parts) if f": {name}(" in e) for name in (first, second))
    parts[i], parts[j] = parts[j], parts[i]
    return START.with_file(file, joined([before, *parts]))


@pytest.mark.parametrize(
    ("inputs", "read"),
    [
        pytest.param(START, 0, id="nothing"),
        # gild and gild_, and their definition.
        pytest.param(EDITED, 3, id="formula"),
        pytest.param(edited("self_t.gild(luster)", "auto_linear"), 3, id="tangent"),
        pytest.param(replaced("luster=0.5", "luster=0.25"), 3, id="default"),
        pytest.param(replaced("float luster", "Scalar luster"), 3, id="type"),
        pytest.param(replaced("luster", "sheen"), 3, id="argument"),
        pytest.param(edited("[True, False]", "[True, True]"), 2, id="output differentiability"),
        pytest.param(
            edited("pivot: quench_lean(", "pivot: (", inputs=edited("CUDA:", "MPS:")),
            3,
            id="dispatch key",
        ),
        # gleam, gleam_, gleam.out and the two foreach functions.
        pytest.param(edited("gleam_slope(self)", "(self)"), 6, id="formula of a foreach reference"),
        pytest.param(without(DEFINITIONS, "gleam("), 5, id="definition deleted"),
        pytest.param(jets("jet"), 2, id="operator"),
        pytest.param(with_added(f"gild.k({JET[4:]}\n{KERNEL}"), 4, id="overload"),
        pytest.param(
            with_added(
                "_foreach_gild(Tensor[] self, float luster=0.5) -> Tensor[]\n"
                f"  device_check: NoCheck\n{EXPLICIT}"
            ),
            4,
            id="foreach function",
        ),
        # A definition that stands twice keeps the later formulas and has two numbers.
        pytest.param(
            with_added(definitions=["gild(Tensor self, float luster=0.5) -> Tensor\n  self: grad"]),
            4,
            id="definition of what has one",
        ),
        # ripple, ripple_ and ripple_copy.
        pytest.param(edited("ripple_back(grad", "ripple_to(grad"), 4, id="formula of a view"),
        pytest.param(
            with_added(
                definitions=[
                    "ripple_copy(Tensor self, int dim, int shift=1) -> Tensor\n  self: grad"
                ]
            ),
            5,
            id="definition of a view's copy",
        ),
        pytest.param(swapped(DEFINITIONS, "cleave", "ripple"), 0, id="definitions swapped"),
        pytest.param(swapped(NATIVES, "lull", "ripple"), 0, id="functions swapped"),
        pytest.param(
            edited("inlay_clear(", "(", inputs=edited("grad * luster", "grad")),
            3 + 4,
            id="both ends of a file",
        ),
        # temper has seven functions and two definitions, whose numbers go by the order.
        pytest.param(
            swapped(DEFINITIONS, "temper.Tensor", "temper.Scalar"), 9, id="overloads swapped"
        ),
        pytest.param(jets("temper_forward"), 2, id="op of the same name behind"),
        pytest.param(jets("temper_forward", first=True), 11, id="op of the same name before"),
        pytest.param(with_added(SHEEN), 6 + 1, id="delegate of another family"),
        pytest.param(edited("desc: ", "desc: In short, ", TAGS), 0, id="description of a tag"),
        pytest.param(with_overlay(""), 0, id="empty overlay"),
        pytest.param(with_overlay(f"- func: {JET}\n{KERNEL}\n"), 1, id="overlay"),
        pytest.param(with_overlay(f"custom:\n- func: {JET}\n"), 1, id="overlay as a mapping"),
    ],
)
def test_edit_reads_the_families_that_it_touches(inputs: Inputs, read: int) -> None:
    walk = Walk(START)
    outcome = walk.go(inputs)
    assert outcome.is_incremental
    assert walk.counts["incremental afresh"] == 1
    assert outcome.counts["read"] == read
    assert walk.go(START).is_incremental


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(START.with_file(TAGS, f"{START.files[TAGS]}- tag: a\n  desc: b\n"), id="tag"),
        pytest.param(edited("desc: ", "desc: &a ", TAGS), id="anchor in tags"),
        pytest.param(edited("self: grad ", "self: &a grad "), id="anchor"),
        pytest.param(edited("- name", "---\n- name"), id="document marker"),
        pytest.param(
            with_added("jet_out_(Tensor(a!) self) -> Tensor(a!)"), id="name ending in out"
        ),
        pytest.param(with_added(f"foreach_{JET}"), id="name that begins with foreach"),
        pytest.param(with_overlay("custom:\n- func: [\n"), id="torn overlay"),
    ],
)
def test_what_is_not_certain_is_loaded_whole(inputs: Inputs) -> None:
    walk = Walk(START)
    assert not walk.go(inputs).is_incremental
    assert walk.counts["incremental afresh"] == 0
    walk.go(START)


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(edited("self: grad ", "self: grads[7] "), id="mistake"),
        pytest.param(
            edited("  result: auto_element_wise\n", "  dispatch: {}\n"), id="mistake in matching"
        ),
        pytest.param(edited("self: grad ", 'self: "grad '), id="torn quote"),
        pytest.param(edited("structured: True", "structured: False", NATIVES), id="bad delegate"),
        pytest.param(
            edited("  structured: True\n", "", NATIVES, with_added(SHEEN)), id="bad delegate"
        ),
        pytest.param(without(NATIVES, "gleam.out("), id="delegate gone"),
        pytest.param(without(NATIVES, "ripple_copy("), id="copy of a view gone"),
        pytest.param(without(NATIVES, "cleave("), id="function of a definition gone"),
        pytest.param(edited("self: grad ", "self: grad\ns"), id="half a line"),
        pytest.param(edited("- name", "-\n- name"), id="dash alone"),
    ],
)
def test_a_mistake_costs_the_families_that_it_touches(inputs: Inputs) -> None:
    walk = Walk(START)
    outcome = walk.go(inputs)
    assert outcome.is_incremental
    assert outcome.diagnostics
    assert outcome.counts["read"] < 20
    assert walk.go(START).is_incremental


def test_a_session_that_begins_with_mistakes_goes_on_from_the_families_without() -> None:
    walk = Walk(edited("grad * luster", "grads[7]"))
    outcome = walk.go(edited("grad * luster", "grads[8]"))
    assert outcome.is_incremental
    assert outcome.counts["read"] == 3
    assert walk.go(START).is_incremental


@pytest.mark.parametrize(("file", "words"), [(DEFINITIONS, "self: "), (NATIVES, "func: ")])
def test_edits_beside_an_anchor_are_loaded_whole(file: int, words: str) -> None:
    anchored = edited(words, f"{words}&a ", file)
    walk = Walk(anchored)
    assert not walk.go(edited("inlay_clear(", "(", inputs=anchored)).is_incremental
    assert not walk.go(START).is_incremental
    assert walk.go(EDITED).is_incremental


def test_ops_of_one_name_are_numbered_anew_when_definitions_change_places() -> None:
    walk = Walk(jets("temper_forward"))
    assert walk.go(jets("temper_forward", first=True)).is_incremental


def test_edit_after_a_mistake_is_of_the_last_good_inputs() -> None:
    walk = Walk(START)
    for _ in range(2):
        assert walk.go(edited("grad * luster", "grads[7]")).diagnostics
    outcome = walk.go(EDITED)
    assert outcome.is_incremental
    assert outcome.counts["read"] == 3
    assert walk.counts["incremental afresh"] == 1


@pytest.mark.parametrize(("names", "read"), [(("jet", "onyx"), 0), (("jet", "jet_"), 2)])
def test_overlays_that_change_places(names: Sequence[str], read: int) -> None:
    schemas = {"jet": "jet(Tensor self, Scalar a) -> Tensor", "onyx": JET.replace("jet", "onyx")}
    schemas["jet_"] = "jet_(Tensor(a!) self, Scalar a) -> Tensor(a!)"
    overlays = [f"- func: {schemas[name]}\n{KERNEL}\n" for name in names]
    walk = Walk(START.with_file(TAGS, *overlays, START.files[TAGS]))
    outcome = walk.go(START.with_file(TAGS, *overlays[::-1], START.files[TAGS]))
    assert outcome.is_incremental
    assert outcome.counts["read"] == read
    assert walk.go(START).is_incremental


# ----------------------------------------------------------------- what says the same differently


def with_quotes(entry: str) -> str:
    """An entry with its schema in quotes."""
    schema = schema_of(entry)
    quote = '"' if '"' not in schema else "'"
    return entry.replace(schema, f"{quote}{schema}{quote}", 1)


@pytest.mark.parametrize("file", [DEFINITIONS, NATIVES])
@pytest.mark.parametrize(
    ("respell", "costs"),
    [
        pytest.param(
            lambda e: f"{e}\n# a comment\n\n# - another: [\n", False, id="comments between"
        ),
        pytest.param(lambda e: re.sub(r"(?m)^#.*\n|^\n", "", e), False, id="comments gone"),
        pytest.param(lambda e: e.replace("\n", "\n  # a comment\n", 1), True, id="comment inside"),
        pytest.param(lambda e: e.replace("\n", "\n\n", 1), True, id="blank line inside"),
        pytest.param(lambda e: with_keys(e, lambda keys: keys.reverse()), True, id="order of keys"),
        pytest.param(with_quotes, True, id="quotes"),
    ],
)
def test_other_words_for_the_same_leave_the_documents_as_they_are(
    file: int, respell: Callable[[str], str], costs: bool
) -> None:
    session = Session(START.dialect)
    documents = result_of(session.load(START.texts), START.texts).documents
    before, *parts = cut(START.files[file])
    for i, part in enumerate(parts):
        parts[i] = respell(part)
        texts = START.with_file(file, joined([before, *parts])).texts
        outcome = session.load(texts)
        assert outcome.is_incremental
        assert result_of(outcome, texts).documents == documents, part
        assert costs or not outcome.counts["read"]
