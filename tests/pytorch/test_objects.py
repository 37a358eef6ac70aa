"""torchgen's objects that are made of records, with classes that have the fields of its own."""

from __future__ import annotations

import sys
from typing import Any, Final

import pytest

from derivload.pytorch.cpp_types import TorchgenTypes
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.objects import differentiability_infos
from derivload.pytorch.records import ForwardRecord
from support.torchgen_classes import (
    FORMAT,
    LONG,
    TENSOR,
    ArrayCType,
    BaseCppType,
    BaseCType,
    ConstRefCType,
    MutRefCType,
    made_of,
    modules,
    native,
)

__all__ = ["modules"]  # a fixture


def saved(name: str, type_: str = "at::Tensor", expr: str = "") -> dict[str, str]:
    return {"name": name, "type": type_, "expr": expr or name}


def derivative(**changed: Any) -> dict[str, Any]:
    return {"formula": "f", "original_formula": "o", "var_names": ["self"], "saved_inputs": [],
            "saved_outputs": [], "named_gradients": [], **changed}  # fmt: skip


def forward(**changed: Any) -> dict[str, Any]:
    return {"formula": "f", "var_names": ["result"], "var_types": ["Tensor"],
            "required_inputs_fw_grad": None, "required_inputs_primal": None,
            "required_original_self_value": False, "is_reusing_outplace_formula": True,
            **changed}  # fmt: skip


def binding(name: str, type_: str = "at::Tensor", default: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": type_, "default": default}


def info(**changed: Any) -> dict[str, Any]:
    return {"name": "gild", "op": "GildBackward0", "derivatives": [], "forward_derivatives": [],
            "all_saved_inputs": [], "all_saved_outputs": [], "available_named_gradients": [],
            "used_named_gradients": [], "args_with_derivatives": [],
            "non_differentiable_arg_names": [], "output_differentiability": None,
            "output_differentiability_conditions": None, **changed}  # fmt: skip


def made(own: Any, *, text: str = "", **changed: Any) -> Any:
    """The info for one function."""
    record = {"schema": str(own.func), "dispatch": {"Default": info(**changed)}}
    infos: Any = differentiability_infos([record], {str(own.func): own}, derivatives=text)
    return infos[own.func]["Default"]


def test_an_info_has_all_that_its_record_has(modules: Any) -> None:
    own = native("gild", "self", "other")
    found = made(
        own,
        derivatives=[
            derivative(
                saved_inputs=[saved("self")],
                saved_outputs=[saved("result", "long", "x")],
                named_gradients=["grad_b"],
            ),
            derivative(var_names=["a", "b"], named_gradients=["grad_a", "none"]),
        ],
        forward_derivatives=[forward(required_original_self_value=True)],
        all_saved_inputs=[saved("self")],
        all_saved_outputs=[saved("result", "long", "x")],
        available_named_gradients=["grad_a", "grad_b", "grad_c"],
        args_with_derivatives=[binding("self", "const at::Tensor &", "{}"), binding("other")],
        non_differentiable_arg_names=["other"],
        output_differentiability=[True],
        output_differentiability_conditions=["x"],
    )
    autograd, types = modules.autograd, modules.types
    of_self = autograd.SavedAttribute(types.NamedCType("self", TENSOR), "self")
    of_result = autograd.SavedAttribute(types.NamedCType("result", LONG), "x")
    one, other = own.arguments
    assert found == autograd.DifferentiabilityInfo(
        name="gild",
        func=own,
        op="GildBackward0",
        derivatives=[
            autograd.Derivative("f", "o", ("self",), (of_self,), (of_result,), {"grad_b"}),
            autograd.Derivative("f", "o", ("a", "b"), (), (), {"grad_a"}),
        ],
        forward_derivatives=[
            autograd.ForwardDerivative("f", ("result",), ("Tensor",), None, None, True, True)
        ],
        all_saved_inputs=[of_self],
        all_saved_outputs=[of_result],
        available_named_gradients=["grad_a", "grad_b", "grad_c"],
        used_named_gradients={"grad_a", "grad_b"},
        args_with_derivatives=[
            types.Binding("self", types.NamedCType("self", ConstRefCType(TENSOR)), one, "{}"),
            types.Binding("other", types.NamedCType("other", TENSOR), other, None),
        ],
        non_differentiable_arg_names=["other"],
        output_differentiability=[True],
        output_differentiability_conditions=["x"],
    )
    assert found.all_saved_inputs[0] is found.derivatives[0].saved_inputs[0]
    plain = made(own)
    assert plain.output_differentiability is None
    assert plain.output_differentiability_conditions is None
    assert plain.used_named_gradients == set()


def test_infos_are_made_when_one_is_needed(modules: Any) -> None:
    own = native("gild", "self")
    missing = info(args_with_derivatives=[binding("none")])
    record = {"schema": "gild", "dispatch": {"Default": info(), "CUDA": missing}}
    infos = differentiability_infos([record], {"gild": own})
    assert [*infos] == [own.func]
    (by_key,) = infos.values()
    assert [*by_key.keys()] == ["Default", "CUDA"]
    with pytest.raises(UnexpectedTorchgenError, match=r"^its gild has no argument none$"):
        by_key["Default"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"all_saved_inputs": [saved("x", "gem")]}, "it has no C++ type gem"),
        ({"all_saved_outputs": [saved("x", "const gem &")]}, "it has no C++ type gem"),
        ({"args_with_derivatives": [binding("x", "gem")]}, "it has no C++ type gem"),
        (
            {"forward_derivatives": [forward(var_types=["odd"])]},
            "derivload writes its type even as odd",
        ),
    ],
)
def test_types_are_checked_at_once(changed: dict[str, Any], said: str, modules: Any) -> None:
    own = native("gild", "self")
    record = {"schema": "gild", "dispatch": {"Default": info(**changed)}}
    with pytest.raises(UnexpectedTorchgenError) as raised:
        differentiability_infos([record], {"gild": own})
    assert str(raised.value) == said


