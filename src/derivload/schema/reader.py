"""Reads schemas from texts, and builds schemas from parts. Both follow the same rules."""

from __future__ import annotations

from derivload.diagnostics import Invalid
from derivload.schema.arguments import Argument, ArgumentReader, Grammar, Return
from derivload.schema.function_schema import Arguments, FunctionSchema, make_arguments, spell
from derivload.schema.invariants import check_schema
from derivload.schema.names import OperatorName, read_operator_name
from derivload.schema.types import TypeReader

_SCRATCH = "_scratch_"


class SchemaReader:
    """Reads schemas. It keeps the types and arguments read so far, because they repeat often."""

    def __init__(self, base_types: frozenset[str], grammar: Grammar) -> None:
        self.arguments = ArgumentReader(TypeReader(base_types), grammar)
        self._namespaces = grammar.namespaces

    def name(self, text: str) -> OperatorName:
        """The operator name that `text` spells. Raises Invalid (DL102)."""
        return read_operator_name(text, namespaces=self._namespaces)

    def schema(self, text: str) -> FunctionSchema:
        """The schema that `text` spells.

        Raises Invalid: DL101 to DL106 for a text that cannot be read, DL107 and DL110 on for a
        schema that breaks a rule between its parts.
        """
        name, parenthesis, rest = text.partition("(")
        inside, arrow, returned = rest.rpartition(") -> ")
        if "\n" in text:
            advice = "write the schema on one line; a block scalar `|` ends in a line end"
            raise Invalid("DL101", "there is a line end in this schema", help=advice)
        if not (parenthesis and arrow and returned and name):
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
        """The schema with these parts. Raises Invalid (DL110 on)."""
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
                raise Invalid("DL106", f"one return must not be in parentheses: `{text}`", text)
        elif ", " in text:
            raise Invalid("DL106", f"several returns need parentheses: `({text})`", text)
        return tuple(map(self.arguments.returned, text.split(", ")))

    def _arguments(self, text: str) -> Arguments:
        positional: list[Argument] = []
        kwarg_only: list[Argument] = []
        out: list[Argument] = []
        current = positional
        for part in text.split(", ") if text else ():
            if part == "*":
                if current is not positional:
                    raise Invalid("DL103", "`*` may occur only once in the arguments", part)
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


def _kind(name: OperatorName, arguments: Arguments) -> str:
    # An in-place or out function may also write to later positional arguments. Its name and its
    # out arguments decide first (torchgen's FunctionSchema.kind).
    if arguments.out and name.inplace:
        message = f"`{name.text}` is in-place by name but also has out arguments"
        raise Invalid("DL110", message, arguments.out[0].text)
    if name.inplace:
        return "inplace"
    if arguments.out:
        return "scratch" if any(a.name.startswith(_SCRATCH) for a in arguments.out) else "out"
    if arguments.has_writes and any(a.is_write for a in arguments.post_self):
        return "mutable"
    return "functional"
