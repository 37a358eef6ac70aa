"""From derivload's documents to the autograd of a backend, in C++.

    python3 generate_autograd.py DOCUMENTS native_functions.yaml OUT

DOCUMENTS is the folder that `derivload emit` wrote. Two files are written to OUT: operators.h and
autograd.cpp. Needs Jinja2 and PyYAML.

All about derivatives comes from the documents. They are about every operator, though, and
native_functions.yaml, the overlay, says which are the backend's, in which namespace, and by which
kernel.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent.parent / "generator"))

from generate import environment  # noqa: E402
from operators import Operator, parse_schema  # noqa: E402

DEVICE_KEY = "PrivateUse1"


@dataclass(frozen=True)
class Variable:
    """A saved variable: its C++ type, its name in formulas, and what it is in the forward pass."""

    type: str
    name: str
    expr: str
    is_output: bool

    @property
    def is_tensor(self) -> bool:
        """Whether it has to be unpacked before a formula reads it."""
        return self.type in ("at::Tensor", "at::TensorList")

    @property
    def member(self) -> str:
        """The member of the node that holds it."""
        return f"{self.name}_" if self.is_tensor else self.name


@dataclass(frozen=True)
class Gradient:
    """A formula of a node: the positions of the inputs whose gradients it computes."""

    inputs: list[int]
    formula: str


@dataclass(frozen=True)
class Tangent:
    """A forward formula: its output, and the inputs whose tangents and values it reads."""

    output: str
    formula: str
    tangents: list[str]
    primals: list[str]


@dataclass(frozen=True)
class Node:
    """A backward node: what it saves, and its formulas.

    `grads` are the gradients that formulas read by a name, with the positions of the outputs.
    """

    op: str
    inputs: list[str]
    grads: dict[str, int]
    saved: list[Variable]
    gradients: list[Gradient]

    @property
    def saved_inputs(self) -> list[Variable]:
        """What is saved before the operator runs."""
        return [saved for saved in self.saved if not saved.is_output]

    @property
    def saved_outputs(self) -> list[Variable]:
        """What is saved after it."""
        return [saved for saved in self.saved if saved.is_output]


@dataclass(frozen=True)
class Function:
    """An operator of the backend with its kernel, its node and its forward formulas."""

    operator: Operator
    kernel: str
    node: Node | None
    tangents: list[Tangent]


def main() -> None:
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(description="Documents in, the autograd of a backend out.")
    parser.add_argument("documents", type=Path)
    parser.add_argument("native_functions", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    functions = list(read(options.documents, options.native_functions))
    header = options.out / "operators.h"
    text = render(header.name, functions)
    # The kernels include it, and are not compiled again for the same text.
    if not header.exists() or header.read_text("utf-8") != text:
        header.write_text(text, encoding="utf-8", newline="\n")
    source = options.out / "autograd.cpp"
    source.write_text(render(source.name, functions), encoding="utf-8", newline="\n")


def render(name: str, functions: list[Function]) -> str:
    """One of the files."""
    template = environment(HERE).get_template(f"{name}.jinja")
    return template.render(functions=functions, libraries=libraries(functions))


def libraries(functions: list[Function]) -> dict[str, list[Function]]:
    """The functions of each namespace. Those of aten are defined already, by PyTorch."""
    found: dict[str, list[Function]] = {}
    for function in functions:
        found.setdefault(function.operator.namespace, []).append(function)
    return found


def read(documents: Path, native_functions: Path) -> Iterator[Function]:
    """The backend's functions, in the order of its overlay."""
    matched = load(documents / "functions.json")
    defined = load(documents / "differentiability.json")
    definitions = {
        record["schema"]: record["dispatch"]["Default"]
        for record in defined["functions"] + matched["generated"]
        if "Default" in record["dispatch"]
    }
    functions = {record["schema"]: record for record in matched["functions"]}
    for entry in yaml.safe_load(native_functions.read_text("utf-8")):
        operator = parse_schema(entry["func"])
        if operator.schema not in functions:
            sys.exit(f"{operator.schema}: the documents do not have it")
        function = functions[operator.schema]
        by_key = function["differentiability"] or {}
        info = definitions[by_key["Default"]["schema"]] if "Default" in by_key else None
        tangents = (function["forward_derivatives"] or {}).get("Default", [])
        yield Function(
            operator,
            kernel_of(entry),
            node_of(operator, info) if info and info["op"] else None,
            [tangent_of(found) for found in tangents],
        )


def load(path: Path) -> dict[str, Any]:
    """A document."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def kernel_of(entry: dict[str, Any]) -> str:
    """The name of the kernel for the backend's device."""
    for keys, kernel in entry.get("dispatch", {}).items():
        if DEVICE_KEY in keys.split(", "):
            name: str = kernel
            return name
    sys.exit(f"{entry['func']}: there is no kernel for {DEVICE_KEY}")


def node_of(operator: Operator, info: dict[str, Any]) -> Node:
    """The backward node of a definition."""
    inputs = [binding["name"] for binding in info["args_with_derivatives"]]
    if operator.is_foreach and len(inputs) != 1:
        sys.exit(f"{operator.schema}: this generator takes one list of tensors with a gradient")
    gradients = [
        Gradient([inputs.index(name) for name in derivative["var_names"]], derivative["formula"])
        for derivative in info["derivatives"]
    ]
    named = info["used_named_gradients"]
    saved = [
        Variable(found["type"], found["name"], found["expr"], key == "all_saved_outputs")
        for key in ("all_saved_inputs", "all_saved_outputs")
        for found in info[key]
    ]
    return Node(
        info["op"],
        inputs,
        {name: info["available_named_gradients"].index(name) for name in named} or {"grad": 0},
        saved,
        gradients,
    )


def tangent_of(found: dict[str, Any]) -> Tangent:
    """The forward formula of one output."""
    if found["required_original_self_value"] or len(found["var_names"]) != 1:
        sys.exit(f"this generator cannot do the forward formula {found['formula']}")
    return Tangent(
        found["var_names"][0],
        found["formula"],
        found["required_inputs_fw_grad"] or [],
        found["required_inputs_primal"] or [],
    )


if __name__ == "__main__":
    main()
