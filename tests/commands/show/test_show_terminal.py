"""`derivload show` in plain text, and on a terminal."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.terminal.layout import Line, Segment, wrap
from support.paths import REFERENCE
from support.shown import WAVE, WAVE_DERIVATIVES, Show, show
from support.terminal_runs import with_marks

__all__ = ["show"]  # fixtures


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, show: Show) -> Show:
    """As on a terminal of 60 columns that can do colour."""
    show.on_terminal = True
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return show


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


SHOWN = """gild gleam temper_.Tensor speckle tally consign quench ripple _foreach_gleam burnish
lull settle""".split()


def test_a_terminal_has_all_that_it_had(
    terminal: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text is in `reference/shown.txt`, with the number of each colour."""
    monkeypatch.setenv("COLUMNS", "90")
    terminal.copy_the_catalogue()
    shown = "".join(f"$ {name}\n{with_marks(terminal(name).out)}" for name in SHOWN)
    (tmp_path / "shown.txt").write_text(shown, "utf-8")
    expected = (REFERENCE / "shown.txt").read_text("utf-8")
    assert shown == expected, f"if this is right, {tmp_path / 'shown.txt'} takes its place"


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
