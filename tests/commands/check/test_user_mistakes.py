"""Mistakes as people make them, each with what they are told: nothing is silent or misleading."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.paths import TAGS

# ruff: noqa: RUF001 - people paste such characters
from support.slips import (
    BLEND,
    CLEAVE,
    GILD,
    INPLACE,
    OTHER,
    SCHEMA,
    TILT,
    VARIANTS,
    Slip,
    check_its_fixes,
    check_what_is_told,
    diagnostics_of,
    formula,
    ids_of,
    native,
)

NAMES = [
    formula("result, luster)", "reslt, luster)", "DL602", "did you mean `result`?"),
    formula("result, luster)", "result, lustre)", "DL602", "did you mean `luster`?"),
    formula(OTHER, OTHER.replace("other:", "othr:"), "DL430", "did you mean `other`?"),
    formula(BLEND, BLEND.replace("self:", "slef:"), "DL430", "did you mean `self`?"),
    formula("upper: self_t", "uper: self_t", "DL430", "did you mean `upper`?"),
    formula("result: auto_linear", "reslt: auto_linear", "DL430", "did you mean `result`?"),
    formula("upper: self_t", "result: self_t", "DL430", "write `upper` or `lower`"),
    formula("upper: self_t", "result2: self_t", "DL430", "out of range"),
    formula("- name: shake", "- nam: shake", "DL008", "did you mean `name`?"),
    formula(
        "output_differentiability", "output_differentiable", "DL006", "`output_differentiability`?"
    ),
    formula("result: auto_linear", "result: auto_linaer", "DL602", "did you mean `auto_linear`?"),
    formula("auto_element_wise", "auto_elementwise", "DL602", "did you mean `auto_element_wise`?"),
    formula(GILD, "non_diferentiable", "DL602", "did you mean `non_differentiable`?"),
    formula("name: shake(", "name: shkae(", "DL405", "did you mean `shake`?"),
    formula("name: shake(", "name: torch.shake(", "DL405", "did you mean `shake`?"),
    formula("luster=0.5) -> Tensor\n", "luster) -> Tensor\n", "DL405", "`=0.5` is missing"),
    formula("float luster=0.5", "double luster=0.5", "DL405", "write `float`"),
    formula("SymInt[2] size", "int[2] size", "DL405", "write `SymInt`"),
    formula("Tensor other, *, Scalar", "Tensor other, Scalar", "DL405", "`*` is missing"),
    native(
        "tags: nondeterministic_seeded",
        "tags: nondeterministic_seded",
        "DL205",
        "`nondeterministic_seeded`?",
    ),
    native("[core, pointwise]", "[core, pointwse]", "DL205", "did you mean `pointwise`?"),
    native(
        "tags: [core, pointwise]",
        "tags: core, pointwise",
        "DL205",
        "as a list: `[core, pointwise]`",
    ),
    native("tags: [core, pointwise]", "tag: [core, pointwise]", "DL006", "did you mean `tags`?"),
    native("- func: shake", "- fnc: shake", "DL006", "did you mean `func`?"),
    native("CPU, CUDA: gild\n", "CPU, CUAD: gild\n", "DL222", "did you mean `CUDA`?"),
    native("CPU, CUDA: gild\n", "cpu, CUDA: gild\n", "DL222", "did you mean `CPU`?"),
    native("CPU, CUDA: gild\n", "CPU, GPU: gild\n", "DL222", "did you mean `CUDA`?"),
    native("CPU, CUDA: gild\n", "CPU, PrivateUse1: gild\n", "DL222", "--dispatch-key PrivateUse1"),
    native(
        "dispatch:\n    CPU: shake", "dispach:\n    CPU: shake", "DL006", "did you mean `dispatch`?"
    ),
    native(
        "structured_delegate: blend.out",
        "structured_delegate: blnd.out",
        "DL305",
        "did you mean `blend.out`?",
    ),
    native(
        "structured_delegate: blend.out",
        "structured_delegate: blend",
        "DL305",
        "did you mean `blend.out`?",
    ),
    native(
        "structured_delegate: blend.out",
        "structured_deleg: blend.out",
        "DL006",
        "did you mean `structured_delegate`?",
    ),
    native("gild(Tensor self, float", "gild(Tenser self, float", "DL104", "did you mean `Tensor`?"),
    native("gild(Tensor self, float", "gild(Tensor self, double", "DL104", "did you mean `float`?"),
    native(
        "sever(Tensor self, SymInt[2]",
        "sever(Tensor self, symint[2]",
        "DL104",
        "did you mean `SymInt`?",
    ),
    native(
        "cleave(Tensor self, int dim",
        "cleave(Tensor self, int64_t dim",
        "DL104",
        "did you mean `int`?",
    ),
    native(
        "Tensor? weight=None", "Optional[Tensor] weight=None", "DL104", "did you mean `Tensor?`?"
    ),
    native("variants: method\n", "variants: methods\n", "DL202", "did you mean `method`?"),
    native(
        "function, method\n  tags", "function method\n  tags", "DL202", "with a comma and a space"
    ),
    native(
        "function, method\n  tags", "method,function\n  tags", "DL202", "with a comma and a space"
    ),
    native("device_check: NoCheck", "device_check: nocheck", "DL204", "did you mean `NoCheck`?"),
    native(
        "device_check: NoCheck", "device_chek: NoCheck", "DL006", "did you mean `device_check`?"
    ),
    native(
        "CompositeExplicitAutograd: tilt\n",
        "CompositeExplicit: tilt\n",
        "DL222",
        "`CompositeExplicitAutograd`?",
    ),
]

FORMULAS = [
    formula(BLEND, "self: auto_linear", "DL609", "is a forward formula"),
    formula(BLEND, 'self: ""', "DL610", "this formula is empty"),
    formula(BLEND, "self:", "DL402", "write a formula, or `non_differentiable`"),
    formula(
        'not_implemented("shake")', "not_implemented", "DL611", 'write `not_implemented("shake")`'
    ),
    formula(
        'not_implemented("shake")', "not_implemented()", "DL611", 'write `not_implemented("shake")`'
    ),
    formula(BLEND, f"{BLEND};", "DL612", "without `;`"),
    formula("grad * alpha", "grad × alpha", "DL614", "write `*`"),
    formula("grad * alpha", "grad − alpha", "DL614", "write `-`"),
    formula('not_implemented("shake")', "not_implemented(“shake”)", "DL614 DL614", 'write `"`'),
    formula("grad * alpha", "grad\u00a0* alpha", "DL614", "write a blank"),
    formula("grad * alpha", "grad *", "DL613", "nothing behind `*`"),
    formula("grad * alpha,", "grad alpha,", "DL613", "no operator between `grad` and `alpha`"),
    formula("grad * alpha, other", "grad * alpha,, other", "DL613", "nothing behind `,`"),
    formula(GILD, "gild_backward(grad, result, luster", "DL607", "`(` is never closed"),
    formula(GILD, f"{GILD})", "DL607", "`)` closes nothing"),
    formula('not_implemented("shake")', "'not_implemented(\"shake)'", "DL607", "is never closed"),
    formula(CLEAVE, CLEAVE.replace("sym_sizes", "sizes"), "DL420", "write `.sym_sizes()`"),
    formula(CLEAVE, CLEAVE.replace("sym_sizes()", "size(0)"), "DL420", "write `.sym_size(0)`"),
    formula(CLEAVE, CLEAVE.replace("grad", "grads[0]"), "DL412", "write `grad`"),
    formula(CLEAVE, "join(grads[0], grads[1])", "DL615", "there is 1 differentiable output"),
    formula("grads[1], size", "grads[2], size", "DL410", "2 outputs"),
    formula("grads[1], size", "grad, size", "DL411", "`grads[0]`"),
    formula("grads[1], size", "grad_lower, size", "DL413", "both by name"),
    formula("grads[0], grads[1]", "grad_uper, grad_lower", "DL602", "did you mean `grad_upper`?"),
    formula(f"  {BLEND}\n", "", "DL603", "`self` has no formula"),
    formula(f"  {OTHER}\n", "", "DL603", "so a forward formula has no `other_t`"),
    formula(
        '  self: not_implemented("shake")\n', "", "DL603", "`self` is a tensor without a formula"
    ),
    formula(f"  self: {GILD}\n", "", "DL432", "backward formula"),
    formula(
        "self_t + other_t", "self + other_t", "DL431", "write `self_p` for the value, `self_t`"
    ),
    formula("self_t + other_t", "self_t + other", "DL431", "write `other_p`"),
    formula(
        f"{BLEND}\n  {OTHER}",
        "self, othr: f(grad, self, other)",
        "DL603 DL616",
        "`othr` is no argument",
    ),
    formula(
        f"{BLEND}\n", f"{BLEND}\n  self, other: f(grad)\n", "DL617 DL617", "has a formula already"
    ),
    formula(f"{BLEND}\n", f"{BLEND}\n  {BLEND}\n", "DL009", "occurs twice"),
    formula(BLEND, "self: 1", "DL402", "write C++ that gives a tensor"),
    formula(BLEND, "self: [grad]", "DL402", "needs quotes"),
    formula(BLEND, "self: {grad}", "DL402", "needs quotes"),
    formula("[True, False]", "[True, Flase]", "DL403", "did you mean `False`?"),
    formula("[True, False]", "True", "DL403", "write a list"),
    formula("auto_linear", "non_differentiable", "DL609", "is an output"),
    formula(
        "self.sym_sizes(), result1", "self.sym_sizes(), resut1", "DL602", "did you mean `result1`?"
    ),
    formula(
        CLEAVE, CLEAVE.replace("self.sym_sizes()", "self.dtype()"), "DL606", "`self.scalar_type()`"
    ),
    formula(
        "self: grad.tilt(-angle)",
        "self: grad.tilt(-angle)\n  angle: grad",
        "DL619",
        "the type `int`",
    ),
    formula("grad * alpha", "grad ** alpha", "DL620", "call `pow`"),
    formula("grad * alpha", "grad // alpha", "DL607 DL620", "begins a comment"),
    formula("grad * alpha", "grad == True", "DL620", "write `true`"),
    formula("self.scalar_type()", "self.dtype", "DL620", "write `scalar_type()`"),
    formula("self.sym_sizes()", "self.shape", "DL620", "write `sym_sizes()`"),
    formula("gild_backward(grad,", "gild_backward(grad_output,", "DL602", "did you mean `grad`?"),
    formula("grad, result, luster", "grad, output, luster", "DL602", "did you mean `result`?"),
    formula("self.sym_sizes(), ", "input.sym_sizes(), ", "DL602", "did you mean `self`?"),
]

SHAPES = [
    formula("- name: shake", "-name: shake", "DL003", "after the dash"),
    formula("  self: grad.tilt(-angle)", " self: grad.tilt(-angle)", "DL003"),
    formula(f"  {TILT}", f"\t{TILT}", "DL003", "indent with spaces"),
    formula("  self: grad.tilt(-angle)", "  self grad.tilt(-angle)", "DL003", "`key: value`"),
    formula("self: grad.tilt(-angle)", "self:grad.tilt(-angle)", "DL003", "after the colon"),
    formula("self: grad.tilt(-angle)", "self: angle > 0 ? grad: grad", "DL003", "quote the value"),
    formula("self: grad.tilt(-angle)", 'self: "grad.tilt(-angle)', "DL003", "close the quotes"),
    formula("self: grad.tilt(-angle)", "self: *grad", "DL003", "quote the value"),
    native(f"{SCHEMA} ->", SCHEMA, "DL101"),
    native("gild(Tensor self, float", "gild(Tensor self,float", "DL104", "a comma and a space"),
    native("gild(Tensor self, float", "gild(Tensor, float", "DL103", "a type and a name"),
    native("-> (Tensor, Tensor)", "-> Tensor, Tensor", "DL106", "need parentheses"),
    native("gild_(Tensor(a!) self", "gild_(Tensor self", "DL117", "does not write to `self`"),
    native(f"{INPLACE} -> Tensor(a!)", f"{INPLACE} -> Tensor", "DL117", "return only `self`"),
    native("func: blend.out(", "func: blend_out(", "DL102", "`foo.out`"),
    native("  tags: view_copy\n", "", "DL313", "add `view_copy` to its tags"),
    native("  tags: nondeterministic_seeded\n", "", "DL215", "add `nondeterministic_seeded`"),
    native("  structured: True\n", "", "DL210", "add `structured: True`"),
    Slip(TAGS, "- tag: pointwise", "- tga: pointwise", "DL008", ("did you mean",)),
    Slip(TAGS, "  desc: It uses random numbers.\n", "", "DL230", ("add `desc`",)),
]  # fmt: skip

SPACES = [
    native(SCHEMA, SCHEMA.replace("=", " = "), "DL104", "without blanks around `=`"),
    native(SCHEMA, SCHEMA.replace("float luster=0.5", "int[2] x=[1, 2]"), "DL103", "as `[1,2]`"),
    native(SCHEMA, SCHEMA.replace("self,", "self"), "DL104", "by a comma and a space"),
    native(SCHEMA, SCHEMA.replace(",", ";"), "DL104", "by a comma and a space"),
    native(SCHEMA, SCHEMA.replace("luster", "self"), "DL624", "two arguments that are named"),
    native(SCHEMA, SCHEMA.replace("luster", "lambda"), "DL306", "keyword of Python"),
    native("dispatch:\n    CPU: shake", "dispatch:\n  CPU: shake", "DL006", "indent it"),
    native("dispatch:\n    CPU: shake", "dispatch: shake", "DL007", "a mapping of dispatch keys"),
    native("CPU, CUDA: gild\n", "CPU CUDA: gild\n", "DL222", "did you mean `CPU, CUDA`?"),
    native("CPU, CUDA: gild\n", "CPU, CUDA, CPU: gild\n", "DL626", "name it once"),
    native("CPU, CUDA: gild\n", "CPU, CUDA: gild\n    CUDA: gilt\n", "DL626", "name it once"),
    native("device_check: NoCheck", "device_check: No", "DL007", "did you mean `NoCheck`?"),
    native("device_check: NoCheck", "device_guard: Flase", "DL007", "did you mean `False`?"),
    native("device_check: NoCheck", "cpp_no_default_args: [siz]", "DL212"),
    native("tags: view_copy", "tags: view-copy", "DL205", "did you mean `view_copy`?"),
    formula("name: gild(", "name: aten::gild(", "DL101", "without its namespace"),
    formula("- name: gild(", "- func: gild(", "DL008", "did you mean `name`?"),
    formula("name: gild(Tensor self,", "name: gild(Tensor self", "DL405", "the function is `gild("),
    formula(TILT, "dispatch:\n    CUDA:\n      self: grad", "DL401", "mean `AutogradCUDA`?"),
    formula(TILT, "dispatch:\n    Defualt:\n      self: grad", "DL401", "mean `Default`?"),
    formula(TILT, "self: grad if angle else self", "DL620", "condition ? one : other"),
    formula(TILT, 'self: not_implmented("x")', "DL602", "did you mean `not_implemented`?"),
    formula("auto_linear", "auto-linear", "DL609", "only as `auto_linear`"),
    formula("auto_linear", "auto_linear()", "DL609", "write `auto_linear`"),
    formula(TILT, "self: Auto_Linear", "DL609", "is a forward formula"),
    formula(GILD, "non-differentiable", "DL609", "only as `non_differentiable`"),
    formula('"shake"', "'shake'", "DL620", 'write `"shake"`'),
    formula("other_t * alpha", "other_t * alpha_p", "DL602", "did you mean `alpha`?"),
    Slip(TAGS, "  desc: It copies a view.", "  dsec: It copies.", "DL230", ("mean `desc`?",)),
]

SEVERAL = [
    formula(
        GILD,
        "tanh_backward(grads[1], result, self.sizes()) + foo.bar(",
        "DL607 DL410 DL420 DL602",
        "never closed", "1 output", ".sym_sizes()", "`foo`",
    ),
    formula(CLEAVE, "self.sizes() + self.strides() + sefl", "DL420 DL420 DL602"),
    formula(f"{BLEND}\n  {OTHER}", "self: 1\n  othr: grad.sizes()", "DL402 DL420 DL430"),
    formula(f"{BLEND}\n  {OTHER}", "self: self.sizes()\n  other: grads[3]", "DL420 DL410"),
    formula("self_t + other_t * alpha", "self + other * alhpa", "DL431 DL431 DL602"),
    native(
        f"{SCHEMA} -> Tensor",
        "gild(Tenser self, flaot luster=0.5) -> Tnsor",
        "DL104 DL104 DL104",
    ),
    native(
        f"{VARIANTS}\n  tags: [core, pointwise]\n  dispatch:\n    CPU, CUDA",
        "variant: functon\n  tags: [cor, pointwise]\n  dispatch:\n    CPU, CUAD",
        "DL006 DL205 DL222",
    ),
    native(
        f"{SCHEMA} -> Tensor\n  {VARIANTS}",
        "gild(Tenser self) -> Tensor\n  variants: functon",
        "DL104 DL202",
    ),
]  # fmt: skip

SLIPS = [*NAMES, *FORMULAS, *SHAPES, *SPACES, *SEVERAL]


def test_there_are_many() -> None:
    assert len(SLIPS) >= 75


def test_without_a_slip_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert diagnostics_of(Slip(TAGS, "- tag: core", "- tag: core", ""), tmp_path) == []


@pytest.mark.parametrize("slip", SLIPS, ids=ids_of(SLIPS))
def test_what_is_told_of_a_slip(slip: Slip, tmp_path: Path) -> None:
    check_what_is_told(slip, tmp_path)


@pytest.mark.parametrize("slip", SLIPS, ids=ids_of(SLIPS))
def test_a_fix_of_a_slip_removes_it(slip: Slip, tmp_path: Path) -> None:
    check_its_fixes(slip, tmp_path)
