"""Loads by a torchgen of somebody else, for which our engine stands in: a process takes longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from derivload.cpp.dialect import NEWEST
from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.engine.facts import facts_of
from derivload.engine.lines import DocumentLines
from derivload.engine.session import Session
from derivload.engine.texts import Text, Texts
from derivload.loading.errors import InputError, TreeCodeError
from derivload.loading.inputs import load_alone
from derivload.loading.memory import _facts_of, base_of
from derivload.loading.own_code.process import OwnTorchgen, RefusedError, TreeAnswer
from derivload.loading.own_code.session import OwnCodeSession, generate_whole, load_whole
from derivload.loading.paths import Files, TreePlace
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import Rules
from derivload.sources.additions import Additions
from support.sessions import StoreInMemory

CPU = "  dispatch:\n    CPU: kernel\n"
NAMES = ("gild", "glint", "etch", "melt")
NATIVES = "".join(f"- func: {name}(Tensor self) -> Tensor\n{CPU}" for name in NAMES)
DEFINED = "".join(f"- name: {name}(Tensor self) -> Tensor\n  self: grad\n" for name in NAMES)
TAGS = "- tag: core\n  desc: Some tag.\n"
EDITED = DEFINED.replace("self: grad\n", "self: 2 * grad\n", 1)
OVERLAY = f"custom:\n- func: fuse(Tensor self) -> Tensor\n  mine: 1\n{CPU}"
FLOW = "[{func: fuse(Tensor self) -> Tensor, mine: 1, dispatch: {CPU: kernel}}]\n"
LAID_OVER = "- name: fuse(Tensor self) -> Tensor\n  self: 3 * grad\n"
BACKEND = "backend: XLA\ncpp_namespace: x\nsupported:\n- gild\n"
ADDITIONS = Additions(entry_keys=("mine",))


def texts(
    definitions: str = DEFINED,
    natives: Sequence[str] = (NATIVES,),
    more: Sequence[str] = (),
    backends: Sequence[str] = (),
    additions: Additions = ADDITIONS,
) -> Texts:
    return Texts(
        Text("d", definitions),
        tuple(Text(f"n{number}", text) for number, text in enumerate(natives)),
        Text("t", TAGS),
        more_derivatives=tuple(Text(f"m{number}", text) for number, text in enumerate(more)),
        backends=tuple(Text(f"b{number}", text) for number, text in enumerate(backends)),
        additions=additions,
    )


PLAIN = texts(additions=Additions())
EDITED_PLAIN = texts(EDITED, additions=Additions())
Asked = tuple[tuple[str, ...], tuple[str, ...]]


class EngineTorchgen(OwnTorchgen):
    """Answers what our engine gives; `change` makes something else of an answer."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.change: Callable[[TreeAnswer], TreeAnswer] = lambda answer: answer
        self.refusal: RefusedError | None = None
        self.generated: list[tuple[tuple[str, ...], list[str], str, str]] = []

    def run(self, texts: Sequence[str], backends: Sequence[str] = ()) -> TreeAnswer:
        self.asked.append((tuple(texts), tuple(backends)))
        lines = engines(*texts)
        records = [decoded(line, DifferentiabilityRecord) for line in lines.records]
        functions = [decoded(line, FunctionRecord) for line in lines.functions]
        return self.change(
            TreeAnswer(
                lines.used_dispatch_keys,
                records,
                [*lines.bases],
                [*range(len(records))],
                functions,
                [base_of(function.schema) for function in functions],
                [base_of(function.schema) for function in functions],
                [],
            )
        )

    def generate(self, paths: Sequence[str], autograd: str, out: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        held = [Path(path).read_text("utf-8") for path in paths]
        self.generated.append((tuple(paths), held, autograd, out))


def engines(definitions: str, natives: str, tags: str) -> DocumentLines:
    made = Texts(Text("d", definitions), (Text("n", natives),), Text("t", tags))
    outcome = Session(NEWEST).load(made)
    if outcome.diagnostics:
        raise RefusedError(f"Traceback\n  x\nValueError: {outcome.diagnostics[0].code}\n", "/f")
    assert outcome.lines is not None
    return outcome.lines


def decoded(line: bytes, type_: Any) -> Any:
    return msgspec.json.decode(line, type=type_)


@pytest.fixture
def torchgen() -> EngineTorchgen:
    return EngineTorchgen()


def rules() -> Rules:
    return Rules("source x", "2.15", "the test says so")


def session(torchgen: EngineTorchgen, store: StoreInMemory | None = None) -> OwnCodeSession:
    return OwnCodeSession(rules(), torchgen, store)


def names_in(asked: Asked) -> list[str]:
    return [name for name in (*NAMES, "fuse") if f"{name}(" in asked[0][1]]


def test_a_first_load_compares_groups_and_an_edit_loads_its_family(
    torchgen: EngineTorchgen,
) -> None:
    store = StoreInMemory()
    loads = session(torchgen, store)
    assert loads.keep() is None
    first = loads.load(PLAIN)
    assert torchgen.asked[0] == ((DEFINED, NATIVES, TAGS), ())
    assert [names_in(asked) for asked in torchgen.asked] == [
        *([*NAMES], ["etch"], ["gild"], ["glint"], ["melt"])
    ]
    assert [*store.values.values()] == [b"independent 4"]
    assert first.lines == engines(DEFINED, NATIVES, TAGS)
    assert (first.is_incremental, first.is_of_entries) == (False, True)
    assert first.counts == {"read": 8, "reused": 0, "derived": 4, "matched": 4}
    torchgen.asked.clear()
    second = loads.load(EDITED_PLAIN)
    assert [names_in(asked) for asked in torchgen.asked] == [["gild"]]
    assert second.lines == engines(EDITED, NATIVES, TAGS)
    assert (second.is_incremental, second.is_of_entries) == (True, True)
    assert second.counts == {"read": 2, "reused": 6, "derived": 4, "matched": 4}
    again = session(torchgen, store)
    again.restore(loads.keep() or b"", [], [])
    torchgen.asked.clear()
    assert again.load(EDITED_PLAIN).lines == second.lines
    assert torchgen.asked == []
    # Without the state, what was found out is known still.
    assert session(torchgen, store).load(PLAIN).lines == first.lines
    assert [names_in(asked) for asked in torchgen.asked] == [[*NAMES]]


def test_families_that_come_and_go_are_loaded_alone(torchgen: EngineTorchgen) -> None:
    loads = session(torchgen)
    loads.load(PLAIN)
    more = f"{NATIVES}- func: fuse(Tensor self) -> Tensor\n{CPU}"
    for natives, definitions, asked in (
        (more, DEFINED, [["fuse"]]),
        (more, f"{DEFINED}{LAID_OVER}", [["fuse"]]),
        (NATIVES, DEFINED, []),
    ):
        torchgen.asked.clear()
        outcome = loads.load(texts(definitions, (natives,), additions=Additions()))
        assert outcome.is_incremental
        assert outcome.lines == engines(definitions, natives, TAGS)
        assert [names_in(each) for each in torchgen.asked] == asked


def test_the_facts_of_what_a_torchgen_loaded_are_ours(torchgen: EngineTorchgen) -> None:
    files = Files("d", ["n"], "t", None)
    request = Request(files, [text.encode() for text in (DEFINED, NATIVES, TAGS)])
    outcome = session(torchgen).load(PLAIN)
    assert outcome.own is None
    facts = _facts_of(request, outcome.own)
    assert facts == facts_of(load_alone(request.inputs).load)
    assert [*facts] == [f"{name}(Tensor self) -> Tensor" for name in sorted(NAMES)]


def of_a_part(answer: TreeAnswer) -> bool:
    return len(answer.functions) < len(NAMES)


def other_records(answer: TreeAnswer) -> TreeAnswer:
    if not of_a_part(answer):
        return answer
    made = [msgspec.structs.replace(answer.records[0], schema="x"), *answer.records[1:]]
    return msgspec.structs.replace(answer, records=made)


def refuse(answer: TreeAnswer) -> TreeAnswer:
    if of_a_part(answer):
        raise RefusedError("Traceback\n  in x\nValueError: /f/a is alone\n", "/f")
    return answer


def without_records(answer: TreeAnswer) -> TreeAnswer:
    if not of_a_part(answer):
        return answer
    return msgspec.structs.replace(answer, records=[], bases=[], origins=[])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_records, "its parts come to another result: records of gild"),
        (refuse, "it refuses a part: ValueError: a is alone"),
        (without_records, "it has fewer records than definitions"),
    ],
)
def test_families_that_depend_on_each_other_are_loaded_together(
    change: Callable[[TreeAnswer], TreeAnswer], why: str, torchgen: EngineTorchgen
) -> None:
    store = StoreInMemory()
    torchgen.change = change
    made = rules()
    loads = OwnCodeSession(made, torchgen, store)
    for asked in (PLAIN, EDITED_PLAIN):
        outcome = loads.load(asked)
        assert (outcome.is_incremental, outcome.is_of_entries) == (False, False)
        assert outcome.lines == engines(asked.derivatives.text, NATIVES, TAGS)
        assert outcome.counts["read"] == 8
        assert made.remark == f"everything was loaded, because {why}"
    assert [*store.values.values()] == [why.encode()]
    assert loads.keep() is None
    assert len(torchgen.asked) <= 6, "it is found out once"


