"""A whole schema: `add_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from derivload.diagnostics import Invalid
from derivload.schema.arguments import Argument, ArgumentReader, Grammar, Return
from derivload.schema.invariants import check_schema
from derivload.schema.names import OperatorName, read_operator_name
from derivload.schema.types import TypeReader

_OPTIONS = (
    ("dtype", ("ScalarType", "ScalarType?")),
    ("layout", ("Layout", "Layout?")),
    ("device", ("Device", "Device?")),
    ("pin_memory", ("bool", "bool?")),
)
_SCRATCH = "_scratch_"


class Arguments(msgspec.Struct, frozen=True, gc=False):
    """The arguments by role.

    `self_index` is where `self` stands among the positional ones, and `options_index` where the
    four arguments that C++ gathers into TensorOptions begin among the keyword-only ones; None
    where there are none. The last three say whether any argument at all is annotated, is
    written to, has a default: most questions to most schemas need no more.
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
        """All but the out arguments, in schema order."""
        return self.positional + self.kwarg_only

    @property
    def flat_all(self) -> tuple[Argument, ...]:
        """All, in schema order."""
        return self.positional + self.kwarg_only + self.out

    @property
    def self_argument(self) -> Argument | None:
        """The argument named `self`."""
        return None if self.self_index is None else self.positional[self.self_index]

    @property
    def post_self(self) -> tuple[Argument, ...]:
        """The positional arguments after `self`; all of them where there is no `self`."""
        return (
            self.positional if self.self_index is None else self.positional[self.self_index + 1 :]
        )

    @property
    def without_options(self) -> tuple[Argument, ...]:
        """The keyword-only arguments but for those of TensorOptions."""
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
        """Whether it has out arguments (a scratch schema has too)."""
        return bool(self.arguments.out)


class SchemaReader:
    """Reads schemas. Holds the types and arguments read so far, which repeat all the time."""

    def __init__(self, base_types: frozenset[str], grammar: Grammar) -> None:
        self.arguments = ArgumentReader(TypeReader(base_types), grammar)
        self._namespaces = grammar.namespaces

    def name(self, text: str) -> OperatorName:
        """The operator name that `text` spells. Raises Invalid (DL102)."""
        return read_operator_name(text, namespaces=self._namespaces)

    def schema(self, text: str) -> FunctionSchema:
        """The schema that `text` spells.

        Raises Invalid (DL101 to DL106 for what cannot be read, DL110 on for what can be read
        but breaks a rule between the parts of a schema).
        """
        name, parenthesis, rest = text.partition("(")
        inside, arrow, returned = rest.rpartition(") -> ")
        if not (parenthesis and arrow and returned and name) or "\n" in text:
            raise Invalid(
                "DL101", f"`{text}` is not of the form `name(arguments) -> returns`", text
            )
        return self.build(self.name(name), self._arguments(inside), self._returns(returned), text)

    def build(
        self,
        name: OperatorName,
        arguments: Arguments,
        returns: tuple[Return, ...],
        text: str | None = None,
    ) -> FunctionSchema:
        """The schema made of these parts. Raises Invalid (DL110 on)."""
        schema = FunctionSchema(
            text=spell(name.text, arguments, returns) if text is None else text,
            name=name,
            arguments=arguments,
            returns=returns,
            kind=_kind(name, arguments),
        )
        check_schema(schema)
        return schema

    def _returns(self, text: str) -> tuple[Return, ...]:
        if text == "()":
            return ()
        if text[0] == "(" and text[-1] == ")":
            text = text[1:-1]
            if ", " not in text:
                raise Invalid("DL106", f"one return stands without parentheses: `{text}`", text)
        return tuple(map(self.arguments.returned, text.split(", ")))

    def _arguments(self, text: str) -> Arguments:
        positional: list[Argument] = []
        kwarg_only: list[Argument] = []
        out: list[Argument] = []
        current = positional
        for part in text.split(", ") if text else ():
            if part == "*":
                if current is not positional:
                    raise Invalid("DL103", "`*` may stand once among the arguments", part)
                current = kwarg_only
                continue
            argument = self.arguments.argument(part)
            if argument.is_write and current is kwarg_only:
                current = out
            elif current is out and not argument.is_write:
                raise Invalid(
                    "DL103", f"`{part}` follows the out arguments, but nothing writes to it", part
                )
            current.append(argument)
        if current is kwarg_only and not kwarg_only:
            raise Invalid("DL103", "no keyword-only argument follows `*`", "*")
        return make_arguments(positional, kwarg_only, out)


def make_arguments(
    positional: Iterable[Argument], kwarg_only: Iterable[Argument], out: Iterable[Argument]
) -> Arguments:
    """The arguments with their roles found: `self`, and those that TensorOptions gathers.

    Raises Invalid (DL107) where TensorOptions could be gathered twice.
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
                raise Invalid("DL107", "dtype, layout, device and pin_memory stand there twice")
            found = i
            i += len(_OPTIONS)
        else:
            i += 1
    return found


def _kind(name: OperatorName, arguments: Arguments) -> str:
    # An in-place or out function may also write to later positional arguments: what it is by
    # name or by its out arguments comes first (torchgen's FunctionSchema.kind).
    if arguments.out and name.inplace:
        raise Invalid("DL110", f"`{name.text}` is in-place by name and has out arguments too")
    if name.inplace:
        return "inplace"
    if arguments.out:
        return "scratch" if any(a.name.startswith(_SCRATCH) for a in arguments.out) else "out"
    if arguments.has_writes and any(a.is_write for a in arguments.post_self):
        return "mutable"
    return "functional"


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
