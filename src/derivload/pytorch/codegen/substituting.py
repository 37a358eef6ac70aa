"""Stands in for the substitution of torchgen's templates: the same text, from prepared templates.

torchgen searches a template for its placeholders at each substitution, and indents line by line.
Here a template is searched once, and text is indented as a whole where that gives the same.

Releases indent in two ways: the newer ones remove the spaces at the ends of lines, the older ones
leave them, and put the indentation before empty lines too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class _Place(NamedTuple):
    """A placeholder, and the text of the template before it.

    `indent` is None if the placeholder has no line of its own.
    """

    text: str
    indent: str | None
    key: str
    before: str
    after: str


class _Prepared(NamedTuple):
    places: list[_Place]
    rest: str


def make_substitute(class_: Any, *, is_stripped: bool) -> Callable[..., str]:
    """A function that may take the place of `CodeTemplate.substitute`.

    `class_` is torchgen's CodeTemplate. With `is_stripped`, lines have no spaces at their ends.
    """
    prepared: dict[str, _Prepared | None] = {}
    original = class_.substitute
    pattern = class_.substitution

    def prepare(text: str) -> _Prepared | None:
        found = prepared[text] = _prepare(pattern, text)
        return found

    def substitute(self: Any, env: Mapping[str, object] | None = None, **kwargs: object) -> str:
        if type(self) is not class_ or self.substitution is not pattern:
            return str(original(self, env, **kwargs))
        text = self.pattern
        found = prepared[text] if text in prepared else prepare(text)
        if found is not None:
            try:
                return _filled(found, {} if env is None else env, kwargs, is_stripped=is_stripped)
            except Exception:  # torchgen's own raises it below: a traceback shows its lines
                found = None
        return str(original(self, env, **kwargs))

    return substitute


def _filled(
    found: _Prepared, env: Mapping[str, object], more: Mapping[str, object], *, is_stripped: bool
) -> str:
    """A template with its places filled by the values in `more`, else in `env`."""
    pieces = []
    for text, indent, key, before, after in found.places:
        value = more[key] if key in more else env[key]
        pieces.append(text)
        if indent is not None:
            values = value if isinstance(value, list) else [value]
            pieces.append(_indented(indent, values, is_stripped=is_stripped))
        elif not isinstance(value, list):
            pieces.append(str(value))
        elif value:
            pieces += (before, ", ".join([str(x) for x in value]), after)
    pieces.append(found.rest)
    return "".join(pieces)


def _prepare(pattern: re.Pattern[str], text: str) -> _Prepared | None:
    """A template, searched; None if it indents by other characters than spaces and tabs."""
    places = []
    end = 0
    for match in pattern.finditer(text):
        key = match[2]
        before = after = ""
        if key[0] == "{":
            key = key[1:-1]
            if key[0] == ",":
                before, key = ", ", key[1:]
            if key[-1] == ",":
                after, key = ", ", key[:-1]
        places.append(_Place(text[end : match.start()], match[1], key, before, after))
        end = match.end()
    if any(place.indent and place.indent.strip(" \t") for place in places):
        return None
    return _Prepared(places, text[end:])


def _has_other_space(text: str) -> bool:
    """Whether a text of ASCII has space besides " ", "\t" and "\n"."""
    return (
        "\r" in text
        or "\x0b" in text
        or "\x0c" in text
        or "\x1c" in text
        or "\x1d" in text
        or "\x1e" in text
        or "\x1f" in text
    )  # `any` takes five times as long, and this is asked for each piece of text


def _indented(indent: str, values: Sequence[object], *, is_stripped: bool) -> str:
    """The lines of some values, each behind `indent`."""
    texts = [text for value in values if (text := str(value))]
    # The end of a last line begins no other line.
    text = "\n".join([text[:-1] if text[-1] == "\n" else text for text in texts])
    if not text.isascii() or _has_other_space(text) or indent.strip(" "):
        lines = [line for text in texts for line in text.splitlines()]
        if is_stripped:
            return "\n".join([(indent + line).rstrip() for line in lines]).rstrip()
        return "\n".join([indent + line for line in lines]).rstrip()
    has_empty = "\n\n" in text
    if indent:
        text = f"{indent}{text}".replace("\n", f"\n{indent}")
    if is_stripped:
        empty = f"\n{indent}\n"
        while indent and has_empty and empty in text:
            text = text.replace(empty, "\n\n")
        has_tabs = "\t" in text  # one character is found much faster than two
        while " \n" in text or (has_tabs and "\t\n" in text):
            text = text.replace(" \n", "\n").replace("\t\n", "\n")
    return text.rstrip()