def of_few(answer: TreeAnswer) -> TreeAnswer:
    """As a torchgen answers that treats two functions otherwise than more."""
    functions = [msgspec.structs.replace(f, structured=True) for f in answer.functions]
    is_few = len(functions) < 3
    return msgspec.structs.replace(answer, functions=functions) if is_few else answer


def test_that_few_families_are_independent_says_nothing_of_many(torchgen: EngineTorchgen) -> None:
    def of(count: int) -> Texts:
        names = [f"gild{number}" for number in range(count)]
        natives = "".join(f"- func: {name}(Tensor self) -> Tensor\n{CPU}" for name in names)
        definitions = "".join(
            f"- name: {name}(Tensor self) -> Tensor\n  self: grad\n" for name in names
        )
        return texts(definitions, (natives,), additions=Additions())

    def compared(loads: OwnCodeSession, count: int) -> bool:
        torchgen.asked.clear()
        loads.load(of(count))
        return len(torchgen.asked) > 1

    store = StoreInMemory()
    loads = session(torchgen, store)
    assert compared(loads, 1)
    assert not compared(loads, 2)
    assert compared(loads, 5)
    store.values.clear()
    loads = session(torchgen, store)
    assert compared(loads, 1)
    torchgen.change = of_few
    made = rules()
    loads = OwnCodeSession(made, torchgen, store)
    assert compared(loads, 3)
    assert made.remark.startswith("everything was loaded, because its parts come to another result")
    assert not compared(loads, 9)


