"""What the generator refuses of the body of a wrapper in VariableType (gen_variable_type.py).

A wrapper with derivatives calls the kernel between the set-up of the backward node and the forward
derivatives. The checks are in the generator's order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from derivload.derivatives.definition import booleans_in
from derivload.derivatives.forward import AUTO_ELEMENT_WISE, AUTO_LINEAR
from derivload.derivatives.info import Derived
from derivload.derivatives.meant import as_word
from derivload.derivatives.model import DifferentiabilityInfo, ForwardDerivative, SavedAttribute
from derivload.diagnostics import Remedy
from derivload.generators.subject import (
    Candidate,
    Refusal,
    differentiable_outputs,
    is_list,
)
from derivload.generators.tables import Tables
from derivload.native.function import NativeFunction
from derivload.remedies import remove, write
from derivload.schema.types import Type
from derivload.spelling import nearest

_TENSOR: Final = "at::Tensor"
_ONE_TENSOR: Final = ("Tensor",)
_MASKED: Final = "wrap_opt_if"


def foreach_name(function: NativeFunction) -> str:
    """The name in the lists of in-place foreach functions: without the underscore at the end."""
    name = function.name
    return f"{name.base}.{name.overload}" if name.overload else name.base


class WrapperBody:
    """The checks of the wrapper of one function for one dispatch key."""

    def __init__(self, subject: Candidate, key: str, derived: Derived, tables: Tables) -> None:
        self._function = subject.function
        self._tables = tables
        self._key = key
        self._source = subject.source
        self._info = derived.dispatch[key]
        self._reference = derived.function
        self._forward = subject.forward.get(key, ())
        self._is_foreach = subject.function.schema.name.name.startswith("_foreach")
        self._is_inplace = subject.function.schema.kind == "inplace"

    def check(self) -> Iterator[Refusal]:
        """The mistakes: the first, and those that do not follow from it."""
        if self._is_foreach and self._is_inplace:
            misfit = self._check_reference()
            if misfit is not None:
                yield misfit
                return
        inputs = self._differentiable_inputs()
        wrong = self._missing([name for name, _ in inputs])
        wrong = wrong or self._check_output_differentiability()
        if wrong is not None:
            yield wrong
            return
        outputs = differentiable_outputs(self._function, self._info)
        if self._needs_derivative(len(inputs), len(outputs)):
            yield from self._check_derivatives(inputs, len(outputs))
        elif self._info.args_with_derivatives and self._function.schema.returns:
            yield self._ignored(len(outputs))

    def _check_derivatives(
        self, inputs: Sequence[tuple[str, Type]], outputs: int
    ) -> Iterator[Refusal]:
        if self._forward and not (self._is_foreach and self._is_inplace):
            named = sum([len(forward.var_names) for forward in self._forward])
            if named != outputs:
                yield self._wrong_count(named, outputs)
        for forward in self._forward:
            if not forward.required_inputs_fw_grad and not self._is_foreach:
                yield from self._check_tangents(forward, inputs)
        if self._function.schema.is_out:
            return
        info = self._info
        if any([len(d.var_names) > 1 and _MASKED in d.formula for d in info.derivatives]):
            yield from self._check_guards(inputs)
        if self._is_inplace and info.all_saved_outputs:
            yield from self._check_saved_outputs()
        for forward in self._forward:
            if self._is_foreach or forward.var_types != _ONE_TENSOR:
                yield from self._check_forward(forward)

    def _refusal(
        self,
        code: str,
        message: str,
        words: str = "",
        var_names: tuple[str, ...] = (),
        *,
        path: str = "",
        help: str = "",  # noqa: A002
    ) -> Refusal:
        return Refusal(
            self._function,
            code,
            message,
            words,
            help,
            path=path,
            definition=self._source,
            dispatch_key=self._key,
            var_names=var_names,
        )

    # ---------------------------------------------------------------- arguments and outputs

    def _check_reference(self) -> Refusal | None:
        """Whether an in-place foreach function takes what its reference takes."""
        function, reference = self._function, self._reference
        own = function.schema.arguments.flat_non_out
        others = reference.schema.arguments.flat_non_out
        is_free = foreach_name(function) in self._tables.foreach_with_other_arity
        message = ""
        if len(own) != len(others) and not is_free:
            message = (
                f"`{function.qualified}` takes {len(own)} arguments, but the function that it "
                f"applies to each tensor, `{reference.qualified}`, takes {len(others)}"
            )
        for mine, other in zip(own, others, strict=False):
            element = mine.type.elem if mine.type.kind == "list" else mine.type
            if element != other.type and not message:
                message = (
                    f"`{mine.text}` of `{function.qualified}` does not fit `{other.text}` of "
                    f"`{reference.qualified}`, which it applies to each tensor"
                )
        if not message:
            return None
        name = function.name.text
        if reference.schema.text != function.schema.text:
            return Refusal(function, "DL811", message, name)
        message = (
            f"`{function.qualified}` is an in-place foreach function, which has no definition "
            "of its own"
        )
        return self._refusal("DL811", message, name)._replace(
            help="remove it, and define derivatives for the function that it applies to each "
            "tensor",
        )

    def _differentiable_inputs(self) -> list[tuple[str, Type]]:
        """The arguments that may need a gradient, by the names that the formulas have for them."""
        arguments = self._function.schema.arguments.flat_non_out
        if self._is_foreach and self._is_inplace:
            theirs = self._reference.schema.arguments.flat_non_out
            arguments = theirs[: len(arguments)] + arguments[len(theirs) :]
        without = self._info.non_differentiable_arg_names
        return [
            (a.name, a.type) for a in arguments if a.type.base == "Tensor" and a.name not in without
        ]

    def _missing(self, inputs: Sequence[str]) -> Refusal | None:
        if not self._info.args_with_derivatives:
            return None
        name = self._function.qualified
        for derivative in self._info.derivatives:
            for argument in derivative.var_names:
                count = inputs.count(argument)
                if count == 1:
                    continue
                message = f"`{argument}` is no tensor of `{name}`, so it has no derivative"
                if count:
                    message = f"`{name}` has two arguments named `{argument}`"
                names = derivative.var_names
                return self._refusal("DL805", message, argument, names)._replace(on_key=True)
        return None

    def _check_output_differentiability(self) -> Refusal | None:
        said = self._info.output_differentiability
        if said is None:
            return None
        count = len(self._function.schema.returns)
        name = self._function.qualified
        if len(said) != count:
            return self._refusal(
                "DL803",
                f"`output_differentiability` is for {_counted(len(said), 'output')}, but "
                f"`{name}` has {count}",
                path="output_differentiability",
            )._replace(remedies=self._of_right_length(count))
        if False in said and self._is_inplace:
            return self._refusal(
                "DL804",
                f"`{name}` is in-place: its output is `self`, which is differentiable",
                "False",
                path="output_differentiability",
            )._replace(remedies=(remove("output_differentiability"),))
        return None

    def _of_right_length(self, count: int) -> tuple[Remedy, ...]:
        """The list cut off, or with `False` for the outputs that it leaves out."""
        said = self._info.output_differentiability or ()
        conditions = self._info.output_differentiability_conditions
        if conditions is not None:
            listed = booleans_in(conditions[0])  # there is one
            return (write(listed, path=("output_differentiability",)),) if listed else ()
        fitting = [*said, *[False] * count][:count]
        text = f"[{', '.join(map(str, fitting))}]"
        return (write(text, path=("output_differentiability",)),)

    def _needs_derivative(self, inputs: int, outputs: int) -> bool:
        function = self._function
        without = self._tables.without_derivative
        if function.schema.name.base in without or function.cpp_name in without:
            return False
        return inputs > 0 and (outputs > 0 or (self._is_foreach and self._is_inplace))

    def _ignored(self, outputs: int) -> Refusal:
        name = self._function.qualified
        if outputs:
            message = f"autograd does nothing for `{name}`, so its derivatives have no effect"
            return self._refusal("DL806", message, name)
        message = f"no output of `{name}` is differentiable, so its derivatives have no effect"
        if self._info.output_differentiability is not None:
            return self._refusal("DL806", message, path="output_differentiability")
        return self._refusal("DL806", message, name)

    # ------------------------------------------------------------------- forward derivatives

    def _wrong_count(self, named: int, outputs: int) -> Refusal:
        return self._refusal(
            "DL807",
            f"`{self._function.qualified}` has forward formulas for {_counted(named, 'output')}, "
            f"but has {_counted(outputs, 'differentiable output')}",
            var_names=self._forward[0].var_names,
        )

    def _check_tangents(
        self, forward: ForwardDerivative, inputs: Sequence[tuple[str, Type]]
    ) -> Iterator[Refusal]:
        if len(inputs) != 1 or not is_list(inputs[0][1]):
            names = self._names_of(forward)
            with_derivatives = self._info.args_with_derivatives
            keywords = AUTO_LINEAR, AUTO_ELEMENT_WISE
            meant = tuple(nearest(as_word(forward.formula), keywords, 1))
            use = f"use the tangent `{with_derivatives[0].name}_t`" if with_derivatives else ""
            yield self._refusal(
                "DL808",
                f"this forward formula uses the tangent of no input of "
                f"`{self._function.qualified}`",
                var_names=names,
                help="" if meant else use,
            )._replace(meant=meant)

    def _names_of(self, forward: ForwardDerivative) -> tuple[str, ...]:
        """The names of the outputs as the definition has them: that of an in-place one differs."""
        found = self._info.forward_derivatives
        at = self._forward.index(forward)
        return found[at].var_names if at < len(found) else forward.var_names

    def _check_forward(self, forward: ForwardDerivative) -> Iterator[Refusal]:
        if self._is_foreach and self._is_inplace:
            yield from self._check_unmapped()
        elif self._is_foreach:
            yield from self._check_foreach_name(forward)
        wrong = next((type_ for type_ in forward.var_types if type_ != "Tensor"), "")
        is_one_list = len(forward.var_types) == 1 and wrong.startswith("Tensor")
        if wrong and not (is_one_list and wrong.endswith("]")):
            names = self._names_of(forward)
            yield self._refusal(
                "DL809",
                f"`{', '.join(names)}` has the type `{wrong}`: forward derivatives are for "
                "tensors, or for one list of tensors",
                var_names=names,
            )._replace(on_key=True)

    def _check_unmapped(self) -> Iterator[Refusal]:
        """An argument that the reference does not have needs no tangent, but has none either."""
        own = self._function.schema.arguments.flat_non_out
        more = own[len(self._reference.schema.arguments.flat_non_out) :]
        for argument in more:
            if argument.type.is_tensor_like:
                message = (
                    f"`{argument.text}` has no argument of `{self._reference.qualified}` to go with"
                )
                yield Refusal(self._function, "DL811", message, argument.text)

    def _check_foreach_name(self, forward: ForwardDerivative) -> Iterator[Refusal]:
        is_one = len(forward.var_types) == 1 and forward.var_types[0] == "Tensor"
        if is_one and forward.var_names[0] != "result":
            yield Refusal(
                self._function,
                "DL814",
                f"`{self._function.qualified}` would use a forward formula for "
                f"`{forward.var_names[0]}`: that of a foreach function is for `result`",
                self._function.name.text,
            )

    # ------------------------------------------------------------------------- what is saved

    def _check_guards(self, inputs: Sequence[tuple[str, Type]]) -> Iterator[Refusal]:
        """`wrap_opt_if(x, …)` is read, to find out whether `x` need be saved."""
        info = self._info
        named = {name for d in info.derivatives for name in d.var_names}
        with_derivatives = [type_ for name, type_ in inputs if name in named]
        has_list = any(is_list(type_) for type_ in with_derivatives)
        is_inplace_foreach = self._is_foreach and self._is_inplace
        if has_list and not is_inplace_foreach:
            return
        if "backward" in info.name or len(with_derivatives) <= 1:
            return
        for saved in info.all_saved_inputs:
            used = [d for d in info.derivatives if saved in d.saved_inputs]
            if saved.type != _TENSOR or len(used) != 1 or len(used[0].var_names) == 1:
                continue
            if not _can_be_read(saved.name, used[0].formula):
                yield self._refusal(
                    "DL815",
                    f"the condition of `{_MASKED}({saved.name}` cannot be read",
                    _MASKED,
                    used[0].var_names,
                )

    def _check_saved_outputs(self) -> Iterator[Refusal]:
        for saved in self._info.all_saved_outputs:
            if saved.name != "result" and _is_one_value(saved):
                yield self._refusal(
                    "DL813",
                    f"`{self._function.qualified}` would save `{saved.name}`: the output of an "
                    "in-place function has no name of its own",
                    saved.name,
                    _user_of(saved, self._info),
                )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _is_one_value(saved: SavedAttribute) -> bool:
    return saved.type in ("at::Scalar", _TENSOR) or saved.type.endswith(f"::optional<{_TENSOR}>")


def _user_of(saved: SavedAttribute, info: DifferentiabilityInfo) -> tuple[str, ...]:
    for derivative in info.derivatives:
        if saved in derivative.saved_outputs:
            return derivative.var_names
    return ()


def _can_be_read(name: str, formula: str) -> bool:
    at = formula.find(f"{_MASKED}({name}")
    return at < 0 or re.match(rf"{_MASKED}\({name},(.*?)\)", formula[at:]) is not None
