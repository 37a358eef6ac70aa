"""Mutants of the shipped catalogue and of a release's own files, judged by that release's torchgen.

For each mutant: torchgen accepts it where derivload does, and then both give the same documents.
One process of torchgen judges all of them; the catalogues are small, so that it is quick. What
derivload does otherwise on purpose stands in DELIBERATE, with the reason. `--long` tries
thousands.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files as Paths
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.rules import RULES
from support.mutation_kinds import OPTIONS, Files, Mutation
from support.mutations import MUTATIONS
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, REFERENCE, ROOT, TAGS
from support.small_catalogues import Source, packaged

LIST = ROOT / "docs" / "upstream-rules.md"
DUMP = REFERENCE / "dump_torchgen.py"
TIMES, TIMES_LONG = 3, 60

# --------------------------------------------------------------------------- small catalogues


# --------------------------------------------------------------------------------- the judges

JUDGE = """
import contextlib, io, json, pathlib, sys
sys.path[:0] = [str(pathlib.Path(sys.argv[2]).parent), sys.argv[1]]
import dump_torchgen as dump
import torchgen.gen as gen
import torchgen.packaged.autograd.load_derivatives as load_derivatives

def judge(folder):
    for kept in (gen._GLOBAL_PARSE_NATIVE_YAML_CACHE, gen._GLOBAL_PARSE_TAGS_YAML_CACHE,
                 load_derivatives._GLOBAL_LOAD_DERIVATIVE_CACHE):
        kept.clear()
    for function in (gen.parse_tags_yaml, gen.parse_native_yaml):
        getattr(function, "cache_clear", lambda: None)()
    files = [f"{folder}/{name}.yaml" for name in ("derivatives", "native_functions", "tags")]
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = dump._load(*files)
    return {
        "keys": sorted(loaded.dispatch_keys),
        "definitions": [dump._definition(*x, dump._in_order) for x in loaded.definitions.items()],
        "functions": [dump._function(x) for x in loaded.matched],
        "generated": [dump._definition(*x, dump._by_name) for x in loaded.foreach.items()],
    }

for line in sys.stdin:
    try:
        answer = json.dumps(judge(json.loads(line)))
    except Exception as error:
        answer = json.dumps({"error": " ".join(f"{type(error).__name__}: {error}".split())[:200]})
    print(answer, flush=True)
"""

Judgement = dict[str, Any]


@contextmanager
def torchgen(release: Path) -> Iterator[Callable[[Path], Judgement]]:
    """A process of a release's torchgen that tells what it makes of a folder's three files."""
    command = [sys.executable, "-X", "utf8", "-c", JUDGE, str(release), str(DUMP)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None and stdout is not None

        def ask(folder: Path) -> Judgement:
            stdin.write(json.dumps(str(folder)) + "\n")
            stdin.flush()
            answer: Judgement = json.loads(stdout.readline())
            return answer

        yield ask
        stdin.close()


def derivload(folder: Path) -> tuple[Judgement, list[Diagnostic]]:
    """What derivload makes of a folder's three files, or what it says of them."""
    derivatives, natives, tags = (str(folder / name) for name in FILES)
    request = Request(Paths(derivatives, [natives], tags, None))
    loaded = load_inputs(request, with_mistakes=True).outcome.whole
    assert loaded is not None
    if loaded.diagnostics:
        return {}, loaded.diagnostics
    matched = loaded.load.matched
    documents: Judgement = {
        "keys": list(loaded.used_dispatch_keys),
        "definitions": [record for _, record in loaded.records()],
        "functions": [m.record for m in matched],
        "generated": [m.generated for m in matched if m.generated is not None],
    }
    return json.loads(msgspec.json.encode(documents)), []


# -------------------------------------------------------------------------------- differences


class Deliberate(NamedTuple):
    """A difference that stays: what derivload says of what torchgen takes, and the reason."""

    code: str
    message: str
    reason: str