def test_an_edit_that_cannot_be_loaded_alone_is_loaded_with_everything(
    torchgen: EngineTorchgen,
) -> None:
    loads = session(torchgen)
    loads.load(PLAIN)
    for change in (refuse, without_records):
        torchgen.change = change
        torchgen.asked.clear()
        outcome = loads.load(EDITED_PLAIN)
        assert not outcome.is_incremental
        assert outcome.lines == engines(EDITED, NATIVES, TAGS)
        assert [names_in(asked) for asked in torchgen.asked] == [["gild"], [*NAMES]]
        torchgen.change = lambda answer: answer
        loads.load(PLAIN)


def test_backends_have_everything_loaded_and_checked(torchgen: EngineTorchgen) -> None:
    loads = session(torchgen)
    with_backend = texts(backends=(BACKEND,), additions=Additions())
    for _ in range(2):
        torchgen.asked.clear()
        assert not loads.load(with_backend).is_incremental
        assert torchgen.asked[0] == ((DEFINED, NATIVES, TAGS), (BACKEND,))
    torchgen.asked.clear()
    assert load_whole(torchgen, with_backend, "2.15") == engines(DEFINED, NATIVES, TAGS)
    assert torchgen.asked == [((DEFINED, NATIVES, TAGS), (BACKEND,))]

    def refuse_backend(_: TreeAnswer) -> TreeAnswer:
        raise RefusedError("ValueError: /f/backend_0.yaml: no", "/f")

    torchgen.change = refuse_backend
    with pytest.raises(TreeCodeError) as raised:
        load_whole(torchgen, with_backend, "2.15")
    assert str(raised.value) == "the tree's own torchgen refuses this: ValueError: b0: no"


