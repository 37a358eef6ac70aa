"""Inputs, each with the whole of what a load tells and makes of them, in files of tests/reference.

A case begins with `=== its title`, or with `=== 2.5: its title` for another release than the
newest. Its native functions come first; `--- NAME` begins each further input. Behind `--- told`
stand each mistake and warning in full and, if there is no error, what is made of the inputs:

- without definitions, each function and all that is unusual about it, and the kernels of backends;
- with definitions, where the title begins with `+`, each info and each record.

`../.venv/bin/python -m support.told FILE`, in the folder tests, writes what is told now: read every
line of the difference.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.function import NativeFunction
from derivload.sources.additions import Additions
from support.in_full import in_full
from support.rule_cases import TAGS

_TITLE = re.compile(r"=== (?:(2\.\d+): )?(.*)\n")
_PART, _TOLD = "--- ", "told"
_ELSEWHERE = ("schema", "signatures", "entry")
# What an entry with a schema alone comes to.
_USUAL = {"namespace": "aten", "variants": frozenset({"function"}), "tags": frozenset[str]()}


class Told(NamedTuple):
    """A case: its inputs by name, and what is told of them. Of the newest release without one."""

    inputs: dict[str, str]
    title: str = ""
    release: str | None = None
    told: str = ""


def definitions(natives: str, derivatives: str) -> Told:
    """A case of two files."""
    return Told({"natives": natives, "derivatives": derivatives})


def read_told(path: Path) -> list[Told]:
    """The cases of a file."""
    _, *parts = _TITLE.split(path.read_text("utf-8"))
    return [
        _case(title, release, written)
        for release, title, written in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def _case(title: str, release: str | None, written: str) -> Told:
    inputs = {"natives": ""}
    name = "natives"
    for line in written.splitlines(keepends=True):
        if line.startswith(_PART) and name != _TOLD:
            name = line.removeprefix(_PART).strip()
            inputs[name] = ""
        else:
            inputs[name] += line
    return Told(inputs, title, release, inputs.pop(_TOLD))


def load_told(case: Told) -> tuple[Texts, LoadedTexts]:
    """The texts of a case, and the load of them."""
    inputs = case.inputs
    natives = [Text("native_functions.yaml", inputs["natives"])]
    if "overlay" in inputs:
        natives.append(Text("overlay.yaml", inputs["overlay"]))
    texts = Texts(
        Text("derivatives.yaml", inputs.get("derivatives", "[]\n")),
        tuple(natives),
        Text("tags.yaml", inputs.get("tags", TAGS)),
        additions=Additions(sections=tuple(inputs.get("sections", "").split())),
        backends=tuple(
            Text(f"{name}.yaml", text) for name, text in inputs.items() if "backend" in name
        ),
    )
    return texts, load_texts(texts, DIALECTS[case.release or NEWEST.version])


def tell(case: Told) -> str:
    """What is told of a case now."""
    texts, loaded = load_told(case)
    judged = judge(lint(loaded.load), texts, has_errors=bool(loaded.diagnostics))
    found = [*loaded.diagnostics, *loaded.warnings, *place_all(judged.shown, texts)]
    lines = [*map(in_full, found), *([] if loaded.diagnostics else _made(case, loaded))]
    return "".join(f"{line}\n" for line in lines)


def _made(case: Told, loaded: LoadedTexts) -> Iterator[str]:
    if "derivatives" not in case.inputs:
        if not any("backend" in name for name in case.inputs):
            yield from map(_function, loaded.load.natives)
        for name, kernels in loaded.backends.kernels().items():
            listed = ", ".join(f"{kernel.dispatch_key} at {kernel.line}" for kernel in kernels)
            yield f"kernels of {name}: {listed}"
    elif case.title.startswith("+"):
        yield from _records(loaded)
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


def _records(loaded: LoadedTexts) -> Iterator[str]:
    """The info of each definition, and the record of each function."""
    for function, record in loaded.records():
        for key, info in record.dispatch.items():
            yield f"info of {function.schema.text} for {key}"
            yield from _fields(info)
    for matched in loaded.load.matched:
        yield f"record of {matched.record.schema}"
        yield from _fields(msgspec.structs.replace(matched.record, schema=""))
        for key, info in (matched.generated.dispatch if matched.generated else {}).items():
            yield f"  generated for {key}"
            yield from (f"  {line}" for line in _fields(info))


def _fields(record: msgspec.Struct) -> Iterator[str]:
    for name, value in msgspec.to_builtins(record).items():
        # An empty list says of all outputs that they have no gradient.
        if _is_told(value) or (name == "output_differentiability" and value is not None):
            text = json.dumps(_short(value), ensure_ascii=False)
            yield f"  {name}: {text}"


def _is_told(value: Any) -> bool:
    return value not in (None, False, "") and (value not in ([], ()) or value is True)


def _short(value: Any) -> Any:
    """A value without what is empty in its mappings; a saved value is one text."""
    if isinstance(value, dict):
        if value.keys() == {"name", "type", "expr"}:
            return "{type} {name} = {expr}".format(**value)
        return {key: _short(each) for key, each in value.items() if _is_told(each)}
    return [_short(each) for each in value] if isinstance(value, (list, tuple)) else value


def _written(case: Told) -> str:
    release = f"{case.release}: " if case.release else ""
    natives, *others = case.inputs.items()
    parts = [f"{_PART}{name}\n{text}" for name, text in (*others, (_TOLD, tell(case)))]
    return "".join([f"=== {release}{case.title}\n{natives[1]}", *parts])


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        renewed = "".join(map(_written, read_told(Path(argument))))
        Path(argument).write_text(renewed, "utf-8")
