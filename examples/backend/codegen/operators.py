"""Schemas of operators in C++: as much of the schema language as the example's operators need."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEMA = re.compile(r"(?:(\w+)::)?(\w+)(?:\.(\w+))?\((.*)\) -> (.*)")

# A type of the schema language as an argument and as a return, in C++.
_ARGUMENTS = {
    "Tensor": "const at::Tensor&",
    "Tensor(a)": "const at::Tensor&",
    "Tensor(a!)": "at::Tensor&",
    "Tensor[]": "at::TensorList",
    "float": "double",
    "int": "int64_t",
}
_RETURNS = {
    "Tensor": "at::Tensor",
    "Tensor(a)": "at::Tensor",
    "Tensor(a!)": "at::Tensor&",
    "Tensor[]": "std::vector<at::Tensor>",
}


@dataclass(frozen=True)
class Argument:
    """An argument: its C++ type, its name, and whether it holds tensors."""

    type: str
    name: str
    is_tensor: bool


@dataclass(frozen=True)
class Operator:
    """An operator; `schema` is without the namespace, as the documents have it."""

    namespace: str
    name: str
    overload: str
    schema: str
    arguments: list[Argument]
    returns: str
    outputs: list[str]
    is_inplace: bool
    is_view: bool
    is_foreach: bool

    @property
    def parameters(self) -> str:
        """The arguments with their types."""
        return ", ".join(f"{argument.type} {argument.name}" for argument in self.arguments)

    @property
    def types(self) -> str:
        """The types of the arguments."""
        return ", ".join(argument.type for argument in self.arguments)

    @property
    def names(self) -> str:
        """The names of the arguments."""
        return ", ".join(argument.name for argument in self.arguments)

    @property
    def is_aliasing(self) -> bool:
        """Whether autograd has to be told that it changes its input, or gives a view of it."""
        return self.is_inplace or self.is_view

    @property
    def result(self) -> str:
        """What a call is assigned to."""
        if self.is_inplace:
            return ""
        names = ", ".join(self.outputs)
        return f"auto {names} = " if len(self.outputs) == 1 else f"auto [{names}] = "

    @property
    def outputs_as_list(self) -> str:
        """The outputs, for a function that takes one tensor or many."""
        return self.outputs[0] if len(self.outputs) == 1 else f"{{{', '.join(self.outputs)}}}"

    @property
    def qualified(self) -> str:
        """The name with its namespace."""
        return f"{self.namespace}::{self.name}"


def parse_schema(text: str) -> Operator:
    """The operator of a `func:`; exits where a type is not in the tables above."""
    found = _SCHEMA.fullmatch(text)
    if found is None:
        raise SystemExit(f"{text}: this is no schema")
    namespace, name, overload, arguments, returns = found.groups()
    parts = [part.split("=")[0].rsplit(" ", 1) for part in arguments.split(", ")]
    outputs = [part.partition(" ") for part in returns.strip("()").split(", ")]
    if "(" in returns and not returns.startswith("("):  # Tensor(a) is one return, not a list
        outputs = [returns.partition(" ")]
    try:
        cpp_arguments = [
            Argument(_ARGUMENTS[kind], argument, kind.startswith("Tensor"))
            for kind, argument in parts
        ]
        cpp_returns = [_RETURNS[kind] for kind, _, _ in outputs]
    except KeyError as unknown:
        raise SystemExit(f"{text}: this generator knows no type {unknown}") from None
    unnamed = ["result"] if len(outputs) == 1 else [f"result{i}" for i in range(len(outputs))]
    is_inplace = "!" in arguments
    return Operator(
        namespace or "aten",
        name,
        overload or "",
        text.removeprefix(f"{namespace}::"),
        cpp_arguments,
        cpp_returns[0] if len(outputs) == 1 else f"std::tuple<{', '.join(cpp_returns)}>",
        ["self"] if is_inplace else [own or other for (*_, own), other in zip(outputs, unnamed)],
        is_inplace,
        "(a)" in arguments,
        name.startswith("_foreach_"),
    )
