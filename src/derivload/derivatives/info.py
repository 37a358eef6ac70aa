"""Makes the differentiability info of one definition.

The rules are those of load_derivatives' `create_differentiability_info` and `set_up_derivatives`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from derivload.cpp.bindings import Binding, CppBindings
from derivload.cpp.ctypes import CppTypes
from derivload.cpp.dialect import Dialect
from derivload.cpp.names import return_names
from derivload.derivatives.backward import Subject, check_grad_usage, create_derivative, dedup_vars
from derivload.derivatives.definition import DEFAULT, Definition, Formulas
from derivload.derivatives.forward import (
    Backward,
    Draft,
    create_forward_derivative,
    postprocess_forward_derivatives,
)
from derivload.derivatives.meant import (
    NON_DIFFERENTIABLE,
    is_misspelt,
    is_non_differentiable,
    meant_keys,
)
from derivload.derivatives.model import (
    ArgumentBinding,
    Derivative,
    DifferentiabilityInfo,
    ForwardDerivative,
)
from derivload.derivatives.saved_variables import NamedType, Saver, concrete_sizes
from derivload.diagnostics import EntryChange, Invalid, Mistake, Remedy
from derivload.native.function import NativeFunction, qualified
from derivload.remedies import remove, write
from derivload.spelling import Guesses
from derivload.tuples import NamedTuple

_WORD: Final = re.compile(r"\w+")
# Rules that may be broken only because a formula is missing, whose key is wrong.
_FOLLOWS: Final = frozenset({"DL412", "DL432", "DL434"})
_OF_KEYS: Final = frozenset({"DL408", "DL430"})
# Rules that a gradient out of range breaks too.
_FOLLOWS_FROM_GRADS: Final = frozenset({"DL411", "DL412", "DL413"})
# Names that the generated code uses for its own variables.
_RESERVED: Final = {
    "grad_input_mask": "the generated code has a variable of that name",
    "result": "it names the output",
}


class Derived(NamedTuple):
    """The result of one definition: info by dispatch key.

    The `op` of an info is the name of the backward node. It has no number yet, because the number
    depends on the definitions before this one. It is None if there is nothing to compute.
    """

    function: NativeFunction
    dispatch: dict[str, DifferentiabilityInfo]


class DerivativeReader:
    """Derives info from definitions, for one dialect. It keeps the C++ types found so far."""

    def __init__(self, dialect: Dialect, guesses: Guesses) -> None:
        self.bindings = CppBindings(dialect, CppTypes(dialect))
        self.saver = Saver(dialect)
        self.guesses = guesses

    def create_differentiability_info(
        self, definition: Definition, function: NativeFunction
    ) -> tuple[Derived, list[Mistake]]:
        """The info that a definition gives its canonical function, and its mistakes."""
        mistakes: list[Mistake] = []
        dispatch: dict[str, DifferentiabilityInfo] = {}
        try:
            arguments = self.bindings.cpp_arguments(
                function.schema, no_default=function.cpp_no_default_args, scope=function.scope
            )
            outputs = self._outputs(function)
        except Invalid as invalid:
            return Derived(function, {}), [invalid.at("name"), *check_formulas_alone(definition)]
        _check_names([b.name for b in arguments], [o.name for o in outputs], mistakes)
        for formulas in definition.dispatch:
            setup = _SetUp(definition, function, arguments, outputs, self)
            dispatch[formulas.dispatch_key] = setup.set_up_derivatives(formulas, mistakes)
        return Derived(function, dispatch), mistakes

    def _outputs(self, function: NativeFunction) -> list[NamedType]:
        """The outputs, by their names in formulas. That of an in-place function is `result`."""
        names = return_names(function.schema)
        return [
            NamedType(
                "result" if name == "self" else name,
                self.bindings.types.returned(
                    r.type, mutable=r.is_write, scope=function.scope
                ).value,
            )
            for name, r in zip(names, function.schema.returns, strict=True)
        ]


def check_formulas_alone(definition: Definition) -> list[Mistake]:
    """The mistakes in the backward formulas of a definition whose function is not known."""
    # A forward formula may use concrete sizes.
    arguments = set(_WORD.findall(definition.specification.rpartition(") -> ")[0]))
    return [
        invalid.at(*formulas.path, raw_names)
        for formulas in definition.dispatch
        for raw_names, formula in formulas.formulas
        if not is_non_differentiable(formula)
        if not arguments.isdisjoint(split_names(raw_names))
        for invalid in concrete_sizes(formula)
    ]


def _check_names(arguments: Sequence[str], outputs: Sequence[str], mistakes: list[Mistake]) -> None:
    """Add the names of a function that formulas cannot use (DL407)."""
    for name, why in _RESERVED.items():
        if name in arguments:
            message = f"an argument cannot be named `{name}`: {why}"
            mistakes.append(Mistake("DL407", message, ("name",), name))
    for name in (*arguments, *outputs):
        if not _WORD.fullmatch(name):
            # Upstream would use this name as a regular expression to search formulas.
            message = f"`{name}` is not a word, so no formula can name it"
            mistakes.append(Mistake("DL407", message, ("name",), name))


class _SetUp:
    """Sorts the formulas of one dispatch key into backward, forward and non-differentiable ones."""

    def __init__(
        self,
        definition: Definition,
        function: NativeFunction,
        arguments: Sequence[Binding],
        outputs: Sequence[NamedType],
        reader: DerivativeReader,
    ) -> None:
        self._definition = definition
        self._function = function
        self._arguments = arguments
        self._arg_names = tuple(b.name for b in arguments)
        self._ret_names = {r.name for r in function.schema.returns}
        self._saver = reader.saver
        self._guesses = reader.guesses
        self._subject = Subject(
            name=function.qualified,
            inputs=[NamedType(b.type_name, b.ctype.value) for b in arguments],
            outputs=outputs,
            named_gradients=_available_named_gradients(definition, function),
        )
        self._derivatives: list[Derivative] = []
        self._drafts: list[Draft] = []
        # The key of each draft.
        self._drafted: list[str] = []
        self._non_differentiable: list[str] = []
        self._given: set[str] = set()

    def set_up_derivatives(
        self, formulas: Formulas, mistakes: list[Mistake]
    ) -> DifferentiabilityInfo:
        """The info of these formulas; their mistakes are added.

        The info lacks formulas with a wrong key. Any other formula with a mistake is in it, because
        other rules depend on which formulas there are.
        """
        before = len(mistakes)
        is_complete = formulas.is_complete
        self._given = {raw_names for raw_names, _ in formulas.formulas}
        for raw_names, formula in formulas.formulas:
            wrong: list[Invalid] = []
            try:
                self._sort_in(raw_names, formula, wrong)
            except Invalid as invalid:
                wrong.append(invalid)
                is_complete = False
            for each in wrong:
                on_key = each.code in _OF_KEYS
                mistakes.append(each.at(*formulas.path, raw_names, on_key=on_key))
        follows = frozenset() if is_complete else _FOLLOWS
        if any(mistake.code == "DL410" for mistake in mistakes[before:]):
            follows |= _FOLLOWS_FROM_GRADS
        info, together = self._finish(formulas)
        mistakes += [mistake for mistake in together if mistake.code not in follows]
        return info

    def _sort_in(self, raw_names: str, formula: str, wrong: list[Invalid]) -> None:
        """Keep a formula by its kind. Raises Invalid if it is of none, and so is not kept."""
        names = split_names(raw_names)
        for name in names:
            if name in self._arg_names and name in self._ret_names:
                raise Invalid("DL408", f"`{name}` is both an argument and an output", name)
        if is_forward_derivative_definition(self._arg_names, names):
            try:
                draft = create_forward_derivative(self._function, formula, names)
            except Invalid as invalid:
                close = tuple(self._meant_keys(names))
                invalid.meant = close
                if names == ("result",):  # which output, nobody knows
                    invalid.help = f"write {' or '.join(f'`{name}`' for name in close)}"
                if close and close[0] in self._arg_names:
                    wrong += concrete_sizes(formula)
                raise
            self._drafts.append(draft)
            self._drafted.append(raw_names)
        elif is_non_differentiable(formula):
            self._non_differentiable += names
        else:
            self._derivatives.append(
                create_derivative(self._subject, formula, names, self._saver, wrong)
            )

    def _meant_keys(self, names: Sequence[str]) -> list[str]:
        """What may be meant by a key that is neither an argument nor an output."""
        outputs = [output.name for output in self._subject.outputs]
        if names == ("result",):
            return outputs
        arguments = self._function.schema.arguments.flat_all
        tensors = [a.name for a in arguments if a.type.is_tensor_like]
        return meant_keys(names, (*self._arg_names, *outputs), tensors, self._given, self._guesses)

    def _finish(self, formulas: Formulas) -> tuple[DifferentiabilityInfo, list[Mistake]]:
        """The info, and the mistakes between the formulas."""
        mistakes: list[Mistake] = []
        path = formulas.path
        derived = {name for d in self._derivatives for name in d.var_names}
        for name in sorted(derived.intersection(self._non_differentiable)):
            invalid = Invalid(
                "DL409", f"`{name}` has a formula but is also non-differentiable", name
            )
            mistakes.append(self._blame(invalid, formulas))
        with_derivatives = [b for b in self._arguments if b.name in derived]
        backward = Backward(self._arg_names, self._derivatives, with_derivatives)
        wrong: list[tuple[int, Invalid]] = []
        forward = postprocess_forward_derivatives(
            self._function, self._definition.name, backward, self._drafts, wrong
        )
        for index, invalid in wrong:
            own = dict(formulas.formulas).get(invalid.words, "")
            if invalid.code == "DL431" and is_misspelt(own):
                invalid.help = f"write `{NON_DIFFERENTIABLE}` as the formula of `{invalid.words}`"
                invalid.remedies = ()
            mistakes.append(invalid.at(*path, self._drafted[index]))
        mixed = check_grad_usage(self._derivatives)
        if mixed is not None:
            found = self._blame(mixed, formulas)
            remedies = self._in_one_way(mixed.code, formulas)
            mistakes.append(msgspec.structs.replace(found, remedies=remedies))
        return self._info(formulas.dispatch_key, with_derivatives, forward), mistakes

    def _info(
        self,
        dispatch_key: str,
        with_derivatives: Sequence[Binding],
        forward: Sequence[ForwardDerivative],
    ) -> DifferentiabilityInfo:
        return DifferentiabilityInfo(
            name=self._definition.name,
            op=create_op_prefix(self._definition.name, dispatch_key) if with_derivatives else None,
            derivatives=tuple(self._derivatives),
            forward_derivatives=tuple(forward),
            all_saved_inputs=dedup_vars([s for d in self._derivatives for s in d.saved_inputs]),
            all_saved_outputs=dedup_vars([s for d in self._derivatives for s in d.saved_outputs]),
            available_named_gradients=tuple(self._subject.named_gradients),
            used_named_gradients=tuple(
                sorted({name for d in self._derivatives for name in d.named_gradients})
            ),
            args_with_derivatives=tuple(
                ArgumentBinding(b.name, b.ctype.text, b.default) for b in with_derivatives
            ),
            non_differentiable_arg_names=tuple(self._non_differentiable),
            output_differentiability=self._definition.output_differentiability,
            output_differentiability_conditions=(
                self._definition.output_differentiability_conditions
            ),
        )

    def _in_one_way(self, code: str, formulas: Formulas) -> tuple[Remedy, ...]:
        """What makes all formulas name the gradient of the first output in one way."""
        # `grad` is `grads[0]`, but `grad` alone says that there is only one.
        ways = {"DL411": ("grad", "grads[0]", True), "DL412": ("grads[0]", "grad", False)}
        if code not in ways:
            return ()
        old, new, is_safe = ways[code]
        alone = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
        changes: list[EntryChange] = []
        for raw_names, formula in formulas.formulas:
            if is_forward_derivative_definition(self._arg_names, split_names(raw_names)):
                continue
            # From the last one on: those before it keep their number.
            for number in reversed(range(len(alone.findall(formula)))):
                path = (*formulas.path, raw_names)
                changes += write(new, old, path=path, occurrence=number).changes
        what = f"write `{new}` for `{old}` in all formulas"
        return (Remedy(what, tuple(changes), is_safe),) if changes else ()

    def _blame(self, invalid: Invalid, formulas: Formulas) -> Mistake:
        """The place of a mistake in all formulas together: the first that has its words."""
        if invalid.code == "DL409":
            for raw_names, formula in formulas.formulas:
                if is_non_differentiable(formula) and invalid.words in split_names(raw_names):
                    path = (*formulas.path, raw_names)
                    if raw_names == invalid.words:
                        invalid.remedies = (remove(*path),)
                    return invalid.at(*path, on_key=True)
        alone = re.compile(rf"(?<!\w){re.escape(invalid.words)}(?!\w)")
        for raw_names, formula in formulas.formulas:
            if alone.search(formula) is not None:
                return invalid.at(*formulas.path, raw_names)
        return invalid.at(*formulas.path) if formulas.path else invalid.at("name")


def _available_named_gradients(definition: Definition, function: NativeFunction) -> list[str]:
    """The names of the gradients of the outputs that are named and differentiable.

    An output beyond the end of `output_differentiability` is not differentiable.
    """
    returns = function.schema.returns
    differentiable = definition.output_differentiability or (True,) * len(returns)
    return [
        f"grad_{returned.name}"
        for returned, is_differentiable in zip(returns, differentiable, strict=False)
        if is_differentiable and returned.name is not None and returned.type.is_tensor_like
    ]


def is_forward_derivative_definition(arg_names: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a formula's key names outputs: whether its first name is not an argument."""
    return names[0] not in arg_names


