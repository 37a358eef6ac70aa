"""What the rules of the generators refuse of a few entries, without files."""

from __future__ import annotations

from derivload.cpp.dialect import DIALECTS
from derivload.diagnostics import Mistake
from derivload.engine.generators import find_refused
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts

_TAG_NAMES = ("core", "generated", "view_copy", "nondeterministic_seeded")
_TAGS = "".join(f"- tag: {tag}\n  desc: x\n" for tag in _TAG_NAMES)
RELEASES = [*DIALECTS]


def native(schema: str, *keys: str, kernel: str = "CompositeExplicitAutograd: f") -> str:
    """An entry of native_functions.yaml, with a kernel unless that is ""."""
    dispatch = [f"dispatch:\n    {kernel}"] * bool(kernel)
    return "".join(
        f"{line}\n" for line in (f"- func: {schema}", *(f"  {k}" for k in (*dispatch, *keys)))
    )


def definition(schema: str, *lines: str) -> str:
    """An entry of derivatives.yaml."""
    return "".join(f"{line}\n" for line in (f"- name: {schema}", *(f"  {line}" for line in lines)))


def mistakes(natives: str, definitions: str = "", release: str = "2.15") -> list[Mistake]:
    """What is refused of entries that load, in order."""
    texts = Texts(
        Text("derivatives.yaml", definitions or "[]"),
        (Text("native_functions.yaml", natives),),
        Text("tags.yaml", _TAGS),
    )
    loaded = load_texts(texts, DIALECTS[release])
    assert not loaded.diagnostics, "\n".join(found.render() for found in loaded.diagnostics)
    return [possible.mistake for possible in find_refused(loaded.load)]


def refused(natives: str, definitions: str = "", release: str = "2.15") -> list[str]:
    """The codes of what is refused."""
    return [mistake.code for mistake in mistakes(natives, definitions, release)]


def refusing(natives: str, definitions: str = "") -> list[str]:
    """The releases whose generators refuse something."""
    return [release for release in RELEASES if refused(natives, definitions, release)]
