"""How far a long run is, on a terminal: it is shown, gives way to other lines, and is gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.child import child_environment
from support.terminal_runs import run_on_terminal, screen

BEGIN = """
import os, sys
from derivload.terminal.progress import end, shown_on, tell
from derivload.terminal.stderr import say
from derivload.terminal.streams import for_fit_text, make_fit
make_fit()
with shown_on(for_fit_text(sys.stderr)):
"""


def run(body: str, **variables: str) -> str:
    """What a program shows on a terminal. `body` is run where progress is shown."""
    program = BEGIN + "".join(f"    {line}\n" for line in body.strip().splitlines())
    command = [sys.executable, "-c", program]
    status, shown = run_on_terminal(command, child_environment(), None, **variables)
    assert status == 0, shown
    return shown


def test_what_is_done_and_how_much_of_it_is_shown_and_gone_in_the_end() -> None:
    shown = run("tell('mending nets', 1234, 5678, is_long=True)")
    assert "derivload: mending nets " in shown
    assert "1,234 of 5,678" in shown
    assert screen(shown) == []
    assert not shown.endswith("\x1b[?25l")


def test_no_count_is_shown_where_none_is_known() -> None:
    shown = run("tell('counting', 1, 2, is_long=True)\ntell('mending nets', is_long=True)")
    mending = shown[shown.index("mending") :]
    assert " of " not in mending
    assert "\u2501" not in mending


def test_other_lines_take_its_place_and_stay() -> None:
    shown = run(
        """
tell("first", is_long=True)
say("a note")
tell("second", 1, 2, is_long=True)
print("a result", flush=True, file=sys.stderr)
say("another")
"""
    )
    assert "second" in shown
    assert screen(shown) == ["derivload: a note", "a result", "derivload: another"]


def test_results_take_its_place_too() -> None:
    shown = run(
        """
from derivload.terminal.stdout import Stdout
tell("first", is_long=True)
Stdout().print_lines(["a result"])
sys.stdout.flush()
"""
    )
    assert screen(shown) == ["a result"]


def test_it_comes_with_the_first_word_after_a_second() -> None:
    shown = run(
        """
import time
tell("at once")
time.sleep(1.1)
tell("later")
"""
    )
    assert "at once" not in shown
    assert "later" in shown


def test_a_name_is_no_markup() -> None:
    assert "making [red]nets[/red]" in run("tell('making [red]nets[/red]', is_long=True)")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_shows_nothing() -> None:
    shown = run(
        """
tell("ours", is_long=True)
pid = os.fork()
if not pid:
    tell("theirs", is_long=True)
    os._exit(0)
os.waitpid(pid, 0)
tell("ours still", is_long=True)
"""
    )
    assert "theirs" not in shown
    assert "ours still" in shown
    assert screen(shown) == []


@pytest.mark.parametrize(
    "body", ["tell('long', is_long=True)", "end()\ntell('long', is_long=True)"]
)
@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_nothing_is_shown_on_a_dumb_terminal_or_after_the_end(body: str, terminal: str) -> None:
    is_shown = terminal == "xterm" and not body.startswith("end")
    assert bool(run(body, TERM=terminal)) == is_shown


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    program = f"{BEGIN}    tell('long', is_long=True)\n    assert 'rich' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=child_environment(), check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_has_no_colour_where_none_is_wanted() -> None:
    assert "\x1b[9" not in run("tell('long', 1, 2, is_long=True)", NO_COLOR="1")
    assert "\x1b[9" in run("tell('long', 1, 2, is_long=True)", FORCE_COLOR="1")
