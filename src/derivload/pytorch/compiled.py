"""Which backward nodes are compiled into a torch, and what each of them saves.

torch has a Python class for each backward node that its build generated, with an attribute
`_saved_NAME` for each value that the node saves. A child process imports torch and lists them, so
torch itself is no dependency.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from typing import Final, NamedTuple

from derivload.derivatives.model import DifferentiabilityInfo
from derivload.loading.errors import UsageError

# Run by the torch's own Python, which need not have derivload. It prints one line of JSON, last:
# what torch prints while it is imported comes before.
_LIST_NODES: Final = """
import json, torch
classes = vars(torch._C._functions).items()
nodes = {
    name: [text[len("_saved_"):] for text in dir(node) if text.startswith("_saved_")]
    for name, node in classes if isinstance(node, type)
}
print("\\n" + json.dumps([torch.__version__, nodes]))
"""
# Nodes that PyTorch writes by hand: no build generates them from YAML.
_BY_HAND: Final = frozenset(
    {
        "AccumulateGrad",
        "CopyBackwards",
        "CopySlices",
        "DelayedError",
        "Error",
        "NotImplemented",
        "SendRpcBackward",
        "UndefinedGrad",
        "UndefinedGradBackward",
    }
)
# The C++ types of the saved values that torch shows in Python, as torch 2.13.0 has them. Namespaces
# differ between releases, so they are left out here.
_SCALARS: Final = ("Scalar", "SymInt", "double", "int64_t", "string_view")
_SHOWN: Final = frozenset(
    {
        *("bool", "Tensor", "optional<Tensor>", "List<optional<Tensor>>", "TensorList"),
        *("vector<Tensor>", "ArrayRef<Scalar>", "IntArrayRef", "OptionalIntArrayRef"),
        *("SymIntArrayRef", "optional<SymIntArrayRef>"),
        *(form % name for name in _SCALARS for form in ("%s", "optional<%s>")),
    }
)
_NAMESPACES: Final = re.compile(r"\b(?:at|c10|std)::|^::")


class CompiledNodes(NamedTuple):
    """What a torch was built with: its version, and by node the names of what it saves."""

    torch_version: str
    saved: dict[str, frozenset[str]]


class Node(NamedTuple):
    """The schema that a node was defined for, and the C++ types of what it saves, by name."""

    schema: str
    types: dict[str, str]

    def shown(self) -> frozenset[str]:
        """The names of the saved values that torch shows in Python."""
        return frozenset(name for name, type_ in self.types.items() if _is_shown(type_))


class NodeDifference(NamedTuple):
    """A node that differs, and how, as a sentence about torch. `schema` is None for a node that
    no definition has.
    """

    node: str
    schema: str | None
    problem: str


class CannotImportTorchError(Exception):
    """The Python given has no torch that can be imported; the text is Python's own last line."""


def list_nodes(python: str) -> CompiledNodes:
    """List the nodes of the torch that the Python at the path `python` imports.

    Raises UsageError if that is not a Python, and CannotImportTorchError.
    """
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [python, "-c", _LIST_NODES],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"cannot run {python}: {error.strerror or error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CannotImportTorchError(said[-1] if said else f"exit status {done.returncode}")
    try:
        version, nodes = json.loads(done.stdout.splitlines()[-1])
        saved = {name: frozenset(names) for name, names in nodes.items()}
    except (ValueError, IndexError, AttributeError, TypeError):
        raise UsageError(f"{python} is not a Python: it does not answer as one") from None
    return CompiledNodes(str(version), saved)


def saved_values(infos: Iterable[tuple[str, DifferentiabilityInfo]]) -> dict[str, Node]:
    """By node, what definitions have it save. `infos` come with the schema of their function.

    A node without formulas is not generated. Two definitions never share one.
    """
    nodes = {}
    for schema, info in infos:
        if info.op is not None and info.derivatives:
            saved = [*info.all_saved_inputs, *info.all_saved_outputs]
            nodes[info.op] = Node(schema, {attribute.name: attribute.type for attribute in saved})
    return nodes


def compare(expected: dict[str, Node], compiled: CompiledNodes) -> list[NodeDifference]:
    """How the nodes in a torch differ from those of definitions, in the order of these."""
    found = []
    for name, node in expected.items():
        saved = compiled.saved.get(name)
        if saved is None:
            found.append(NodeDifference(name, node.schema, "torch has no such node"))
            continue
        missing, more = node.shown() - saved, saved - node.types.keys()
        if missing or more:
            problem = "; ".join(
                f"torch {word} {', '.join(sorted(names))}"
                for word, names in (("does not save", missing), ("also saves", more))
                if names
            )
            found.append(NodeDifference(name, node.schema, problem))
    others = compiled.saved.keys() - expected.keys() - _BY_HAND
    return [
        *found,
        *(NodeDifference(n, None, "no definition has this node") for n in sorted(others)),
    ]


def _is_shown(cpp_type: str) -> bool:
    return _NAMESPACES.sub("", cpp_type.replace("::std::", "std::")) in _SHOWN
