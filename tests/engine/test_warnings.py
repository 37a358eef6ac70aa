"""The warnings: each by the least that breaks it, what comes near, and no release has any."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.commands.check.command import check
from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.derivatives.formula_names import used_names
from derivload.derivatives.lint_allowed import ALLOWED
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import LoadedTexts, load_texts
from derivload.engine.texts import Text, Texts
from derivload.loading.paths import find_files
from support.releases import Release

RELEASES = [f"2.{minor}.0" for minor in range(1, 16)]
CPU = "  dispatch:\n    CPU: f\n"
TAGS = Text("tags.yaml", "- tag: shiny\n  desc: It shines.\n")


def of_load(loaded: LoadedTexts, texts: Texts) -> list[Diagnostic]:
    """The warnings about a load."""
    judged = judge(lint(loaded.load), texts, has_errors=bool(loaded.diagnostics))
    return place_all(judged.shown, texts)


def warnings(natives: str, derivatives: str, version: str = NEWEST.version) -> list[str]:
    """The warnings about two files that have no errors, as they read."""
    overlays = [Text(f"native_{i}.yaml", text) for i, text in enumerate(natives.split("---\n"))]
    texts = Texts(Text("derivatives.yaml", derivatives), tuple(overlays), TAGS)
    loaded = load_texts(texts, DIALECTS[version])
    assert [d.render() for d in loaded.diagnostics] == []
    return [d.render() for d in of_load(loaded, texts)]


def of_formula(formula: str, schema: str = "f(Tensor self, Tensor other) -> Tensor") -> list[str]:
    """The first lines of the warnings about one formula, `other` being seen to."""
    natives = f"- func: {schema}\n{CPU}"
    formulas = f"  self: |\n    {formula}\n  other: non_differentiable\n"
    found = warnings(natives, f"- name: {schema}\n{formulas}")
    return [text.partition("\n")[0].partition(": ")[2] for text in found]


# ----------------------------------------------------------------------------------- as they read


def test_a_function_defined_twice() -> None:
    schema = "f(Tensor self) -> Tensor"
    twice = f"- name: {schema}\n  self: grad\n- name: {schema}\n  self: grad * 2\n"
    assert warnings(f"- func: {schema}\n{CPU}", twice) == [
        (
            "derivatives.yaml:3:9: warning[DL601]: `f` is already defined at "
            "derivatives.yaml:1; only "
            "this definition counts\n"
            "  3 | - name: f(Tensor self) -> Tensor\n"
            "    |         ^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "  help: keep one of them"
        )
    ]


def test_a_misspelt_name() -> None:
    schema = "f(Tensor self) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n  self: grad * slef\n") == [
        (
            "derivatives.yaml:2:16: warning[DL602]: `slef` is not an argument, "
            "output or gradient of `f`\n"
            "  2 |   self: grad * slef\n"
            "    |                ^^^^\n"
            "  help: did you mean `self`?"
        )
    ]


def test_a_name_like_no_other() -> None:
    schema = "f(Tensor self) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n  self: grad * epoch\n") == [
        (
            "derivatives.yaml:2:16: warning[DL602]: `epoch` is not an argument, "
            "output or gradient of `f`\n"
            "  2 |   self: grad * epoch\n"
            "    |                ^^^^^\n"
            "  help: use an argument, an output or a gradient, or call a function"
        )
    ]


def test_an_argument_in_no_formula() -> None:
    schema = "f(Tensor self, Tensor other) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n  self: grad\n") == [
        (
            "derivatives.yaml:1:24: warning[DL603]: `other` is a tensor without a formula, and no "
            "formula uses it\n"
            "  1 | - name: f(Tensor self, Tensor other) -> Tensor\n"
            "    |                        ^^^^^^^^^^^^\n"
            "  help: give it a formula, or `non_differentiable`"
        )
    ]


def test_a_derivative_of_a_composite_function() -> None:
    schema = "f(Tensor self) -> Tensor"
    assert warnings(f"- func: {schema}\n", f"- name: {schema}\n  self: grad\n") == [
        (
            "derivatives.yaml:1:9: warning[DL604]: `f` has only a "
            "CompositeImplicitAutograd kernel: "
            "autograd differentiates the functions that it calls\n"
            "  1 | - name: f(Tensor self) -> Tensor\n"
            "    |         ^\n"
            "  help: remove the definition, or give the function a kernel of its own"
        )
    ]


def test_an_overlay_that_declares_an_operator_of_the_base() -> None:
    schema = "f(Tensor self) -> Tensor"
    natives = f"- func: {schema}\n{CPU}---\n- dispatch:\n    XPU: f\n"
    natives += "  func: f(Tensor self, int x) -> Tensor\n"
    assert warnings(natives, f"- name: {schema}\n  self: grad\n") == [
        (
            "native_1.yaml:3:9: warning[DL605]: `f` is already declared at "
            "native_0.yaml:1, with other "
            "arguments\n"
            "  3 |   func: f(Tensor self, int x) -> Tensor\n"
            "    |         ^\n"
            "  help: give this another overload name, or put it in its place with --override"
        )
    ]


def test_a_tensor_saved_for_its_type() -> None:
    schema = "f(Tensor self) -> Tensor"
    formulas = "  self: grad.to(self.dtype())\n"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n{formulas}") == [
        (
            "derivatives.yaml:2:17: warning[DL606]: all of `self` is saved, "
            "but only its `dtype` is "
            "used\n"
            "  2 |   self: grad.to(self.dtype())\n"
            "    |                 ^^^^^^^^^^\n"
            "  help: write `self.scalar_type()`"
        )
    ]


# -------------------------------------------------------------------------- names in formulas


@pytest.mark.parametrize(
    "formula",
    [
        "grad * self + other + result",
        "helper(grad, self.member(), std::numeric_limits<double>::max(), M_PI, kSmall)",
        "helper(grad, \"no name\", 'x', /* nor here */ 1e-5, 0x1fL, 1.f, true, nullptr)",
        "std::vector<int64_t>{1}.size() > 0 ? grad : Tensor()",
        "std::tuple<Tensor, at::IntArrayRef>(grad, {})",
        "[&]() { auto total = grad; for (const auto& part : f()) total += part; return total; }()",
        "apply(grad, [](const Tensor& x) { return x; }, [y = self](int64_t i) { return y; })",
        "scale_by(grad) + apply(grad, scale_by)",
        "retain_variables && grad_input_mask[0] ? grad : grad.clone()",
        "static_cast<double>(not self.defined()) * grad",
    ],
)
def test_what_a_formula_may_use(formula: str) -> None:
    assert of_formula(formula) == []


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("grad * (selv < 3)", "selv"),
        ("grad * (selv < 3) * (4 > 2)", "selv"),
        ("grad - selv", "selv"),
        ("grad * self.pow(exponent)", "exponent"),
        ("grad ? (x) : self", "x"),
        ("self_p * grad", "self_p"),
        ("grad * result0_", "result0_"),
        ("f(grads_, self)", "grads_"),
        ("return_it ? grad : self", "return_it"),
    ],
)
def test_what_a_formula_may_not_use(formula: str, name: str) -> None:
    message = f"`{name}` is not an argument, output or gradient of `f`"
    assert of_formula(formula) == [f"warning[DL602]: {message}"]


def test_the_place_is_that_of_the_name_and_not_of_a_word_like_it() -> None:
    schema = "f(Tensor self) -> Tensor"
    formula = "f(grad, x::size, self.t().size, 'size', size)"
    (found,) = warnings(f"- func: {schema}\n{CPU}", f'- name: {schema}\n  self: "{formula}"\n')
    assert found.splitlines()[2] == "    |" + " " * 50 + "^^^^"


@pytest.mark.parametrize("name", ["self_t", "self_p", "result", "original_self_p", "other"])
def test_what_a_tangent_may_use(name: str) -> None:
    schema = "f_(Tensor(a!) self, Scalar other) -> Tensor(a!)"
    formulas = f"  self: grad\n  result: self_t * {name}\n"
    natives = f"- func: {schema}\n{CPU}"
    found = [] if name != "self_p" else ["DL505"]
    texts = Texts(Text("d", f"- name: {schema}\n{formulas}"), (Text("n", natives),), TAGS)
    loaded = load_texts(texts, NEWEST)
    assert [d.code for d in loaded.diagnostics] == found
    assert of_load(loaded, texts) == []


def test_the_gradients_of_outputs_are_known_where_they_are_differentiable() -> None:
    schema = "f(Tensor self) -> (Tensor u, Tensor v)"
    formulas = "  output_differentiability: [True, False]\n  self: grad_u + grad_v\n"
    (found,) = warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n{formulas}")
    assert "[DL615]: `grad_v` is the gradient of an output that is not differentiable" in found


@pytest.mark.parametrize("formula", ["<" * 100_000, "a<" * 100_000, '"' * 99_999, "/*" * 100_000])
def test_a_formula_that_was_made_to_break_the_scanner(formula: str) -> None:
    used_names(formula)


# ------------------------------------------------------------------- what comes near, and is right


@pytest.mark.parametrize(
    "formulas",
    [
        "  self: grad\n  other: non_differentiable\n",
        "  self, other: f(grad)\n",
        "  output_differentiability: [False]\n",
    ],
)
def test_an_argument_that_is_seen_to(formulas: str) -> None:
    schema = "f(Tensor self, Tensor other) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n{formulas}") == []


@pytest.mark.parametrize(
    "argument",
    ["Tensor? bias=None", "Tensor attn_mask", "Tensor block_table", "Tensor ids", "Tensor output"],
)
def test_a_tensor_that_was_hardly_forgotten(argument: str) -> None:
    schema = f"f(Tensor self, {argument}) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n  self: grad\n") == []


@pytest.mark.parametrize("type_", ["int", "Scalar", "int[]", "str?", "bool"])
def test_an_argument_that_is_no_tensor_needs_no_formula(type_: str) -> None:
    schema = f"f(Tensor self, {type_} other) -> Tensor"
    assert warnings(f"- func: {schema}\n{CPU}", f"- name: {schema}\n  self: grad\n") == []


@pytest.mark.parametrize(
    "dispatch",
    [
        "    CompositeExplicitAutograd: g\n",
        "    CompositeImplicitAutograd: g_symint\n    NestedTensorCPU: h\n",
    ],
)
def test_a_derivative_of_a_function_with_a_kernel(dispatch: str) -> None:
    schema = "f(Tensor self) -> Tensor"
    natives = f"- func: {schema}\n  dispatch:\n{dispatch}"
    assert warnings(natives, f"- name: {schema}\n  self: grad\n") == []


def test_a_composite_function_may_be_marked_as_not_differentiable() -> None:
    schema = "f(Tensor self) -> Tensor"
    assert warnings(f"- func: {schema}\n", f"- name: {schema}\n  self: non_differentiable\n") == []


@pytest.mark.parametrize(
    "formula",
    [
        "grad.to(self.scalar_type()).expand_symint(self.sym_sizes())",
        "grad.to(self.dtype()) * self",
        "f(grad, self.dtype(), self.conj())",
        "f(grad, self.strange())",
    ],
)
def test_a_tensor_that_is_not_saved_or_needed(formula: str) -> None:
    assert of_formula(formula) == []


@pytest.mark.parametrize(
    ("formula", "at", "told"),
    [
        ("grad * (self", 7, "`(` is never closed"),
        ("f(grad, g(self)", 1, "`(` is never closed"),
        ("(grad * self.sgn())) + f()", 19, "`)` closes nothing"),
        ("f(grad, {self)", 13, "`}` is expected here, not `)`"),
        ("grad * self[0", 11, "`[` is never closed"),
    ],
)
def test_brackets_that_do_not_match(formula: str, at: int, told: str) -> None:
    schema = "f(Tensor self) -> Tensor"
    for key in ("  self: ", "  self: '"):
        quote = key[-1].strip()
        derivatives = f"- name: {schema}\n{key}{formula}{quote}\n"
        (found,) = warnings(f"- func: {schema}\n{CPU}", derivatives)
        place = f"derivatives.yaml:2:{9 + at + len(quote)}: "
        assert found.startswith(f"{place}warning[DL607]: {told}\n")


@pytest.mark.parametrize(
    "formula", ["f(self, '(')", 'f(self, "([")', "f(self) /* ( */", "f({self[0]})", "self // :)"]
)
def test_brackets_that_match_or_mean_nothing(formula: str) -> None:
    assert of_formula(formula) == []


def test_an_overlay_with_an_operator_of_its_own() -> None:
    schema = "f(Tensor self) -> Tensor"
    natives = f"- func: {schema}\n{CPU}---\n- func: f.x(Tensor self, int x) -> Tensor\n{CPU}"
    assert warnings(natives, f"- name: {schema}\n  self: grad\n") == []


def test_warnings_are_told_beside_mistakes_but_none_that_follow_from_them() -> None:
    texts = Texts(
        Text("d", "- name: f(Tensor self, Tensor x) -> Tensor\n  self: x.sizes() * slef\n"),
        (Text("n", f"- func: f(Tensor self, Tensor x) -> Tensor\n{CPU}" * 2),),
        TAGS,
    )
    loaded = load_texts(texts, NEWEST)
    assert {d.code for d in loaded.diagnostics} == {"DL420", "DL304"}
    assert [d.code for d in of_load(loaded, texts)] == ["DL602"]


# ------------------------------------------------------------------------------------ releases


def of_release(pytorch: Path) -> list[Diagnostic]:
    return check(find_files(pytorch=str(pytorch))).diagnostics


@pytest.mark.release
def test_no_release_is_warned_of(release: Release, each_release: str) -> None:
    assert [d.render() for d in of_release(release(each_release))] == []


def argument_of(found: Diagnostic) -> str:
    """The operator and the argument that a warning is about, as ALLOWED names them."""
    operator = found.source_line.partition("(")[0].split()[-1]
    words = found.source_line[found.column - 1 :][: found.length]
    return f"{operator}/{words.partition('=')[0].split()[-1]}"


@pytest.mark.release
def test_what_is_allowed_is_needed(
    release: Release, releases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each operator that is allowed something would be warned of in some release."""
    none = dict.fromkeys(ALLOWED, frozenset[str]())
    monkeypatch.setattr("derivload.derivatives.lint.ALLOWED", none)
    found = [d for version in releases for d in of_release(release(version))]
    allowed = ALLOWED["DL603"]
    names = {argument_of(d) for d in found if d.code == "DL603"}
    names = {f"{n.partition('/')[0]}/*" if n not in allowed else n for n in names}
    assert names
    if releases == RELEASES:
        assert {d.code for d in found} == ALLOWED.keys()
        assert names == allowed
    assert {d.code for d in found} <= ALLOWED.keys()
    assert names <= allowed


def test_the_catalogue_is_not_warned_of() -> None:
    assert check(find_files(catalogue=True)).diagnostics == []


def test_a_wrong_autogen_is_told_where_it_stands() -> None:
    schema = "g(Tensor self) -> Tensor"
    natives = (
        f"- func: {schema}\n{CPU}"
        "- func: f(Tensor self) -> Tensor\n  autogen: f.out\n"
        "- func: f_(Tensor(a!) self) -> Tensor(a!)\n  autogen: f.ouut\n"
    )
    (found,) = warnings(natives, f"- name: {schema}\n  self: grad\n")
    assert found.splitlines()[0].startswith("native_0.yaml:7:12: warning[DL625]: `autogen` names")
    assert found.splitlines()[2:] == ["    |            ^^^^^^", "  help: write `f.out`"]
