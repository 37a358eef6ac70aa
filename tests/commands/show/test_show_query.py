"""Which operator is meant, and operators that do not exist."""

from __future__ import annotations

import pytest

from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from support.shown import WAVE, WAVE_DERIVATIVES, Show, Shown, show

__all__ = ["show"]  # fixtures


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


@pytest.mark.parametrize("namespace", ["", "aten::", "torch."])
def test_a_whole_schema_means_its_function(show: Show, namespace: str) -> None:
    schema = f"{namespace}temper.Scalar(Tensor self, Scalar factor) -> Tensor"
    assert titles(show(schema)) == ["temper.Scalar"]


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
    names = {
        f.name.text for f in load_inputs(Request(find_files(catalogue=True))).outcome.load.natives
    }

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