def test_a_function_that_torchgen_lacks(modules: Any) -> None:
    record = {"schema": "gild", "dispatch": {"Default": info()}}
    with pytest.raises(UnexpectedTorchgenError, match=r"^it has no function gild$"):
        differentiability_infos([record], {})


@pytest.mark.parametrize(
    ("names", "has_options", "out", "is_renamed"),
    [
        (("self", "memory_format"), True, (), True),
        (("self", "memory_format"), False, (), False),
        (("self", "other"), True, (), False),
        (("self",), True, ("memory_format",), True),
        (("self", "memory_format", FORMAT), True, (), False),
    ],
)
def test_a_memory_format_beside_options_has_another_name(
    names: tuple[str, ...], has_options: bool, out: tuple[str, ...], is_renamed: bool, modules: Any
) -> None:
    own = native("gild", *names, out=out, options=has_options)
    bound = [binding(name) for name in (*names, *out) if name != FORMAT]
    bound += [binding("options")] if has_options else []
    found = made(
        own, args_with_derivatives=bound, all_saved_inputs=[saved(FORMAT), saved("memory_format")]
    )
    special = modules.types.SpecialArgName[FORMAT]
    one, other = (each.nctype.name for each in found.all_saved_inputs)
    assert one == (special if is_renamed else FORMAT)
    assert other == "memory_format"
    by_name = {each.name: each for each in found.args_with_derivatives}
    is_format = has_options and "memory_format" in by_name
    if "memory_format" in by_name:
        assert by_name["memory_format"].nctype.name == (special if is_format else "memory_format")
    assert by_name["self"].nctype.name == "self"
    if has_options:
        assert by_name["options"].argument is own.func.arguments.tensor_options
    other_expr = made(own, all_saved_inputs=[saved(FORMAT, expr="x")])
    assert other_expr.all_saved_inputs[0].nctype.name == FORMAT


def test_a_view_copy_has_the_arguments_of_its_view(modules: Any) -> None:
    view, copy = native("gild", "self"), native("gild_copy", "self")
    bound = [binding("self")]
    for name, op, key, is_view in (
        ("gild_copy.", "GildBackward0_copy", "Default", True),
        ("gild_copy.", "GildBackward0_copy", "CUDA", False),
        ("gild_copy.", None, "Default", False),
        ("gild_copy.", "OtherBackward0_copy", "Default", False),
        ("gild_copy", "GildBackward0_copy", "Default", False),
    ):
        records = [
            {"schema": "gild", "dispatch": {"Default": info(args_with_derivatives=bound)}},
            {
                "schema": "gild_copy",
                "dispatch": {key: info(name=name, op=op, args_with_derivatives=bound)},
            },
        ]
        infos: Any = differentiability_infos(records, {"gild": view, "gild_copy": copy})
        (found,) = infos[copy.func].values()
        assert found.func is copy
        argument = (view if is_view else copy).arguments[0]
        assert found.args_with_derivatives[0].argument is argument


