"""Edits that many functions have in common, and what is left of what somebody asked for."""

from __future__ import annotations

import pytest

from derivload.engine.difference import Change, FullDifference, FunctionChange, Renamed
from derivload.engine.folding import FEWEST, Widespread, fold
from derivload.engine.narrowing import (
    GROUPS,
    KINDS_OF_PARTS,
    counts_of,
    group_of,
    narrow_to_functions,
    narrow_to_groups,
)

# ------------------------------------------------------------------------------ edits in common


def many(count: int, *changes: Change, begin: int = 0) -> list[FunctionChange]:
    return [FunctionChange(f"f{i}", changes) for i in range(begin, begin + count)]


@pytest.mark.parametrize(
    ("change", "edits"),
    [
        # What is no list is told by its words, a part of C++ as a spelling.
        (Change("saved", "a", "c10::X a = x", "c10::Y a = x"), [("spelling", "c10::X", "c10::Y")]),
        (Change("backward", "a", "f(a, b)", "g(b, a)"), [("spelling", "f", "g")]),
        (Change("forward", "a", "x + x", "y + y"), [("spelling", "x", "y")]),
        (Change("forward", "a", "x + y", "x - y"), [("spelling", "+", "-")]),
        (Change("node", "", "A0", "A1"), [("node", "A0", "A1")]),
        (Change("argument", "a", "int a", "SymInt a"), [("argument", "int", "SymInt")]),
        (Change("returns", "", "a b c", "d b"), [("returns", "a c", "d")]),
        (Change("kind", "", "::a::b c", "::a::d c"), [("kind", "::a::b", "::a::d")]),
        (Change("kind", "", "a::b", "a::b::c"), [("kind", "a::b", "a::b::c")]),
        *(
            (Change(what, "", "x", "y"), [("spelling", "x", "y")])
            for what in (
                *("saved", "backward", "backward as computed", "backward reads", "forward"),
                *("forward as matched", "forward needs", "args_with_derivatives"),
            )
        ),
        # Of a list, each item that comes or goes.
        (Change("tags", "", "none", "core"), [("tags", None, "core")]),
        (Change("tags", "", "core", "none"), [("tags", "core", None)]),
        (
            Change("kernels", "", "CPU, CUDA", "CUDA, XPU"),
            [("kernels", "CPU", None), ("kernels", None, "XPU")],
        ),
        (
            Change("autogen", "", "f.out", "f_"),
            [("autogen", "f.out", None), ("autogen", None, "f_")],
        ),
        (Change("variants", "", "function", "function, method"), [("variants", None, "method")]),
        # What several have not in common.
        (Change("tags", "", None, "core"), None),
        (Change("tags", "", "core", None), None),
        (Change("schema", "", "f(int a)", "f(SymInt a)"), None),
        (Change("node", "", "A0", "A0 B0"), None),
        (Change("node", "", "A0 B0", "A0"), None),
        (Change("node", "", "A0 B0", "B0 A0"), None),
    ],
)
def test_which_edits_many_may_have_in_common(
    change: Change, edits: list[tuple[str, str | None, str | None]] | None
) -> None:
    functions = many(FEWEST, change)
    names = tuple(function.name for function in functions)
    if edits is None:
        assert fold(functions) == (tuple(functions), ())
    else:
        assert fold(functions) == ((), tuple(Widespread(*edit, names) for edit in edits))
        fewer = functions[1:]
        assert fold(fewer) == (tuple(fewer), ())


@pytest.mark.parametrize(
    ("before", "after", "is_moved"),
    [
        ("c10::X", "std::X", True),
        ("c10::X", "::std::X", True),
        ("c10::X c10::Y", "std::X std::Y", True),
        ("c10::X", "std::Y", False),
        ("X", "std::X", False),
        ("c10::X", "X", False),
        ("c10::X c10::Y", "std::X", False),
        ("c10::X y", "std::X z", False),
    ],
)
def test_names_that_only_moved_are_told_once_of_two(
    before: str, after: str, is_moved: bool
) -> None:
    functions = many(2, Change("saved", "a", before, after))
    assert bool(fold(functions).widespread) == is_moved
    assert fold(functions[:1]).widespread == ()
    elsewhere = many(2, Change("node", "", before, after))
    assert fold(elsewhere).widespread == ()


