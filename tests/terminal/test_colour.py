"""Whether there is colour: the option decides, then the variables, then the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from derivload.cli import main
from derivload.terminal import colour
from support.paths import CATALOGUE, DERIVATIVES, NATIVES

SHOW = [
    *("show", "gild", "--derivatives", str(CATALOGUE / DERIVATIVES)),
    *("--native-functions", str(CATALOGUE / NATIVES)),
]
OF_RICH = ("TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour, "_chosen", ["auto"])
    for name in ("NO_COLOR", "FORCE_COLOR", *OF_RICH):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"NO_COLOR": ""}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "0"}, False),
        ({"FORCE_COLOR": ""}, None),
        ({"FORCE_COLOR": "0"}, None),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "yes", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_variables_are_read_as_everybody_reads_them(
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    variables: dict[str, str],
    expected: bool | None,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colour.is_wanted() == (is_terminal if expected is None else expected)


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
def test_the_option_beats_the_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str]
) -> None:
    for name, value in {**variables, "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    assert main([*SHOW, "--color", "never"]) == 0
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    assert main(["--color=always", *SHOW]) == 0
    coloured = capsys.readouterr().out
    assert "\x1b[1mgild\x1b[0m\n" in coloured
    assert "\x1b[36m" in coloured
    # The next run in this process decides anew.
    assert main(SHOW) == 0
    assert ("\x1b" in capsys.readouterr().out) == ("FORCE_COLOR" in variables)


@pytest.mark.parametrize(
    "command",
    [
        ["check", "--derivatives", "none", "--native-functions", "none", "--tags", "none"],
        ["watch", "--once", "--out-dir", "out", *SHOW[2:]],
    ],
)
def test_all_that_is_coloured_heeds_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
    command: list[str],
) -> None:
    monkeypatch.chdir(str(tmp_path))
    main([*command, "--color", "always"])
    assert "\x1b[" in capsys.readouterr().out
    main([*command, "--color", "never"])
    assert "\x1b" not in capsys.readouterr().out


def test_a_painted_line_has_no_colours_but_its_own_and_is_as_long_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    painter = colour.Painter({"": "", "name": "bold"})
    assert painter.line([("12 'a' None ", ""), ("b" * 30, "name"), (" c" * 20, "")]) == (
        f"12 'a' None \x1b[1m{'b' * 30}\x1b[0m{' c' * 20}\n"
    )
    assert painter.line([("  ", ""), ("::error", ""), ("::", "")]) == "  \\x3a:error::\n"


@pytest.mark.parametrize("arguments", [["--color", "never", "--help"], ["emit", "--help"]])
def test_help_in_a_pipe_is_plain_and_leaves_the_variables_alone(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    before = dict(os.environ)
    assert main(arguments) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert dict(os.environ) == before


@pytest.mark.skipif(sys.version_info < (3, 14), reason="help has no colour before Python 3.14")
def test_help_is_coloured_as_is_wanted() -> None:
    def helped(*arguments: str) -> str:
        command = [sys.executable, "-m", "derivload", "emit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "\x1b[" in helped("--color", "always", "--help")
    assert "\x1b[" in helped("--help", "--color", "always")
    assert "\x1b[" not in helped("--color", "never", "--help")
    assert "\x1b[" not in helped("--help")
