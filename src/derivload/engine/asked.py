"""Which functions a person asks for: by a name, a pattern, a backward node, or a name of Python.

`add` means every overload and variant, `add_.Tensor` one function, `mul*` every function whose name
is like that, `GeluBackward0` the functions that make this node, and `torch.nn.functional.gelu` what
Python calls so. Each may begin with a namespace.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from derivload.spelling import operators_of

_WILD: Final = re.compile(r"[*?\[]")
# No operator has a capital B there.
_NODE: Final = re.compile(r"[\w*?\[\]!-]*Backward[\w*?\[\]!-]*")
_NUMBERED: Final = re.compile(r"\d+$")


class NamePattern(NamedTuple):
    """What is asked for: `name`, in a namespace unless that is "".

    `is_wild` tells that it is a pattern as file names have it, `is_node` that it is of nodes.
    """

    text: str
    namespace: str
    name: str
    is_wild: bool
    is_node: bool

    def means(self, namespace: str, names: Iterable[str], nodes: Collection[str]) -> bool:
        """Whether a function is meant that has these names, and makes these backward nodes."""
        if self.namespace not in ("", namespace):
            return False
        if self.is_node:
            found = {*nodes, *(_NUMBERED.sub("", node) for node in nodes)}
            return any(fnmatchcase(node, self.name) for node in found)
        if self.is_wild:
            return any(fnmatchcase(name, self.name) for name in names)
        return self.name in names


def read_pattern(text: str) -> NamePattern:
    """Read what a person wrote."""
    namespace, _, name = text.strip().rpartition("::")
    is_node = _NODE.fullmatch(name) is not None
    return NamePattern(text, namespace, name, _WILD.search(name) is not None, is_node)


def read_patterns(text: str) -> list[NamePattern]:
    """What a person may have meant: the first of these that means any function counts.

    A name of Python leaves open which part of it is the operator's.
    """
    return [read_pattern(name) for name in python_candidates(text)]


def python_candidates(text: str) -> list[str]:
    """The names that the operator may have which is called so in Python, the likeliest first.

    A text that is no name of Python stands for itself.
    """
    name = text.strip()
    if "::" in name and not name.startswith("at::"):
        return [text]
    parts = name.split(".")
    if parts[:2] == ["torch", "ops"] and len(parts) > 3:
        return [f"{parts[2]}::{'.'.join(parts[3:])}"]
    return [*operators_of(name), text]
