"""Arguments and returns: `Tensor(a!)? self`, `SymInt[2] stride=1`, `Tensor(a)`, `Tensor values`."""

from __future__ import annotations

import re

import msgspec

from derivload.diagnostics import Invalid
from derivload.remedies import write
from derivload.schema.types import SEPARATE, SEPARATED, Type, TypeReader
from derivload.tuples import NamedTuple

_ANNOTATED = re.compile(r"Tensor\((.+)\)(.*)")
_WRITES_FIRST = re.compile(r" *! *([a-z]) *")
_ANNOTATION = re.compile(r"[a-z](\|[a-z])?(!?)(?: -> (\*|[a-z](?:\|[a-z])*))?")


class Annotation(msgspec.Struct, frozen=True, gc=False):
    """An alias annotation: the text in the parentheses of `Tensor(a! -> *)`."""

    text: str
    alias_set: tuple[str, ...]
    is_write: bool
    is_wildcard: bool


class Argument(msgspec.Struct, frozen=True, gc=False):
    """One argument.

    `declaration` is its type and name, without annotation and default. `without_annotation` also
    has the default. Signatures use these two forms.
    """

    text: str
    name: str
    type: Type
    default: str | None
    annotation: Annotation | None
    declaration: str
    without_annotation: str
    is_write: bool


class Return(msgspec.Struct, frozen=True, gc=False):
    """One return; `name` is None if the schema gives no name."""

    text: str
    name: str | None
    type: Type
    annotation: Annotation | None
    is_write: bool


class Grammar(NamedTuple):
    """The differences between releases in reading schemas (see cpp/dialect.py).

    `spaces_in_defaults`: a default may contain spaces (from 2.5 on). Before, the name and its
    default were the text after the last space. `namespaces`: a name may be `namespace::name`.
    """

    spaces_in_defaults: bool
    namespaces: bool


class ArgumentReader:
    """Reads arguments and returns, and keeps each by its text: they repeat thousands of times."""

    def __init__(self, types: TypeReader, grammar: Grammar) -> None:
        self._types = types
        self._grammar = grammar
        self._arguments: dict[str, Argument] = {}
        self._returns: dict[str, Return] = {}

    def argument(self, text: str) -> Argument:
        """The argument that `text` spells. Raises Invalid (DL103, DL104, DL105)."""
        known = self._arguments.get(text)
        if known is None:
            known = self._arguments[text] = self._parse_argument(text)
        return known

    def returned(self, text: str) -> Return:
        """The return that `text` spells. Raises Invalid (DL104, DL105, DL106)."""
        known = self._returns.get(text)
        if known is None:
            known = self._returns[text] = self._parse_return(text)
        return known

    def make_argument(self, name: str, type_: Type, annotation: Annotation | None) -> Argument:
        """An argument that is not in any text: the out argument of a generated variant."""
        spelled = _spell(type_, annotation)
        return self.argument(f"{spelled} {name}")

    def make_return(self, type_: Type, annotation: Annotation | None, name: str | None) -> Return:
        """A return that is not in any text: the return of a generated variant."""
        spelled = _spell(type_, annotation)
        return self.returned(spelled if name is None else f"{spelled} {name}")

    def _parse_argument(self, text: str) -> Argument:
        typed, name, default = self._split_argument(text)
        try:
            type_, annotation = self._parse_type(typed)
        except Invalid as invalid:
            # What stands before a blank was taken for a part of the type.
            if (default is not None and not name) or typed.endswith("="):
                invalid.help, invalid.meant = "write the default without blanks around `=`", ()
            raise
        declaration = f"{type_.text} {name}"
        return Argument(
            text=text,
            name=name,
            type=type_,
            default=default,
            annotation=annotation,
            declaration=declaration,
            without_annotation=declaration if default is None else f"{declaration}={default}",
            is_write=annotation is not None and annotation.is_write,
        )

    def _split_argument(self, text: str) -> tuple[str, str, str | None]:
        if " " not in text:
            help_ = ""
            if text.endswith("]") and "[" not in text:
                help_ = "write the default of a list without blanks, such as `[1,2]`"
            raise Invalid("DL103", f"the argument `{text}` needs a type and a name", text, help_)
        default: str | None = None
        if self._grammar.spaces_in_defaults:
            declared, equals, value = text.partition("=")
            typed, space, name = declared.rpartition(" ")
        else:
            typed, space, name = text.rpartition(" ")
            name, equals, value = name.partition("=")
        if equals:
            default = value
            if "=" in value or not value:
                raise Invalid("DL103", f"the argument `{text}` needs one default after `=`", text)
        if not space:
            raise Invalid("DL103", f"the argument `{text}` needs a type and a name", text)
        return typed, name, default

    def _parse_return(self, text: str) -> Return:
        typed, space, name = text.rpartition(" ")
        if not space:
            typed = text
        type_, annotation = self._parse_type(typed)
        return Return(
            text=text,
            name=name if space else None,
            type=type_,
            annotation=annotation,
            is_write=annotation is not None and annotation.is_write,
        )

    def _parse_type(self, typed: str) -> tuple[Type, Annotation | None]:
        annotated = _ANNOTATED.match(typed)
        if annotated is None:
            return self._types.read(typed), None
        if annotated[2] not in ("", "?", "[]"):
            message = f"an annotation may be followed by nothing, `?` or `[]`, not `{annotated[2]}`"
            help_ = SEPARATE if SEPARATED.search(annotated[2]) else ""
            raise Invalid("DL105", message, typed, help_)
        return self._types.read("Tensor" + annotated[2]), read_annotation(annotated[1])


def read_annotation(text: str) -> Annotation:
    """The annotation that `text` spells. Raises Invalid (DL105).

    The rule is torchgen's `Annotation.parse`: one or two letters before the arrow, `!` only with
    one letter, and several letters on only one side of the arrow.
    """
    match = _ANNOTATION.fullmatch(text)
    if match is None:
        meant = _WRITES_FIRST.fullmatch(text)
        remedies = [] if meant is None else [write(f"({meant[1]}!)", f"({text})")]
        message = f"`({text})` is not an alias annotation"
        raise Invalid("DL105", message, f"({text})", remedies=remedies)
    before, _, after = text.partition(" -> ")
    alias_set = tuple(before.removesuffix("!").split("|"))
    if match[2] and len(alias_set) > 1:
        raise Invalid("DL105", f"`({text})` writes to more than one alias set", f"({text})")
    if len(alias_set) > 1 and "|" in after:
        raise Invalid("DL105", f"`({text})` has more than one alias set on both sides", f"({text})")
    return Annotation(text, alias_set, bool(match[2]), "*" in after)


def _spell(type_: Type, annotation: Annotation | None) -> str:
    if annotation is None:
        return type_.text
    return type_.text.replace("Tensor", f"Tensor({annotation.text})")