@pytest.mark.parametrize(
    ("definitions", "overlay", "is_plain"),
    [(DEFINED, OVERLAY, True), (DEFINED, FLOW, True), (f"%YAML 1.1\n---\n{DEFINED}", FLOW, False)],
)
def test_overlays_are_joined_without_the_keys_of_others(
    definitions: str, overlay: str, is_plain: bool, torchgen: EngineTorchgen
) -> None:
    asked = texts(definitions, (NATIVES, overlay), (LAID_OVER,))
    made = rules()
    outcome = OwnCodeSession(made, torchgen, None).load(asked)
    joined, natives, tags = torchgen.asked[0][0]
    assert tags == TAGS and "mine" not in natives
    assert names_in(torchgen.asked[0]) == [*NAMES, "fuse"]
    assert (outcome.counts["matched"], outcome.counts["read"]) == (5, 10 if is_plain else 0)
    assert outcome.lines == engines(joined, natives, tags)
    assert (outcome.is_of_entries, made.remark == "") == (is_plain, is_plain)
    assert load_whole(torchgen, asked, "2.14") == outcome.lines._replace(torch_version="2.14")
    for mistake in ("- 3\n", "- func: [\n"):
        with pytest.raises(InputError):
            load_whole(torchgen, texts(natives=(NATIVES, mistake)), "2.15")
    # The keys of others are passed over in a file without overlays, too.
    torchgen.asked.clear()
    load_whole(torchgen, texts(natives=(NATIVES + OVERLAY.partition("\n")[2],)), "2.15")
    assert "mine" not in torchgen.asked[0][0][1]


def test_what_is_refused_is_told_with_the_place_that_torchgen_names(
    torchgen: EngineTorchgen,
) -> None:
    said: list[str] = []

    def refuse_all(_: TreeAnswer) -> TreeAnswer:
        raise RefusedError("\n".join([*said, "ValueError: no"]), "/f")

    torchgen.change = refuse_all
    overlaid = texts(natives=(NATIVES, OVERLAY), more=(LAID_OVER,))
    schema = "  fuse(Tensor self) -> Tensor"
    for lines, asked, place in (
        ([], PLAIN, ""),
        (["  in /f/derivatives.yaml:3:", "  x"], PLAIN, "d:3: "),
        (["  in /f/native_functions.yaml:7:"], PLAIN, "n0:7: "),
        (["  in /f/tags.yaml:1"], PLAIN, "t:1: "),
        (["  in /f/tags.yaml:1", "  x", "  in /f/derivatives.yaml:3:"], PLAIN, "d:3: "),
        (["  in /f/other.yaml:1"], PLAIN, ""),
        (["  in /f/native_functions.yaml:7:", schema], overlaid, "n1:2: "),
        (["  in /f/native_functions.yaml:7:", "  none(Tensor self)"], overlaid, "n0: "),
        (["  in /f/native_functions.yaml:7:"], overlaid, "n0: "),
        (["  in /f/derivatives.yaml:3:", "  x"], overlaid, "d: "),
    ):
        said[:] = lines
        with pytest.raises(TreeCodeError) as raised:
            load_whole(torchgen, asked, "2.15")
        expected = f"{place}the tree's own torchgen refuses this: ValueError: no"
        assert str(raised.value) == expected, lines


def test_generators_read_the_files_as_they_are_or_what_is_laid_over_them(
    torchgen: EngineTorchgen, tmp_path: Path
) -> None:
    paths = [str(tmp_path / name) for name in ("d.yaml", "n.yaml", "t.yaml")]
    for path, text in zip(paths, (DEFINED, NATIVES, TAGS), strict=True):
        Path(path).write_text(text, "utf-8")
    files = Files(paths[0], [paths[1]], paths[2], None)
    files.tree = TreePlace("r", "t", "autograd")
    generate_whole(torchgen, files, PLAIN, "out")
    assert torchgen.generated == [((*paths,), [DEFINED, NATIVES, TAGS], "autograd", "out")]
    for more in ((), (LAID_OVER,)):
        torchgen.generated.clear()
        generate_whole(torchgen, files, texts(natives=(NATIVES, OVERLAY), more=more), "out")
        ((given, held, _, _),) = torchgen.generated
        assert [Path(path).name for path in given] == ["d.yaml", "n.yaml", "t.yaml"]
        assert (given[0] == paths[0], given[1] == paths[1], given[2]) == (not more, False, paths[2])
        assert engines(*held).torch_version == NEWEST.version
        assert "fuse(" in held[1] and ("fuse(" in held[0]) == bool(more)
        assert not Path(given[1]).exists()

    torchgen.refusal = RefusedError("ValueError: out/x", "out")
    with pytest.raises(
        TreeCodeError, match=r"^the tree's own torchgen refuses this: ValueError: x"
    ):
        generate_whole(torchgen, files, PLAIN, "out")
