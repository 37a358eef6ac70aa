"""`derivload show`, run as a person runs it: on the shipped catalogue and on small files."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cli import main
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.terminal.layout import Line, Segment, wrap

WAVE = """\
- func: wave(Tensor self, Tensor other) -> Tensor
  dispatch:
    CPU: wave
"""
WAVE_DERIVATIVES = """\
- name: wave(Tensor self, Tensor other) -> Tensor
  self: grad * other
"""


class Shown(NamedTuple):
    status: int
    out: str
    err: str

    def section(self, label: str, nth: int = 0) -> str:
        """The nth section that begins with this label."""
        sections = [s for s in self.out.split("\n\n") if s.startswith(f"  {label}")]
        return sections[nth]

    def squeezed(self) -> list[str]:
        """The lines, with one space for any number of them."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


class Show:
    """Runs `derivload show`, in a folder where `write` puts the files that it reads."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self._folder = folder
        self._inputs: list[str] = []
        self.on_terminal = False

    def write(self, natives: str, derivatives: str = "[]\n", tags: str = "[]\n") -> Show:
        for name, text in (("d.yaml", derivatives), ("n.yaml", natives), ("tags.yaml", tags)):
            (self._folder / name).write_text(text, "utf-8")
        self._inputs = ["--derivatives", "d.yaml", "--native-functions", "n.yaml"]
        return self

    def __call__(self, operator: str) -> Shown:
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.stdout, "isatty", lambda: self.on_terminal)
            status = main(["show", *self._inputs, operator])
        return Shown(status, *self._capsys.readouterr())


@pytest.fixture
def show(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Show:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Show(capsys, tmp_path)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, show: Show) -> Show:
    """As on a terminal of 60 columns that can do colour."""
    show.on_terminal = True
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return show


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
    assert "lull: composite: autograd differentiates the functions" in reason(show("lull"))


def test_a_function_without_an_entry_names_the_file_that_lacks_it(show: Show) -> None:
    show.write(WAVE)

    assert reason(show("wave")) == "no derivative wave: d.yaml has no entry for it"


def test_a_function_without_tensors_has_nothing_to_differentiate(show: Show) -> None:
    show.write("- func: dawn(int hour) -> Tensor\n  dispatch: {CPU: dawn}\n")

    assert "dawn: takes no tensor" in reason(show("dawn"))


def test_a_function_that_makes_no_tensor_has_nothing_to_differentiate(show: Show) -> None:
    depth = "- func: depth(Tensor self) -> int\n  dispatch: {CPU: depth}\n"
    show.write(f"{depth}  manual_cpp_binding: True\n")

    assert "depth: returns no tensor" in reason(show("depth"))


def test_a_generated_function_cannot_share_what_is_not_there(show: Show) -> None:
    ebb = "- func: ebb_(Tensor(a!) self) -> Tensor(a!)\n  dispatch: {CPU: ebb}\n"
    show.write(f"{ebb}  autogen: ebb, ebb.out\n", tags="- tag: generated\n  desc: made\n")

    assert "ebb: generated from ebb_, which has no derivatives" in reason(show("ebb"))


# Which operator is meant


def titles(shown: Shown) -> list[str]:
    return [line for line in shown.out.splitlines() if line and line[0] not in " *"]


def marked(shown: Shown) -> list[str]:
    """The names of the functions with an asterisk."""
    lines = [line.split() for line in shown.out.splitlines() if line.startswith("*")]
    return [next(word for word in line if "(" in word).partition("(")[0] for line in lines]


def test_a_base_name_means_every_overload(show: Show) -> None:
    assert titles(show("temper")) == ["temper.Tensor", "temper.Scalar"]


def test_a_name_with_overload_means_its_signature_alone(show: Show) -> None:
    assert titles(show("temper.Scalar")) == ["temper.Scalar"]


def test_the_functional_function_stands_for_its_variants(show: Show) -> None:
    shown = show("temper.Tensor")

    assert marked(shown) == []
    assert "temper_.Tensor     method" in shown.section("functions")


def test_another_variant_means_itself_and_is_marked(show: Show) -> None:
    shown = show("temper_.Tensor")

    assert titles(shown) == ["temper_.Tensor"]
    assert marked(shown) == ["temper_.Tensor"]
    assert "temper.Tensor  " not in shown.section("functions")


def test_an_in_place_name_means_the_in_place_variant_of_every_overload(show: Show) -> None:
    assert titles(show("temper_")) == ["temper_.Tensor"]


def test_the_name_of_a_view_means_its_copies_too(show: Show) -> None:
    assert "facet_copy  " in show("facet").section("functions")


def test_the_name_of_a_copy_means_the_copy_and_its_out_variant(show: Show) -> None:
    assert marked(show("facet_copy")) == ["facet_copy", "facet_copy.out"]


def test_the_name_without_its_suffix_means_a_generated_functional_variant_too(show: Show) -> None:
    assert "settle_functional  " in show("settle").section("functions")


def test_a_whole_schema_means_its_function(show: Show) -> None:
    assert titles(show("temper.Scalar(Tensor self, Scalar factor) -> Tensor")) == ["temper.Scalar"]


@pytest.mark.parametrize("operator", ["aten::gild", "aten::gild.out", "aten::gild_"])
def test_a_name_may_have_its_namespace(show: Show, operator: str) -> None:
    assert titles(show(operator)) == [
        "gild" if operator == "aten::gild" else operator.partition("::")[2]
    ]


def test_a_namespace_other_than_aten_is_shown(show: Show) -> None:
    assert titles(show("burnish")) == titles(show("atelier::burnish")) == ["atelier::burnish"]
    assert "functional          atelier::burnish(Tensor self," in show("burnish").out


def test_a_dunder_method_goes_by_either_name(show: Show) -> None:
    assert titles(show("__imod__")) == titles(show("__mod__")) == ["__imod__"]


def test_variants_whose_defaults_differ_stand_together(show: Show) -> None:
    functional = WAVE.replace("other)", "other, int n)")
    inplace = functional.replace("wave(Tensor self", "wave_(Tensor(a!) self")
    show.write(functional + inplace.replace("n) -> Tensor", "n=0) -> Tensor(a!)"))

    assert [line.split()[0] for line in show("wave").out.splitlines()[2:4]] == [
        "functional",
        "in-place",
    ]


def test_every_operator_of_the_catalogue_can_be_shown(show: Show) -> None:
    names = {f.name.text for f in load_inputs(Request(find_files())).outcome.load.natives}

    assert [name for name in names if name not in show(name).section("functions")] == []


# Operators that are not there


def test_an_unknown_operator_is_one_sentence_and_status_1(show: Show) -> None:
    assert show("temperr") == (
        1,
        "",
        "derivload: there is no operator `temperr`; did you mean `temper`?\n",
    )


@pytest.mark.parametrize("operator", ["GLEAM", "_gleam", "Gleam__"])
def test_capitals_and_outer_underscores_do_not_hide_a_name(show: Show, operator: str) -> None:
    assert "did you mean `gleam` or `gleam_`?" in show(operator).err


def test_an_unknown_overload_brings_up_those_of_the_name(show: Show) -> None:
    shown = show("temper.Foo")

    assert shown.status == 1
    assert "`temper.Scalar`" in shown.err
    assert "`temper.Tensor`" in shown.err


def test_an_unknown_schema_brings_up_those_of_the_name(show: Show) -> None:
    err = show("gleam(Tensor x) -> Tensor").err

    assert "did you mean `gleam(Tensor self) -> Tensor`?" in err


def test_a_name_in_another_namespace_is_unknown(show: Show) -> None:
    assert show("aten::burnish").status == show("atelier::gild").status == 1


def test_a_name_like_no_other_is_said_to_be_so(show: Show) -> None:
    assert show("zzzqqq").err.endswith("nor one with a name like it\n")


@pytest.mark.parametrize("operator", ["", ".", "(", "::", "gild.", "gild(", " "])
def test_what_is_no_name_at_all_is_unknown(show: Show, operator: str) -> None:
    shown = show(operator)

    assert (shown.status, shown.out, shown.err.count("\n")) == (1, "", 1)


def test_errors_of_the_inputs_are_reported_instead(show: Show) -> None:
    show.write(WAVE, WAVE_DERIVATIVES.replace("wave", "weave"))
    shown = show("wave")

    assert (shown.status, shown.out) == (1, "")
    assert "d.yaml:1:9: error[DL405]" in shown.err


# Plain text, and on a terminal


def test_a_formula_over_several_lines_is_one_line_for_grep(show: Show) -> None:
    block = WAVE_DERIVATIVES.replace("grad * other", "|-\n    first(\n      grad,\n      other)\n")
    show.write(WAVE, block)

    assert "self first(grad, other)" in show("wave").squeezed()


def test_piped_lines_are_as_long_as_they_are_and_plain(show: Show) -> None:
    out = show("gleam").out

    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) > 150


def test_a_terminal_never_gets_control_characters_from_a_file(terminal: Show) -> None:
    terminal.write(WAVE, WAVE_DERIVATIVES.replace("grad * other", r'"grad \e[31m\a other"'))
    out = terminal("wave").out

    assert r"grad \x1b[31m\x07 other" in out


def test_a_terminal_has_the_same_words_wrapped_to_its_width(
    terminal: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.write(WAVE, WAVE_DERIVATIVES.replace("grad *", "grad *" + " f(self, other) *" * 8))
    monkeypatch.setenv("NO_COLOR", "1")
    wrapped = terminal("wave").out
    terminal.on_terminal = False
    plain = terminal("wave").out

    assert wrapped.split() == plain.split()
    assert max(map(len, wrapped.splitlines())) <= 60 < max(map(len, plain.splitlines()))


def test_a_terminal_has_colour(terminal: Show) -> None:
    assert "\x1b[1mgild\x1b[0m\n" in terminal("gild").out


def test_no_color_means_no_colour(terminal: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b" not in terminal("gild").out


def test_colour_changes_no_word(terminal: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = terminal("speckle").out
    monkeypatch.setenv("NO_COLOR", "1")
    plain = terminal("speckle").out

    for number in range(100):
        coloured = coloured.replace(f"\x1b[{number}m", "")
    assert coloured == plain


def test_rich_is_not_imported_for_a_pipe() -> None:
    program = (
        "import sys; from derivload.cli import main; main(['show', 'gild']); "
        "sys.exit('rich' in sys.modules)"
    )
    command = [sys.executable, "-c", program]

    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_stream_that_cannot_say_a_letter_gets_its_number(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    show.write(WAVE, WAVE_DERIVATIVES.replace("grad * other", "grad * \N{GREEK SMALL LETTER MU}"))
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)

    assert show("wave").status == 0
    stream.seek(0)
    assert r"grad * \u03bc" in stream.read()


# Where a line is broken


def broken(code: str, width: int, style: str = "") -> list[str]:
    line = Line((Segment("  self  "),), (Segment(code, style),), 8)
    return [part.text for part in wrap(line, width)]


def test_a_line_goes_on_below_its_text() -> None:
    assert broken("first(one, two, three, four, five)", 34) == [
        "  self  first(one, two, three,",
        "        four, five)",
    ]


def test_a_line_that_fits_is_left_alone() -> None:
    assert broken("first(one, two, three, four)", 36) == ["  self  first(one, two, three, four)"]


def test_a_line_is_broken_between_outer_arguments_rather_than_inner_ones() -> None:
    assert broken("outer(one, inner(two, three), four, five)", 38) == [
        "  self  outer(one, inner(two, three),",
        "        four, five)",
    ]
    assert broken("outer(one_argument, inner(two, three))", 42) == [
        "  self  outer(one_argument,",
        "        inner(two, three))",
    ]


def test_an_operator_goes_with_what_follows_it() -> None:
    assert broken("first_of_all * second_of_all", 32) == [
        "  self  first_of_all",
        "        * second_of_all",
    ]


def test_quotes_are_never_broken() -> None:
    assert broken('f("one two three four five six")', 34) == [
        '  self  f("one two three four five six")'
    ]


def test_a_place_is_never_broken() -> None:
    assert broken("a folder/with a space in/its name.yaml:7", 34, "place") == [
        "  self  a folder/with a space in/its name.yaml:7"
    ]


def test_prose_is_broken_anywhere() -> None:
    assert broken("out variants are never differentiable", 33, "absent") == [
        "  self  out variants are never",
        "        differentiable",
    ]


def test_on_a_very_narrow_terminal_a_line_goes_on_near_the_margin() -> None:
    line = Line((Segment(" " * 20),), (Segment("one, two, three, four, five"),), 20)

    assert [part.text for part in wrap(line, 40)] == [
        " " * 20 + "one, two, three,",
        "      four, five",
    ]
