"""Loads by a torchgen of its own process: what it answers, and how its answers are put together.

The torchgen is a release's, as if derivload did not know its rules. So everything that it gives has
to be what our own engine gives. One process answers all tests: it is asked again in a moment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

import msgspec
import pytest

from derivload.engine.inputs import InputEntries
from derivload.engine.lines import DocumentLines
from derivload.engine.session import Session
from derivload.loading.errors import TreeCodeError
from derivload.loading.own_code.families import FamilyRow, FamilyRows, NotSeparableError
from derivload.loading.own_code.process import (
    OwnTorchgen,
    RefusedError,
    TreeAnswer,
    start_torchgen,
)
from derivload.loading.own_code.session import OwnCodeSession, _last, load_whole
from derivload.loading.own_code.state import difference, join, lines_of, split
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from support.releases import Release
from support.session_edits import EDITS as SESSION_EDITS
from support.sessions import (
    DEFINITIONS,
    NATIVES,
    START,
    TAGS,
    Inputs,
    StoreInMemory,
    cut,
    edited,
    joined,
    with_overlay,
)

pytestmark = pytest.mark.release


def rules() -> Rules:
    return Rules("source x", "2.15", "the test says so")


@pytest.fixture(scope="module")
def torchgen(release: Release, newest: str) -> Iterator[OwnTorchgen]:
    root = release(newest)
    files = Files("", [""], "", None)
    autograd = str(root / "torchgen" / "packaged" / "autograd")
    files.tree = TreePlace(str(root), str(root / "torchgen"), autograd)
    started = start_torchgen(files, rules())
    yield started
    started.close()


def engines(inputs: Inputs) -> DocumentLines:
    """What our own engine gives."""
    outcome = Session(inputs.dialect).load(inputs.texts)
    assert outcome.lines is not None, outcome.diagnostics
    return outcome.lines


class Loads:
    """A session, in which one load follows the other."""

    def __init__(self, torchgen: OwnTorchgen, store: StoreInMemory | None = None) -> None:
        self.rules = rules()
        self.session = OwnCodeSession(self.rules, torchgen, store)

    def load(self, inputs: Inputs) -> str:
        """Load, compare with our engine, and say how it was loaded."""
        outcome = self.session.load(inputs.texts)
        expected = engines(inputs)
        assert outcome.lines == expected
        assert outcome.counts["derived"] == len(expected.records)
        assert outcome.counts["matched"] == len(expected.functions)
        every = sum(len(cut(text)[1:]) for text in inputs.files[:-1])
        assert outcome.counts["read"] + outcome.counts["reused"] in (every, 0)
        if not outcome.is_incremental:
            assert outcome.counts["reused"] == 0
            return "whole"
        assert outcome.is_of_entries
        return f"{outcome.counts['read']}"


def some(inputs: Inputs, names: str) -> Inputs:
    """The inputs with these operators alone."""
    for file in (DEFINITIONS, NATIVES):
        _, *parts = cut(inputs.files[file])
        kept = [part for part in parts if re.match(rf"- \w+: ({names})[_.(]", part)]
        inputs = inputs.with_file(file, joined(kept))
    return inputs


FEW: Final = some(START, "gild|gleam|braid|temper")


def with_natives(text: str, definitions: str = "") -> Inputs:
    return FEW.with_file(NATIVES, FEW.files[NATIVES] + text).with_file(
        DEFINITIONS, FEW.files[DEFINITIONS] + definitions
    )


def native(name: str, more: str = "") -> str:
    return f"\n- func: {name}(Tensor self) -> Tensor\n{more}  dispatch:\n    CPU: x\n"


def definition(name: str) -> str:
    return f"\n- name: {name}(Tensor self) -> Tensor\n  self: grad\n"


# Families that are loaded together: one delegates to the other, or their ops are numbered together.
OUT: Final = """
- func: bevels(Tensor self) -> Tensor
  structured_delegate: bevels.out