# In all of them torchgen takes what it does not mean to take.
DELIBERATE: Final = (
    Deliberate(
        "DL402",
        "^a formula must be a text",
        "a forward formula that is no text goes into the documents as it is, or fails, as other "
        "formulas have it",
    ),
    Deliberate(
        "DL403",
        "^`output_differentiability` lists true or false",
        "the documents hold true and false; a number, or nothing, is a slip",
    ),
    Deliberate(
        "DL403",
        "but must be a list$",
        "of a text its letters are read, and of a mapping its keys",
    ),
    Deliberate(
        "DL007",
        "^`tag` is ",
        "a tag that is no text cannot be told from one that is, once it is in a document",
    ),
    Deliberate(
        "DL101",
        "^there is a line end in this schema$",
        "no C++ function has a line end in its name, which is the one place where torchgen does "
        "not see it",
    ),
    Deliberate(
        "DL407",
        "is not a word, so no formula can name it$",
        "torchgen looks for such a name as if it were a regular expression, and fails or finds "
        "something else",
    ),
    Deliberate(
        "DL004",
        "^the file is not a list of entries$",
        "an empty mapping is no list, though it has no entry that could be wrong either",
    ),
    Deliberate(
        "DL007",
        "^`precomputed` is ",
        "`false`, `0` or an empty text for a list is a slip, though torchgen takes it for nothing",
    ),
)


class Trial:
    """The mutants tried so far: how many of each kind were accepted, and where the two differ."""

    def __init__(self, judge: Callable[[Path], Judgement], folder: Path) -> None:
        self._judge = judge
        self._folder = folder
        self.tried: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.deliberate: Counter[str] = Counter()
        self.differences: list[str] = []

    def compare(self, mutation: Mutation, files: Files, told: str) -> None:
        for name, entries in files.items():
            # As it is: a line end may be the mutation.
            (self._folder / name).write_text("".join(entries), "utf-8", newline="")
        theirs = self._judge(self._folder)
        self.tried[mutation.name] += 1
        try:
            ours, diagnostics = derivload(self._folder)
        except UsageError as refusal:  # one entry is left, and it is another file's
            if "error" not in theirs:
                self.differences.append(f"{mutation.name} ({told}): {refusal}")
            return
        self.accepted[mutation.name] += not diagnostics
        self.differences += [f"no remedy: {d.render()}" for d in diagnostics if not d.advice]
        difference = self._difference(ours, diagnostics, theirs)
        if difference:
            first = "".join(files[mutation.file])[:700]
            self.differences.append(f"{mutation.name} ({told}): {difference}\n{first}")

    def _difference(self, ours: Judgement, diagnostics: list[Diagnostic], theirs: Judgement) -> str:
        if bool(diagnostics) == ("error" in theirs):
            if diagnostics or ours == theirs:
                return ""
            return f"other documents: {_first_difference(ours, theirs, '')}"
        if not diagnostics:
            return f"torchgen alone turns it away: {theirs['error']}"
        reasons = [_reason(diagnostic) for diagnostic in diagnostics]
        if all(reasons):
            self.deliberate.update(set(reasons))
            return ""
        return "torchgen takes it, but:\n" + "\n".join(d.render() for d in diagnostics)


def _reason(diagnostic: Diagnostic) -> str:
    for row in DELIBERATE:
        if row.code == diagnostic.code and re.search(row.message, diagnostic.message):
            return row.reason
    return ""


def _first_difference(ours: Any, theirs: Any, path: str) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        pairs = [(f"{path}.{key}", ours[key], theirs[key]) for key in ours]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(f"{path}[{i}]", *pair) for i, pair in enumerate(zip(ours, theirs, strict=True))]
    else:
        return "" if ours == theirs else f"{path}: {str(ours)[:300]}, torchgen: {str(theirs)[:300]}"
    return next(filter(None, (_first_difference(a, b, p) for p, a, b in pairs)), "")


def mutants(
    mutation: Mutation, sources: list[Source], times: int, chance: Random
) -> Iterator[Files]:
    """So many mutants of one kind, of entries that it has something to change in."""
    made = 0
    for _ in range(times * 200):
        if made == times:
            return
        files = chance.choice(sources).small(chance, mutation.file)
        changed = mutation.change(chance, files)
        if changed is not None:
            made += 1
            yield changed


