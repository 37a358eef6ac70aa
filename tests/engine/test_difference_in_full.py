"""A difference for who has not made the edit: arguments, kernels, renames, common edits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.engine.difference import Change, FullDifference, FunctionChange, difference_in_full
from derivload.engine.folding import FEWEST, Widespread, fold
from derivload.engine.lines import DocumentLines
from derivload.engine.narrowing import (
    GROUPS,
    KINDS_OF_PARTS,
    counts_of,
    group_of,
    narrow_to_functions,
    narrow_to_groups,
)
from derivload.engine.parts import function_parts, record_parts
from derivload.engine.renames import Described, find_renames
from derivload.engine.schema_changes import schema_changes
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from support.paths import CATALOGUE, FILES, NATIVES


def load(folder: Path) -> DocumentLines:
    derivatives, natives, tags = (str(folder / name) for name in FILES)
    return load_inputs(Request(find_files(derivatives, [natives], tags), with_facts=True)).lines


@pytest.fixture
def first(tmp_path: Path) -> DocumentLines:
    for name in FILES:
        (tmp_path / name).write_bytes((CATALOGUE / name).read_bytes())
    return load(tmp_path)


def edited(first: DocumentLines, folder: Path, *edits: tuple[str, str, str]) -> FullDifference:
    """The difference that edits make: a file, what stands there, and what is to stand there."""
    for name, old, new in edits:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), "utf-8")
    return difference_in_full(first, load(folder))


def changes_of(found: FullDifference, name: str) -> list[Change]:
    (function,) = [function for function in found.changed if function.name == name]
    return [*function.changes]


def test_nothing(first: DocumentLines, tmp_path: Path) -> None:
    assert edited(first, tmp_path) == FullDifference()


def test_kernel_that_comes(first: DocumentLines, tmp_path: Path) -> None:
    edit = (NATIVES, "    CPU, CUDA: gild\n", "    CPU, CUDA, MPS: gild\n")
    found = edited(first, tmp_path, edit)
    assert found.changed == (
        FunctionChange("gild", (Change("kernels", "", "CPU, CUDA", "CPU, CUDA, MPS"),)),
    )


def test_kernels_are_not_compared_where_a_side_does_not_say_them(
    first: DocumentLines, tmp_path: Path
) -> None:
    edit = (NATIVES, "    CPU, CUDA: gild\n", "    CPU, CUDA, MPS: gild\n")
    found = edited(first._replace(facts=None), tmp_path, edit)
    assert found == FullDifference()


def test_argument_that_comes_is_told_by_its_name(first: DocumentLines, tmp_path: Path) -> None:
    edits = [
        (name, "gild(Tensor self, float luster=0.5", "gild(Tensor self, float luster=0.25")
        for name in FILES[:2]
    ]
    more = [
        (
            name,
            "gild_(Tensor(a!) self, float luster=0.5",
            "gild_(Tensor(a!) self, float luster=0.25",
        )
        for name in FILES[1:2]
    ]
    changes = changes_of(edited(first, tmp_path, *edits, *more), "gild")
    assert [(c.what, c.of) for c in changes] == [("schema", ""), ("argument", "luster")]
    assert (changes[1].before, changes[1].after) == ("float luster=0.5", "float luster=0.25")


def test_renamed_function_is_told_once(first: DocumentLines, tmp_path: Path) -> None:
    edits = [(name, "gleam", "gleaming") for name in FILES[:2]]
    found = edited(first, tmp_path, *edits)
    pairs = {one.before: one.after for one in found.renamed}
    assert pairs["gleam"] == "gleaming"
    assert pairs["gleam_"] == "gleaming_"
    assert not {"gleam", "gleaming"} & {f.name for f in (*found.added, *found.removed)}
    (gleam,) = [one for one in found.renamed if one.before == "gleam"]
    assert 0.7 <= gleam.measure < 1
    assert "node" in {change.what for change in gleam.changes}


def test_function_that_comes_has_its_schema(first: DocumentLines, tmp_path: Path) -> None:
    schema = "newcomer(Tensor self, SymInt[3] where) -> Tensor"
    new = f"- func: {schema}\n\n- func: gild("
    found = edited(first, tmp_path, (NATIVES, "- func: gild(", new))
    (newcomer,) = found.added
    assert newcomer.changes[0] == Change("schema", "", None, schema)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("f(Tensor a) -> Tensor", "f(Tensor a) -> Tensor", []),
        (
            "f(Tensor a, int b=1) -> Tensor",
            "f(Tensor a, int b=2) -> Tensor",
            [("argument", "b", "int b=1", "int b=2")],
        ),
        (
            "f(Tensor a) -> Tensor",
            "f(Tensor(a!) a) -> Tensor(a!)",
            [
                ("argument", "a", "Tensor a", "Tensor(a!) a"),
                ("returns", "", "Tensor", "Tensor(a!)"),
            ],
        ),
        (
            "f(Tensor a, int b) -> ()",
            "f(Tensor a, *, int b) -> ()",
            [("argument", "b", "int b", "*, int b")],
        ),
        (
            "f(int a, int b) -> ()",
            "f(int b, int a) -> ()",
            [("order of arguments", "", "a, b", "b, a")],
        ),
        (
            "f(int[2] a=[0, 1], str b=', ') -> ()",
            "f(int[2] a=[0, 1], str b=')') -> ()",
            [("argument", "b", "str b=', '", "str b=')'")],
        ),
        ("f() -> Tensor", "f(int a) -> Tensor", [("argument", "a", None, "int a")]),
        (
            "f(Tensor a) -> (Tensor x, Tensor y)",
            "f(Tensor a) -> (Tensor x, Tensor)",
            [("returns", "", "(Tensor x, Tensor y)", "(Tensor x, Tensor)")],
        ),
    ],
)
def test_schemas_differ_argument_by_argument(
    before: str, after: str, wanted: list[tuple[str, str, str | None, str | None]]
) -> None:
    assert [*schema_changes(before, after)] == wanted


def test_each_function_is_in_one_rename_at_most() -> None:
    gone = [Described("add", "Tensor a) -> Tensor", "grad"), Described("adds", "int a) -> int", "")]
    come = [Described("adder", "Tensor a) -> Tensor", "grad")]
    found = find_renames(gone, come)
    assert [(one.before, one.after) for one in found] == [("add", "adder")]
    assert find_renames(gone[1:], [Described("zebra", "Tensor a) -> ()", "grad")]) == []


# Edits that many have in common.


def many(count: int, *changes: Change) -> list[FunctionChange]:
    return [FunctionChange(f"f{i}", changes) for i in range(count)]


def test_spelling_that_changed_everywhere_is_told_once() -> None:
    saved = Change("saved", "a", "c10::optional<int> = a", "::std::optional<int> = a")
    folded = fold(many(FEWEST, saved))
    assert folded.functions == ()
    names = tuple(f"f{i}" for i in range(FEWEST))
    spelling = Widespread("spelling", "c10::optional", "::std::optional", names)
    assert folded.widespread == (spelling,)


def test_spelling_that_stayed_elsewhere_in_the_text_is_told_once_too() -> None:
    saved = Change("saved", "a", "c10::opt = c10::opt(a)", "std::opt = c10::opt(a)")
    assert [one.before for one in fold(many(FEWEST, saved)).widespread] == ["c10::opt"]


def test_name_that_moved_to_another_namespace_is_told_once_of_few() -> None:
    moved = Change("saved", "a", "c10::opt = c10::null", "std::opt = std::null")
    other = Change("saved", "a", "at::IntArrayRef = a", "c10::SymIntArrayRef = a")
    assert [one.before for one in fold(many(2, moved)).widespread] == ["c10::opt c10::null"]
    assert fold(many(2, other)).widespread == ()


def test_what_few_have_in_common_is_told_of_each() -> None:
    functions = many(FEWEST - 1, Change("tags", "", "core", "core, pointwise"))
    assert fold(functions) == (tuple(functions), ())


def test_what_else_changed_stays() -> None:
    common = Change("kernels", "", "CPU", "CPU, XPU")
    own = Change("backward", "self", "grad", "2 * grad")
    folded = fold([*many(FEWEST, common), FunctionChange("own", (common, own))])
    assert folded.functions == (FunctionChange("own", (own,)),)
    assert [(one.what, one.before, one.after) for one in folded.widespread] == [
        ("kernels", None, "XPU")
    ]
    assert len(folded.widespread[0].functions) == FEWEST + 1


def test_item_that_only_one_has_keeps_the_whole_change() -> None:
    common = Change("kernels", "", "CPU", "CPU, XPU")
    more = Change("kernels", "", "CPU", "CPU, MPS, XPU")
    folded = fold([*many(FEWEST, common), FunctionChange("more", (more,))])
    assert folded.functions == (FunctionChange("more", (more,)),)


def test_schema_is_told_for_what_is_left_of_it() -> None:
    schema = Change("schema", "", "f(int a) -> ()", "f(SymInt a) -> ()")
    argument = Change("argument", "a", "int a", "SymInt a")
    assert fold(many(FEWEST, schema, argument)).functions == ()


# What is asked for.


def test_only_what_is_asked_for_is_left() -> None:
    tags, node = Change("tags", "", "none", "core"), Change("node", "", "A0", "A1")
    found = FullDifference(
        added=(FunctionChange("new", ()),),
        changed=(FunctionChange("f", (tags, node)), FunctionChange("g", (tags,))),
    )
    assert narrow_to_groups(found, {"node"}).changed == (FunctionChange("f", (node,)),)
    assert narrow_to_groups(found, {"node"}).added == ()
    assert narrow_to_groups(found, {"added"}) == FullDifference(added=found.added)
    left = narrow_to_functions(found, {"g", "new"}.__contains__)
    assert (left.added, left.changed) == (found.added, found.changed[1:])
    counts = counts_of(found)
    assert (counts["added"], counts["tags"], counts["node"], counts["saved"]) == (1, 2, 1, 0)
    assert [*counts] == [*GROUPS]


def test_every_kind_is_about_something_that_can_be_asked_for() -> None:
    assert {group_of(what) for what in ("schema", "argument", "kernels", "forward")} <= {*GROUPS}
    assert group_of("some field of a later version") in GROUPS


def test_every_part_is_of_a_kind_that_is_known(first: DocumentLines) -> None:
    """Fields of the documents among them: each says what a change of it is about."""
    records = msgspec.json.Decoder(DifferentiabilityRecord)
    functions = msgspec.json.Decoder(FunctionRecord)
    kinds = {
        *(what for line in first.records for what, _ in dict(record_parts(records.decode(line)))),
        *(
            what
            for line in first.functions
            for what, _ in dict(function_parts(functions.decode(line), in_full=True))
        ),
    }
    assert {"forward", "is_abstract", "output_differentiability"} <= kinds
    assert kinds <= {*KINDS_OF_PARTS}