# By chance, the order of a set is that of the arguments; not that of all of these.
PAIRS: Final = [(f"self{one}", f"other{two}") for one in range(4) for two in range(4)]


@pytest.mark.parametrize(
    ("formula", "needed", "differentiable", "is_written", "in_order"),
    [
        ("at::gild({0}_t, {1}_t, scale)", "10", "10", False, True),
        ("{0}_t.gild({1}_t, scale)", "10", "10", False, True),
        ("at::gild_symint({0}_t, {1}_t, scale)", "10", "10", False, True),
        ("{0}_t.gild_symint({1}_t, scale)", "01", "01", False, True),
        ("f", "10", "0", False, True),  # by element: of all inputs
        ("at::gild({0}_t, {1}_t, scale)", "10", "10", True, False),
        ("at::gild({0}_t, {1}_t)", "10", "10", False, False),
        ("at::gild({0}_t, {1}, scale)", "10", "10", False, False),
        ("f", "10", "10", False, False),
    ],
)
def test_the_order_of_the_inputs_whose_tangents_are_needed(
    formula: str, needed: str, differentiable: str, is_written: bool, in_order: bool, modules: Any
) -> None:
    for pair in PAIRS:
        own = native("gild", *pair, "scale")
        names = [pair[int(number)] for number in needed]
        bound = [pair[int(number)] for number in differentiable]
        text = formula.format(*pair)
        found = made(
            own,
            text=f"result:\n  {text.replace(', ', ',' + chr(10))}" if is_written else "",
            args_with_derivatives=[binding(name) for name in bound],
            forward_derivatives=[
                forward(
                    formula=text, required_inputs_fw_grad=names, required_inputs_primal=[pair[1]]
                )
            ],
        )
        (one,) = found.forward_derivatives
        assert one.required_inputs_fw_grad == (pair if in_order else tuple({*bound}))
        assert one.required_inputs_primal == tuple({*bound} & {pair[1]})


def test_a_torchgen_with_other_fields(modules: Any) -> None:
    own = native("gild", "self")
    autograd = modules.autograd
    fields = [name for name in ForwardRecord.__annotations__ if name != "var_types"]
    autograd.ForwardDerivative = made_of("ForwardDerivative", *fields)
    found = made(own, forward_derivatives=[forward()])
    assert not hasattr(found.forward_derivatives[0], "var_types")
    autograd.SavedAttribute = made_of("SavedAttribute", "nctype", "expr", "novel", "more")
    with pytest.raises(UnexpectedTorchgenError, match=r"^its SavedAttribute has more, novel$"):
        made(own)
    autograd.SavedAttribute = 3
    with pytest.raises(UnexpectedTorchgenError, match=r"^it lacks a part that derivload needs: "):
        made(own)
    del autograd.SavedAttribute
    with pytest.raises(UnexpectedTorchgenError, match=r"needs: module .* has no .*SavedAttribute"):
        made(own)


def test_a_torchgen_without_a_module(modules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchgen.model", None)
    with pytest.raises(UnexpectedTorchgenError, match=r"^torchgen\.model cannot be imported: "):
        made(native("gild"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at::Tensor", TENSOR),
        ("long", LONG),
        ("const at::Tensor &", ConstRefCType(TENSOR)),
        ("at::Tensor &", MutRefCType(TENSOR)),
        ("const ::std::array<long,12> &", ConstRefCType(ArrayCType(LONG, 12))),
        ("mine::Gem", BaseCType(BaseCppType("mine", "Gem"))),
    ],
)
def test_types_are_found_by_their_text(text: str, expected: Any, modules: Any) -> None:
    modules.types.BaseTypeToCppMapping = {"gem": BaseCppType("mine", "Gem"), "odd": 3}
    types = TorchgenTypes(modules.types)
    assert types.parse(text) == expected
    assert types.parse(text) is types.parse(text)


def test_types_that_cannot_be_told_apart(modules: Any) -> None:
    modules.types.otherT = BaseCppType("", "at::Tensor")
    with pytest.raises(UnexpectedTorchgenError) as raised:
        TorchgenTypes(modules.types)
    assert str(raised.value) == "two of its C++ types are written at::Tensor"
    del modules.types.otherT
    types = TorchgenTypes(modules.types)
    for text, part in (("gem", "gem"), ("::std::array<long,x>", "::std::array<long,x>"),
                       ("const gem &", "gem"), ("", "")):  # fmt: skip
        with pytest.raises(UnexpectedTorchgenError) as raised:
            types.parse(text)
        assert str(raised.value) == f"it has no C++ type {part}"
