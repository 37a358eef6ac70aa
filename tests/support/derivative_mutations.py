"""Mutations of entries of derivatives.yaml."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from support.mutation_kinds import VALUES, Files, Mutation, OfText, entry, insert, key, one_of, swap
from support.paths import DERIVATIVES, NATIVES

_FORMULA = r"(?m)(?<=: )(?!non_diff|auto_)[^\n'\"|>]+$(?<!->)"


def formula(*texts: str) -> OfText:
    """Put one of these in the place of a formula, or behind or before it."""

    def change(chance: Random, text: str) -> str | None:
        head, line, rest = text.partition("\n")
        text_ = chance.choice(texts).replace("\\", r"\\")
        where = chance.choice([text_, rf"\g<0> + {text_}", rf"f({text_}, \g<0>)"])
        changed = one_of(chance, rest, _FORMULA, where)
        return None if changed is None else head + line + changed

    return change


def formula_key(*keys: str) -> OfText:
    """Put one of these in the place of the key of a formula."""

    def change(chance: Random, text: str) -> str | None:
        head, line, rest = text.partition("\n")
        changed = one_of(chance, rest, r"(?m)^( +)[^\n:#]+(?=:)", rf"\1{chance.choice(keys)}")
        return None if changed is None else head + line + changed

    return change


_SAVED: Final = (
    *("self.sizes()", "self->sizes()", "self.size(0)", "self.size(-1)", "self.strides()"),
    *("self.sym_sizes()", "self->sym_sizes()", "self.sym_size(1)", "self.sym_size(-1)"),
    *("self.sym_size(dim)", "self.options()", "zeros_like(self)", "self.numel()", "self.dim()"),
    *("self.sym_numel()", "to_args_sizes(self)", "TensorGeometry(self)", "self.scalar_type()"),
    *("self.sym_strides()", "self.layout()", "self.is_conj()", "self.sym_blocksize()"),
    *("other.sym_strides()", "result.sym_sizes()", "zeros_like(result)", "result.dim()"),
    *("selfxdim()", "self.sym_size(a b)", "my_self.dim()", "self .dim()", "result"),
    *("to_args_sizes_symint(self)", "to_args_scalartypes(self)", "self.size(dim)", "self.sizes"),
)
_DIFFERENTIABLE: Final = (
    *("[True]", "[False]", "[True, False]", "[False, True]", "[True, True, True]", "[]", "null"),
    *("['a()']", "[a, b]", "[True, 'a()']", "[yes]", "[no, yes]", "True", "False", "''"),
)
_KEYED: Final = (
    *("Default", "AutogradCUDA", "AutogradNestedTensor", "AutogradXLA", "AutogradMPS", "Autograd"),
    *("CUDA", "default", "AutogradFoo", "AutogradCPU", "AutogradPrivateUse1", "AutogradMeta"),
)


def _keyed(*tables: str) -> OfText:
    """Move the formulas under `dispatch`, below one of these keys, and perhaps below another."""

    def change(chance: Random, text: str) -> str | None:
        head, _, rest = text.partition("\n")
        if "\n  dispatch:" in text:
            return None
        inner = "".join(f"    {line}\n" for line in rest.splitlines() if line.strip())
        parts = [f"    {t}:\n{inner}" for t in chance.sample(tables, chance.randint(1, 2))]
        return f"{head}\n  dispatch:\n{''.join(parts)}"

    return change


def _another_name(chance: Random, files: Files) -> Files | None:
    funcs = [m[1] for e in files[NATIVES] if (m := re.match(r"- func: (.+)\n", e))]
    first, *others = files[DERIVATIVES]
    name = chance.choice(funcs).replace("\\", r"\\")
    changed = re.sub(r"^- name: .*", f"- name: {name}", first)
    return None if changed == first else {**files, DERIVATIVES: [changed, *others]}


DERIVATIVE_ENTRIES: Final = (
    entry(
        "gradients by number",
        DERIVATIVES,
        formula("grads[0]", "grads[1]", "grads[2]", "grads[9]", "grads", "grads[-1]", "grads[ 0]"),
    ),
    entry(
        "a gradient number beyond reason",
        DERIVATIVES,
        formula(f"grads[{'9' * 19}]", f"grads[{'0' * 30}]"),
    ),
    entry("grad and grads", DERIVATIVES, formula("grad * grads[0]", "grad + grads[1]", "grad")),
    entry("no grad", DERIVATIVES, swap(r"\bgrad\b", "grads[0]", "grads", "gradient", "grad_", "x")),
    entry(
        "gradients by name",
        DERIVATIVES,
        formula("grad_result", "grad_upper", "grad_lower", "grad_output", "grad_mask", "grad_U"),
    ),
    entry(
        "another key of a formula",
        DERIVATIVES,
        formula_key("self", "other", "result", "result0", "result1", "result9", "input", "nothing"),
    ),
    entry(
        "a key of several names",
        DERIVATIVES,
        formula_key(
            *("self, other", "self,other", "self, self", "self, result", "result, self", "self, "),
            *("nothing, self", "result0, result1", "', '", "self , other", "result0, self"),
        ),
    ),
    entry(
        "an output number beyond reason",
        DERIVATIVES,
        formula_key(f"result{'9' * 19}", f"result{'0' * 20}"),
    ),
    entry(
        "no derivative",
        DERIVATIVES,
        insert(
            *("self: non_differentiable", "other: non_differentiable", "self: NON_DIFFERENTIABLE"),
            *("dim: ' non_differentiable '", "result: non_differentiable", "x: non_differentiable"),
        ),
    ),
    entry("a formula that is no derivative", DERIVATIVES, swap(_FORMULA, "non_differentiable")),
    entry("what a formula saves", DERIVATIVES, formula(*_SAVED)),
    entry(
        "a forward formula",
        DERIVATIVES,
        insert(
            *(
                *("result: self_t", "result: self_t * self_p", "result: self"),
                "result: self_t + other",
            ),
            *("result: result", "result: self_t.sin()", "result: grad", "result0: self_t"),
            *(
                *("result1: self_t", "result: self_p.dim()", "self: self_t"),
                "result: 'self_t.f(a).g(b)'",
            ),
        ),
    ),
    entry("automatic, linear", DERIVATIVES, insert("result: auto_linear", "self: auto_linear")),
    entry(
        "automatic, element by element",
        DERIVATIVES,
        insert(
            "result: auto_element_wise", "self: auto_element_wise", "'result, x': auto_element_wise"
        ),
    ),
    entry(
        "automatic in another way",
        DERIVATIVES,
        swap(
            r"auto_\w+|(?<=result: ).*", "auto_linear", "auto_element_wise", "auto_Linear", "auto"
        ),
    ),
    entry(
        "tangents and primals",
        DERIVATIVES,
        swap(
            *(r"\bself_[tp]\b|\bresult\b(?!:)", "self_p", "self_t", "result", "self"),
            "original_self_p",
        ),
    ),
    entry(
        "other output_differentiability",
        DERIVATIVES,
        key("output_differentiability", *(f" {value}" for value in _DIFFERENTIABLE)),
    ),
    entry(
        "output_differentiability of no truth",
        DERIVATIVES,
        key("output_differentiability", " [1]", " [0, 1]", " [null]", " a", " {a: b}", " 3", " ab"),
    ),
    entry("formulas by key", DERIVATIVES, _keyed(*_KEYED)),
    entry(
        "formulas by a key that is none", DERIVATIVES, _keyed("CPU", "3", "[a]", "''", "~", "x y")
    ),
    entry(
        "formulas by key that are none",
        DERIVATIVES,
        insert(
            "dispatch:", "dispatch: {}", "dispatch: x", "dispatch: [x]", "dispatch: {Default: x}"
        ),
    ),
    Mutation("another function", DERIVATIVES, _another_name),
    entry(
        "no function",
        DERIVATIVES,
        swap(r"^- name: .*", "- name: sin", "- name: sin()", "- name:", "- name: 3", "- name: [a]"),
    ),
    entry(
        "another schema",
        DERIVATIVES,
        swap(r"(?<=^- name: ).*", r"\g<0> ", r" \g<0>", r"x\g<0>", "''"),
    ),
    entry("no name", DERIVATIVES, swap(r"^- name:", "- Name:", "- func:", "- self:")),
    entry(
        "a formula of another type",
        DERIVATIVES,
        lambda chance, text: insert(*(f"self:{v}" for v in VALUES))(
            chance, re.sub(r"(?m)^  self:.*\n", "", text)
        ),
    ),
    entry(
        "a forward formula of another type", DERIVATIVES, insert(*(f"result:{v}" for v in VALUES))
    ),
    entry(
        "a key of another type", DERIVATIVES, insert("3: grad", "yes: grad", "~: grad", "[a]: grad")
    ),
    entry(
        "a formula of an odd form", DERIVATIVES, formula("''", "a\\1b", "{0}", "%s", "grad)", "(")
    ),
)
