"""What stands in for functions that depend on a context: they are called once for each."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen import makers
from derivload.pytorch.codegen.stand_in_table import STAND_INS

LOCALS = SimpleNamespace(
    use_const_ref_for_mutable_tensors=False, use_ilistref_for_tensor_lists=False
)
calls: list[object] = []
local = SimpleNamespace(_locals=LOCALS)
cpp = SimpleNamespace(local=local)


class NativeFunctionsGroup:
    """A group, whose context is that of its out variant."""

    def __init__(self, out: Any) -> None:
        self.out = out


class NativeFunctionsViewGroup:
    """A group, whose context is that of its view."""

    def __init__(self, view: Any) -> None:
        self.view = view


def argument_type(argument: Any, *, binds: str, symint: bool = False) -> list[object]:
    calls.append(argument)
    return [binds, symint, *vars(LOCALS).values()]


def arguments(func: Any, *, symint: bool = True) -> list[object]:
    calls.append(func)
    return [symint, *vars(LOCALS).values()]


def dispatch_lambda_args(ps: Any, f: Any, symint: bool = True) -> list[object]:
    calls.append(f)
    return [ps.name, symint, *vars(LOCALS).values()]


class Told:
    """What a manager of torchgen's own is told of an exception."""

    def __init__(self, group: Any) -> None:
        self.group = group

    def __enter__(self) -> None:
        calls.append("entered")

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        calls.append((self.group, error))
        return isinstance(error, KeyError)


def native_function_manager(group: Any) -> Told:
    return Told(group)


@pytest.fixture(autouse=True)
def nothing_called(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    for name in vars(LOCALS):
        monkeypatch.setattr(LOCALS, name, False)


def asked(call: Callable[[], list[object]], original: Callable[[], list[object]]) -> None:
    """In each context, a call gives what the original does, and calls it once."""
    for const_ref in (False, True):
        for of_lists in (False, True):
            LOCALS.use_const_ref_for_mutable_tensors = const_ref
            LOCALS.use_ilistref_for_tensor_lists = of_lists
            expected = original()
            before = len(calls)
            assert call() == call() == expected
            assert len(calls) == before + 1


def test_results_depend_on_the_context() -> None:
    one: Any = SimpleNamespace(name="one")
    other: Any = SimpleNamespace(name="other")
    types, listed = makers.make_argument_type(argument_type), makers.make_arguments(arguments)
    given = makers.make_lambda_arguments(dispatch_lambda_args)
    for flag in (True, False):
        asked(lambda: types(one, binds="x", symint=flag),  # noqa: B023
              lambda: argument_type(one, binds="x", symint=flag))  # fmt: skip  # noqa: B023
        asked(lambda: listed(one, symint=flag),  # noqa: B023
              lambda: arguments(one, symint=flag))  # fmt: skip  # noqa: B023
        asked(lambda: given(one, other, flag),  # noqa: B023
              lambda: dispatch_lambda_args(one, other, flag))  # fmt: skip  # noqa: B023
    assert types(other, binds="x") == argument_type(other, binds="x")
    assert types(other, binds="y") == argument_type(other, binds="y")
    assert listed(other) == arguments(other)
    assert given(other, one) == dispatch_lambda_args(other, one)
    listed(one).clear()  # the list is the caller's own
    assert listed(one) == arguments(one)


def test_a_manager_sets_the_context_and_puts_it_back() -> None:
    function: Any = SimpleNamespace(
        use_const_ref_for_mutable_tensors=True, part_of_structured_group=True
    )
    manager = makers.make_manager(native_function_manager)
    for group in (function, NativeFunctionsGroup(function), NativeFunctionsViewGroup(function)):
        with manager(group):
            assert [*vars(LOCALS).values()] == [True, True]
        assert [*vars(LOCALS).values()] == [False, False]
        assert calls == []
        with manager(group):
            raise KeyError
        assert calls[0] == "entered"
        assert calls[1][0] is group
        with pytest.raises(ValueError, match="no"), manager(group):
            raise ValueError("no")
        assert [*vars(LOCALS).values()] == [False, False]
        calls.clear()


def test_the_name_of_a_type() -> None:
    of_type: Any = SimpleNamespace(name=SimpleNamespace(_name_="Tensor"))
    assert makers.make_name_of_type(None)(of_type) == "Tensor"


def test_each_stand_in_is_for_the_first_piece_that_it_needs() -> None:
    for each in STAND_INS:
        first, *_ = each.needs
        assert each.name in (first, f"{first}.substitute"), each.name
    assert [each.name for each in STAND_INS if each.is_of_some] == [
        "code_template:CodeTemplate.substitute"
    ] * 2
