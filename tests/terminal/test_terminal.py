"""Nothing but what derivload means reaches a terminal, or the log of a build service.

Each command runs as users run it, on inputs, names and arguments that are full of what a terminal
obeys, does not show, or takes for a line of its own.
"""

from __future__ import annotations

import json

import pytest

from derivload.terminal.text import (
    as_line,
    as_part,
    encodable,
    fit_json,
    in_place,
    printable,
    with_its_colours,
)
from support.terminal_runs import (
    assert_fit,
)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("plain é — text", "plain é — text"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x00\x1b\x7f\x85\x9b", r"\x00\x1b\x7f\x85\x9b"),
        ("\u200b\u2028\u202e\u2066", r"\u200b\u2028\u202e\u2066"),
        ("\udcff\U000e0001", r"\udcff\U000e0001"),
    ],
)
def test_a_value_is_on_one_line_and_all_of_it_can_be_seen(text: str, spelled: str) -> None:
    assert printable(text) == spelled


@pytest.mark.parametrize(
    ("line", "fit"),
    [
        ("  3 | a\tb", "  3 | a\tb"),
        ("a\nb\x1b\tc", "a\\nb\\x1b\tc"),
        ("a::b ::c", "a::b ::c"),
        ("::error::x", r"\x3a:error::x"),
        (" \t::error::x", " \t\\x3a:error::x"),
        ("a ##[error]x", r"a \x23#[error]x"),
        ("###[x", r"#\x23#[x"),
        ("##vso[x] ##teamcity[y]", r"\x23#vso[x] \x23#teamcity[y]"),
    ],
)
def test_a_line_is_no_command_of_a_build_service(line: str, fit: str) -> None:
    assert as_line(line) == fit


def test_a_part_of_a_line_may_begin_like_a_command() -> None:
    assert as_part("::x\n") == "::x\\n"


def test_in_an_excerpt_everything_stays_in_its_column() -> None:
    line = "a\tb\x1b\u202e##[c]"
    assert in_place(line) == "a\tb\ufffd\ufffd\ufffd#[c]"
    assert len(in_place(line)) == len(line)


def test_another_programs_colours_stay_and_end() -> None:
    assert with_its_colours("a\x1b[1;31m\x1b[Kb\x1b]0;t\x07") == (
        "a\x1b[1;31m\x1b[Kb\\x1b]0;t\\x07\x1b[0m"
    )
    assert with_its_colours("a\x1b[2Jb") == r"a\x1b[2Jb"


def test_json_means_the_same() -> None:
    value = {"a": "é \x7f\x9b\u2028\u202e\U000e0001\U0001f600\n", "b": ["\x00", "##[x]"]}
    data = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    assert json.loads(fit_json(data)) == value
    assert_fit(fit_json(data))
    assert fit_json(b'"a"') == b'"a"'
    assert fit_json(b'"\x7f"') == b'"\\u007f"'
    assert "é" in fit_json(data).decode() and "\U0001f600" in fit_json(data).decode()


def test_what_utf_8_cannot_say_is_replaced() -> None:
    assert encodable("a\udcffb\ud800") == "a\ufffdb\ufffd"
