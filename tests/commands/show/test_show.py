"""`derivload show`, run as a person runs it: on the shipped catalogue and on small files."""

from __future__ import annotations

import pytest

from support.shown import WAVE, WAVE_DERIVATIVES, Show, Shown, show

__all__ = ["show"]  # fixtures


# What stands there


def test_an_operator_is_shown_with_status_0_and_nothing_on_stderr(show: Show) -> None:
    shown = show("gild")

    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("gild\n\n")


def test_the_schemas_of_all_variants_come_first(show: Show) -> None:
    lines = show("gild").squeezed()

    assert lines[2:5] == [
        "functional gild(Tensor self, float luster=0.5) -> Tensor",
        "in-place gild_(Tensor(a!) self, float luster=0.5) -> Tensor(a!)",
        "out gild.out(Tensor self, float luster=0.5, *, Tensor(a!) out) -> Tensor(a!) generated",
    ]


def test_a_view_comes_with_its_in_place_variant_and_then_its_copies(show: Show) -> None:
    rows = show("ripple").out.split("\n\n")[1].splitlines()

    assert [row[2:18].strip() for row in rows] == ["view", "in-place view", "view copy", "out"]


def test_a_backward_formula_stands_beside_its_input(show: Show) -> None:
    assert "self grad * luster" in show("gild").squeezed()


def test_a_backward_formula_is_as_written(show: Show) -> None:
    assert "grad_lower, self.sym_sizes(), dim)" in show("cleave").section("backward")


def test_formulas_come_in_the_order_of_the_inputs(show: Show) -> None:
    section = show("temper.Tensor").section("backward")

    assert section.index("temper_scale") < section.index("temper_tilt")


def test_the_backward_node_names_the_variants_that_share_it(show: Show) -> None:
    assert "backward GildBackward0 of gild and gild_" in show("gild").squeezed()


def test_an_input_marked_so_is_not_differentiable(show: Show) -> None:
    assert "cloth not differentiable" in show("burnish").squeezed()


def test_a_tensor_that_the_entry_leaves_out_has_no_formula(show: Show) -> None:
    show.write(WAVE, WAVE_DERIVATIVES)

    assert [line.split() for line in show("wave").section("backward").splitlines()[1:]] == [
        ["self", "grad", "*", "other"],
        ["other", "no", "formula"],
    ]


def test_what_is_saved_has_its_type_and_its_expression(show: Show) -> None:
    assert "self_sym_sizes c10::SymIntArrayRef = self.sym_sizes()" in show("cleave").squeezed()


def test_what_only_some_formulas_save_names_their_inputs(show: Show) -> None:
    section = " ".join(show("temper.Tensor").section("saved").split())

    assert "other_conjugate bool = other.is_conj() for other" in section
    assert "alpha at::Scalar = alpha self_scalar_type" in section


def test_a_saved_output_is_called_one(show: Show) -> None:
    assert "mask at::Tensor = mask an output" in show("speckle").squeezed()


def test_the_columns_of_what_is_saved_are_aligned_below_a_long_name(show: Show) -> None:
    rows = show("consign").section("saved").splitlines()[1:]

    assert len({row.index(" = ") for row in rows}) == 1


def test_saving_nothing_is_said(show: Show) -> None:
    show.write(WAVE, WAVE_DERIVATIVES.replace("grad * other", "grad"))

    assert "saved nothing" in show("wave").squeezed()


def test_a_forward_formula_stands_beside_its_output(show: Show) -> None:
    section = show("cleave").section("forward")

    assert [line.split() for line in section.splitlines()] == [
        ["forward"],
        ["upper", "cleave_upper(self_t,", "dim)"],
        ["lower", "cleave_lower(self_t,", "dim)"],
    ]


def test_having_no_forward_formula_is_said(show: Show) -> None:
    assert "forward none" in show("strata").squeezed()


