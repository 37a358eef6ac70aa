"""The inputs of sessions, and loads that must agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple

from derivload.cpp.dialect import Dialect, find_dialect
from derivload.engine.facts import Origins
from derivload.engine.judging import Backend, Judged, judge, place_all
from derivload.engine.outcome import Outcome
from derivload.engine.session import Session
from derivload.engine.texts import Text, Texts
from derivload.loading.additions import dialect_with
from derivload.loading.memory import Memory
from derivload.loading.paths import Files
from derivload.loading.placing import placed_functions
from derivload.loading.request import Request
from derivload.loading.warnings import encode_found, judge_found
from derivload.outputs.documents import Rendered
from derivload.sources.additions import NOTHING, Additions
from derivload.store.store import Store
from derivload.wanted import Wanted
from support.paths import CATALOGUE, FILES

RELEASES = ("2.15", "2.15", "2.4", "2.1")


class Inputs(NamedTuple):
    """The inputs of a load: derivatives, native functions, overlays, tags, in this order.

    `more` are overlays of derivatives, and `registered` say what backends register.
    """

    release: str
    files: tuple[str, ...]
    more: tuple[str, ...] = ()
    additions: Additions = NOTHING
    registered: tuple[str, ...] = ()

    @property
    def texts(self) -> Texts:
        named = [Text(f"file{i}.yaml", text) for i, text in enumerate(self.files)]
        more = tuple(Text(f"more{i}.yaml", text) for i, text in enumerate(self.more))
        return Texts(
            named[0],
            tuple(named[1:-1]),
            named[-1],
            more_derivatives=more,
            additions=self.additions,
            backends=tuple(Text(f"registered{i}.yaml", t) for i, t in enumerate(self.registered)),
        )

    @property
    def contents(self) -> list[bytes]:
        """What each file of `files_of` holds."""
        derivatives, *others = self.files
        texts = (derivatives, *self.more, *others, *self.registered)
        return [text.encode() for text in texts]

    @property
    def dialect(self) -> Dialect:
        return dialect_with(find_dialect(self.release)[0], self.additions, is_known=True)

    @property
    def overlays(self) -> range:
        return range(2, len(self.files) - 1)

    def with_file(self, index: int, *texts: str) -> Inputs:
        """The inputs with other texts, any number of them, in the place of one."""
        files = list(self.files)
        files[slice(index, None if index == -1 else index + 1)] = texts
        return self._replace(files=tuple(files))


def files_of(inputs: Inputs) -> Files:
    """The files that the command line would name for these inputs."""
    texts = inputs.texts
    names = [text.name for text in texts.native_functions]
    files = Files(texts.derivatives.name, names, texts.tags.name, inputs.release)
    files.more_derivatives = tuple(text.name for text in texts.more_derivatives)
    files.additions = inputs.additions
    files.backends = tuple(text.name for text in texts.backends)
    return files


Edit = Callable[[Random, Inputs], Inputs]


DEFINITIONS, NATIVES, TAGS = 0, 1, -1


CATALOGUE_TEXTS = tuple((CATALOGUE / name).read_text("utf-8") for name in FILES)


# The catalogue with what makes it good for every release.
_FOR_ALL = {
    "SymBool wrap": "bool wrap",
    "-> Tensor?": "-> Tensor",
    "CompositeExplicitAutograd: inlay_inverse": "CompositeImplicitAutograd: inlay_inverse",
}


START = Inputs(
    "2.15",
    tuple(
        re.sub("|".join(map(re.escape, _FOR_ALL)), lambda m: _FOR_ALL[m[0]], text)
        for text in CATALOGUE_TEXTS
    ),
)


def edited(old: str, new: str, file: int = DEFINITIONS, inputs: Inputs = START) -> Inputs:
    assert inputs.files[file].count(old) >= 1, old
    return inputs.with_file(file, inputs.files[file].replace(old, new, 1))


EDITED = edited("grad * luster", "luster * grad")


def cut(text: str) -> list[str]:
    """What stands before the first entry, and the entries, each with what stands behind it."""
    return re.split(r"(?m)^(?=- )", text)


def joined(parts: Sequence[str]) -> str:
    return "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)


class Result(NamedTuple):
    """What a load gives, in a form to compare."""

    diagnostics: list[str]
    documents: list[Rendered]
    shards: list[Rendered]
    is_of_entries: bool
    warnings: list[str]
    note: str
    refused: list[str]


Placed = tuple[str, tuple[str, int], tuple[str, int] | None, tuple[str, ...]]


def places_in(outcome: Outcome) -> list[Placed]:
    """Where each function of a full load is declared and defined, and its dispatch keys."""
    if outcome.diagnostics:
        return []
    load, origins = outcome.load, Origins(outcome.load)
    placed: list[Placed] = []
    for function, record, _ in load.matched:
        definition = None
        for info in (record.differentiability or {}).values():
            entry = load.definitions[origins.of(info.schema)]
            definition = entry.file, entry.line
        declared = function.entry.file, function.entry.line
        placed.append((record.schema, declared, definition, tuple(sorted(function.dispatch))))
    return placed


def placed_by(request: Request, facts: Sequence[bytes]) -> list[Placed]:
    """The same, as places.json has it."""
    placed: list[Placed] = []
    for function in placed_functions(request, facts, {}):
        declared, defined = function.native_function, function.definition
        assert declared is not None
        definition = None if defined is None else (defined.file, defined.line)
        where = declared.file, declared.line
        placed.append((function.schema, where, definition, function.dispatch_keys))
    return placed


def told(judged: Judged, texts: Texts) -> list[str]:
    """Warnings as they read, with their ids, and those that comments suppress."""
    return [
        *(diagnostic.render() for diagnostic in place_all(judged.shown, texts)),
        *sorted(one.id for one in judged.shown),
        *sorted(f"{one.place().render()} {one.reason} {one.id}" for one in judged.suppressed),
    ]


def warnings_in(outcome: Outcome, texts: Texts) -> list[str]:
    """The warnings about a load of these texts."""
    assert outcome.make_linted is not None
    kernels = None
    if texts.backends:
        assert outcome.backends is not None
        kernels = frozenset(outcome.backends.kernels())
    backend = Backend(bool(texts.additions.dispatch_keys), kernels)
    has_errors = bool(outcome.diagnostics)
    judged = judge(outcome.make_linted(), texts, backend=backend, has_errors=has_errors)
    return told(judged, texts)


def refused_in(outcome: Outcome, texts: Texts) -> list[str]:
    """What PyTorch's generators refuse of a load of these texts."""
    assert outcome.make_linted is not None
    judged = judge(outcome.make_linted(), texts, Wanted(frozenset()), with_refused=True)
    return told(judged, texts)


