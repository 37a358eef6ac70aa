"""Inputs, each with the whole of what a load tells of them, in files of tests/reference.

A case begins with `=== what it shows`, or with `=== 2.5: what it shows` for another release than
the newest. Its native functions come first; `--- NAME` begins each further input. What stands
behind `--- told` is what a load tells: each mistake and warning with its end, its help, its fixes
and what it is related to; and if there is no error, each function and all that is unusual about
it, and the kernels of backends.

`compare` compares all cases of a file, and writes one that holds what is told now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.function import NativeFunction
from derivload.sources.additions import Additions
from support.paths import REFERENCE

_TAGS = "".join(
    f"- tag: {tag}\n  desc: Some tag.\n"
    for tag in ("core", "inplace_view", "view_copy", "nondeterministic_seeded", "generated")
)
_ELSEWHERE = ("schema", "signatures", "entry")
# What an entry with a schema alone comes to.
_USUAL = {"namespace": "aten", "variants": frozenset({"function"}), "tags": frozenset[str]()}
_CASE, _PART, _TOLD = "=== ", "--- ", "--- told\n"


class ToldCase(NamedTuple):
    """A case: its first line, its inputs as they are written and by name, and what is told."""

    header: str
    written: str
    inputs: dict[str, str]
    told: str


def compare(name: str, folder: Path) -> None:
    """Each case of a file of `reference` tells what stands there.

    Else the file is written to `folder` as it would be right now; read it before it takes the
    place of the other.
    """
    file = REFERENCE / name
    cases = list(_read(file.read_text("utf-8")))
    now = [(case, _told(case)) for case in cases]
    renewed = folder / file.name
    renewed.write_text(
        "".join(f"{case.header}{case.written}{_TOLD}{told}" for case, told in now), "utf-8"
    )
    for case, told in now:
        assert told == case.told, f"{case.header}if this is right, {renewed} takes its place"


def _read(text: str) -> Iterator[ToldCase]:
    header, written, told = "", "", ""
    is_told = False
    for line in [*text.splitlines(keepends=True), _CASE]:
        if line.startswith(_CASE):
            if header:
                yield ToldCase(header, written, _inputs(written), told)
            header, written, told, is_told = line, "", "", False
        elif line == _TOLD:
            is_told = True
        elif is_told:
            told += line
        else:
            written += line


def _inputs(written: str) -> dict[str, str]:
    inputs = {"natives": ""}
    name = "natives"
    for line in written.splitlines(keepends=True):
        if line.startswith(_PART):
            name = line.removeprefix(_PART).strip()
            inputs[name] = ""
        else:
            inputs[name] += line
    return inputs


def _told(case: ToldCase) -> str:
    release, colon, _ = case.header.removeprefix(_CASE).partition(":")
    dialect = DIALECTS[release if colon and release in DIALECTS else NEWEST.version]
    inputs = case.inputs
    natives = [Text("native_functions.yaml", inputs["natives"])]
    if "overlay" in inputs:
        natives.append(Text("overlay.yaml", inputs["overlay"]))
    texts = Texts(
        Text("derivatives.yaml", inputs.get("derivatives", "[]\n")),
        tuple(natives),
        Text("tags.yaml", inputs.get("tags", _TAGS)),
        additions=Additions(sections=tuple(inputs.get("sections", "").split())),
        backends=tuple(
            Text(f"{name}.yaml", text) for name, text in inputs.items() if "backend" in name
        ),
    )
    loaded = load_texts(texts, dialect)
    warned = judge(lint(loaded.load), texts, has_errors=bool(loaded.diagnostics))
    found = [*loaded.diagnostics, *loaded.warnings, *place_all(warned.shown, texts)]
    return "".join(f"{line}\n" for line in [*_all_of(found), *_made(loaded, case)])


def _all_of(found: list[Diagnostic]) -> Iterator[str]:
    for one in found:
        end, column = one.end
        place = f"{one.file}:{one.line}:{one.column}-{end}:{column}"
        yield f"{place} {one.severity}[{one.code}] {one.message}"
        if one.help:
            yield f"  help: {one.help}"
        for fix in one.fixes:
            yield f"  {'safe ' if fix.is_safe else ''}fix: {fix.message}"
            for edit in fix.edits:
                span = f"{edit.line}:{edit.column}-{edit.end_line}:{edit.end_column}"
                at = "" if edit.file == one.file else f"{edit.file}:"
                yield f"    {at}{span} {json.dumps(edit.text)}"
        for other in one.related:
            place = f"{other.file}:{other.line}:{other.column}-{other.end_column}"
            yield f"  see: {place} {other.message}"


def _made(loaded: LoadedTexts, case: ToldCase) -> Iterator[str]:
    if loaded.diagnostics:
        return
    if "backend" not in case.inputs:
        yield from map(_function, loaded.load.natives)
    for name, kernels in loaded.backends.kernels().items():
        listed = ", ".join(f"{kernel.dispatch_key} at {kernel.line}" for kernel in kernels)
        yield f"kernels of {name}: {listed}"
    if loaded.passed_over:
        yield f"passed over: {', '.join(loaded.passed_over)}"


def _function(function: NativeFunction) -> str:
    """A function, its kernels, and what an entry with a schema alone does not have."""
    said = [f"{function.schema.text} of line {function.entry.line}"]
    for field in msgspec.structs.fields(NativeFunction):
        value = getattr(function, field.name)
        if field.name in _ELSEWHERE or value == _USUAL.get(field.name, field.default):
            continue
        if isinstance(value, frozenset):
            value = " ".join(sorted(value))
        elif field.name == "autogen":
            value = " ".join(name.text for name in value)
        elif field.name == "structured_delegate":
            value = value.text
        said.append(f"  {field.name}: {value}")
    return "\n".join(said)
