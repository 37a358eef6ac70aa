"""The little that derivload asks of torchgen's objects, as types: torchgen is no dependency.

Nothing here is ever made or checked at run time; the objects are torchgen's own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol


class Argument(Protocol):
    """An argument of a schema."""

    name: str


class SelfArgument(Protocol):
    """What stands for self among the arguments, and holds it."""

    argument: Argument


class TensorOptionsArguments(Protocol):
    """The tensor options, which stand together among the arguments."""

    dtype: Argument


class Arguments(Protocol):
    """The arguments of a schema."""

    out: Sequence[Argument]
    non_out: Sequence[Argument | SelfArgument | TensorOptionsArguments]
    tensor_options: TensorOptionsArguments | None


class FunctionSchema(Hashable, Protocol):
    """The schema of a function; `str` gives the text that documents call it by."""

    arguments: Arguments


class NativeFunction(Protocol):
    """A function of native_functions.yaml, or one that autogen made."""

    func: FunctionSchema


class Binding(Protocol):
    """An argument as a C++ function takes it."""

    name: str
    default: str | None


class DifferentiabilityInfo(Protocol):
    """What is known of one function's derivatives for one dispatch key."""

    name: str
    func: NativeFunction
    op: str | None
    args_with_derivatives: Sequence[Binding]


# What upstream's load_derivatives returns first: infos by schema and dispatch key.
Infos = dict[FunctionSchema, dict[str, DifferentiabilityInfo]]


class ParsedYaml(Protocol):
    """What upstream's parse_native_yaml returns."""

    native_functions: list[NativeFunction]
