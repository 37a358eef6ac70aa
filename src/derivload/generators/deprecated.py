"""Old signatures of functions, which Python has besides the present ones (deprecated.yaml).

An entry gives an old signature, and the call that it stands for. The generator of Python bindings
looks for the function that is called: one whose arguments have the types that the old signature
gives to those of the call, and whose further arguments have defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from derivload.diagnostics import Invalid
from derivload.schema.arguments import Argument
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.reader import SchemaReader

_ENTRY: Final = re.compile(r"^- name: (.*)\n  aten: (([\w:]+)\((.*)\))$", re.MULTILINE)
_OUT: Final = "_out"
# Numbers that a call may have, and their types.
_CONSTANTS: Final = {"1": "Scalar"}


class DeprecatedEntry(NamedTuple):
    """An entry: the line of `aten`, the old signature, the call, its function and its arguments."""

    line: int
    signature: str
    call: str
    function: str
    arguments: tuple[str, ...]

    @property
    def is_out(self) -> bool:
        """Whether the call is of an out variant."""
        return self.function.endswith(_OUT)

    @property
    def name(self) -> str:
        """The name of the function, without the end that out variants have in C++."""
        return self.function.removesuffix(_OUT)


def read_deprecated(text: str) -> list[DeprecatedEntry]:
    """The entries of deprecated.yaml, as far as they have the form that PyTorch's have."""
    return [
        DeprecatedEntry(
            text.count("\n", 0, match.end(1)) + 2,
            match[1],
            match[2],
            match[3],
            tuple(match[4].split(", ")),
        )
        for match in _ENTRY.finditer(text)
    ]


def check_deprecated(
    entries: Iterable[DeprecatedEntry],
    by_name: Mapping[str, Sequence[FunctionSchema]],
    reader: SchemaReader,
) -> Iterator[tuple[DeprecatedEntry, str]]:
    """The entries that fit no function, or several, each with a sentence (DL839).

    `by_name` has the functions with Python bindings.
    """
    for entry in entries:
        try:
            old = reader.schema(entry.signature)
        except Invalid:
            continue
        found = [f for f in by_name.get(entry.name, ()) if _fits(entry, old, f)]
        if not found:
            yield entry, f"there is no function that `{entry.call}` calls"
        elif len(found) > 1:
            names = " and ".join(f"`{schema.name.text}`" for schema in found)
            yield entry, f"`{entry.call}` calls {names}"


def _fits(entry: DeprecatedEntry, old: FunctionSchema, called: FunctionSchema) -> bool:
    given: dict[str, Argument] = {a.name: a for a in old.arguments.flat_all}
    arguments = called.arguments
    wanted = arguments.flat_non_out
    wanted = arguments.out + wanted if entry.is_out else wanted + arguments.out
    for i, argument in enumerate(wanted):
        if i >= len(entry.arguments):
            if argument.default is None:
                return False
            continue
        name = entry.arguments[i]
        value = given.get(name)
        type_ = _CONSTANTS.get(name) if value is None else value.type.text
        annotation = None if value is None else value.annotation
        if type_ != argument.type.text or annotation != argument.annotation:
            return False
    return [r.text for r in old.returns] == [r.text for r in called.returns]
