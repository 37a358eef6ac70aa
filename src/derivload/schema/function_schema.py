"""A whole schema: `add_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from derivload.diagnostics import Invalid
from derivload.remedies import write
from derivload.schema.arguments import Argument, Return
from derivload.schema.names import OperatorName

_OPTIONS = (
    ("dtype", ("ScalarType", "ScalarType?")),
    ("layout", ("Layout", "Layout?")),
    ("device", ("Device", "Device?")),
    ("pin_memory", ("bool", "bool?")),
)


class Arguments(msgspec.Struct, frozen=True, gc=False):
    """The arguments by role.

    `self_index` is the index of `self` in the positional arguments, or None. `options_index` is
    the index in the keyword-only arguments where the four arguments begin that C++ gathers into
    TensorOptions, or None. The last three fields tell whether any argument has an annotation, is
    written to, has a default: for most schemas, these answer most questions.
    """

    positional: tuple[Argument, ...]
    self_index: int | None
    kwarg_only: tuple[Argument, ...]
    options_index: int | None
    out: tuple[Argument, ...]
    has_annotations: bool
    has_writes: bool
    has_defaults: bool

    @property
    def flat_non_out(self) -> tuple[Argument, ...]:
        """All arguments except the out arguments, in schema order."""
        return self.positional + self.kwarg_only

    @property
    def flat_all(self) -> tuple[Argument, ...]:
        """All arguments, in schema order."""
        return self.positional + self.kwarg_only + self.out

    @property
    def self_argument(self) -> Argument | None:
        """The argument named `self`."""
        return None if self.self_index is None else self.positional[self.self_index]

    @property
    def post_self(self) -> tuple[Argument, ...]:
        """The positional arguments after `self`; all of them if there is no `self`."""
        return (
            self.positional if self.self_index is None else self.positional[self.self_index + 1 :]
        )

    @property
    def options(self) -> tuple[Argument, ...]:
        """The four arguments of TensorOptions, or none."""
        if self.options_index is None:
            return ()
        return self.kwarg_only[self.options_index : self.options_index + len(_OPTIONS)]

    @property
    def without_options(self) -> tuple[Argument, ...]:
        """The keyword-only arguments, except those of TensorOptions."""
        if self.options_index is None:
            return self.kwarg_only
        first = self.options_index
        return self.kwarg_only[:first] + self.kwarg_only[first + len(_OPTIONS) :]

    @property
    def has_symint(self) -> bool:
        """Whether an argument other than an out argument is SymInt-like."""
        return any(a.type.base == "SymInt" for a in self.positional) or any(
            a.type.base == "SymInt" for a in self.kwarg_only
        )


class FunctionSchema(msgspec.Struct, frozen=True, gc=False):
    """A function schema; `kind` is "functional", "inplace", "out", "mutable" or "scratch"."""

    text: str
    name: OperatorName
    arguments: Arguments
    returns: tuple[Return, ...]
    kind: str

    @property
    def is_out(self) -> bool:
        """Whether it has out arguments. A scratch schema has them too."""
        return bool(self.arguments.out)


def make_arguments(
    positional: Iterable[Argument], kwarg_only: Iterable[Argument], out: Iterable[Argument]
) -> Arguments:
    """The arguments by role: finds `self`, and the arguments of TensorOptions.

    Raises Invalid (DL107) if the arguments of TensorOptions occur twice.
    """
    positional, kwarg_only, out = tuple(positional), tuple(kwarg_only), tuple(out)
    self_index: int | None = None
    annotated = writes = defaults = False
    for i, argument in enumerate(positional + kwarg_only + out):
        if self_index is None and argument.name == "self" and i < len(positional):
            self_index = i
        if argument.annotation is not None:
            annotated = True
            writes = writes or argument.is_write
        if argument.default is not None:
            defaults = True
    options_index = _find_options(kwarg_only) if len(kwarg_only) >= len(_OPTIONS) else None
    return Arguments(
        positional, self_index, kwarg_only, options_index, out, annotated, writes, defaults
    )


def _find_options(kwarg_only: tuple[Argument, ...]) -> int | None:
    found: int | None = None
    i = 0
    while i <= len(kwarg_only) - len(_OPTIONS):
        if kwarg_only[i].name == "dtype" and all(
            a.name == name and a.type.text in types
            for a, (name, types) in zip(kwarg_only[i:], _OPTIONS, strict=False)
        ):
            if found is not None:
                again = ", ".join([a.text for a in kwarg_only[i : i + len(_OPTIONS)]])
                message = "dtype, layout, device and pin_memory occur twice"
                first = kwarg_only[found : found + len(_OPTIONS)]
                is_same = [a.text for a in first] == [
                    a.text for a in kwarg_only[i : i + len(_OPTIONS)]
                ]
                leave_out = write("", f", {again}", occurrence=-1, is_safe=is_same)
                raise Invalid("DL107", message, again, occurrence=-1, remedies=[leave_out])
            found = i
            i += len(_OPTIONS)
        else:
            i += 1
    return found


def spell(name: str, arguments: Arguments, returns: tuple[Return, ...]) -> str:
    """The text of the schema made of these parts."""
    parts = [a.text for a in arguments.positional]
    if arguments.kwarg_only or arguments.out:
        parts.append("*")
        parts += [a.text for a in arguments.kwarg_only]
        parts += [a.text for a in arguments.out]
    returned = ", ".join([r.text for r in returns])
    if len(returns) != 1:
        returned = f"({returned})"
    return f"{name}({', '.join(parts)}) -> {returned}"
