"""What a rule looks at, one function with its derivatives, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from derivload.cpp.names import return_names
from derivload.derivatives.identifiers import words
from derivload.derivatives.info import Derived
from derivload.derivatives.model import DifferentiabilityInfo, ForwardDerivative
from derivload.diagnostics import Remedy
from derivload.native.function import NativeFunction
from derivload.schema.arguments import Argument
from derivload.schema.types import Type
from derivload.tuples import NamedTuple


class Refusal(NamedTuple):
    """A function that a generator refuses, the rule, and where the cause stands.

    With `definition`, the schema of a definition, it stands there: at the formula for
    `var_names` of the dispatch key `dispatch_key`, at the key `path`, or, without both, at `name`.
    Else it stands in the entry of the function, at the key `path`, or at its schema. `remedies` are
    for the entry that it stands in, `meant` is what may be meant by the words.
    """

    function: NativeFunction
    code: str
    message: str
    words: str = ""
    help: str = ""
    path: str = ""
    definition: str = ""
    dispatch_key: str = ""
    var_names: tuple[str, ...] = ()
    on_key: bool = False
    remedies: tuple[Remedy, ...] = ()
    meant: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A function, and what it has for each dispatch key that it has derivatives for.

    `source` is the schema of the function that the info was made for.
    """

    function: NativeFunction
    infos: Mapping[str, Derived] = MappingProxyType({})
    forward: Mapping[str, tuple[ForwardDerivative, ...]] = MappingProxyType({})
    source: str = ""

    @property
    def has_derivatives(self) -> bool:
        """Whether a backward formula of any dispatch key is for an argument."""
        return any([d.dispatch[key].args_with_derivatives for key, d in self.infos.items()])


def differentiable_outputs(
    function: NativeFunction, info: DifferentiabilityInfo | None
) -> list[Type]:
    """The types of the outputs that autograd looks after.

    `output_differentiability` must have the right length.
    """
    returns = function.schema.returns
    said = None if info is None else info.output_differentiability
    if said is not None:
        return [r.type for r, is_so in zip(returns, said, strict=False) if is_so]
    without = () if info is None else info.non_differentiable_arg_names
    names = zip(return_names(function.schema), returns, strict=True)
    found = [r.type for name, r in names if r.type.base == "Tensor" and name not in without]
    return found[:1] if info is not None and uses_single_grad(info) else found


def uses_single_grad(info: DifferentiabilityInfo) -> bool:
    """Whether a backward formula uses `grad`, and so the gradient of the first output alone."""
    return any("grad" in d.formula and "grad" in words(d.formula) for d in info.derivatives)


def is_list(type_: Type) -> bool:
    """Whether a type is a list, or one that may be missing."""
    if type_.kind == "optional" and type_.elem is not None:
        return is_list(type_.elem)
    return type_.kind == "list"


def non_options(function: NativeFunction) -> tuple[Argument, ...]:
    """All arguments but out arguments and those of TensorOptions."""
    arguments = function.schema.arguments
    if arguments.options_index is None:
        return arguments.positional + arguments.kwarg_only
    return arguments.positional + arguments.without_options
