"""Further mistakes as people make them, each with what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.paths import TAGS
from support.slips import (
    BLEND,
    GILD,
    OTHER,
    SCHEMA,
    TILT,
    VARIANTS,
    Slip,
    check_its_fixes,
    check_what_is_told,
    formula,
    ids_of,
    native,
)

TWICE = [
    formula(
        f"{BLEND}\n",
        f"{BLEND}\n  {BLEND}\n  othr: grad + alhpa\n",
        "DL009 DL430 DL602",
        "keep one of them",
        "did you mean `alpha`?",
    ),
    formula(f"{TILT}\n", f"{TILT}\n  self: grads[3] + angel\n", "DL009 DL410 DL602"),
    native(
        f"{VARIANTS}\n  tags: [core, p",
        f"{VARIANTS}\n  variants: functon\n  tags: [cor, p",
        "DL009 DL202 DL205",
    ),
    formula("- name: tilt(", "  name: tilt(", "DL009", "begin the next entry with a dash"),
    native("- func: gild_(", "  func: gild_(", "DL009", "begin the next entry with a dash"),
    Slip(TAGS, "- tag: pointwise", "  tag: pointwise", "DL009", ("with a dash: `- tag`",)),
]  # fmt: skip

KEYS = [
    formula(TILT, "input: grad.tilt(-angle)", "DL430", "did you mean `self`?"),
    formula(TILT, "leaf: grad.tilt(-angle)", "DL430", "did you mean `self`?"),
    formula("result: auto_linear", "output: auto_linear", "DL430", "did you mean `result`?"),
    formula(f"{BLEND}\n  {OTHER}", "self other: both(grad)", "DL430", "mean `self, other`?"),
    formula(f"{BLEND}\n  {OTHER}", "(self, other): both(grad)", "DL430", "mean `self, other`?"),
    formula(f"{BLEND}\n  {OTHER}", "self; other: both(grad)", "DL430", "mean `self, other`?"),
    native("func: shake(", "name: shake(", "DL006", "did you mean `func`?"),
    native(
        "  device_check: NoCheck",
        "  device_check: NoCheck\n  device_chek: NoCheck",
        "DL006",
        "check its spelling, or remove it",
    ),
    native("[core, pointwise]", "[core pointwise]", "DL205", "`[core, pointwise]`"),
    Slip(TAGS, "- tag: core", "- tag: kern", "DL205", ("tags.yaml has no tag `core`",)),
]

FORMULAS = [
    formula(GILD, "gild_backward(grad, result0, luster)", "DL602", "did you mean `result`?"),
    formula(
        "self: join(grads[0], grads[1]", "self: join(grads[1], result1", "DL602", "mean `lower`?"
    ),
    formula(TILT, "self: grad..tilt(-angle)", "DL613", "nothing between `.` and `.`"),
    formula("self.scalar_type())", "self.scalar_type)", "DL620", "write `scalar_type()`"),
    formula(TILT, "self: torch.tilt(grad)", "DL620", "write `at::`"),
    formula(TILT, "self: return grad.tilt(-angle);", "DL612 DL612", "without `return`"),
    formula(TILT, "self: grad.tilt(-angle) // back", "DL620", "write comments with `#`"),
    formula(TILT, "self: gr\u200bad", "DL614", "remove it"),
    formula(TILT, "self: gr\u0430d", "DL614", "write `a`"),
    formula(TILT, "self: “grad”", "DL614", "remove them"),
    formula('not_implemented("shake")', "not_implemented(shake)", "DL611", 'write `"shake"`'),
    formula(TILT, "self: no", "DL402", "or `non_differentiable`"),
    formula(TILT, "self: None", "DL620", "write `non_differentiable`"),
    formula(TILT, "self: grads[-1]", "DL615", "counted from 0"),
    formula(TILT, "self: grads(0)", "DL615", "write `grads[0]`"),
    formula(TILT, "self: turn(grads, angle)", "DL615", "write `grad`"),
    formula(TILT, "self: turn(grad,", "DL607 DL613"),
    formula("self_t + other_t * alpha", "self + other_t * alpha", "DL431", "write `self_p`"),
    formula(
        f"{BLEND}\n  {OTHER}\n  result: self_t + other_t",
        f"self: nondifferentiable\n  {OTHER}\n  result: self + other_t",
        "DL431 DL602",
        "write `non_differentiable` as the formula of `self`",
    ),
    formula(GILD, "[grad, result]", "DL402"),
    formula("[True, False]", "['True', 'False']", "DL404", "write `[True, False]`, without"),
    formula("[True, False]", "(True, False)", "DL403"),
    formula("[True, False]", "[1, 0]", "DL403 DL403", "did you mean `True`?"),
]

NATIVES = [
    native("autogen: gild.out", "autogen: gild.outt", "DL625", "write `gild.out`"),
    native("autogen: gild.out", "autogen: gild.ot", "DL625", "write `gild.out`"),
    native("autogen: gild.out", "autogen: gild, gild.out", "DL625", "write `gild.out`"),
    native("autogen: gild.out", "autogen: gild.out;", "DL625", "write `gild.out`"),
    native(
        f"{SCHEMA} -> Tensor\n  variants",
        f"{SCHEMA} -> Tensor\n  autogen: shake\n  variants",
        "DL625",
        "write `gild.out`",
    ),
    native("structured: True\n", "structured: False\n", "DL210", "add `structured: True`"),
]

SCHEMAS = [
    formula(
        "name: shake(Tensor self, *, Generator? generator=None) ->",
        "name: shake(Tensor self, *, Generator? generator=None ->",
        "DL101",
        "`)` is missing here",
    ),
    formula("name: shake(Tensor", "name: shake Tensor", "DL101", "`(` is missing here"),
    formula(
        "name: shake(Tensor self, *, Generator? generator=None) ->",
        "name: shake(Tensor self, *, Generator? generator=None) =>",
        "DL405",
        "write `->`",
    ),
    native(
        "float luster=0.5) -> Tensor\n",
        "optional<double> luster) -> Tensor\n",
        "DL104",
        "did you mean `float?`?",
    ),
    native(
        "float luster=0.5) -> Tensor\n",
        "std::vector<int64_t> luster) -> Tensor\n",
        "DL104",
        "did you mean `int[]`?",
    ),
    native(
        "tilt(Tensor(a) self, int", "tilt(Tensor(a) self int", "DL105", "by a comma and a space"
    ),
    native("tilt(Tensor(a) self, int", "tilt(Tensor(!a) self, int", "DL105"),
    native("=0.5) -> Tensor(a!)", "=0.5) -> Tensor", "DL117"),
    native(
        "*, Scalar alpha=1, Tensor(a!) out",
        "Scalar alpha, Tensor(a!) out",
        "DL113",
        "write `*, Tensor(a!) out`",
    ),
]

LINES = [
    formula(TILT, "self grad.tilt(-angle)", "DL003", "write `key: value`"),
    formula(TILT, "self = grad.tilt(-angle)", "DL003", "write `key: value`"),
    formula(TILT, "self\uff1a grad.tilt(-angle)", "DL003", "write `key: value`"),
    formula(f"  {TILT}", f"\xa0\xa0{TILT}", "DL003", "indent it like the keys"),
    formula("- name: tilt", "---\n- name: tilt", "DL003", "remove the line `---`"),
    formula(TILT, "[self]: grad.tilt(-angle)", "DL003", "names without brackets"),
]

SLIPS = [*TWICE, *KEYS, *FORMULAS, *NATIVES, *SCHEMAS, *LINES]


@pytest.mark.parametrize("slip", SLIPS, ids=ids_of(SLIPS))
def test_what_is_told_of_a_slip(slip: Slip, tmp_path: Path) -> None:
    check_what_is_told(slip, tmp_path)


@pytest.mark.parametrize("slip", SLIPS, ids=ids_of(SLIPS))
def test_a_fix_of_a_slip_removes_it(slip: Slip, tmp_path: Path) -> None:
    check_its_fixes(slip, tmp_path)