def test_the_in_place_variant_has_the_forward_formula_as_adapted_for_it(show: Show) -> None:
    section = show("gild").section("forward", 1)

    assert "of gild_, adapted from gild" in section
    assert "self_t_raw.defined() ? self_t_raw.gild_(luster) : self_t.gild(luster)" in section


def test_a_forward_formula_that_reads_the_old_self_says_that_it_is_kept(show: Show) -> None:
    shown = show("gleam")

    assert "a copy of self is kept" not in shown.section("forward", 0)
    assert "a copy of self is kept from before the call" in shown.section("forward", 1)


@pytest.mark.parametrize(
    ("operator", "word"), [("gleam", "auto_element_wise"), ("braid", "auto_linear")]
)
def test_a_derived_forward_formula_names_the_word_it_was_derived_by(
    show: Show, operator: str, word: str
) -> None:
    assert f"by {word}" in show(operator).section("forward")


def test_a_file_that_is_read_whole_says_the_same(show: Show) -> None:
    show.write(WAVE, f"---\n{WAVE_DERIVATIVES}  result: auto_element_wise\n")

    assert "forward by auto_element_wise" in show("wave").squeezed()


def test_what_only_its_file_explains_is_left_out(show: Show) -> None:
    show.write(
        WAVE + WAVE.replace("wave(", "swell("),
        WAVE_DERIVATIVES
        + "  result: &word auto_element_wise\n"
        + WAVE_DERIVATIVES.replace("wave(", "swell(")
        + "  result: *word\n",
    )
    section = show("swell").section("forward")

    assert "(self_t.conj() * other).conj()" in section
    assert "by auto" not in section


def test_a_forward_formula_written_out_names_no_such_word(show: Show) -> None:
    assert "by auto" not in show("gild").out


def test_each_dispatch_key_has_its_formulas_below_it(show: Show) -> None:
    out = show("quench").out

    places = [
        out.index(words)
        for words in (
            "Default\n",
            "quench_lean(",
            "AutogradNestedTensor\n",
            "quench_nested_self(",
            "AutogradCUDA\n",
            "quench_fused(",
        )
    ]
    assert places == sorted(places)


def test_default_alone_is_not_worth_a_word(show: Show) -> None:
    assert "Default" not in show("gild").out


def test_output_differentiability_is_told_for_each_output(show: Show) -> None:
    section = show("speckle").section("outputs").splitlines()

    assert [line.split() for line in section[1:]] == [
        ["output", "differentiable"],
        ["mask", "not", "differentiable"],
    ]


def test_output_differentiability_may_have_a_condition(show: Show) -> None:
    section = show("consign").section("outputs")

    assert "result differentiable if at::isFloatingType(dtype)" in section


def test_an_entry_without_differentiable_outputs_explains_having_no_formula(show: Show) -> None:
    shown = show("tally")

    assert "none: its entry says that no output is differentiable" in shown.section("backward")
    assert "  forward" not in shown.out


def test_the_copy_of_a_view_has_the_formulas_of_the_view(show: Show) -> None:
    lines = show("facet").squeezed()

    assert "view copy facet_copy(Tensor self, SymInt[] cuts, int dim=0) -> Tensor[]" in lines
    assert "backward FacetBackward0 of facet; FacetBackward0_copy of facet_copy" in lines


def test_variants_with_entries_of_their_own_have_their_own_formulas(show: Show) -> None:
    shown = show("inlay_inverse")

    assert "InlayInverseBackward0 of inlay_inverse\n" in shown.section("backward", 0)
    assert "InlayScatterBackward0 of inlay_scatter\n" in shown.section("backward", 1)


def test_a_foreach_function_shows_its_own_formulas_and_whose_they_were(show: Show) -> None:
    shown = show("_foreach_gleam")

    assert "grads[i] * gleam_slope(self[i])" in shown.section("backward")
    assert "for gleam, here applied to each tensor" in shown.section("defined at")


