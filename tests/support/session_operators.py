"""Operators that an edit of a session adds: their native functions and definitions."""

from __future__ import annotations

import re
from random import Random

from support.session_entries import insert, native_file, schema_of, with_entry
from support.sessions import DEFINITIONS, Inputs

_NAMES = (
    "jet _jet je_t Jet jet_forward jet_copy scatter jet_scatter inverse jet_inverse copy_jet onyx"
    " temper Temper temper_forward _temper gild_forward ripple_forward _gild gleam_copy gleam"
).split()


_SYLLABLES = "jet _ _ copy _copy scatter _inverse _foreach_ _functional _out forward".split()


KERNEL = "  dispatch:\n    CPU: kernel"


EXPLICIT = "  dispatch:\n    CompositeExplicitAutograd: kernel"


_COPY = "  dispatch:\n    CompositeExplicitAutogradNonFunctional: kernel\n  tags: view_copy"


_FOREACH = f"  device_check: NoCheck\n{EXPLICIT}"


_PLAIN = "{n}{o}(Tensor self, int a) -> Tensor"


_INPLACE = "{n}_{o}(Tensor(a!) self, int a) -> Tensor(a!)"


_MUTABLE = "{n}(Tensor self, Tensor(a!) b) -> Tensor"


_VIEW = "{n}(Tensor(a) self) -> Tensor(a)"


_OUT = "{n}.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"


_INVERSE = "{n}_inverse(Tensor(a) self, Tensor b) -> Tensor(a)"


_DUNDER = "__iand__(Tensor(a!) self, Tensor b) -> Tensor(a!)"


_KEYED = "  dispatch:\n    Default:\n      self: grad\n    AutogradMPS:\n      self: -grad"


# What is added together: native functions and definitions, for a name and an overload.
TEMPLATES: list[tuple[list[str], list[str]]] = [
    ([f"{_PLAIN}\n{KERNEL}"], [f"{_PLAIN}\n  self: grad * a\n  result: self_t * a"]),
    (
        [f"{_PLAIN}\n{KERNEL}"],
        [f"{_PLAIN}\n{_KEYED}"],
    ),
    ([f"{_PLAIN}\n{KERNEL}\n  autogen: {{n}}{{o}}_out"], []),
    (
        [f"{_INPLACE}\n{KERNEL}", f"{_PLAIN}\n{KERNEL}"],
        [f"{_PLAIN}\n  self: grad\n  result: auto_element_wise"],
    ),
    (
        [f"{_INPLACE}\n{KERNEL}\n  autogen: {{n}}{{o}}, {{n}}{{o}}_out"],
        [f"{_INPLACE}\n  self: grad\n  result: self_t.mul_(a)"],
    ),
    (
        [f"{_MUTABLE}\n{KERNEL}\n  autogen: {{n}}_functional, {{n}}.out"],
        [f"{_MUTABLE}\n  self: grad\n  b: non_differentiable"],
    ),
    (
        [f"{_VIEW}\n{EXPLICIT}", f"{{n}}_copy(Tensor self) -> Tensor\n{_COPY}"],
        [f"{_VIEW}\n  self: grad\n  result: auto_linear"],
    ),
    (
        [f"{_INVERSE}\n{EXPLICIT}", f"{{n}}_scatter(Tensor self, Tensor b) -> Tensor\n{_COPY}"],
        [f"{_INVERSE}\n  self: grad"],
    ),
    ([], ["{n}_copy(Tensor self) -> Tensor\n  self: grad * 3"]),
    ([f"_foreach_{{n}}(Tensor[] self, int a) -> Tensor[]\n{_FOREACH}"], []),
    (
        [
            f"_foreach_{{n}}_(Tensor(a!)[] self, int a) -> ()\n{_FOREACH}",
            f"_foreach_{{n}}(Tensor[] self, int a) -> Tensor[]\n{_FOREACH}",
        ],
        [],
    ),
    (["{n}{o}(Tensor self) -> Tensor\n  structured_delegate: gleam.out"], []),
    (
        [
            f"{_OUT}\n  structured: True\n{KERNEL}",
            "{n}(Tensor self) -> Tensor\n  structured_delegate: {n}.out",
        ],
        ["{n}(Tensor self) -> Tensor\n  self: grad\n  result: auto_element_wise"],
    ),
    ([f"{_DUNDER}\n{KERNEL}\n  autogen: __and__"], [f"{_DUNDER}\n  self: grad"]),
]


def any_name(random: Random) -> str:
    """A name that may have to do with those of others."""
    if random.randrange(4):
        return random.choice(_NAMES)
    return "".join(random.choice(_SYLLABLES) for _ in range(1 + random.randrange(4)))


def add_operator(random: Random, inputs: Inputs) -> Inputs:
    """Add native functions and definitions, now and then one too few."""
    natives, definitions = random.choice(TEMPLATES)
    name = any_name(random)
    overload = random.choice(["", "", ".k1", ".k2"])
    for key, templates in (("func", natives), ("name", definitions)):
        for template in templates:
            text = template.replace("{n}", name).replace("{o}", overload)
            file = native_file(random, inputs) if key == "func" else DEFINITIONS
            if random.randrange(12):
                inputs = insert(random, inputs, file, f"- {key}: {text}\n")
    return inputs


def change_autogen(random: Random, inputs: Inputs) -> Inputs:
    """Have an entry name other variants, right or wrong ones, or none."""

    def change(entry: str) -> str:
        name = schema_of(entry).partition("(")[0]
        named = random.choice([f"{name}.out", f"{name}_out", f"{name}.outt", f"{name}_functional"])
        added = random.choice(["", f"  autogen: {named}\n", f"  autogen: {name}, {named}\n"])
        before = re.sub(r"(?m)^  autogen: .*\n", "", entry)
        return before.replace("\n", f"\n{added}", 1)

    having = random.choice(["autogen", "(a!)", "func"])
    return with_entry(random, inputs, native_file(random, inputs), change, having)


def take_kernels_away(random: Random, inputs: Inputs) -> Inputs:
    """Leave a native function without kernels: it is composite then."""
    pattern = re.compile(r"\n  dispatch:(?:\n    .*)+")
    return with_entry(
        random, inputs, native_file(random, inputs), lambda e: pattern.sub("", e), "  dispatch:"
    )


def name_a_key_again(random: Random, inputs: Inputs) -> Inputs:
    """Give a native function two kernels for one dispatch key, or one of two away."""
    twice = re.compile(r"\n    (\w+): again(?=\n)")
    table = re.compile(r"\n  dispatch:\n    (\w+).*")

    def change(entry: str) -> str:
        if twice.search(entry):
            return twice.sub("", entry)
        return table.sub(r"\g<0>\n    \1: again", entry)

    return with_entry(random, inputs, native_file(random, inputs), change, "  dispatch:")
