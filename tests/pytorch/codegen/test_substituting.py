"""Templates that are filled in from prepared ones, and which are left to torchgen."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from derivload.pytorch.codegen.substituting import make_substitute

PATTERN: Final = re.compile(
    r"(^[^\n\S]*)?\$([^\d\W]\w*|\{,?[^\d\W]\w*\,?})", re.MULTILINE
)  # what counts is the groups: an indentation, and a key


class CodeTemplate:
    """As torchgen's: its own way to fill in is told apart by what it returns."""

    substitution = PATTERN

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def substitute(self, env: Any = None, **more: Any) -> str:
        return f"own: {self.pattern} {env} {more}"


class Other(CodeTemplate):
    """Somebody else's."""


BOTH: Final = {
    is_stripped: make_substitute(CodeTemplate, is_stripped=is_stripped)
    for is_stripped in (True, False)
}


def filled(template: str, env: Any = None, **more: Any) -> list[str]:
    """The text in the newer way, and in the older one if that differs."""
    texts = [substitute(CodeTemplate(template), env, **more) for substitute in BOTH.values()]
    return texts[:1] if texts[0] == texts[1] else texts


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("", {}, [""]),
        ("text $", {}, ["text $"]),
        ("a $x b", {"x": 1}, ["a 1 b"]),
        ("a ${x}b", {"x": "y"}, ["a yb"]),
        ("a $x$y", {"x": "1", "y": None}, ["a 1None"]),
        ("a $x b", {"x": ["1", 2]}, ["a 1, 2 b"]),
        ("a $x b", {"x": []}, ["a  b"]),
        ("f(a${,x})", {"x": ["1", "2"]}, ["f(a, 1, 2)"]),
        ("f(a${,x})", {"x": []}, ["f(a)"]),
        ("f(${x,}a)", {"x": ["1", "2"]}, ["f(1, 2, a)"]),
        ("f(a${,x,}b)", {"x": ["1"]}, ["f(a, 1, b)"]),
        ("f(a${,x,}b)", {"x": "1"}, ["f(a1b)"]),
    ],
)
def test_a_place_in_a_line(template: str, values: dict[str, object], expected: list[str]) -> None:
    assert filled(template, values) == filled(template, **values) == expected


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("$x;", "a", ["a;"]),
        ("  $x;\n", "a", ["  a;\n"]),
        ("  $x;", ["a", "b\n c\n", "", 3], ["  a\n  b\n   c\n  3;"]),
        ("  $x;", [], [";"]),
        ("  $x;", "", [";"]),
        ("$x;", "a\n\nb", ["a\n\nb;"]),
        ("  $x;", "a\n\nb", ["  a\n\n  b;", "  a\n  \n  b;"]),
        ("  $x;", "a\n\n\n\nb", ["  a\n\n\n\n  b;", "  a\n  \n  \n  \n  b;"]),
        ("  $x;", "\n\na", ["\n\n  a;", "  \n  \n  a;"]),
        ("  $x;", "a\n\n", ["  a;"]),
        ("  $x;", "a  \nb\t \nc ", ["  a\n  b\n  c;", "  a  \n  b\t \n  c;"]),
        ("  $x;", "a\t\n\tb", ["  a\n  \tb;", "  a\t\n  \tb;"]),
        ("$x;", "a \n  \nb", ["a\n\nb;", "a \n  \nb;"]),
        ("\t$x;", "a\n\nb", ["\ta\n\n\tb;", "\ta\n\t\n\tb;"]),
        (" \t$x;", ["a\nb", "c"], [" \ta\n \tb\n \tc;"]),
        ("  $x;", "a\r\nb\x0bc", ["  a\n  b\n  c;"]),
        *(("  $x;", f"a{space}b", ["  a\n  b;"]) for space in "\r\x0b\x0c\x1c\x1d\x1e"),
        ("  $x;", "a\x1fb", ["  a\x1fb;"]),
        ("  $x;", "a\x1f\nb", ["  a\n  b;", "  a\x1f\n  b;"]),
        ("  $x;", "\u00e9\u2028b \nc", ["  \u00e9\n  b\n  c;", "  \u00e9\n  b \n  c;"]),
        ("  $x;", "\u00e9\n\nb", ["  \u00e9\n\n  b;", "  \u00e9\n  \n  b;"]),
        ("  $x\n  $x", "a", ["  a\n  a"]),
    ],
)
def test_a_place_with_a_line_of_its_own(template: str, value: object, expected: list[str]) -> None:
    assert filled(template, {"x": value}) == expected


def test_given_values_come_before_those_of_the_environment() -> None:
    assert filled("$x $y", {"x": 1, "y": 2}, y=3) == ["1 3"]
    assert filled("$x", {}, x=1) == ["1"]
    for substitute in BOTH.values():
        template = CodeTemplate("$x")
        assert substitute(template, x=4) == substitute(template, {"x": 4}) == "4"


def test_what_cannot_be_filled_in_is_torchgens_own() -> None:
    for substitute in BOTH.values():
        for template, env in (
            (CodeTemplate("$x"), {}),
            (CodeTemplate("$x"), None),
            (CodeTemplate("a $y"), {"x": 1}),
            (CodeTemplate("\x0c$x"), {"x": 1}),
            (Other("a $x"), {"x": 1}),
        ):
            for _ in range(2):
                found = substitute(template, env, z=2)
                assert found == f"own: {template.pattern} {env} {{'z': 2}}"
    changed = CodeTemplate("a $x")
    changed.substitution = re.compile("x")
    assert BOTH[True](changed, {"x": 1}) == "own: a $x {'x': 1} {}"


def test_a_template_is_searched_once() -> None:
    searched: list[str] = []

    class Counting:
        def finditer(self, text: str) -> Any:
            searched.append(text)
            return PATTERN.finditer(text)

    class Template(CodeTemplate):
        substitution: Any = Counting()

    substitute = make_substitute(Template, is_stripped=True)
    for text in ("a $x", "\x0c$x", "a $x", "\x0c$x"):
        substitute(Template(text), {"x": 1})
    assert searched == ["a $x", "\x0c$x"]