def test_a_foreach_function_without_a_backward_node_says_whose_formulas_it_has(show: Show) -> None:
    foreach = "- func: _foreach_wave(Tensor[] self) -> Tensor[]\n  device_check: NoCheck\n"
    show.write(
        f"- func: wave(Tensor self) -> Tensor\n{foreach}",
        "- name: wave(Tensor self) -> Tensor\n"
        "  self: non_differentiable\n"
        "  result: wave_t(self_t)\n",
    )
    assert "for wave, here applied to each tensor" in show("_foreach_wave").out


def test_formulas_name_the_foreach_functions_that_take_them_over(show: Show) -> None:
    assert "also used by _foreach_gleam, _foreach_gleam_" in show("gleam").squeezed()


def test_each_function_tells_how_it_is_called_dispatched_and_tagged(show: Show) -> None:
    section = [" ".join(line.split()) for line in show("strata").section("functions").splitlines()]

    assert section[1] == (
        "strata function; python_module nn; abstract; delegates to strata.out; "
        "tags pt2_compliant_tag, reduction"
    )
    assert section[3].startswith("strata.out function; python_module nn; abstract; structured;")
    assert section[4] == "kernels CPU, CUDA"


def test_a_composite_function_is_called_one(show: Show) -> None:
    assert "lull function, method; composite;" in " ".join(show("lull").out.split())


# Where it stands


def test_functions_and_formulas_have_their_places_by_the_path_as_given(show: Show) -> None:
    show.write(f"# one\n{WAVE}", f"# one\n# two\n{WAVE_DERIVATIVES}")
    lines = show("wave").squeezed()

    assert "n.yaml:2" in lines
    assert "defined at d.yaml:3" in lines


def test_a_generated_function_has_the_place_of_the_one_it_comes_from(show: Show) -> None:
    ripple = "- func: ebb_(Tensor(a!) self) -> Tensor(a!)\n  dispatch: {CPU: ebb}\n"
    show.write(f"{ripple}  autogen: ebb, ebb.out\n", tags="- tag: generated\n  desc: made\n")

    assert "generated from ebb_, n.yaml:1" in show("ebb").squeezed()


# Having no derivative


def reason(shown: Shown) -> str:
    return " ".join(shown.section("no derivative").split())


def test_an_out_variant_is_never_differentiable(show: Show) -> None:
    shown = show("temper.out")

    assert reason(shown) == "no derivative temper.out: out variants are never differentiable"
    assert "  backward" not in shown.out


def test_autograd_sees_through_a_composite_function(show: Show) -> None:
    assert reason(show("lull")) == (
        "no derivative lull: composite: autograd differentiates the functions that it calls"
        " lull.out: out variants are never differentiable"
    )


def test_a_function_without_an_entry_names_the_file_that_lacks_it(show: Show) -> None:
    show.write(WAVE)

    assert reason(show("wave")) == "no derivative wave: d.yaml has no entry for it"


def test_a_function_without_tensors_has_nothing_to_differentiate(show: Show) -> None:
    show.write("- func: dawn(int hour) -> Tensor\n  dispatch: {CPU: dawn}\n")

    assert reason(show("dawn")) == (
        "no derivative dawn: takes no tensor, so there is nothing to differentiate"
    )


def test_a_function_that_makes_no_tensor_has_nothing_to_differentiate(show: Show) -> None:
    depth = "- func: depth(Tensor self) -> int\n  dispatch: {CPU: depth}\n"
    show.write(f"{depth}  manual_cpp_binding: True\n")

    assert reason(show("depth")) == (
        "no derivative depth: returns no tensor, so there is nothing to differentiate"
    )


def test_a_generated_function_cannot_share_what_is_not_there(show: Show) -> None:
    ebb = "- func: ebb_(Tensor(a!) self) -> Tensor(a!)\n  dispatch: {CPU: ebb}\n"
    show.write(f"{ebb}  autogen: ebb, ebb.out\n", tags="- tag: generated\n  desc: made\n")

    assert reason(show("ebb")) == (
        "no derivative ebb_: d.yaml has no entry for it"
        " ebb: generated from ebb_, which has no derivatives"
        " ebb.out: out variants are never differentiable"
    )
