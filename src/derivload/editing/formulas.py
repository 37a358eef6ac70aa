"""The names in a formula: what each is, in words and for a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal["argument", "tangent", "primal", "output", "gradient", "helper", "made", "unknown"]

_TOKEN: Final = re.compile(
    r"(?P<text>\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?)"
    r"|(?P<member>(?:\.|->|::)\s*[A-Za-z_]\w*)"
    r"|(?P<number>\b\d[\w.]*)"
    r"|(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?(?P<scope>\s*::)?"
)
# What the generated code has besides the values of the function.
MADE: Final = {
    "grad_input_mask": "which inputs need a gradient: `std::array<bool, N>`, made by the generated "
    "code",
    "task_should_compute_output": "asks whether an input needs a gradient",
    "retain_variables": "whether the graph is kept for another backward",
    "wrap_opt_if": "saves a tensor only if a condition holds",
    "IndexRangeGenerator": "the ranges of inputs in the generated code",
}
CONSTANTS: Final = {
    "auto_linear": "the derivative is the function itself, applied to the tangents",
    "auto_element_wise": "the forward derivative is made from the backward formula, element by "
    "element; for a function of one differentiable input",
    "non_differentiable": "no gradient flows to this argument",
    "not_implemented": "autograd raises an error with this name if the gradient is asked for",
}
KEYWORDS: Final = frozenset(
    "auto bool const double float if int int64_t return std at c10 true false nullptr static_cast "
    "nullopt optional else for while".split()
)


class Name(NamedTuple):
    """A name in a formula, and where it begins and ends in it."""

    text: str
    start: int
    end: int
    is_call: bool
    is_member: bool


class Value(NamedTuple):
    """A value that formulas may use: its name, its type in the schema and in C++."""

    name: str
    type: str
    cpp: str


class Names(NamedTuple):
    """What a formula may use of its function: the arguments, the outputs, the named gradients.

    `is_forward` tells that the formula is for outputs. `gradients` has the names of gradients by
    name, each with its output.
    """

    arguments: Sequence[Value]
    outputs: Sequence[Value]
    gradients: Sequence[str] = ()
    is_forward: bool = False

    @property
    def single(self) -> bool:
        """Whether there is one output alone."""
        return len(self.outputs) == 1


class Meaning(NamedTuple):
    """What a name is. `of` is the argument or output that it belongs to."""

    kind: Kind
    text: str
    of: str = ""


def names_in(formula: str) -> Iterator[Name]:
    """All names of a formula but those in texts, in its order.

    A value of a namespace, such as `at::kCPU`, is a member of it. A function of one is a call.
    """
    scope_end: int | None = None
    for found in _TOKEN.finditer(formula):
        if found.lastgroup is None or found["text"] or found["number"]:
            continue
        if found["member"]:
            text = re.sub(r"^(?:\.|->|::)\s*", "", found["member"])
            yield Name(text, found.end() - len(text), found.end(), False, True)
        else:
            name = found["name"]
            is_call = bool(found["call"])
            is_in_scope = scope_end is not None and not formula[scope_end : found.start()].strip()
            scope_end = found.end() if found["scope"] else None
            is_member = scope_end is not None or (is_in_scope and not is_call)
            yield Name(name, found.start("name"), found.end("name"), is_call, is_member)


def name_at(formula: str, offset: int) -> Name | None:
    """The name that a character of a formula is in or behind."""
    return next((n for n in names_in(formula) if n.start <= offset <= n.end), None)


def meaning_of(name: Name, names: Names, formula: str) -> Meaning:
    """What a name of a formula is."""
    if name.is_member:
        return Meaning("unknown", "")
    text = name.text
    for values, kind in ((names.arguments, "argument"), (names.outputs, "output")):
        for value in values:
            if value.name == text:
                return Meaning(_kind(kind), f"{kind} `{text}`: `{value.type}`{_cpp(value)}", text)
    return _derived(text, names, formula[name.end :]) or _other(name)


def _derived(text: str, names: Names, behind: str) -> Meaning | None:
    """What a name is that is made from that of a value."""
    stem, _, mark = text.rpartition("_")
    for value in names.arguments:
        if value.name == stem and mark == "p":
            return Meaning("primal", f"the primal of argument `{stem}`{_cpp(value)}", stem)
        if value.name == stem and mark == "t":
            return Meaning("tangent", f"the tangent of argument `{stem}`: `at::Tensor`", stem)
    if text in ("grad", "grads"):
        return _gradient(text, names, behind)
    if text in names.gradients or (
        text.startswith("grad_") and any(v.name == text[5:] for v in names.outputs)
    ):
        return Meaning("gradient", f"the gradient of output `{text[5:]}`", text[5:])
    return None


def _gradient(text: str, names: Names, behind: str) -> Meaning:
    index = re.match(r"\[(\d+)\]", behind)
    number = int(index[1]) if index else 0
    if text == "grads" and index is None:
        return Meaning("gradient", "the gradients of all outputs")
    if number >= len(names.outputs):
        return Meaning("gradient", f"there is no output {number}")
    output = names.outputs[number]
    which = f"output `{output.name}`" if names.single else f"output {number}, `{output.name}`"
    return Meaning("gradient", f"the gradient of {which}", output.name)


def _other(name: Name) -> Meaning:
    text = name.text
    if text in MADE:
        return Meaning("made", MADE[text])
    if text in CONSTANTS:
        return Meaning("made", CONSTANTS[text])
    if name.is_call:
        return Meaning("helper", f"`{text}` is a function of C++")
    return Meaning("unknown", "")


def _kind(kind: str) -> Kind:
    return "argument" if kind == "argument" else "output"


def _cpp(value: Value) -> str:
    return f", in C++ `{value.cpp}`" if value.cpp else ""


class Choice(NamedTuple):
    """A name that may stand in a formula, and what it is."""

    text: str
    about: str
    kind: Kind


def choices(names: Names) -> list[Choice]:
    """The names that a formula may use."""
    made = [Choice(value.name, f"argument: {value.type}", "argument") for value in names.arguments]
    if names.is_forward:
        for value in names.arguments:
            if "Tensor" in value.type:
                made.append(Choice(f"{value.name}_p", f"the primal of {value.name}", "primal"))
                made.append(Choice(f"{value.name}_t", f"the tangent of {value.name}", "tangent"))
    made += [Choice(v.name, f"output: {v.type}", "output") for v in names.outputs]
    if not names.is_forward:
        if names.single:
            made.append(Choice("grad", "the gradient of the output", "gradient"))
        made += [
            Choice(f"grads[{at}]", f"the gradient of output {at}, {v.name}", "gradient")
            for at, v in enumerate(names.outputs)
            if not names.single
        ]
        made += [
            Choice(name, f"the gradient of {name[5:]}", "gradient") for name in names.gradients
        ]
        made.append(Choice("grad_input_mask", "which inputs need a gradient", "made"))
    whole = ("auto_linear", "auto_element_wise") if names.is_forward else ("non_differentiable",)
    made += [Choice(text, CONSTANTS[text], "made") for text in whole]
    return made


class Token(NamedTuple):
    """A word of a formula that an editor colours: where it is, its length, and its type."""

    line: int
    start: int
    length: int
    type: str


class Saved(NamedTuple):
    """A value that a formula saves, in short: `other.sizes`, `SymInt[]`."""

    what: str
    type: str


_SHORT_TYPES: Final = {
    "SymIntArrayRef": "SymInt[]",
    "IntArrayRef": "int[]",
    "int64_t": "int",
    "double": "float",
    "TensorList": "Tensor[]",
    "string": "str",
}
_NAMESPACED: Final = re.compile(r"(?:::)?\b(?:at|c10|std)::")


def saved_as(expr: str, cpp: str) -> Saved:
    """What is saved, in short. `expr` is the expression whose value is saved, `cpp` its type."""
    what = expr.replace("()", "").replace(".sym_", ".").replace("->sym_", ".")
    short = _NAMESPACED.sub("", cpp).replace("const ", "").replace(" &", "").strip()
    return Saved(what if len(what) <= 40 else what[:39] + "…", _SHORT_TYPES.get(short, short))
