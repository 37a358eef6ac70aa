"""The pages for `man` are those of the parser, and roff takes them without a word."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import NoReturn

import pytest

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.man import pages
from derivload.commands.options.parser import OptionParser
from support.paths import ROOT

NAMES = ("derivload.1", "derivwatch.1")


def test_those_of_the_project_are_not_stale() -> None:
    """`python -m derivload.commands.options.man man` writes them anew."""
    found = {path.name: path.read_text("utf-8") for path in (ROOT / "man").iterdir()}
    assert found == pages()


def test_every_option_is_there() -> None:
    derivload, derivwatch = (text.replace("\\-", "-") for text in pages().values())
    parser = make_parser()
    for each in (parser, *parser.commands.values()):
        assert [name for name in named(each) if name not in derivload] == []
    assert [name for name in named(parser.commands["watch"]) if name not in derivwatch] == []


def named(parser: OptionParser) -> list[str]:
    """The options of a parser, as pages have them."""
    return [rf"\fB{name}\fR" for name in parser.options if name not in ("-h", "--help")]


@pytest.mark.parametrize("name", NAMES)
def test_mandoc_finds_no_mistake(name: str, unavailable: Callable[[str], NoReturn]) -> None:
    if shutil.which("mandoc") is None:
        unavailable("there is no mandoc on this machine")
    command = ["mandoc", "-Tlint", "-W", "style", str(ROOT / "man" / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
