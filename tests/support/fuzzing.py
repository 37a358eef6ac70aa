"""What is fuzzed: three targets, each with an oracle for one text and a way to make new texts.

`test_fuzz.py` runs them, seeded, for a time. A fuzzer that is guided by coverage can run them too:
give it `seeds`, have it call `mutated` now and then, and `check` each text. A target keeps nothing
from one text to the next, so that a text that fails does so again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, Protocol

from derivload.commands.check.find import find_mistakes
from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic, Invalid
from derivload.engine.session import Session
from derivload.loading.errors import InputError, UsageError
from derivload.loading.paths import Files as Paths
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.outputs.annotations import render_annotations
from derivload.outputs.report import render_report
from derivload.outputs.sarif import render_sarif
from derivload.rules import RULES
from derivload.schema.function_schema import spell
from derivload.schema.reader import SchemaReader
from derivload.sources.entries import read_source, split_entries
from derivload.sources.splitting import split_digests, split_text, with_plain_line_ends
from derivload.store.store import Store
from support.judged_schemas import PARTS, said
from support.mutation_kinds import Files
from support.mutations import MUTATIONS
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS
from support.sessions import StoreInMemory
from support.yaml_texts import FRAGMENTS, LINES, ODD_SCALARS, PLAIN_SCALARS, check_file

# What each edit may put in, besides pieces of the text and of other texts.
_SIGNS: Final = tuple("\n\t \0'\"#:,-?*&!|>[]{}()<=.%@`\\_;~^$/aT09éß\u2028\ufeff\u202e")
_TOO_DEEP: Final = "nested too deeply"
_FORMULAS: Final = ("grad", "self", "self_t", "result", "grads[1]", "auto_linear", ".sizes()")


class Target(Protocol):
    """What a fuzzer runs."""

    seeds: Sequence[str]

    def mutated(self, chance: Random, text: str) -> str:
        """Another text, made of this one."""

    def check(self, text: str) -> bool:
        """Whether the text is accepted. Raises whatever shows a bug."""


def edited(chance: Random, text: str, others: Sequence[str], parts: Sequence[str]) -> str:
    """A text after one to four edits: what is put in comes from `parts` and from `others`."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.choice((0, 0, 1, 1, 2, 5, 20)))
        other = chance.choice(others)
        begin = chance.randint(0, len(other))
        new = chance.choice(
            (
                "",
                chance.choice(_SIGNS),
                chance.choice(parts),
                text[at:to] * 2,
                chance.choice(_SIGNS) * chance.choice((2, 10, 60)),
                other[begin : begin + chance.choice((3, 10, 40))],
            )
        )
        text = text[:at] + new + text[to:]
    return text


# ------------------------------------------------------------------------------------- schemas


class SchemaTarget:
    """The reader of schemas. `judge`, where given, answers as torchgen's does."""

    def __init__(
        self, seeds: Sequence[str], judge: Callable[[str], dict[str, Any]] | None = None
    ) -> None:
        self.seeds = seeds
        self._judge = judge

    def mutated(self, chance: Random, text: str) -> str:
        return edited(chance, text, self.seeds, PARTS)

    def check(self, text: str) -> bool:
        answer = None if self._judge is None else self._judge(text)
        base_types = frozenset(NEWEST.cpp_types) | NEWEST.unspelled_types
        try:
            schema = SchemaReader(base_types, NEWEST.grammar).schema(text)
        except Invalid as invalid:
            assert invalid.code in RULES
            assert invalid.message
            if answer is not None and not _is_deliberate(invalid):
                assert "error" in answer, f"{text!r} is turned away: {invalid.message}"
            return False
        assert schema.text == text
        assert spell(schema.name.text, schema.arguments, schema.returns) == text
        if answer is not None:
            assert "error" not in answer, f"{text!r} is accepted, but: {answer['error']}"
            assert said(schema) == {k: v for k, v in answer.items() if k != "signatures"}, text
        return True


