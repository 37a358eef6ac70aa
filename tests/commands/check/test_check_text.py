"""Mistakes as `check` prints them, with the number of each colour."""

from __future__ import annotations

import pytest

from derivload.commands.check.text import print_text
from derivload.diagnostics import Diagnostic
from derivload.terminal import colour
from derivload.terminal.stdout import Stdout
from support.terminal_runs import with_marks

FOUND = [
    Diagnostic("f.yaml", 13, 2, "DL410", "it is wrong", "right it", "abcdef", 3),
    Diagnostic("f.yaml", 4, 1, "DL602", "it is odd", "see it", severity="warning"),
]


@pytest.mark.parametrize("when", ["always", "never"])
def test_each_part_of_a_mistake_has_its_colour(
    when: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colour, "_chosen", [when])
    print_text(FOUND, Stdout())
    shown = with_marks(capsys.readouterr().out)
    if when == "never":
        assert shown == "".join(f"{found.render()}\n" for found in FOUND)
        return
    assert shown == (
        "<1>f.yaml:13:2: </><1;31>error[DL410]</><1>: it is wrong</>\n"
        "  13 | abcdef\n"
        "     | <1;31> ^^^</>\n"
        "<36>  help: </>right it\n"
        "<1>f.yaml:4:1: </><1;33>warning[DL602]</><1>: it is odd</>\n"
        "<36>  help: </>see it\n"
    )
