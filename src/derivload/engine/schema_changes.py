"""What differs between two schemas of one function: argument by argument, and the returns.

The two sides may be of releases whose languages of schemas differ, so the texts are only cut into
arguments here, and not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
_KEYWORD_ONLY: Final = "*"


class SchemaParts(NamedTuple):
    """The arguments of a schema by name, in order, and its returns.

    An argument that has to be given by its name begins with `*, `.
    """

    arguments: dict[str, str]
    returns: str


def schema_parts(schema: str) -> SchemaParts:
    """Cut a schema into its parts."""
    _, _, rest = schema.partition("(")
    *arguments, returns = [*_cut(rest)] or [""]
    found: dict[str, str] = {}
    prefix = ""
    for argument in arguments:
        if argument == _KEYWORD_ONLY:
            prefix = f"{_KEYWORD_ONLY}, "
            continue
        declared = argument.partition("=")[0] if "=" in argument else argument
        name = declared.rpartition(" ")[2]
        found[name] = f"{prefix}{argument}"
    return SchemaParts(found, returns)


def _cut(rest: str) -> Iterator[str]:
    """The arguments, and what is behind the arrow."""
    depth, start = 0, 0
    quote = ""
    for at, character in enumerate(rest):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING and depth:
            depth -= 1
        elif depth == 0 and character in ",)":
            argument = rest[start:at].strip()
            if argument:
                yield argument
            start = at + 1
            if character == ")":
                break
    yield rest[start:].partition("->")[2].strip()


def schema_changes(before: str, after: str) -> Iterator[tuple[str, str, str | None, str | None]]:
    """What differs, as the fields of a change: arguments by name, their order, the returns."""
    old, new = schema_parts(before), schema_parts(after)
    for name in {**new.arguments, **old.arguments}:
        text, now = old.arguments.get(name), new.arguments.get(name)
        if text != now:
            yield "argument", name, text, now
    kept = [name for name in old.arguments if name in new.arguments]
    order = [name for name in new.arguments if name in old.arguments]
    if kept != order:
        yield "order of arguments", "", ", ".join(kept), ", ".join(order)
    if old.returns != new.returns:
        yield "returns", "", old.returns, new.returns
