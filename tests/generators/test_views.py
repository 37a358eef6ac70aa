"""What the generators refuse of views, by release, and of variants of a function."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.refused import RELEASES, definition, mistakes, native, refused

_COPY = "CompositeExplicitAutogradNonFunctional: f"
# Since 2.3 there is a class for each view.
_TO_2_2, _FROM_2_3 = RELEASES[:2], RELEASES[2:]


def _view(
    arguments: str, returns: str = "Tensor(a)", name: str = "select", keys: Sequence[str] = ()
) -> str:
    """A view and the function that copies it, of which Python sees the copying one alone."""
    taken, given = (text.replace("(a)", "") for text in (arguments, returns))
    view = native(f"{name}({arguments}) -> {returns}", "tags: generated", *keys)
    more = ("tags: view_copy", f"autogen: {name}_copy.out")
    return view + native(f"{name}_copy({taken}) -> {given}", *more, kernel=_COPY)


def _formula(*lines: str, arguments: str = "Tensor(a) self", returns: str = "Tensor(a)") -> str:
    return definition(f"select({arguments}) -> {returns}", *lines)


def _refusing(natives: str, formulas: str = "", code: str = "DL821") -> list[str]:
    """The releases that refuse it, all with one code and without another."""
    found = {release: refused(natives, formulas, release) for release in RELEASES}
    assert all(codes in ([], [code]) for codes in found.values()), found
    return [release for release, codes in found.items() if codes]


@pytest.mark.parametrize(
    ("argument", "releases", "of_list"),
    [
        *((f"{type_} x", [], []) for type_ in ("int", "int?", "SymInt", "SymInt?", "bool")),
        *((f"{type_} x", [], []) for type_ in ("Tensor", "int[]", "SymInt[]", "int[2]")),
        ("Tensor? x=None", _TO_2_2, []),
        # A list of views is made anew since 2.3 only.
        *((f"{type_} x", RELEASES, _FROM_2_3) for type_ in ("str", "float", "float[]", "Scalar")),
        *((f"{type_} x", RELEASES, _FROM_2_3) for type_ in ("bool?", "int[]?", "Tensor[]")),
        *((f"{type_} x", RELEASES, _FROM_2_3) for type_ in ("Tensor?[]", "MemoryFormat", "str?")),
    ],
)
def test_a_view_is_made_anew_with_its_arguments(
    argument: str, releases: list[str], of_list: list[str]
) -> None:
    arguments = f"Tensor(a) self, {argument}"
    assert _refusing(_view(arguments)) == releases
    assert _refusing(_view(arguments, "Tensor(a)[]")) == of_list
    assert _refusing(_view(arguments, name="gilt")) == []
    if releases:
        (found,) = mistakes(_view(arguments), "", releases[0])
        assert (found.words, found.path) == (argument, ("func",))
        assert found.message.endswith(f"made anew with the argument `{argument}`")


@pytest.mark.parametrize(
    ("argument", "releases"),
    [
        ("str x", ["2.3", "2.4", "2.5", "2.6"]),
        ("Scalar x", ["2.14", "2.15"]),
        ("Tensor[] x", _FROM_2_3),
        ("Tensor[]? x", _FROM_2_3),
        ("Tensor?[] x", []),
        ("float x", []),
        ("Tensor x", []),
    ],
)
def test_what_the_class_of_a_view_keeps(argument: str, releases: list[str]) -> None:
    """It is written, too, for a view without a differentiable output, which is not made anew."""
    arguments = f"Tensor(a) self, {argument}"
    formulas = _formula("output_differentiability: [False]", arguments=arguments)
    assert _refusing(_view(arguments), formulas) == releases


def test_what_is_written_to_is_not_kept() -> None:
    """Its copying variant, whose output has a name then, is no view."""
    for key, first in (("", 0), ("use_const_ref_for_mutable_tensors: True", 2)):
        natives = _view("Tensor(a) self, Tensor(b!) x", keys=[key] * bool(key))
        found = {release: refused(natives, "", release) for release in RELEASES}
        assert [release for release in RELEASES if "DL821" in found[release]] == RELEASES[first:]


@pytest.mark.parametrize(
    ("arguments", "code", "releases"),
    [
        ("int at, Tensor(a) self", "DL820", _FROM_2_3),
        ("Tensor(a) base, int at", "", []),
        ("Tensor(a)[] self, int at", "DL821", _FROM_2_3),
        ("str self, Tensor(a) x", "DL821", _TO_2_2),
        ("Tensor(a) self, Tensor x", "", []),
    ],
)
def test_the_base_of_a_view_is_self(arguments: str, code: str, releases: list[str]) -> None:
    assert _refusing(_view(arguments), "", code) == releases


def test_the_base_of_a_view_comes_first() -> None:
    (found,) = mistakes(_view("int at, Tensor(a) self"))
    assert found.message == "`select` is a view whose first argument is not `self`"
    assert (found.words, found.path) == ("select", ("func",))


@pytest.mark.parametrize(
    ("returns", "lines", "releases", "end"),
    [
        ("(Tensor(a), Tensor(a))", [], RELEASES, "is a view with several differentiable outputs"),
        ("(Tensor(a), Tensor)", ["self: grad"], RELEASES, "returns 2 values: a view returns one"),
        (
            "(Tensor(a), Tensor[])",
            ["self: grad"],
            _FROM_2_3,
            "returns 2 values: a view returns one",
        ),
        (
            "(Tensor(a), Tensor, Tensor)",
            ["self: grad"],
            RELEASES,
            "returns 3 values: a view returns one",
        ),
        ("Tensor(a)", ["self: grad"], [], ""),
    ],
)
def test_a_view_returns_one_value(
    returns: str, lines: list[str], releases: list[str], end: str
) -> None:
    natives = _view("Tensor(a) self", returns)
    formulas = _formula(*lines, returns=returns) if lines else ""
    assert _refusing(natives, formulas, "DL820") == releases
    if releases:
        (found,) = mistakes(natives, formulas, releases[0])
        assert found.message.endswith(end)


def test_before_2_3_only_some_views_are_checked_to_return_one() -> None:
    returns = "(Tensor(a), Tensor(a))"
    natives = _view("Tensor(a) self", returns, "chunk")
    formulas = definition(f"chunk(Tensor(a) self) -> {returns}", "self: grad")
    assert _refusing(natives, formulas, "DL820") == _FROM_2_3


def test_a_view_has_derivatives_for_the_default_key() -> None:
    formulas = _formula("dispatch:", "  AutogradCUDA:", "    self: grad")
    assert _refusing(_view("Tensor(a) self"), formulas, "DL822") == RELEASES
    (found,) = mistakes(_view("Tensor(a) self"), formulas)
    assert (found.path, found.on_key) == (("dispatch",), True)
    assert found.message == "`select` is a view, so it needs derivatives for Default too"
    formulas = formulas.replace("  AutogradCUDA:", "  Default:")
    assert _refusing(_view("Tensor(a) self"), formulas) == []


@pytest.mark.parametrize(
    "natives",
    [
        native("select_(Tensor(a!) self, str x) -> Tensor(a!)"),
        native("select(Tensor self, str x) -> Tensor", kernel="")
        + native("select.out(Tensor self, str x, *, Tensor(a!) out) -> Tensor(a!)"),
    ],
)
def test_in_place_and_out_variants_are_no_views(natives: str) -> None:
    assert refused(natives) == []


@pytest.mark.parametrize(("name", "refused_one"), [("gild", "gild"), ("_make_dual", "_make_dual_")])
def test_a_variant_of_what_is_written_by_hand_is_checked_itself(
    name: str, refused_one: str
) -> None:
    """Its functional variant is not, so a mistake is told of this one."""
    natives = native(f"{name}(Tensor self) -> Tensor")
    natives += native(f"{name}_(Tensor(a!) self) -> Tensor(a!)")
    formulas = definition(f"{name}(Tensor self) -> Tensor", "self: grad", "result: self_p.sgn()")
    (found,) = mistakes(natives, formulas)
    assert (found.code, found.message.split("`")[1]) == ("DL808", refused_one)