@pytest.mark.release
def test_torchgen_judges_mutants_alike(
    longer: bool,
    seed: int,
    newest: str,
    release: Callable[[str], Path],
    thinning: int,
    tmp_path: Path,
) -> None:
    times = TIMES_LONG if longer else max(1, TIMES // thinning)
    sources = [Source({name: CATALOGUE / name for name in FILES}), packaged(release(newest))]
    with torchgen(release(newest)) as judge:
        trial = Trial(judge, tmp_path)
        for mutation in MUTATIONS:
            chance = Random(f"{seed} {mutation.name}")
            for number, files in enumerate(mutants(mutation, sources, times, chance)):
                trial.compare(mutation, files, f"seed {seed}, mutant {number}")
    for mutation in MUTATIONS:
        tried, accepted = trial.tried[mutation.name], trial.accepted[mutation.name]
        print(f"{mutation.name}: {accepted} accepted, {tried - accepted} turned away")
    print(f"{trial.tried.total()} mutants, {trial.accepted.total()} accepted")
    assert not trial.differences, "\n\n".join(trial.differences)
    assert set(trial.tried) == {mutation.name for mutation in MUTATIONS}
    assert 0.1 < trial.accepted.total() / trial.tried.total() < 0.9


# ------------------------------------------------------------------- what mutants have shown

TAKES_OPTIONS = f"f(Tensor self, int options=1, *, {OPTIONS}) -> Tensor"
F = "- func: f(Tensor self) -> Tensor\n"
OUT = "- func: f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n  structured: True\n"
D = "- name: f(Tensor self) -> Tensor\n"


@pytest.mark.parametrize(
    ("natives", "definition", "tag", "codes"),
    [
        (f"{F}  <<: {{tags: []}}\n", "", "", ["DL003"]),
        (F, f"{D}  <<: {{self: grad}}\n", "", ["DL003"]),
        (F, "", "- tag: x\n  desc: y\n  =: z\n", ["DL003"]),
        (F, "", "- tag: x\n  desc: y\n  yes: 1\n  true: 1\n", ["DL009"]),
        (F, "", "- tag: x\n  desc: y\n  1: a\n  0x1: b\n", ["DL009"]),
        (f"{F}{OUT}  ufunc_inner_loop: ''\n", "", "", ["DL217"]),
        (f"{F}{OUT}  precomputed:\n  - a -> int b\n  - a -> int c\n", "", "", ["DL216"]),
        (f"{F}  autogen: |\n    f.out\n", "", "", []),
        (f"{F}  autogen: |\n    f\n", "", "", ["DL102"]),
        ("- func: f(Tensor x)) -> Tensor\n", "", "", []),
        (
            "- func: f(Tensor self, int x)) -> Tensor\n",
            "- name: f(Tensor self, int x)) -> Tensor\n  self: grad\n",
            "",
            ["DL407"],
        ),
        (f"- func: f(Tensor self, int[{'1' * 30}] x) -> Tensor\n", "", "", []),
        (F, f"{D}  result{'0' * 20}: self_t\n", "", []),
        (F, f"{D}  self: grads[{'0' * 20}] + grads\n", "", []),
        (
            f"- func: {TAKES_OPTIONS}\n  cpp_no_default_args: [options]\n",
            "",
            "",
            [],
        ),
        (
            f"- func: {TAKES_OPTIONS}\n  cpp_no_default_args: [options]\n",
            f"- name: {TAKES_OPTIONS}\n  self: grad\n",
            "",
            ["DL212"],
        ),
    ],
)
def test_what_mutants_have_shown(natives: str, definition: str, tag: str, codes: list[str]) -> None:
    texts = Texts(
        Text(DERIVATIVES, definition or "[]\n"),
        (Text(NATIVES, natives),),
        Text(TAGS, f"{tag}- tag: core\n  desc: some\n"),
    )
    assert [d.code for d in load_texts(texts, NEWEST).diagnostics] == codes


# ------------------------------------------------------------------------------- the list


def test_every_rule_of_the_load_stands_in_the_list() -> None:
    text = re.sub(
        r"DL(\d+) to DL(\d+)",
        lambda m: " ".join(f"DL{n}" for n in range(int(m[1]), int(m[2]) + 1) if f"DL{n}" in RULES),
        LIST.read_text("utf-8"),
    )
    named = set(re.findall(r"DL\d+", text))
    assert named <= RULES.keys()
    assert {code for code in RULES if "DL100" < code < "DL600" or code > "DL800"} <= named


def test_every_deliberate_difference_stands_in_the_list() -> None:
    section = LIST.read_text("utf-8").partition("## Different on purpose")[2]
    assert {row.code for row in DELIBERATE} <= set(re.findall(r"DL\d+", section))


def test_each_row_of_the_list_has_a_rule_or_a_reason() -> None:
    rows = [line for line in LIST.read_text("utf-8").splitlines() if line.startswith("| ")]
    for row in rows:
        here = row.rstrip(" |").rpartition(" | ")[2]
        assert here in ("here", "---") or re.match(r"DL\d|cannot happen: .", here), row
