"""Reads schemas from texts, and builds schemas from parts. Both follow the same rules."""

from __future__ import annotations

from derivload.diagnostics import MAX_OF_ENTRY, Invalid, Remedy, occurrence_of, raise_all
from derivload.patterns import lazy
from derivload.remedies import write
from derivload.schema.arguments import Argument, ArgumentReader, Grammar, Return
from derivload.schema.function_schema import Arguments, FunctionSchema, make_arguments, spell
from derivload.schema.invariants import check_schema
from derivload.schema.names import OperatorName, read_operator_name
from derivload.schema.types import TypeReader
from derivload.spelling import Guesses
from derivload.tuples import NamedTuple

_SCRATCH = "_scratch_"
# An arrow that may lack the spaces around it; a schema that ends behind its arguments.
_ARROW = lazy(r"\) *-> *(?=\S)(?!.*\) *->)")
_WITHOUT_RETURNS = lazy(r"[\w.]+\((?!.*\) *->).*\)")


class _ReadArguments(NamedTuple):
    """The arguments of a schema by role, before `self` and TensorOptions are found."""

    positional: list[Argument]
    kwarg_only: list[Argument]
    out: list[Argument]


class SchemaReader:
    """Reads schemas. It keeps the types and arguments read so far, because they repeat often."""

    def __init__(
        self, base_types: frozenset[str], grammar: Grammar, guesses: Guesses | None = None
    ) -> None:
        self.arguments = ArgumentReader(TypeReader(base_types, guesses or Guesses()), grammar)
        self._namespaces = grammar.namespaces

    def name(self, text: str) -> OperatorName:
        """The operator name that `text` spells. Raises Invalid (DL102)."""
        return read_operator_name(text, namespaces=self._namespaces)

    def schema(self, text: str) -> FunctionSchema:
        """The schema that `text` spells.

        Raises Invalid: DL101 to DL106 for a text that cannot be read, DL107 and DL110 on for a
        schema that breaks a rule between its parts. It has all mistakes of the parts, or all of
        those between them.
        """
        name, parenthesis, rest = text.partition("(")
        inside, arrow, returned = rest.rpartition(") -> ")
        if "\n" in text:
            advice = "write the schema on one line; a block scalar `|` ends in a line end"
            raise Invalid("DL101", "there is a line end in this schema", help=advice)
        if not (parenthesis and arrow and returned and name):
            raise_all(self._without_form(text, name, rest).found)
        wrong = _WrongParts(text)
        read_name: OperatorName | None = None
        try:
            read_name = self.name(name)
        except Invalid as invalid:
            wrong.add(0, invalid)
        parts = self._arguments(inside, len(name) + 1, wrong)
        returns = self._returns(returned, len(text) - len(returned), wrong)
        raise_all(wrong.found)
        assert read_name is not None
        return self.build(read_name, make_arguments(*parts), returns, text)

    def _without_form(self, text: str, name: str, rest: str) -> _WrongParts:
        """The mistakes of a text that is no schema: also in its arguments, if they end it."""
        wrong = _WrongParts(text)
        message = f"`{text}` is not of the form `name(arguments) -> returns`"
        wrong.add(0, Invalid("DL101", message, text, remedies=arrows(text)))
        if _WITHOUT_RETURNS.fullmatch(text):
            self._arguments(rest.removesuffix(")"), len(name) + 1, wrong)
        return wrong

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

    def _returns(self, text: str, at: int, wrong: _WrongParts) -> tuple[Return, ...]:
        """The returns that can be read. `at` is where the text begins in the schema."""
        if text == "()":
            return ()
        if text[0] == "(" and text[-1] == ")":
            text = text[1:-1]
            at += 1
            if ", " not in text:
                message = f"one return must not be in parentheses: `{text}`"
                alone = write(f"-> {text}", f"-> ({text})", is_safe=True)
                remedies = [alone] if text[0].isalpha() else []
                wrong.add(at, Invalid("DL106", message, text, remedies=remedies))
        elif ", " in text:
            message = f"several returns need parentheses: `({text})`"
            enclosed = write(f"({text})", text, is_safe=True)
            wrong.add(at, Invalid("DL106", message, text, remedies=[enclosed]))
        returns = []
        for part in text.split(", "):
            try:
                returns.append(self.arguments.returned(part))
            except Invalid as invalid:
                wrong.add(at, invalid)
            at += len(part) + len(", ")
        return tuple(returns)

    def _arguments(self, text: str, at: int, wrong: _WrongParts) -> _ReadArguments:
        """The arguments that can be read, by role. `at` is where the text begins in the schema."""
        parts = _ReadArguments([], [], [])
        current = parts.positional
        for part in text.split(", ") if text else ():
            place, at = at, at + len(part) + len(", ")
            if part == "*":
                if current is not parts.positional:
                    message = "`*` may occur only once in the arguments"
                    wrong.add(place, Invalid("DL103", message, part))
                current = parts.kwarg_only
                continue
            try:
                argument = self.arguments.argument(part)
            except Invalid as invalid:
                wrong.add(place, invalid)
                continue
            if argument.is_write and current is parts.kwarg_only:
                current = parts.out
            elif current is parts.out and not argument.is_write:
                message = f"`{part}` follows the out arguments, but nothing writes to it"
                wrong.add(place, Invalid("DL103", message, part))
            current.append(argument)
        if current is parts.kwarg_only and not parts.kwarg_only and not wrong.found:
            wrong.add(at, Invalid("DL103", "no keyword-only argument follows `*`", "*"))
        return parts


def arrows(text: str) -> list[Remedy]:
    """What may be meant by a schema without an arrow between its arguments and its returns."""
    spaced = _ARROW.sub(") -> ", text)
    if spaced != text:
        return [write(spaced, text, is_safe=True)]
    return [write(f"{text} -> Tensor", text)] if _WITHOUT_RETURNS.fullmatch(text) else []


class _WrongParts:
    """The mistakes in the parts of a schema, as many as are told of an entry."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.found: list[Invalid] = []

    def add(self, at: int, invalid: Invalid) -> None:
        """Add a mistake in the part that begins at `at`."""
        if len(self.found) < MAX_OF_ENTRY:
            invalid.occurrence = occurrence_of(self._text, invalid.words, at)
            self.found.append(invalid)


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
