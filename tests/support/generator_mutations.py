"""Mutations that the loader mostly accepts, and that PyTorch's generators may refuse."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from support.derivative_mutations import DERIVATIVE_ENTRIES, formula
from support.mutation_kinds import (
    OPTIONS,
    Files,
    Mutation,
    added,
    catalogue,
    entry,
    insert,
    key,
    schema,
    swap,
)
from support.mutations import LISTS
from support.native_mutations import NATIVE_ENTRIES
from support.paths import DERIVATIVES, NATIVES
from support.schema_mutations import SCHEMAS

# Names of views, of functions without derivatives, of those that are written by hand, and of those
# without Python bindings.
_NAMES: Final = (
    *("select", "view", "split", "unbind", "values", "detach", "contiguous", "_unsafe_view"),
    *("empty_like", "argmax", "isnan", "resize", "detach", "_fw_primal", "data", "copy"),
    *("gild_backward", "item", "index", "_foreach_gild", "new_gild", "gild_like", "lift_fresh"),
)


def _renamed(chance: Random, files: Files) -> Files | None:
    """Give an operator, in all its variants and definitions, the name of another."""
    match = re.match(r"- func: _*(\w+?)_?[.(]", files[NATIVES][0])
    if match is None:
        return None
    old, new = match[1], chance.choice(_NAMES)
    pattern = re.compile(rf"(?<![a-z0-9]){re.escape(old)}(?=[_.(:,\n]|$)")
    return {name: [pattern.sub(new, e) for e in entries] for name, entries in files.items()}


def _without_definitions(_: Random, entries: list[str]) -> list[str]:
    return entries[len(entries) // 2 :]


_TYPES: Final = (
    *("float x", "float[] x", "str x", "str? x", "Scalar x", "Scalar? x", "Scalar[] x", "bool x"),
    *("Tensor[] x", "Tensor? x", "Tensor?[] x", "ScalarType x", "Generator? x", "QScheme x"),
    *("Dimname x", "Stream x", "Storage x", "SymInt[]? x", "int[]? x", "float[]? x", "Device x"),
    *("MemoryFormat x", "DeviceIndex x", "Layout? x", "bool[2] x", "bool[] x", "int[] x=0"),
    *("SymInt[] x=1", "bool requires_grad", "DimVector x", "Tensor(a!) x", "int x=0"),
)
_RETURNS: Final = (
    *("(Tensor, Tensor)", "(Tensor a, Tensor)", "Tensor?", "int", "(Tensor, int)", "Tensor[]"),
    *("(Tensor[], Tensor)", "(Tensor, Tensor[])", "Scalar", "float", "bool", "Device", "SymInt"),
    *("(Tensor a, Tensor b)", "Tensor a", "()", "(int, int)", "Tensor[2]", "int[]"),
)
_SAVED: Final = (
    *("x", "result", "result0", "a", "self", "result1", "other", "dim", "weights", "scalar"),
    *("wrap_opt_if(self", "wrap_opt_if(self)", "wrap_opt_if(other, grad_input_mask[0])"),
)

_GENERATORS: Final = (
    Mutation("another operator's name", NATIVES, _renamed),
    schema("one more argument", added(*_TYPES)),
    schema("other returns", swap(r"-> .*", *(f"-> {r}" for r in _RETURNS))),
    schema("TensorOptions in part", swap(r"(?<=\()", *_TYPES[:0], "*, ScalarType? dtype=None, ")),
    schema("a factory", swap(r"\(.*\) ->", "(int n) ->", f"(int n, *, {OPTIONS}) ->", "() ->")),
    entry(
        "another category",
        NATIVES,
        key("category_override", *" factory| new| like| dummy".split("|")),
    ),
    entry(
        "another module", NATIVES, key("python_module", " nn", " linalg", " nested", " none", "")
    ),
    entry("variants", NATIVES, key("variants", " method", " function", " function, method")),
    entry("a kernel or none", NATIVES, key("dispatch", "", "\n    CompositeExplicitAutograd: f")),
    entry("no default for options", NATIVES, key("cpp_no_default_args", " [options]", " [self]")),
    entry("something saved", DERIVATIVES, formula(*_SAVED)),
    entry("another formula key", DERIVATIVES, insert("dim: grad", "other: grad", "x: grad")),
    entry(
        "a formula for several",
        DERIVATIVES,
        swap(r"(?m)^  self:", "  self, other:", "  self, result:", "  dim:", "  self, nothing:"),
    ),
    entry(
        "a forward formula for an output",
        DERIVATIVES,
        insert("result: self_t", "result0: self_t", "result: other_t", "a: self_t", "b: self_t"),
    ),
    catalogue("half of the definitions", DERIVATIVES, _without_definitions),
)
_USELESS: Final = ("of a type", "beyond reason", "white space", "punctuation", "of another type")
# Those that a loader accepts often enough.
GENERATOR_MUTATIONS: Final = (
    *_GENERATORS,
    *(
        mutation
        for mutation in (*SCHEMAS, *NATIVE_ENTRIES, *DERIVATIVE_ENTRIES, *LISTS)
        if mutation.file in (NATIVES, DERIVATIVES)
        and not any(word in mutation.name for word in _USELESS)
    ),
)
