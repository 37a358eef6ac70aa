"""What remembers the results of functions: how often these are called, and for what."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen import makers


def test_a_function_is_called_once_for_each_object() -> None:
    calls: list[object] = []

    def first(value: Any) -> str:
        calls.append(value)
        return f"first of {value.name}"

    def second(value: Any) -> str:
        return f"second of {value.name}"

    one, other = SimpleNamespace(name="a"), SimpleNamespace(name="a")
    remembered, beside = makers.remember(first), makers.remember(second)
    assert [remembered(each) for each in (one, other, one)] == ["first of a"] * 3
    assert [each is one for each in calls] == [True, False]
    assert beside(one) == "second of a"


def test_a_function_is_called_once_for_each_object_and_arguments() -> None:
    calls = []

    def told(value: Any, **how: bool) -> str:
        calls.append(how)
        return f"{value.name} {how}"

    value = SimpleNamespace(name="a")
    remembered = makers.remember_calls(told)
    for how in ({}, {"x": True}, {"x": False}, {}, {"x": True}):
        assert remembered(value, **how) == f"a {how}"
    assert calls == [{}, {"x": True}, {"x": False}]


def test_a_text_that_is_refused_is_refused_again() -> None:
    calls = []

    def read(text: str) -> int:
        calls.append(text)
        return int(text)

    remembered = makers.remember_texts(read)
    assert [remembered("7"), remembered("7")] == [7, 7]
    for _ in range(2):
        with pytest.raises(ValueError, match="gem"):
            remembered("gem")
    assert calls == ["7", "gem", "gem"]


def test_an_info_is_looked_at_once_for_all_templates() -> None:
    calls = []

    def process_function(info: Any, template: Any) -> Any:
        calls.append(info.name)
        return template.substitute(name=info.name)

    process = makers.make_process_function(process_function)
    templates = [SimpleNamespace(substitute=text.format) for text in ("<{name}>", "[{name}]")]
    info = SimpleNamespace(name="a")
    assert [process(info, template) for template in templates] == ["<a>", "[a]"]
    assert calls == ["a"]


@pytest.mark.parametrize(
    ("patterns", "is_joined"),
    [
        ([re.compile("^a$"), re.compile("^b(_(c|d))?$")], True),
        ([re.compile("^a$"), re.compile("^(b)\\1$")], False),
        ([re.compile("^a$"), re.compile("(?i:^b$)")], False),
        ([re.compile("^a$"), re.compile("^b$", re.IGNORECASE)], False),
    ],
)
def test_patterns_are_joined_after_many_functions_if_that_is_the_same(
    patterns: list[re.Pattern[str]], is_joined: bool
) -> None:
    names: dict[str, Any] = {
        "SKIP_PYTHON_BINDINGS": patterns,
        "with_native_function": lambda inner: inner,
        "tried": [],
    }
    code = """
def should_generate_py_binding(function):
    found = [each.match(function.name) for each in SKIP_PYTHON_BINDINGS]
    tried.append(len(found))
    return not any(found)
"""
    exec(code, names)
    original = names["should_generate_py_binding"]
    test = makers.make_binding_test(original)
    some = ["a", "b", "bb", "B", "b_c", "b_e", "ab", "c"]
    for name in [*some, *map(str, range(100)), *some]:
        assert test(SimpleNamespace(name=name)) == original(SimpleNamespace(name=name))
    tried = names["tried"][::2]
    assert tried[:8] == [2] * 8
    assert tried[-8:] == [1 if is_joined else 2] * 8
