"""Types for the parts of torchgen's objects that derivload uses, for the type checker only.

derivload does not depend on torchgen, so it cannot use torchgen's own classes. Nothing here is made
or checked at run time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol


class Argument(Protocol):
    """An argument of a schema."""

    name: str


class SelfArgument(Protocol):
    """torchgen's wrapper of the self argument."""

    argument: Argument


class TensorOptionsArguments(Protocol):
    """The tensor options, which are one item in the list of arguments."""

    dtype: Argument


class Arguments(Protocol):
    """The arguments of a schema."""

    out: Sequence[Argument]
    non_out: Sequence[Argument | SelfArgument | TensorOptionsArguments]
    tensor_options: TensorOptionsArguments | None


class FunctionSchema(Hashable, Protocol):
    """The schema of a function. `str` gives its text, as in the documents."""

    arguments: Arguments


class Location(Protocol):
    """Where the entry of a function is."""

    file: str
    line: int

    def __init__(self, file: str, line: int) -> None: ...


class NativeFunction(Protocol):
    """A function of native_functions.yaml, or one that autogen generated."""

    func: FunctionSchema
    loc: Location


class Binding(Protocol):
    """An argument as a C++ function takes it."""

    name: str
    default: str | None


class DifferentiabilityInfo(Protocol):
    """All information on one function's derivatives for one dispatch key."""

    name: str
    func: NativeFunction
    op: str | None
    args_with_derivatives: Sequence[Binding]


# The first result of upstream's load_derivatives: infos by schema and dispatch key.
Infos = dict[FunctionSchema, dict[str, DifferentiabilityInfo]]


class ParsedYaml(Protocol):
    """The result of upstream's parse_native_yaml."""

    native_functions: list[NativeFunction]
