"""How help is laid out, and what the pages for `man` escape."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.options import parser as parsing
from derivload.commands.options.command_line import make_parser
from derivload.commands.options.man import _fit, pages, write
from derivload.commands.options.named_files import add_file_beside
from derivload.commands.options.parser import names_of_options

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(("columns", "width"), [("90", 88), ("100", 98), ("0", 78), ("x", 78)])
def test_help_is_as_wide_as_the_terminal(
    columns: str, width: int, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(descriptor: int) -> os.terminal_size:
        raise OSError

    monkeypatch.setattr(os, "get_terminal_size", unknown)
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["emit", "--help"]) == 0
    lengths = [len(line) for line in capsys.readouterr().out.splitlines()]
    assert width - 8 <= max(lengths) <= width


def test_the_width_is_what_the_terminal_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for columns, width in ((33, 33), (0, 80)):
        size = os.terminal_size((columns, 24))
        monkeypatch.setattr(os, "get_terminal_size", lambda number, size=size: size)
        assert parsing._terminal_width() == width


def test_help_has_a_title_for_each_group_of_options(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["codegen", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["options:", "inputs:", "selection:", "warnings:", "remote cache:"]
    assert "  A cache that a team shares." in lines
    assert "  Options of PyTorch's tools/setup_helpers/generate_code.py." in lines


def test_python_is_told_about_colour_for_help_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from derivload.terminal import colour

    seen: list[str | None] = []
    original = argparse.ArgumentParser.format_help

    def format_help(self: object) -> str:
        seen.append(os.environ.get("PYTHON_COLORS"))
        return original(self)  # type: ignore[arg-type]

    monkeypatch.setattr(argparse.ArgumentParser, "format_help", format_help)
    for when, told in (("always", "1"), ("never", "0")):
        monkeypatch.setattr(colour, "_chosen", [when])
        for before in (None, "x"):
            if before is None:
                monkeypatch.delenv("PYTHON_COLORS", raising=False)
            else:
                monkeypatch.setenv("PYTHON_COLORS", before)
            make_parser("show").format_help()
            assert seen.pop() == told
            assert os.environ.get("PYTHON_COLORS") == before


def test_names_of_options_are_those_before_two_hyphens() -> None:
    arguments = ["a", "--b=c", "-d", "--e f", "-", "--", "--g"]
    assert [*names_of_options(arguments)] == ["--b", "-d", "-"]


# Pages for man


def test_pages_are_written_as_they_are(tmp_path: Path) -> None:
    write(tmp_path)
    found = {path.name: path.read_bytes().decode() for path in tmp_path.iterdir()}
    assert found == pages()


def test_roff_shows_a_text_as_it_is() -> None:
    assert _fit("a-b \\n") == "a\\-b \\en"
    assert _fit(".a 'b") == "\\&.a 'b"
    long = "x" * 90
    assert _fit(f"{'a' * 40} {'b' * 37} c") == f"{'a' * 40} {'b' * 37}\nc"
    assert _fit(f"a {long} b") == f"a\n{long}\nb"
    assert _fit(f"a {'b-' * 45}") == "a\n" + "b\\-" * 45


# A file beside another


@pytest.mark.parametrize(
    ("different", "is_added"),
    [({}, True), ({"pytorch": "t"}, False), ({"catalogue": True}, False)],
)
def test_a_file_beside_is_taken_only_if_nothing_else_names_inputs(
    different: dict[str, object],
    is_added: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("derivatives.yaml", "native_functions.yaml"):
        Path(name).touch()
    usual: dict[str, object] = {
        "pytorch": None,
        "catalogue": False,
        "derivatives": [],
        "native_functions": [],
    }
    for given, other in (
        ("derivatives", "native_functions"),
        ("native_functions", "derivatives"),
    ):
        options = Namespace(**{**usual, **different, given: [f"{given}.yaml"]})
        add_file_beside(options)
        assert getattr(options, other) == ([f"{other}.yaml"] if is_added else [])
    options = Namespace(**{**usual, "native_functions": ["mine.yaml"]})
    add_file_beside(options)
    assert options.derivatives == []
