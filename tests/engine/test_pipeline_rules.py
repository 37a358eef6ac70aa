"""Every rule by the least that breaks it: one diagnostic, at its place, and nothing in its wake.

How each reads is in test_check_rules.py.

The texts have « and » around what is to be underlined; they are taken out before loading.
"""

from __future__ import annotations

import re

import pytest

from derivload.rules import RULES
from support.paths import PACKAGE
from support.rule_cases import CPU, DERIVATIVES, Case, in_formulas, left_by, load

# Rules of whole files are tested in test_bad_input.py, warnings in test_warnings.py, what is too
# large in test_check_rules.py, and rules of backends' files in test_backend.py.
ELSEWHERE = {
    "DL001",
    "DL002",
    "DL004",
    "DL010",
    "DL011",
    "DL415",
    *(code for code in RULES if code.startswith(("DL6", "DL7", "DL8"))),
}


OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


OUT = "- func: f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"


def in_func(code: str, marked: str) -> Case:
    return Case(code, f"- func: {marked}\n")


def marked_place(case: Case) -> tuple[str, int, int, str]:
    """The file, line and column of the marked words, and the words."""
    (file, text), *more = [
        (f"{name}.yaml", text)
        for name, text in (
            ("derivatives", case.derivatives),
            ("native_functions", case.natives),
            ("tags", case.tags),
        )
        if "«" in text
    ]
    assert not more
    before, _, behind = text.partition("«")
    line = before.rpartition("\n")[2]
    return file, before.count("\n") + 1, len(line) + 1, behind.partition("»")[0]