def _is_deliberate(invalid: Invalid) -> bool:
    """Whether torchgen may accept what this turns away: see docs/upstream-rules.md."""
    return invalid.message == "there is a line end in this schema" or _TOO_DEEP in invalid.message


# ------------------------------------------------------------------------------------ the sources


class SourcesTarget:
    """The splitter, the plain reader, and both together against PyYAML on the whole file."""

    _PARTS: Final = (*FRAGMENTS, *ODD_SCALARS, *PLAIN_SCALARS, *(f"\n{line}" for line in LINES))

    def __init__(self, seeds: Sequence[str]) -> None:
        self.seeds = seeds

    def mutated(self, chance: Random, text: str) -> str:
        return edited(chance, text, self.seeds, self._PARTS)

    def check(self, text: str) -> bool:
        text = with_plain_line_ends(text)
        check_split(text)
        source = read_source("file.yaml", text, "custom")
        for diagnostic in source.diagnostics:
            check_diagnostic(diagnostic, {"file.yaml": text})
        if any(d.code == "DL010" or _TOO_DEEP in d.message for d in source.diagnostics):
            return False  # what is turned away for its size has no judge
        return check_file(text)


def check_split(text: str) -> None:
    """Check that entries are pieces of the text with only comments and blank lines between."""
    entries = split_entries("file.yaml", text)
    digests = split_digests(text)
    if entries is None:
        assert digests.digests is None
        return
    assert digests.digests is not None
    assert [digests.entry(i) for i in range(len(digests.digests))] == [e.text for e in entries]
    # A dash alone begins an entry too.
    lines = ["- " if line == "-" else line for line in text.split("\n")]
    for i, entry in enumerate(entries):
        begin = entry.line - 1
        assert "\n".join(lines[begin:]).startswith(entry.text.removesuffix("\n")), entry
        end = begin + entry.text.removesuffix("\n").count("\n") + 1
        behind = lines[end : entries[i + 1].line - 1] if i + 1 < len(entries) else lines[end:]
        assert all(line == "" or line[0] == "#" for line in behind), (entry, behind)
    half = text[: len(text) // 3] + text[len(text) // 2 :]
    again = split_digests(text, split_digests(half))
    assert again.digests == digests.digests


# ------------------------------------------------------------------------------------- the whole

BORDER: Final = "%%%\n"


class CheckTarget:
    """The whole of `check`, beside the whole of `emit`: three files in one text, by `BORDER`."""

    def __init__(self, seeds: Sequence[str]) -> None:
        self.seeds = seeds
        self._parts = (*FRAGMENTS, *PARTS, *_FORMULAS)

    def mutated(self, chance: Random, text: str) -> str:
        if chance.random() < 0.4:
            return edited(chance, text, self.seeds, self._parts)
        files = {name: _entries(part) for name, part in split_files(text).items()}
        for _ in range(chance.randint(1, 3)):
            mutation = chance.choice(MUTATIONS)
            if not files[mutation.file]:
                continue
            first = chance.randrange(len(files[mutation.file]))
            files[mutation.file] = _moved_to_front(files[mutation.file], first)
            files = mutation.change(chance, files) or files
        return join_files(files)

    def check(self, text: str) -> bool:
        texts = {name: with_plain_line_ends(part) for name, part in split_files(text).items()}
        texts = {n: part.encode("utf-8", "replace").decode() for n, part in texts.items()}
        if are_swapped(texts):
            return False
        found = find_mistakes(request_of(texts), None).diagnostics
        assert found == sorted(found)
        assert len(found) == len(set(found))
        for diagnostic in found:
            check_diagnostic(diagnostic, texts)
        check_formats(found)
        errors = [d for d in found if d.severity == "error"]
        assert emitted(texts) == errors
        before = {**texts, NATIVES: texts[NATIVES].rpartition("\n- ")[0] + "\n"}
        if are_swapped(before):
            before = texts
        check_session(before, texts, errors)
        check_store(before, texts, found)
        return not errors


def request_of(texts: dict[str, str]) -> Request:
    files = Paths(DERIVATIVES, [NATIVES], TAGS, None)
    return Request(files, [texts[path].encode("utf-8", "replace") for path in files.paths])


def are_swapped(texts: dict[str, str]) -> bool:
    """Whether one sentence refuses these files: all entries of one are those of another."""
    try:
        request_of(texts).inputs  # noqa: B018
    except UsageError as error:
        assert "were the files swapped?" in str(error)
        return True
    return False


def emitted(texts: dict[str, str], store: Store | None = None) -> list[Diagnostic]:
    """What `emit` says."""
    try:
        load_inputs(request_of(texts), store)
    except InputError as error:
        return list(error.diagnostics)
    return []


def check_session(before: dict[str, str], texts: dict[str, str], errors: list[Diagnostic]) -> None:
    """Check that a session that had other texts before says and gives the same."""
    session = Session(NEWEST)
    session.load(request_of(before).inputs.texts)
    after = session.load(request_of(texts).inputs.texts)
    alone = Session(NEWEST).load(request_of(texts).inputs.texts)
    assert after.diagnostics == alone.diagnostics == errors
    assert after.lines == alone.lines


def check_store(before: dict[str, str], texts: dict[str, str], found: list[Diagnostic]) -> None:
    """Check that with a store in which runs on other texts left something the same is found."""
    store = StoreInMemory()
    emitted(before, store)
    for each in (before, texts, texts):
        told = find_mistakes(request_of(each), store).diagnostics
    assert told == found


def split_files(text: str) -> dict[str, str]:
    """The texts of the three files, by name."""
    parts = [*text.split(BORDER, 2), "", ""]
    return dict(zip(FILES, parts, strict=False))


def join_files(files: Files) -> str:
    return BORDER.join("".join(files[name]) for name in FILES)


def _entries(text: str) -> list[str]:
    split = split_text(text)
    return [text] if split is None else [entry for _, entry in split]


def _moved_to_front(entries: list[str], index: int) -> list[str]:
    return [entries[index], *entries[:index], *entries[index + 1 :]]


def check_diagnostic(diagnostic: Diagnostic, texts: dict[str, str]) -> None:
    """Check that a diagnostic reads as it has to, and points into its file."""
    d = diagnostic
    assert d.severity == RULES[d.code].severity
    assert d.message, d
    assert d.sentence.isprintable(), d
    assert d.advice, d
    assert d.advice.isprintable(), d
    assert d.render().isprintable() or all(c.isprintable() or c in "\n\t" for c in d.render()), d
    lines = texts[d.file].split("\n")
    if not d.line:
        assert (d.column, d.source_line) == (0, ""), d
        return
    assert 1 <= d.line <= len(lines), d
    assert d.source_line == lines[d.line - 1], d
    assert 1 <= d.column <= len(d.source_line) + 1, d
    # Behind the last character of a line, where something is missing, there is room for one.
    assert d.column + d.length <= len(d.source_line) + 1 or d.length == 1, d
    end_line, end_column = d.end
    assert (d.line, d.column) < (end_line, end_column), d
    assert end_line <= len(lines), d
    assert end_column <= len(lines[end_line - 1]) + (2 if d.length == 1 else 1), d
    excerpt = d.excerpt()
    if excerpt:
        source, caret = excerpt
        assert caret.rstrip("^").strip(" \t|") == "", d
        assert len(caret) <= len(source) + (d.column > len(d.source_line)), d


def check_formats(found: list[Diagnostic]) -> None:
    """Check that all formats can be made of what was found, and be read again."""
    report = json.loads(render_report(found, NEWEST.version))
    assert len(report["diagnostics"]) == len(found)
    sarif = json.loads(render_sarif(found, "0", lambda code: code))
    assert len(sarif["runs"][0]["results"]) == len(found)
    assert render_annotations(found).count("\n") == len(found)