def split_names(raw_names: str) -> tuple[str, ...]:
    """The names that a formula's key lists: "a, b" is a and b."""
    if "," not in raw_names:
        return (raw_names.strip(),)
    return tuple([name.strip() for name in raw_names.split(",")])


def create_op_prefix(name: str, dispatch_key: str) -> str:
    """The name of a backward node without its number: `add` is `AddBackward`."""
    camel = "".join(part.title() for part in name.split("_"))
    prefix = f"{camel}Backward".replace("ForwardBackward", "Backward")
    return prefix if dispatch_key == DEFAULT else prefix + dispatch_key


def canonical_function(functions: Sequence[NativeFunction], name: str) -> NativeFunction:
    """The function that a definition for `name` belongs to, out of the variants of one signature.

    It is the first one of that name that is neither a functional overload nor an out variant. If
    there is none, it is the first of all variants, which must then be in-place. Raises Invalid
    (DL406) if it is not.
    """
    for function in functions:
        schema = function.schema
        if (
            schema.name.name == name
            and not schema.is_out
            and "functional" not in schema.name.overload
        ):
            return function
    if functions[0].cpp_name != f"{name}_":
        whole = qualified(functions[0].namespace, name)
        raise Invalid("DL406", f"`{whole}` is neither functional nor in-place")
    return functions[0]
