"""Text of the command line, and what a command gets of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from derivload.cli import main
from derivload.commands.options.values import (
    codes,
    groups,
    jobs,
    many_milliseconds,
    milliseconds,
    path,
    shards,
)
from derivload.engine.narrowing import GROUPS as NARROWING


def refused(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(argparse.ArgumentTypeError) as raised:
        read(text)
    return str(raised.value)


def test_numbers_are_within_their_limits() -> None:
    for read, low, high in ((shards, 1, 10_000), (jobs, 1, 1000)):
        assert (read(str(low)), read(str(high))) == (low, high)
        for text in (str(low - 1), str(high + 1), "-1", "1.5", "1_0", "\u0663", "", " 1", "x"):
            told = f"{text!r} is not a number from {low} to {high}"
            assert refused(read, text) == told
    assert shards("none") is None
    assert "'none' is not" in refused(jobs, "none")
    assert (milliseconds("0"), milliseconds("5"), milliseconds("10000")) == (0, 0.005, 10)
    assert many_milliseconds("600000") == 600
    assert refused(many_milliseconds, "600001").endswith("from 0 to 600000")
    assert refused(milliseconds, "10001").endswith("from 0 to 10000")
    assert (shards.text(3), milliseconds.text(0.005), milliseconds.text(0.0287)) == ("3", "5", "29")


def test_lists_are_separated_by_commas() -> None:
    assert codes("DL6, DL601,") == ["DL6", "DL601"]
    assert groups("node, formula,") == ["node", "formula"]
    assert groups(",".join(NARROWING)) == [*NARROWING]
    assert "DL9" in refused(codes, "DL601,DL9")
    told = refused(groups, "added,nodes")
    assert told.startswith("'nodes' is none of added, removed, renamed, schema, ")
    assert told.endswith(", differentiability; did you mean `node`?")
    assert refused(groups, "").startswith("'' is none of added")
    assert refused(codes, "")
    assert path("x") == "x"
    assert refused(path, "") == "the path is empty"


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("explore", "derivload explore [OPTIONS] [SIDE ...] --out-dir DIR"),
        ("run", "derivload run [OPTIONS] (SCRIPT | -m MODULE) ARGS..."),
    ],
)
def test_usage_of_many_options_is_short(
    command: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: {usage}\n\n")