CASES = [
    # ------------------------------------------------------------------------- files and YAML
    Case("DL003", natives="- func: «@»f\n"),
    Case("DL003", derivatives="- name: f\n  self: x«:» y\n"),
    Case("DL003", tags="- tag: «%»x\n"),
    Case("DL005", natives="«- some text»\n"),
    Case("DL005", derivatives="«- 3»\n"),
    Case("DL005", tags="«- [x, y]»\n"),
    Case("DL006", natives="- func: f(Tensor self) -> Tensor\n  «colour»: red\n"),
    Case("DL006", natives="- func: f(Tensor self) -> Tensor\n  «1»: red\n"),
    Case("DL007", natives="- func: f(Tensor self) -> Tensor\n  variants: «[function]»\n"),
    Case("DL007", natives="- func: f(Tensor self) -> Tensor\n  device_guard: «'no'»\n"),
    Case("DL007", natives="- func: f(int x=1) -> Tensor\n  cpp_no_default_args: [x, «3»]\n"),
    Case("DL007", derivatives="- name: «3»\n  self: grad\n"),
    Case("DL007", derivatives=f"{DERIVATIVES[:-14]}\n  dispatch: «grad»\n"),
    Case("DL007", derivatives=f"{DERIVATIVES[:-14]}\n  dispatch:\n    Default: «grad»\n"),
    Case("DL007", tags="- tag: «yes»\n  desc: x\n"),
    Case("DL008", natives="- «variants: function»\n"),
    Case("DL008", derivatives="- «self: grad»\n"),
    Case("DL008", tags="- «desc: x»\n"),
    Case("DL009", natives="- func: f(Tensor self) -> Tensor\n  tags: core\n  «tags»: core\n"),
    Case("DL009", derivatives="- name: base(Tensor self) -> Tensor\n  self: x\n  «self»: y\n"),
    Case("DL009", tags="- tag: x\n  desc: y\n  «desc»: z\n"),
    # ------------------------------------------------------------------------- schemas and C++
    in_func("DL101", "«f(Tensor self)»"),
    Case("DL101", derivatives="- name: «f»\n  self: grad\n"),
    in_func("DL102", "«f_out»(Tensor self) -> Tensor"),
    Case("DL102", "- func: f(Tensor self) -> Tensor\n  autogen: f.out, «f_out»\n"),
    Case("DL102", "- func: f(Tensor self) -> Tensor\n  structured_delegate: «f_out»\n"),
    in_func("DL103", "f(«Tensor») -> Tensor"),
    in_func("DL104", "f(Tensor self, «Tenser» x) -> Tensor"),
    in_func("DL105", "f(Tensor«(A)» self) -> Tensor"),
    in_func("DL106", "f(int x) -> («Tensor»)"),
    in_func("DL107", f"f(*, {OPTIONS}, «{OPTIONS}») -> Tensor"),
    in_func("DL110", "f_(Tensor(a!) self, *, «Tensor(a!) out») -> Tensor(a!)"),
    in_func("DL111", "f(«Tensor(a!) x», Tensor self) -> ()"),
    in_func("DL112", "f.out(*, «Tensor(a!) out») -> Tensor(b!)"),
    in_func("DL113", "f(«Tensor(a!) x») -> Tensor(a!)"),
    in_func("DL114", "f(Tensor(a!) self) -> «(Tensor(a!), Tensor)»"),
    in_func("DL115", "f(Tensor self) -> «Tensor(a!)»"),
    in_func("DL116", "f.out(*, Tensor(a!) out) -> «()»"),
    in_func("DL116", "f.out(*, Tensor(a!) x, Tensor(b!) y) -> «Tensor(a!)»"),
    in_func("DL117", "f_(«Tensor self») -> Tensor"),
    in_func("DL117", "«f_»(Tensor(a!) x) -> ()"),
    in_func("DL117", "f_(Tensor(a!) self) -> «Tensor»"),
    in_func("DL118", f"f(Tensor(a!) x, *, «{OPTIONS}») -> ()"),
    in_func("DL119", "«f.functional»(Tensor(a!) x) -> ()"),
    in_formulas("DL120", "f(Tensor self, «GraphModule» x) -> Tensor", "  self: grad\n"),
    in_formulas("DL120", "f(Tensor self) -> «int[2]»", "  self: grad\n"),
    in_formulas("DL121", "f(Tensor self, int[] x«=1») -> Tensor", "  self: grad\n"),
    # ------------------------------------------- entries of native_functions.yaml and tags.yaml
    in_func("DL201", "«a::b»::f(Tensor self) -> Tensor"),
    Case("DL202", "- func: f(Tensor self) -> Tensor\n  variants: function, «methods»\n"),
    Case("DL203", "- func: f(Tensor self) -> Tensor\n  structured_delegate: «a::f.out»\n"),
    Case("DL203", f"{OUT}  structured: True\n  structured_inherits: «at::Base»\n"),
    Case("DL204", "- func: f(Tensor self) -> Tensor\n  device_check: «Maybe»\n"),
    Case("DL205", "- func: f(Tensor self) -> Tensor\n  tags: «colour»\n"),
    Case("DL205", "- func: f(Tensor self) -> Tensor\n  tags: [core, «colour»]\n"),
    Case("DL206", f"{OUT}  variants: «function, method»\n{CPU}"),
    Case("DL207", "- func: f(Tensor self) -> Tensor\n  python_module: nn\n  variants: «method»\n"),
    Case("DL208", "- func: f(Tensor self) -> Tensor\n  «structured»: True\n"),
    Case("DL208", f"{OUT}  «structured_delegate»: f.out\n"),
    Case("DL209", f"{OUT}  structured: True\n  «device_guard»: False\n"),
    Case("DL210", "- func: f(Tensor self) -> Tensor\n  «structured_inherits»: Base\n"),
    Case("DL211", "- func: f(Tensor self) -> Tensor\n  «precomputed»:\n  - int x\n"),
    Case("DL212", "- func: f(int x, int y=1) -> Tensor\n  cpp_no_default_args: [y, «x»]\n"),
    Case("DL213", f"{OUT}  «use_const_ref_for_mutable_tensors»: True\n{CPU}"),
    in_func("DL214", "«_foreach_f»(Tensor[] self) -> Tensor[]"),
    in_func("DL215", "«randomize»(Tensor self) -> Tensor"),
    in_func("DL215", "«f»(Tensor self, float dropout) -> Tensor"),
    in_func("DL215", "«f»(Tensor self, Generator? g) -> Tensor"),
    Case("DL215", "- func: «a_philox_rand»(int x) -> Tensor\n", version="2.14"),
    Case("DL216", f"{OUT}  structured: True\n  precomputed:\n  - «int x»\n  - int y\n"),
    Case("DL216", f"{OUT}  structured: True\n  precomputed: [«self -> int x -> int y»]\n"),
    Case("DL216", f"{OUT}  structured: True\n  precomputed: [«3»]\n"),
    Case("DL216", f"{OUT}  structured: True\n  precomputed:\n  - «self -> int x,int y»\n"),
    Case("DL216", f"{OUT}  structured: True\n  precomputed:\n  - self -> int «X»\n"),
    Case("DL217", f"{OUT}  structured: True\n  ufunc_inner_loop: «f»\n"),
    Case("DL217", f"{OUT}  structured: True\n  ufunc_inner_loop: f (Bool, «Bull»)\n"),
    Case("DL217", f"{OUT}  structured: True\n  ufunc_inner_loop:\n    «Some»: f (Bool)\n"),
    Case("DL217", f"{OUT}  structured: True\n  ufunc_inner_loop:\n    Generic: «[f]»\n"),
    Case(
        "DL220",
        "- func: f(Tensor self) -> Tensor\n  manual_kernel_registration: True\n"
        f"  «dispatch»:{CPU[11:]}",
    ),
    Case("DL221", "- func: f(Tensor self) -> Tensor\n  dispatch:\n    CPU: «[f]»\n"),
    Case("DL221", "- func: f(Tensor self) -> Tensor\n  dispatch:\n    CPU: «a::b::c::d::f»\n"),
    Case("DL222", "- func: f(Tensor self) -> Tensor\n  dispatch:\n    CPU, «GPU»: f\n"),
    Case("DL222", "- func: GPU(Tensor self) -> Tensor\n  dispatch:\n    CPU, «GPU»: f\n"),
    Case(
        "DL223",
        "- func: f(Tensor self) -> Tensor\n  «dispatch»:\n    CompositeImplicitAutograd: f\n",
    ),
    Case(
        "DL224",
        f"- func: f(Tensor self) -> Tensor\n  structured_delegate: f.out\n  «dispatch»:{CPU[11:]}",
    ),
    Case(
        "DL225",
        "- func: f(Tensor self) -> Tensor\n  «dispatch»:\n    CompositeImplicitAutograd: f\n"
        "    CompositeExplicitAutograd: g\n",
    ),
    in_func("DL226", "«f_like»(Tensor self) -> Tensor"),
    in_func("DL226", "«new_f»(Tensor self) -> Tensor"),
    in_func("DL226", f"«f»(*, {OPTIONS}) -> Tensor"),
    Case("DL227", "- func: f(Tensor self) -> Tensor\n  «ufunc_inner_loop»: f (Bool)\n"),
    Case(
        "DL228", f"{OUT}  structured: True\n  ufunc_inner_loop: f (Bool)\n  «dispatch»:{CPU[11:]}"
    ),
    Case("DL230", tags="- tag: «colour»\n"),
    Case("DL230", tags="- tag: «colour»\n  desc: ''\n"),
    # ----------------------------------------------------------------------- between functions
    Case("DL301", "- func: f.a(Tensor self) -> Tensor\n- func: «f.b»(Tensor self) -> Tensor\n"),
    Case("DL302", f"{OUT.replace('f.out', '«f.out»')}{CPU}"),
    Case("DL303", f"- func: «f»(Tensor self) -> int\n{CPU}"),
    Case("DL303", f"- func: «f»(Tensor(a!) self) -> Tensor(a!)\n{CPU}  autogen: f.out\n"),
    Case("DL304", "- func: f(Tensor self) -> Tensor\n- func: «f»(Tensor self, int x) -> Tensor\n"),
    Case("DL305", "- func: f(Tensor self) -> Tensor\n  structured_delegate: «f.out»\n"),
    Case("DL305", f"{OUT}{CPU}- func: f(Tensor self) -> Tensor\n  structured_delegate: «f.out»\n"),
    in_func("DL306", "f(Tensor self, «int lambda») -> Tensor"),
    Case("DL307", "- func: «f»(Tensor self) -> Tensor\n  tags: inplace_view\n"),
    Case("DL308", "- func: «f_»(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n"),
    Case(
        "DL310",
        "- func: f(Tensor(a) self) -> Tensor(a)\n- func: «f_copy»(Tensor(a) self) -> Tensor(a)\n",
    ),
    in_func("DL311", "«f_»(Tensor(a! -> *) self) -> Tensor(a! -> *) x"),
    Case("DL312", f"- func: «f»(Tensor(a) self) -> Tensor(a)\n{CPU}"),
    Case(
        "DL313",
        f"- func: f(Tensor(a) self) -> Tensor(a)\n{CPU}"
        f"- func: «f_copy»(Tensor self) -> Tensor\n{CPU}",
    ),
    Case(
        "DL314",
        "- func: f(Tensor(a) self) -> Tensor(a)\n"
        f"- func: «f_»(Tensor(a!) self) -> Tensor(a!)\n  tags: inplace_view\n{CPU}",
    ),
    # ------------------------------------------------------------ entries of derivatives.yaml
    in_formulas("DL401", "f(Tensor self) -> Tensor", "  dispatch:\n    «GPU»:\n      self: x\n"),
    in_formulas("DL402", "f(Tensor self) -> Tensor", "  self: «3»\n"),
    in_formulas(
        "DL402", "f(Tensor self) -> Tensor", "  dispatch:\n    Default:\n      self: «3»\n"
    ),
    in_formulas("DL403", "f(Tensor self) -> Tensor", "  output_differentiability: «3»\n"),
    in_formulas("DL403", "f(Tensor self) -> Tensor", "  output_differentiability: [True, «3»]\n"),
    in_formulas("DL404", "f(Tensor self) -> Tensor", "  output_differentiability: «[a, b]»\n"),
    Case("DL405", derivatives="- name: «f»(Tensor self) -> Tensor\n  self: grad\n"),
    in_formulas("DL406", "«f.functional(Tensor self) -> Tensor»", "  self: grad\n"),
    in_formulas("DL407", "f(Tensor «result») -> Tensor", "  result: grad\n"),
    in_formulas("DL407", "f(Tensor self, Tensor «grad_input_mask») -> Tensor", "  self: grad\n"),
    in_formulas("DL408", "f(Tensor x) -> (Tensor x, Tensor y)", "  «x»: grads[1]\n"),
    in_formulas(
        "DL409",
        "f(Tensor self, Tensor x) -> Tensor",
        "  self, x: grad\n  «x»: non_differentiable\n",
    ),
    in_formulas("DL410", "f(Tensor self) -> Tensor", "  self: grads[0] + «grads[1]»\n"),
    in_formulas(
        "DL411", "f(Tensor self, Tensor x) -> (Tensor, Tensor)", "  self: grad\n  x: «grads»[1]\n"
    ),
    in_formulas("DL412", "f(Tensor self) -> (Tensor, Tensor)", "  self: f(«grads[0]»)\n"),
    in_formulas("DL413", "f(Tensor self) -> (Tensor a, Tensor b)", "  self: «grad» + grad_a\n"),
    in_formulas("DL420", "f(Tensor self) -> Tensor", "  self: grad + self«.sizes()»\n"),
    in_formulas("DL420", "f(Tensor self) -> Tensor", "  self: grad + self«->size(-1)»\n"),
    in_formulas(
        "DL421", "f(Tensor self, Tensor x) -> Tensor", "  self: grad + «x.sym_strides()»\n"
    ),
    in_formulas("DL430", "f(Tensor self) -> Tensor", "  «colour»: grad\n"),
    in_formulas("DL430", "f(Tensor self) -> (Tensor, Tensor)", "  «result2»: self_t\n"),
    in_formulas("DL430", "f(Tensor self) -> (Tensor, Tensor)", "  «result»: self_t\n"),
    in_formulas("DL431", "f(Tensor self) -> Tensor", "  self: grad\n  result: self_t * «self»\n"),
    in_formulas(
        "DL432",
        "f(Tensor self, Tensor x) -> Tensor",
        "  self: grad\n  x: grad\n  result: «auto_element_wise»\n",
    ),
    in_formulas(
        "DL432",
        "f_(Tensor(a!) self) -> Tensor(a!)",
        "  self: grad\n  result: «auto_element_wise»\n",
    ),
    in_formulas(
        "DL433",
        "f(Tensor self) -> (Tensor, Tensor)",
        "  self: grads[1]\n  result0: «auto_linear»\n  result1: self_t\n",
    ),
    in_formulas("DL434", "f(Tensor self) -> Tensor", "  result: «auto_linear»\n"),
    # --------------------------------------------------------------------------------- matching
    Case(
        "DL501",
        "- func: f(Tensor self) -> Tensor\n- func: «f_»(Tensor(a!) self) -> Tensor(a!)\n",
        "- name: f(Tensor self) -> Tensor\n  self: grad + self.sym_strides()\n",
    ),
    Case(
        "DL502",
        f"- func: «f_(Tensor(a!) self) -> Tensor(a!)»\n{CPU}  autogen: f, f.out\n",
        "- name: f_(Tensor(a!) self) -> Tensor(a!)\n  self: grad * self\n",
    ),
    Case(
        "DL503",
        "- func: f(Tensor self) -> Tensor\n"
        "- func: «_foreach_f»(Tensor[] self) -> Tensor[]\n  device_check: NoCheck\n",
        "- name: f(Tensor self) -> Tensor\n  dispatch:\n    AutogradCUDA:\n      self: grad\n",
    ),
    Case(
        "DL504",
        "- func: f(Tensor self, Tensor x) -> Tensor\n"
        "- func: «_foreach_f»(Tensor[] self, Tensor x) -> Tensor[]\n  device_check: NoCheck\n",
        "- name: f(Tensor self, Tensor x) -> Tensor\n  self: grad\n  result: self_t\n",
    ),
    Case(
        "DL504",
        "- func: f(Tensor self) -> (Tensor, Tensor)\n"
        "- func: «_foreach_f»(Tensor[] self) -> Tensor[]\n  device_check: NoCheck\n",
        "- name: f(Tensor self) -> (Tensor, Tensor)\n  self: grads[1] * result1\n",
    ),
    Case(
        "DL505",
        "- func: f_(Tensor(a!) self) -> Tensor(a!)\n",
        "- name: f_(Tensor(a!) self) -> Tensor(a!)\n  self: grad\n  result: self_t * «self_p»\n",
    ),
    Case(
        "DL506",
        "- func: f(Tensor self) -> Tensor\n- func: «f_»(Tensor(a!) self) -> Tensor(a!)\n",
        "- name: f(Tensor self) -> Tensor\n  self: grad\n  result: self_t\n  result0: self_t\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_least_that_breaks_a_rule_gives_one_diagnostic_at_its_place(case: Case) -> None:
    diagnostics = load(case)
    found = [
        (d.file, d.line, d.column, d.source_line[d.column - 1 : d.column - 1 + d.length])
        for d in diagnostics
    ]
    assert (found, [d.code for d in diagnostics]) == ([marked_place(case)], [case.code])
    for fix in diagnostics[0].fixes:
        # What the mistake held back is told now: most of these are the least that has one.
        assert case.code not in left_by(fix, case), fix


def test_of_several_lines_the_first_is_underlined_to_its_end() -> None:
    case = Case("", "- func: f(Tensor self) -> Tensor\n  variants: [function,  \n    method]  \n")
    (found,) = load(case)
    underlined = found.source_line[found.column - 1 : found.column - 1 + found.length]
    assert (found.line, underlined, found.end_line) == (2, "[function,", 3)


@pytest.mark.parametrize(
    ("key", "due"),
    [
        ("autogen", "a text"),
        ("category_override", "a text"),
        ("cpp_no_default_args", "a list"),
        ("device_check", "a text"),
        ("device_guard", "true or false"),
        ("dispatch", "a mapping of dispatch keys"),
        ("manual_cpp_binding", "true or false"),
        ("manual_kernel_registration", "true or false"),
        ("precomputed", "a list"),
        ("python_module", "a text"),
        ("structured", "true or false"),
        ("structured_delegate", "an operator name"),
        ("structured_inherits", "a text"),
        ("tags", "a tag or a list of tags"),
        ("ufunc_inner_loop", "a text or a mapping"),
        ("use_const_ref_for_mutable_tensors", "true or false"),
        ("variants", "`function`, `method` or both"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_what_must_be_there(key: str, due: str) -> None:
    (found,) = load(Case("", f"- func: f(Tensor self) -> Tensor\n  {key}: 1.5\n"))
    assert found.code == "DL007"
    assert found.message == f"`{key}` is the number 1.5, but must be {due}"


def test_what_stands_behind_each_case_is_right() -> None:
    assert load(Case("")) == []


def test_every_rule_has_a_case() -> None:
    assert {case.code for case in CASES} == RULES.keys() - ELSEWHERE


def test_the_rules_are_those_that_the_source_reports() -> None:
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name != "rules.py":
            used |= set(re.findall(r'"(DL\d{3})"', path.read_text("utf-8")))
    assert used == RULES.keys()
