"""Schemas of operators in C++: as much of the schema language as the example's operators need."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEMA = re.compile(r"(?:(?P<namespace>\w+)::)?(?P<name>\w+)\((?P<inputs>.*)\) -> (?P<outputs>.*)")

# A type of the schema language in C++, as an argument and as a return.
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
class Operator:
    """An operator; `schema` is without the namespace, as the documents have it.

    `arguments` are pairs of a C++ type and a name; `outputs` are names.
    """

    namespace: str
    name: str
    schema: str
    arguments: list[tuple[str, str]]
    returns: str
    outputs: list[str]

    @property
    def is_inplace(self) -> bool:
        """Whether it changes its input."""
        return "(a!)" in self.schema

    @property
    def is_view(self) -> bool:
        """Whether it gives a view of its input."""
        return "(a)" in self.schema

    @property
    def is_aliasing(self) -> bool:
        """Whether autograd has to be told of a changed input, or of a view."""
        return self.is_inplace or self.is_view

    @property
    def is_foreach(self) -> bool:
        """Whether it does for each tensor of a list what another operator does for one."""
        return self.name.startswith("_foreach_")

    @property
    def qualified(self) -> str:
        """The name with its namespace."""
        return f"{self.namespace}::{self.name}"

    @property
    def parameters(self) -> str:
        """The arguments as a function declares them."""
        return ", ".join(f"{kind} {name}" for kind, name in self.arguments)

    @property
    def types(self) -> str:
        """The types of the arguments."""
        return ", ".join(kind for kind, _ in self.arguments)

    @property
    def names(self) -> str:
        """The arguments as a call passes them on."""
        return ", ".join(name for _, name in self.arguments)

    @property
    def result(self) -> str:
        """The left side of an assignment of what a call gives."""
        if self.is_inplace:
            return ""
        names = ", ".join(self.outputs)
        return f"auto {names} = " if len(self.outputs) == 1 else f"auto [{names}] = "

    @property
    def all_outputs(self) -> str:
        """The outputs, as a return value or as an argument."""
        return self.outputs[0] if len(self.outputs) == 1 else f"{{{', '.join(self.outputs)}}}"


def parse_schema(text: str) -> Operator:
    """The operator of a `func:`. Exits with a sentence where it is more than this module knows."""
    found = _SCHEMA.fullmatch(text)
    if found is None:
        raise SystemExit(f"{text}: this is no schema without an overload")
    namespace = found["namespace"]
    inputs = [part.partition("=")[0].rpartition(" ") for part in found["inputs"].split(", ")]
    try:
        arguments = [(_ARGUMENTS[kind], name) for kind, _, name in inputs]
        returns, outputs = _outputs(found["outputs"])
    except KeyError as unknown:
        raise SystemExit(f"{text}: this generator knows no type {unknown}") from None
    return Operator(
        namespace or "aten",
        found["name"],
        text.removeprefix(f"{namespace}::"),
        arguments,
        returns,
        ["self"] if "(a!)" in text else outputs,
    )


def _outputs(text: str) -> tuple[str, list[str]]:
    """The C++ type of what an operator returns, and the names of its outputs."""
    if not text.startswith("("):
        return _RETURNS[text], ["result"]
    parts = [part.partition(" ") for part in text[1:-1].split(", ")]
    types = ", ".join(_RETURNS[kind] for kind, _, _ in parts)
    names = [name or f"result{i}" for i, (_, _, name) in enumerate(parts)]
    return f"std::tuple<{types}>", names