- func: bevels.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU: x
"""
DELEGATING: Final = "\n- func: bevel(Tensor self) -> Tensor\n  structured_delegate: bevels.out\n"
LINKED: Final = with_natives(DELEGATING + OUT, definition("bevel"))
# Both ops would be `Bev2ElBackward0`.
NUMBERED: Final = with_natives(
    native("bev2el") + native("bev2El"), definition("bev2el") + definition("bev2El")
)
# From one of the inputs to another, and how many entries are read for the second.
EDITS: Final[dict[str, tuple[Inputs, Inputs, str]]] = {
    "nothing": (FEW, FEW, "0"),
    "a formula": (FEW, edited("grad * luster", "luster * grad", inputs=FEW), "3"),
    "a comment": (FEW, edited("- name: gild", "# new\n- name: gild", inputs=FEW), "0"),
    "order": (
        FEW,
        FEW.with_file(DEFINITIONS, joined(cut(FEW.files[DEFINITIONS])[::-1])),
        "6",
    ),
    "a new function": (FEW, with_natives(native("bevel")), "1"),
    "a function less": (with_natives(native("bevel")), FEW, "0"),
    "a tag": (
        FEW,
        FEW.with_file(TAGS, f"{FEW.files[TAGS]}\n- tag: mine\n  desc: x\n"),
        "15",
    ),
    "a delegate": (LINKED, edited("CPU: x", "CPU: y", NATIVES, LINKED), "4"),
    "a number": (
        NUMBERED,
        edited(
            "self: grad\n\n- name: bev2El",
            "self: 2 * grad\n\n- name: bev2El",
            DEFINITIONS,
            NUMBERED,
        ),
        "4",
    ),
    "an overlay's entry": (
        with_overlay(native("bevel")),
        with_overlay(native("bevel", "  variants: function\n")),
        "1",
    ),
}


def test_it_answers_what_our_engine_gives(torchgen: OwnTorchgen) -> None:
    assert load_whole(torchgen, START.texts, "2.15") == engines(START)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_loaded_with_what_it_touches(edit: str, torchgen: OwnTorchgen) -> None:
    before, after, read = EDITS[edit]
    store = StoreInMemory()
    loads = Loads(torchgen, store)
    assert loads.load(before) == "whole"
    (found,) = store.values.values()
    assert found.startswith(b"independent ")
    assert loads.load(after) == read
    kept = loads.session.keep()
    assert kept is not None
    again = Loads(torchgen, store)
    again.session.restore(kept, [], [])
    assert again.load(before) != "whole"
    assert again.rules.remark == loads.rules.remark == ""


def test_random_edits(torchgen: OwnTorchgen) -> None:
    random = Random(3)
    loads = Loads(torchgen)
    inputs = START
    counts: Counter[str] = Counter()
    for _ in range(15):
        edit = random.choice(SESSION_EDITS)
        new = edit(random, inputs)
        if new.release != "2.15" or Session(new.dialect).load(new.texts).diagnostics:
            continue
        counts[loads.load(new)] += 1
        inputs = new
    assert counts["whole"] <= 2
    assert len(counts) > 4


def test_what_was_found_out_about_families_is_kept(torchgen: OwnTorchgen) -> None:
    store = StoreInMemory()
    Loads(torchgen, store).load(FEW)
    (key,) = store.values
    store.values[key] = b"somebody says so"
    loads = Loads(torchgen, store)
    assert [loads.load(FEW), loads.load(FEW)] == ["whole", "whole"]
    assert loads.rules.remark == "everything was loaded, because somebody says so"
    assert loads.session.keep() is None


def test_inputs_that_cannot_be_cut_are_loaded_whole(torchgen: OwnTorchgen) -> None:
    loads = Loads(torchgen)
    flow = FEW.with_file(DEFINITIONS, "[]\n")
    assert loads.session.load(flow.texts).counts["read"] == 0
    why = "the inputs are not plain lists of entries"
    assert loads.rules.remark == f"everything was loaded, because {why}"
    strange = with_natives(native("foreach_bevel"))
    assert loads.load(strange) == "whole"
    assert loads.rules.remark == "everything was loaded, because foreach_bevel is of no family"
    assert loads.load(FEW) == "whole"
    assert loads.rules.remark == ""


@pytest.fixture(scope="module")
def answer(torchgen: OwnTorchgen) -> TreeAnswer:
    texts = START.texts
    three = texts.derivatives, texts.native_functions[0], texts.tags
    return torchgen.run([text.text for text in three])


@pytest.fixture(scope="module")
def rows(answer: TreeAnswer) -> list[FamilyRow]:
    inputs = InputEntries(START.texts, None, ())
    return FamilyRows(inputs, {}).definitions


Change = Callable[[TreeAnswer, Sequence[FamilyRow]], dict[str, object]]
# Answers that cannot be split by family.
NOT_SEPARABLE: Final[dict[str, Change]] = {
    "it has fewer records than definitions": lambda answer, rows: {
        "records": answer.records[: len(rows) - 1],
        "bases": answer.bases[: len(rows) - 1],
    },
    "{0} is of no definition": lambda answer, rows: {
        "origins": [*range(len(rows)), *(i for i in range(len(rows), len(answer.records)))]
    },
    "{1} is out of order": lambda answer, rows: {
        "bases": [*answer.bases[:1], "other", *answer.bases[2:]]
    },
    "{1} is out of order ": lambda answer, rows: {"origins": [0, 0, *answer.origins[2:]]},
    "its dispatch keys are not those of its records": lambda answer, rows: {
        "used_dispatch_keys": (*answer.used_dispatch_keys, "CUDA")
    },
    "functions of two families are x in C++": lambda answer, rows: {
        "cpp_names": ["x"] * len(answer.cpp_names)
    },
    "{2} is no function": lambda answer, rows: {
        "functions": answer.functions[:1],
        "cpp_names": answer.cpp_names[:1],
        "function_bases": answer.function_bases[:1],
    },
}


@pytest.mark.parametrize("why", NOT_SEPARABLE)
def test_an_answer_that_is_not_of_families(
    why: str, answer: TreeAnswer, rows: list[FamilyRow]
) -> None:
    changed = msgspec.structs.replace(answer, **NOT_SEPARABLE[why](answer, rows))
    first = (answer.records[len(rows)], answer.records[1], answer.generated[0])
    with pytest.raises(NotSeparableError) as raised:
        split(changed, rows)
    assert str(raised.value) == why.format(*(record.schema for record in first)).strip()


def test_the_first_difference_is_told(answer: TreeAnswer, rows: list[FamilyRow]) -> None:
    whole = lines_of(answer, "2.15")
    assert difference(whole, join(split(answer, rows), rows, "2.15")) == ""
    other = [*whole.records[:3], whole.records[0], *whole.records[4:]]
    name = answer.records[3].schema.partition("(")[0]
    assert difference(whole, whole._replace(records=other)) == f"records of {name}"
    assert difference(whole, whole._replace(functions=whole.functions[:-1])) == "functions"
    assert difference(whole, whole._replace(torch_version="2.14")) == "torch_version"
    assert difference(whole, whole._replace(used_dispatch_keys=())) == "used_dispatch_keys"
    assert difference(whole, whole._replace(bases=["x", *whole.bases[1:]])) == "bases"


@pytest.mark.parametrize("kept", [b"", b"x", b"\x90"])
def test_a_state_of_something_else_is_none(kept: bytes, torchgen: OwnTorchgen) -> None:
    loads = Loads(torchgen)
    loads.session.restore(kept, [], [])
    assert loads.load(with_overlay("")) == "whole"
    assert loads.session.content() is None
    assert loads.session.load_family("gild") is None


# What is wrong, and how torchgen's exception is told.
REFUSED: Final = {
    "a native function": (
        with_natives("\n- func: bad(Tensr self) -> Tensor\n"),
        "file1.yaml:73: the tree's own torchgen refuses this: ",
    ),
    "a definition": (
        edited("self: grad * luster", "self: grad * luster\n  slef: grad"),
        "file1.yaml:12: the tree's own torchgen refuses this: ",
    ),
    "a definition of nothing": (
        FEW.with_file(DEFINITIONS, f"{FEW.files[DEFINITIONS]}\n{definition('none')}"),
        "the tree's own torchgen refuses this: RuntimeError: could not find ATen function ",
    ),
    "tags": (
        FEW.with_file(TAGS, "- tag: core\n"),
        "file2.yaml:1: the tree's own torchgen refuses this: ",
    ),
    "an overlay": (
        with_overlay("# x\n- func: bad(Tensor self) -> Tensor\n  variants: x\n"),
        "file2.yaml:2: the tree's own torchgen refuses this: ",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_torchgen_refuses_is_told_with_its_place(what: str, torchgen: OwnTorchgen) -> None:
    inputs, said = REFUSED[what]
    loads = Loads(torchgen)
    for _ in range(2):
        with pytest.raises(TreeCodeError) as raised:
            loads.session.load(inputs.texts)
        assert str(raised.value).startswith(said)
        assert "/" not in str(raised.value)
        with pytest.raises(TreeCodeError) as of_whole:
            load_whole(torchgen, inputs.texts, "2.15")
        assert str(of_whole.value).startswith(said)
        loads.load(FEW)


def test_an_exception_is_told_in_one_line() -> None:
    traceback = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    f()\n'
    raised = "ValueError: in /t/file1.yaml:\n  - one\n\n    - two\n"
    assert _last(RefusedError(traceback + raised, "/t")) == "ValueError: in file1.yaml: - one - two"
