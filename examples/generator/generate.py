"""From one shard of derivload's documents to one C++ file with a class for each backward node.

    python3 generate.py differentiability_0.json nodes_0.cpp

A document that is not split does as well. Needs Jinja2. What a document holds is described in
docs/documents.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Variable:
    """A saved variable: its C++ type and its name."""

    type: str
    name: str


@dataclass(frozen=True)
class Formula:
    """The formula for the gradients of some inputs."""

    inputs: str
    formula: str


@dataclass(frozen=True)
class Node:
    """A backward node: the functions that it is of, what it saves, and its formulas."""

    op: str
    schemas: list[str]
    saved: list[Variable]
    formulas: list[Formula]

    @property
    def saved_text(self) -> str:
        """The saved variables for a person."""
        return ", ".join(f"{variable.type} {variable.name}" for variable in self.saved)


def main() -> None:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description="One shard in, one C++ file out.")
    parser.add_argument("shard", type=Path)
    parser.add_argument("cpp", type=Path)
    options = parser.parse_args()
    document = json.loads(options.shard.read_text("utf-8"))
    text = render(document, options.shard.name)
    options.cpp.write_text(text, encoding="utf-8", newline="\n")


def render(document: dict[str, Any], source: str) -> str:
    """The C++ file of a document; `source` is what to call it."""
    template = environment(HERE).get_template("nodes.cpp.jinja")
    return template.render(
        source=source, torch_version=document["torch_version"], nodes=collect_nodes(document)
    )


def environment(folder: Path) -> jinja2.Environment:
    """Jinja2 as templates of C++ want it, with the templates of a folder."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    # In JSON and in C++, strings of ASCII are written alike.
    made.filters["literal"] = json.dumps
    return made


def collect_nodes(document: dict[str, Any]) -> list[Node]:
    """The nodes of a document, by name: a function and its in-place variant share one."""
    nodes: dict[str, Node] = {}
    for record in document["functions"]:
        for info in record["dispatch"].values():
            op = info["op"]
            if op is None:  # nothing to compute
                continue
            if op not in nodes:
                nodes[op] = Node(op, [], saved_variables(info), formulas(info))
            nodes[op].schemas.append(record["schema"])
    return [nodes[op] for op in sorted(nodes)]


def saved_variables(info: dict[str, Any]) -> list[Variable]:
    """What a node saves: inputs of the function, then outputs."""
    both = info["all_saved_inputs"] + info["all_saved_outputs"]
    return [Variable(saved["type"], saved["name"]) for saved in both]


def formulas(info: dict[str, Any]) -> list[Formula]:
    """The formulas of a node, as they read saved variables."""
    return [
        Formula(", ".join(derivative["var_names"]), derivative["formula"])
        for derivative in info["derivatives"]
    ]


if __name__ == "__main__":
    main()
