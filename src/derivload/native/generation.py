"""Generates the variants that autogen adds: out and functional variants that no entry declares.

The rules are those of torchgen's native_function_generation.py. Functions with the same signature
are a group of variants. The missing variants of a group are generated from one of its functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid, Remedy
from derivload.native.function import EXPLICIT, NativeFunction
from derivload.remedies import remove_entry
from derivload.schema.arguments import Annotation, Argument, Return, read_annotation
from derivload.schema.function_schema import FunctionSchema, make_arguments
from derivload.schema.reader import SchemaReader
from derivload.schema.signature import signature_arguments, signature_returns, signatures
from derivload.tuples import NamedTuple

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"  # string.ascii_lowercase, without a slow import
# A lone out variant is compared with so many overloads: few names have more.
_MOST_COMPARED: Final = 30
_INHERITED_TAGS: Final = frozenset({"nondeterministic_seeded", "view_copy"})


class Misfit(NamedTuple):
    """A function that breaks a rule between functions, the mistake, and the key of its entry.

    `others` are the other functions that the rule is about. The mistake may be that of one of them.
    """

    function: NativeFunction
    invalid: Invalid
    key: str = "func"
    others: tuple[NativeFunction, ...] = ()


class Variants(NamedTuple):
    """The generated variants, in the order in which torchgen makes them, and the mistakes."""

    generated: list[NativeFunction]
    misfits: list[Misfit]


def generate_variants(
    functions: Iterable[NativeFunction], dialect: Dialect, reader: SchemaReader
) -> Variants:
    """The variants that `functions` lack. Mistakes: DL301, DL302, DL303, and those of schemas."""
    generated: list[NativeFunction] = []
    misfits: list[Misfit] = []
    groups: dict[str, dict[str, NativeFunction]] = {}
    for function in functions:
        group = groups.setdefault(function.signatures.exact, {})
        kind = function.schema.kind
        if kind in group:
            twin = group[kind]
            misfits.append(Misfit(function, _second(function, twin), others=(twin,)))
        else:
            group[kind] = function
    generator = _Generator(dialect, reader)
    for group in groups.values():
        try:
            generated += generator.complete(group)
        except _Failed as failed:
            misfit = failed.misfit
            _advise(misfit, groups)
            misfits.append(misfit._replace(others=(*misfit.others, *group.values())))
    return Variants(generated, misfits)


def _advise(misfit: Misfit, groups: Mapping[str, Mapping[str, NativeFunction]]) -> None:
    """Say of an out variant without any other which one argument keeps it from its function."""
    invalid = misfit.invalid
    if invalid.code != "DL302":
        return
    own, _, returned = misfit.function.signatures.exact.rpartition(")->")
    name = own.partition("(")[0]
    several = (group for exact, group in groups.items() if exact.startswith(f"{name}("))
    for other in islice((g["functional"] for g in several if "functional" in g), _MOST_COMPARED):
        others, _, other_returned = other.signatures.exact.rpartition(")->")
        arguments = [text[len(name) + 1 :].split(", ") for text in (own, others)]
        pairs = [pair for pair in zip(*arguments, strict=False) if pair[0] != pair[1]]
        if (
            len(arguments[0]) == len(arguments[1])
            and len(pairs) == 1
            and returned == other_returned
        ):
            here, there = pairs[0]
            where = f"`{other.qualified}` ({other.entry.file}:{other.entry.line})"
            invalid.help = f"{where} has `{there}` where this has `{here}`: write the same in both"
            return


def declared_twice(function: NativeFunction, first: NativeFunction) -> Invalid:
    """The mistake that an operator is declared again (DL304)."""
    name = function.qualified
    where = f"{first.entry.file}:{first.entry.line}"
    message = f"`{name}` is declared twice: here and at {where}"
    if name != first.qualified:
        message += f", as `{first.qualified}`: torchgen does not look at namespaces"
    help_ = ""
    if function.entry.file != first.entry.file:
        help_ = "give one of them another overload name, or put this in its place with --override"
    return Invalid("DL304", message, name, help_, remedies=if_same(function, first))


def if_same(function: NativeFunction, other: NativeFunction) -> list[Remedy]:
    """The remedy for a function that another entry declares too, if its entry says the same."""
    return [remove_entry(is_safe=True)] if function.entry.text == other.entry.text else []


def _second(function: NativeFunction, twin: NativeFunction) -> Invalid:
    if function.entry.file != twin.entry.file and function.name.text == twin.name.text:
        return declared_twice(function, twin)
    message = (
        f"`{function.qualified}` and `{twin.qualified}` ({twin.entry.file}:"
        f"{twin.entry.line}) are both the {function.schema.kind} variant of one signature"
    )
    return Invalid("DL301", message, function.qualified, remedies=if_same(function, twin))


class _Failed(Exception):  # noqa: N818 - carries a misfit out of the group that it spoils
    def __init__(self, misfit: Misfit) -> None:
        super().__init__(misfit.invalid.message)
        self.misfit = misfit


class _Generator:
    def __init__(self, dialect: Dialect, reader: SchemaReader) -> None:
        self._dialect = dialect
        self._reader = reader
        inherited = _INHERITED_TAGS
        if dialect.generated_keep_compliance:
            inherited = inherited | {"pt2_compliant_tag"}
        self._inherited = inherited

    def complete(self, group: dict[str, NativeFunction]) -> list[NativeFunction]:
        """The variants that a group lacks: an out variant, then a functional variant."""
        if self._stays_as_it_is(group) or group.keys() == {"scratch"}:
            return []
        if len(group) == 1 and "out" in group:
            return self._lone_out(group["out"])
        if "inplace" in group and group["inplace"].name.text in self._dialect.ungrouped_inplace:
            return []
        base = group[self._base_kind(group)]
        made: list[NativeFunction] = []
        if "out" not in group and self._gets_out_variant(base):
            made.append(self._generate(base, "out"))
        if "functional" not in group and ("out" in group or made):
            made.append(self._generate(base, "functional"))
        return made

    def _stays_as_it_is(self, group: dict[str, NativeFunction]) -> bool:
        functions = group.values()
        if all(f.manual_cpp_binding for f in functions):
            return True
        if any(
            f.is_view and not (self._dialect.set_is_no_view and f.name.name == "set_")
            for f in functions
        ):
            return True
        is_core = self._dialect.core_composites_get_variants and any(
            "core" in f.tags for f in functions
        )
        return all(f.has_implicit_kernel for f in functions) and not is_core

    def _lone_out(self, function: NativeFunction) -> list[NativeFunction]:
        if function.name.text not in self._dialect.ungrouped_out:
            message = f"`{function.qualified}` is an out variant without any other variant"
            raise _Failed(Misfit(function, Invalid("DL302", message, function.qualified)))
        return []

    def _base_kind(self, group: dict[str, NativeFunction]) -> str:
        first = ["mutable", "inplace"]
        if not self._dialect.mutable_before_inplace:
            first.reverse()
        return next(kind for kind in (*first, "out", "functional") if kind in group)

    def _gets_out_variant(self, base: NativeFunction) -> bool:
        possible = base.schema.kind == "inplace" or any(
            r.type.is_tensor_like for r in base.schema.returns
        )
        if not possible and base.name.text not in self._dialect.without_out_variant:
            message = f"`{base.qualified}` returns no tensor, so it cannot have an out variant"
            raise _Failed(Misfit(base, Invalid("DL303", message, base.qualified)))
        return possible and any("out" in name.text for name in base.autogen)

    def _generate(self, base: NativeFunction, kind: str) -> NativeFunction:
        try:
            schema = self._schema(base, kind)
        except Invalid as invalid:
            raise _Failed(Misfit(base, invalid)) from None
        tags = {"generated", *(base.tags & self._inherited)}
        if "out" in self._dialect.implied_tags and schema.is_out:
            tags.add("out")
        return NativeFunction(
            schema=schema,
            signatures=signatures(schema, scatter_is_inverse=self._dialect.scatter_is_inverse),
            entry=base.entry,
            namespace=base.namespace,
            variants=frozenset({"function"}),
            dispatch=frozenset({EXPLICIT}),
            tags=frozenset(tags),
            use_const_ref_for_mutable_tensors=base.use_const_ref_for_mutable_tensors,
            is_abstract=base.is_abstract,
        )

    def _schema(self, base: NativeFunction, kind: str) -> FunctionSchema:
        if kind == "functional":
            return self._functional(base.schema)
        if base.schema.kind == "inplace":
            return self._out_of_inplace(base.schema)
        return self._out_of_returns(base.schema, base.qualified)

    def _functional(self, base: FunctionSchema) -> FunctionSchema:
        """The functional variant returns the values that `base` writes to. Nothing else changes.

        If `base` is mutable, the name gets `_functional`, because overloads of one name must not
        differ only in aliasing.
        """
        arguments = self._reader.arguments
        return self._reader.build(
            base.name.renamed(base.name.overload, functional_overload=base.kind == "mutable"),
            signature_arguments(base, arguments),
            signature_returns(base, arguments),
        )

    def _out_of_inplace(self, base: FunctionSchema) -> FunctionSchema:
        """The out variant of an in-place function: it writes to and returns `out`, not `self`."""
        arguments, target = base.arguments, base.arguments.self_argument
        assert target is not None  # an in-place schema has a self that it writes to
        reader = self._reader.arguments
        positional = list(arguments.positional)
        positional[arguments.self_index or 0] = reader.argument(target.without_annotation)
        out = reader.make_argument("out", target.type, target.annotation)
        return self._reader.build(
            base.name.renamed(out_overload(base)),
            make_arguments(positional, arguments.kwarg_only, [out]),
            base.returns,
        )

    def _out_of_returns(self, base: FunctionSchema, name: str) -> FunctionSchema:
        """The out variant of another function: each tensor-like return becomes an out argument.

        `name` is the function's in messages.
        """
        if any([r.is_write for r in base.returns]):
            message = f"`{name}` returns what it writes to, but is not in-place by name"
            raise Invalid("DL303", message, name)
        reader = self._reader.arguments
        returns, out = self._out_arguments(base, name)
        arguments = (
            signature_arguments(base, reader) if base.kind == "functional" else base.arguments
        )
        with_out = make_arguments(arguments.positional, arguments.kwarg_only, out)
        return self._reader.build(base.name.renamed(out_overload(base)), with_out, returns)

    def _out_arguments(
        self, base: FunctionSchema, name: str
    ) -> tuple[tuple[Return, ...], list[Argument]]:
        reader = self._reader.arguments
        letters = _free_letters(base)
        if len(letters) < len(base.returns):
            message = f"`{name}` has more returns than there are letters for annotations"
            raise Invalid("DL303", message, name)
        all_tensors = all(r.type.text == "Tensor" for r in base.returns)
        returns: list[Return] = []
        out: list[Argument] = []
        for i, returned in enumerate(base.returns):
            if not returned.type.is_tensor_like:
                returns.append(returned)
                continue
            annotation = read_annotation(f"{letters[i]}!")
            own = "out" if len(base.returns) == 1 else f"out{i}"
            out.append(reader.make_argument(own, returned.type, annotation))
            # Tensors are also returned, for chaining. Lists are not.
            if all_tensors:
                returns.append(reader.make_return(returned.type, annotation, None))
        return tuple(returns), out


def out_overload(base: FunctionSchema) -> str:
    """The overload name of the out variant that is generated from a function."""
    return f"{base.name.overload}_out" if base.name.overload else "out"


def _free_letters(base: FunctionSchema) -> list[str]:
    """The letters for the annotations of out arguments.

    torchgen looks for each letter in an iterator, behind where it found the last one. So letters
    of the schema count only as long as they come in alphabetical order, without a gap.
    """
    annotations: list[Annotation] = [
        a.annotation for a in base.arguments.flat_all if a.annotation is not None
    ]
    used = (letter for annotation in annotations for letter in annotation.alias_set)
    return [letter for letter in _LETTERS if letter not in used]