def test_what_most_functions_have_comes_first() -> None:
    assert FEWEST == 20
    few, more = Change("tags", "", "none", "core"), Change("node", "", "A0", "B0")
    folded = fold([*many(FEWEST, few), *many(FEWEST + 1, more, begin=FEWEST)])
    assert [(one.what, len(one.functions)) for one in folded.widespread] == [
        ("node", FEWEST + 1),
        ("tags", FEWEST),
    ]


def test_a_schema_stays_with_what_is_left_of_it() -> None:
    schema = Change("schema", "", "f(int a, int b) -> ()", "f(SymInt a, float b) -> ()")
    common, own = (
        Change("argument", "a", "int a", "SymInt a"),
        Change("argument", "b", "x b", "y b"),
    )
    tags = Change("tags", "", None, "core")
    rest = many(FEWEST, common)
    for changes, left in [
        ((schema, common, own), (schema, own)),
        ((schema, common), ()),
        ((schema, tags, common), (tags,)),
        ((schema, tags), (schema, tags)),
    ]:
        folded = fold([FunctionChange("one", changes), *rest])
        assert folded.functions == ((FunctionChange("one", left),) if left else ())


# ----------------------------------------------------------------------------- what is asked for


def test_what_each_kind_of_part_is_about() -> None:
    kinds = {
        "schema": "schema, argument, order of arguments, returns, kind",
        "variants": "variants, python_module, namespace",
        "dispatch": "kernels, structured_delegate, structured, is_abstract, "
        "has_composite_implicit_autograd_kernel, has_composite_explicit_autograd_kernel",
        "tags": "tags",
        "autogen": "autogen",
        "formula": "backward, forward, backward as computed, backward reads, forward as matched, "
        "forward needs, defined for",
        "saved": "saved",
        "node": "node",
        "gradients": "available_named_gradients, used_named_gradients",
        "differentiability": "output_differentiability, output_differentiability_conditions, "
        "non_differentiable_arg_names, args_with_derivatives, name, torch_version, "
        "used_dispatch_keys",
    }
    group_by_kind = {kind: group for group, text in kinds.items() for kind in text.split(", ")}
    assert (*group_by_kind,) == KINDS_OF_PARTS
    assert {kind: group_of(kind) for kind in KINDS_OF_PARTS} == group_by_kind
    assert group_of("something new") == "differentiability"
    assert ("added", "removed", "renamed", *kinds) == GROUPS


TAGS, NODE = Change("tags", "", "none", "core"), Change("node", "", "A0", "A1")
FOUND = FullDifference(
    added=(FunctionChange("new", ()),),
    removed=(FunctionChange("old", (NODE,)),),
    changed=(FunctionChange("f", (TAGS, NODE, NODE)), FunctionChange("g", (TAGS,))),
    documents=(Change("torch_version", "", "2.1", "2.2"),),
    renamed=(Renamed("h", "h2", 0.9, (NODE,)), Renamed("i", "i2", 0.8, ())),
)


def test_each_group_is_left_by_itself() -> None:
    none = FullDifference()
    for groups, left in [
        ({"added"}, FullDifference(added=FOUND.added)),
        ({"removed"}, FullDifference(removed=FOUND.removed)),
        ({"renamed"}, FullDifference(renamed=FOUND.renamed)),
        ({"tags"}, FullDifference(changed=(FunctionChange("f", (TAGS,)), FOUND.changed[1]))),
        ({"node"}, FullDifference(changed=(FunctionChange("f", (NODE, NODE)),))),
        ({"saved"}, none),
        (set(), none),
    ]:
        assert narrow_to_groups(FOUND, groups) == left


def test_functions_are_left_by_any_of_their_names() -> None:
    for names, left in [
        ({"new"}, FullDifference(added=FOUND.added)),
        ({"old"}, FullDifference(removed=FOUND.removed)),
        ({"g"}, FullDifference(changed=FOUND.changed[1:])),
        ({"h"}, FullDifference(renamed=FOUND.renamed[:1])),
        ({"i2"}, FullDifference(renamed=FOUND.renamed[1:])),
        (set(), FullDifference()),
    ]:
        assert narrow_to_functions(FOUND, names.__contains__) == left


def test_a_function_counts_once_in_each_respect() -> None:
    assert counts_of(FOUND) == {
        **dict.fromkeys(GROUPS, 0),
        "added": 1,
        "removed": 1,
        "renamed": 2,
        "tags": 2,
        "node": 1,
    }
