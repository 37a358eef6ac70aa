"""What is told of small inputs, as text: tests compare it with what was recorded and read before.

A file of cases in tests/reference has a title for each, then native_functions.yaml, then
derivatives.yaml, and all that is told of them. `../.venv/bin/python -m support.told FILE`, in the
folder tests, writes what is told now: read every line of the difference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from support.rule_cases import TAGS

_TITLE, _NEXT, _TOLD = "=== ", "---\n", ">>>\n"


class Told(NamedTuple):
    """A case: its title, its two files, and what was told of them.

    A title that ends with ` @` and a release is of that release. One that begins with `+` has what
    was made of the input too.
    """

    title: str
    natives: str
    derivatives: str
    told: str


def read_told(path: Path) -> list[Told]:
    """The cases of a file."""
    _, *parts = path.read_text(encoding="utf-8").split(f"\n{_TITLE}")
    cases = []
    for part in parts:
        title, _, rest = part.partition("\n")
        given, _, told = rest.partition(_TOLD)
        natives, _, derivatives = given.partition(_NEXT)
        cases.append(Told(title, natives, derivatives, told.strip("\n")))
    return cases


def load_told(case: Told) -> tuple[Texts, LoadedTexts]:
    """The texts of a case, and the load of them."""
    version = case.title.partition(" @")[2]
    natives = (Text("native_functions.yaml", case.natives),)
    texts = Texts(Text("derivatives.yaml", case.derivatives), natives, Text("tags.yaml", TAGS))
    return texts, load_texts(texts, DIALECTS[version or NEWEST.version])


def tell(case: Told) -> str:
    """What is told of a case now."""
    texts, loaded = load_told(case)
    judged = judge(lint(loaded.load), texts, has_errors=bool(loaded.diagnostics))
    lines = [
        line
        for diagnostic in [*loaded.diagnostics, *place_all(judged.shown, texts)]
        for line in of_diagnostic(diagnostic)
    ]
    if case.title.startswith("+"):
        lines += _made(loaded)
    return "\n".join(lines)


def of_diagnostic(diagnostic: Diagnostic) -> Iterator[str]:
    """All of a diagnostic, but for the line that it shows."""
    end = ":".join(map(str, diagnostic.end))
    place = f"{diagnostic.place}-{end}"
    yield f"{place}: {diagnostic.severity} {diagnostic.code}: {diagnostic.message}"
    if diagnostic.help:
        yield f"  help: {diagnostic.help}"
    for related in diagnostic.related:
        place = f"{related.file}:{related.line}:{related.column}-{related.end_column}"
        yield f"  see {place}: {related.message}"
    for fix in diagnostic.fixes:
        yield f"  {'safe' if fix.is_safe else 'maybe'}: {fix.message}"
        for edit in fix.edits:
            text = json.dumps(edit.text, ensure_ascii=False)
            yield f"    {edit.line}:{edit.column}-{edit.end_line}:{edit.end_column} {text}"


def _made(loaded: LoadedTexts) -> Iterator[str]:
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


def renew(path: Path) -> None:
    """Write what is told now into a file of cases."""
    head = path.read_text(encoding="utf-8").partition(f"\n{_TITLE}")[0]
    parts = [head.rstrip("\n") + "\n"]
    for case in read_told(path):
        given = f"{case.natives}{_NEXT}{case.derivatives}{_TOLD}"
        parts.append(f"{_TITLE}{case.title}\n{given}{tell(case)}\n")
    path.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        renew(Path(argument))