def result_of(outcome: Outcome, texts: Texts, memories: Sequence[Memory] = ()) -> Result:
    """What came of a load; `memories` rendered the load before, if there was one."""
    documents, shards = (
        [] if outcome.lines is None else memory.render(outcome.lines, n)
        for n, memory in zip((None, 3), memories or (Memory(), Memory()), strict=True)
    )
    diagnostics = [diagnostic.render() for diagnostic in outcome.diagnostics]
    warnings = warnings_in(outcome, texts)
    made = warnings, outcome.note, refused_in(outcome, texts)
    return Result(diagnostics, documents, shards, outcome.is_of_entries, *made)


class Whole(NamedTuple):
    """What a load gives that knows nothing of any before."""

    result: Result
    places: list[Placed]


@lru_cache(maxsize=8)  # walks come back to where they were
def loaded_whole(inputs: Inputs) -> Whole:
    outcome = Session(inputs.dialect).load(inputs.texts)
    return Whole(result_of(outcome, inputs.texts), places_in(outcome))


def cold(inputs: Inputs) -> Result:
    return loaded_whole(inputs).result


class StoreInMemory(Store):
    """A store that ends with the process."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.remote = None

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        return self.values.get(key)

    def put(self, key: bytes, value: bytes, sha256: bytes | None = None) -> bool:
        self.values[key] = value
        return True

    def __contains__(self, key: bytes) -> bool:
        return key in self.values


def walked(
    inputs: Inputs, edits: Sequence[Edit], seed: int, walks: int, steps: int
) -> Counter[str]:
    """Take random walks from these inputs, one after the other: what they counted."""
    random = Random(seed)
    store = StoreInMemory()
    counts: Counter[str] = Counter()
    for number in range(walks):
        walk = Walk(inputs, store)
        walk.wander(random, edits, steps, f"seed {seed}, walk {number}")
        counts += walk.counts
    return counts


class Walk:
    """Inputs that are edited step by step. At each, a session that has followed all steps, and
    a new one that starts from what the one before it left in a store, are compared with a cold
    load.
    """

    def __init__(self, inputs: Inputs, store: Store | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store or StoreInMemory()
        self._sessions: dict[str, Session] = {}
        self._memories = (Memory(), Memory())
        self.inputs = self.home = inputs
        self.outcome = self.go(inputs)

    def go(self, inputs: Inputs, label: str = "") -> Outcome:
        expected, places = loaded_whole(inputs)
        session = self._sessions.setdefault(
            inputs.release, Session(inputs.dialect, with_refused=True)
        )
        self.inputs = inputs
        self.outcome = session.load(inputs.texts)
        assert result_of(self.outcome, inputs.texts, self._memories) == expected, (
            f"followed: {label}"
        )
        self._go_afresh(inputs, expected, places, label)
        self.counts["steps"] += 1
        is_good = not self.outcome.diagnostics
        self.counts["good"] += is_good
        self.counts["incremental"] += self.outcome.is_incremental and is_good
        self.counts["mistaken"] += self.outcome.is_incremental and not is_good
        if self.outcome.is_incremental and is_good:
            self.home = inputs
        return self.outcome

    def _go_afresh(
        self, inputs: Inputs, expected: Result, places: list[Placed], label: str
    ) -> None:
        """As a new process goes."""
        shards = (None, 3)[self.counts["steps"] % 2]
        request = Request(files_of(inputs), inputs.contents, shards, with_places=True)
        request.with_refused = True
        memory = Memory(self._store)
        outcome = memory.load(request)
        assert [d.render() for d in outcome.diagnostics] == expected.diagnostics, label
        if outcome.lines is None:
            return
        wanted = expected.documents if shards is None else expected.shards
        assert memory.render(outcome.lines, shards) == wanted, f"afresh: {label}"
        assert warnings_in(outcome, request.inputs.texts) == expected.warnings, f"afresh: {label}"
        assert outcome.note == expected.note, f"afresh: {label}"
        assert refused_in(outcome, request.inputs.texts) == expected.refused, f"afresh: {label}"
        assert outcome.make_linted is not None
        found = encode_found(outcome.make_linted())
        assert told(judge_found(request, found, None), request.inputs.texts) == expected.warnings
        lines = memory.with_facts(outcome.lines)
        assert placed_by(request, lines.facts or ()) == places, f"places afresh: {label}"
        memory.keep(request, self._store, lines)
        self.counts["warned"] += bool(expected.warnings)
        self.counts["refused"] += bool(expected.refused)
        assert outcome.is_of_entries == expected.is_of_entries, f"afresh: {label}"
        self.counts["incremental afresh"] += outcome.is_incremental

    def wander(self, random: Random, edits: Sequence[Edit], steps: int, label: str) -> None:
        """Take so many steps; most that follow a whole load go back to before it.

        Some that follow a mistake do, too: else there is soon one that stays.
        """
        for i in range(steps):
            chance = 0.15 if self.outcome.is_incremental else 0.7
            if (self.outcome.diagnostics or chance > 0.5) and random.random() < chance:
                self.go(self.home, f"{label}, step {i}: back")
                continue
            edit = random.choice(edits)
            self.go(edit(random, self.inputs), f"{label}, step {i}: {edit.__name__}")


JET = "jet(Tensor self, int a) -> Tensor"


def without(file: int, name: str) -> Inputs:
    before, *parts = cut(START.files[file])
    return START.with_file(file, joined([before, *(e for e in parts if f": {name}" not in e)]))


def with_overlay(text: str) -> Inputs:
    return START.with_file(TAGS, text, START.files[TAGS])
