"""States that are none, and the memory that a session takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from derivload.engine.judging import judge
from derivload.engine.session import Session
from support.session_operators import KERNEL
from support.sessions import (
    CATALOGUE_TEXTS,
    DEFINITIONS,
    EDITED,
    JET,
    START,
    TAGS,
    Inputs,
    Walk,
    cold,
    edited,
    result_of,
    with_overlay,
)


class Kept(NamedTuple):
    """What a session leaves for the next: the state, and the lines of its documents."""

    state: bytes
    records: list[bytes]
    functions: list[bytes]


def kept_of(inputs: Inputs) -> Kept:
    session = Session(inputs.dialect)
    lines = session.load(inputs.texts).lines
    state = session.keep()
    assert lines is not None
    assert state is not None
    return Kept(state, lines.records, lines.functions + lines.generated)


def damaged() -> Iterator[Kept]:
    whole = kept_of(START)
    garbage = [b"", b"\xc1", b"garbage", b"{}", b"\x94\x90\x90\x90\x90", b"\xdd\xff\xff\xff\xff"]
    truncated = [whole.state[:length] for length in range(0, len(whole.state), 997)]
    no_text = whole.state.replace(b"gild", b"gi\xffd")
    for state in (*garbage, *truncated, no_text, whole.state + b"\0", whole.state[::-1]):
        yield whole._replace(state=state)
    for records in ([], whole.records[:-1], [*whole.records, b"{}"], whole.functions):
        yield whole._replace(records=records)
    for functions in ([], whole.functions[:20], whole.functions[:-1], [*whole.functions, b"{}"]):
        yield whole._replace(functions=functions)


def test_state_that_is_none_is_left_aside() -> None:
    expected = cold(EDITED)
    for kept in damaged():
        session = Session(EDITED.dialect)
        session.restore(*kept)
        outcome = session.load(EDITED.texts)
        assert not outcome.is_incremental
        assert result_of(outcome, EDITED.texts) == expected
        assert session.load(START.texts).is_incremental


@pytest.mark.parametrize(
    "other",
    [
        with_overlay(f"- func: {JET}\n{KERNEL}\n"),
        edited("desc: ", "desc: &a ", TAGS),
        START.with_file(TAGS, f"{START.files[TAGS]}- tag: a\n  desc: b\n"),
        Inputs("2.15", (f"- name: {JET}\n  self: grad\n", f"- func: {JET}\n", START.files[-1])),
        Inputs("2.15", CATALOGUE_TEXTS),
    ],
    ids=["overlay", "anchor", "tags", "hardly anything", "the catalogue as it ships"],
)
def test_state_of_other_inputs_gives_the_same(other: Inputs) -> None:
    walk = Walk(other)
    walk.go(EDITED)
    walk.go(other)


@pytest.mark.parametrize(
    ("before", "after"),
    [("[pointwise]", "!!set {pointwise}"), ("'2001-12-14'", "2001-12-14"), ("a", "&a [*a]")],
)
@pytest.mark.parametrize("key", ["tags", "python_module"])
def test_values_of_an_overlay_differ_by_type_too(key: str, before: str, after: str) -> None:
    walk = Walk(START)
    for value in (before, after, before):
        walk.go(with_overlay(f"custom:\n- func: {JET}\n  {key}: {value}\n"))


def test_an_overlay_that_turns_into_a_list_of_kernels_is_told_as_a_whole() -> None:
    walk = Walk(with_overlay(f"- func: {JET}\n{KERNEL}\n"))
    for text in ("- func: jet\n- func: gild\n", f"- func: {JET}\n{KERNEL}\n- func: gild\n"):
        walk.go(with_overlay(text))


@pytest.mark.parametrize("release", ["2.1", "2.15"])
def test_a_name_may_be_like_that_of_a_copy_of_a_view(release: str) -> None:
    def view(name: str) -> str:
        return (
            f"- func: {name}(Tensor(a) self) -> Tensor(a)\n"
            "  dispatch:\n    CompositeExplicitAutograd: kernel\n"
        )

    def copy(name: str) -> str:
        return (
            f"- func: {name}_copy(Tensor self) -> Tensor\n"
            "  dispatch:\n    CompositeExplicitAutogradNonFunctional: kernel\n"
            "  tags: view_copy\n"
        )

    definitions, natives, tags = START.files
    natives += copy("gild_forward") + view("gild_forward")
    before = Inputs(release, (definitions, natives, tags))
    definitions += "- name: ripple_forward(Tensor(a) self) -> Tensor(a)\n  self: grad\n"
    walk = Walk(before)
    walk.go(before)
    walk.go(Inputs(release, (definitions, natives + copy("ripple_forward"), tags)))


def test_the_id_of_a_superfluous_comment_is_the_same_however_the_file_is_read() -> None:
    schema = "- name: cleave(Tensor self, int dim=-1) -> (Tensor upper, Tensor lower)"
    commented = edited(schema, f"{schema}  # derivload: ignore[DL601]")
    walk = Walk(commented)
    walk.go(commented)
    walk.go(edited("upper: cleave_upper", "upper: &a cleave_upper", inputs=commented))


def test_superfluous_comments_that_are_alike_are_told_of_each_entry() -> None:
    tangent = "  result: auto_linear\n"
    commented = f"{tangent[:-1]}  # derivload: ignore[DL601]\n"
    definitions = START.files[DEFINITIONS].replace(tangent, commented)
    texts = START.with_file(DEFINITIONS, definitions).texts
    make_linted = Session(START.dialect).load(texts).make_linted
    assert make_linted is not None
    told = [one.id for one in judge(make_linted(), texts).shown if one.code == "DL608"]
    assert len({*told}) == len(told) == definitions.count(commented) > 1


@pytest.mark.thorough
def test_memory_does_not_grow_from_edit_to_edit() -> None:
    def most_after(edits: range) -> int:
        most = 0
        for i in edits:
            inputs = edited("grad * luster", f"grad * luster * {i}")
            texts = [text.replace("luster=0.5", f"luster={i}.5") for text in inputs.files]
            outcome = session.load(inputs._replace(files=tuple(texts)).texts)
            assert outcome.is_incremental
            if i % 20 == 0:
                gc.collect()
                most = max(most, tracemalloc.get_traced_memory()[0])
        return most

    tracemalloc.start()
    try:
        session = Session(START.dialect)
        session.load(START.texts)
        first = most_after(range(300))
        assert most_after(range(300, 600)) < first * 1.05
    finally:
        tracemalloc.stop()
