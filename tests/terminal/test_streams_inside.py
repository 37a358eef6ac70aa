"""The standard streams and the line of progress, within the process of the test."""

from __future__ import annotations

import io
import os
import signal
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload.terminal import colour, progress
from derivload.terminal.ending import Ended, cleaned_up_when_ended
from derivload.terminal.progress import shown_on, tell
from derivload.terminal.stderr import say, say_lines
from derivload.terminal.stdout import Stdout
from derivload.terminal.streams import for_fit_text, make_fit, open_closed, write_fit
from derivload.terminal.width import terminal_width
from support.out_dirs import posix

if sys.platform != "win32":
    import fcntl
    import termios

pytestmark = posix


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = True) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding, write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def written(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode("utf-8")


# Signals


@pytest.fixture
def ending() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("ending")
def test_sigterm_is_raised_inside_and_as_it_was_behind() -> None:
    with pytest.raises(Ended) as raised, cleaned_up_when_ended(True):
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.status == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("ending")
def test_signals_of_other_programs_are_left_alone() -> None:
    with cleaned_up_when_ended(False):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with cleaned_up_when_ended(True):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


# Streams that are closed, or made fit


def test_a_stream_that_was_closed_is_opened_on_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    kept = sys.stdout
    monkeypatch.setattr(sys, "stderr", None)
    open_closed()
    assert sys.stdout is kept
    assert sys.stdin.read() == ""
    sys.stderr.write("é\n")
    sys.stderr.flush()
    for stream in (sys.stdin, sys.stderr):
        assert stream.encoding == "utf-8"
        assert os.get_inheritable(stream.fileno())
        os.close(stream.fileno())


def made_fit(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Where stderr goes, which is made fit."""
    made = Terminal("ascii", is_terminal=False)
    monkeypatch.setattr(sys, "stderr", made)
    make_fit()
    return made


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["a\x1b[31m\n"], "a\\x1b[31m\n"),
        (["é\n"], "\\xe9\n"),
        # Only at the begin of a line, a build service reads commands.
        (["::error::x\n"], "\\x3a:error::x\n"),
        (["a ", "::error::x\n"], "a ::error::x\n"),
        ([" ", "::error::x\n"], " \\x3a:error::x\n"),
        (["a", " ", "::error::x\n"], "a ::error::x\n"),
        (["a\n", "::error::x"], "a\n\\x3a:error::x"),
        (["a\n::error::x"], "a\n\\x3a:error::x"),
    ],
)
def test_what_anybody_prints_is_made_fit(
    texts: list[str], written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = made_fit(monkeypatch)
    for text in texts:
        assert sys.stderr.write(text) == len(text)
    sys.stderr.flush()
    assert stderr.written() == written


def test_text_that_is_fit_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = made_fit(monkeypatch)
    write_fit(sys.stderr, "\x1b[1ma\x1b[0m\n")
    assert stderr.written() == "\x1b[1ma\x1b[0m\n"
    assert for_fit_text(sys.stderr) is stderr
    assert for_fit_text(stderr) is stderr
    other = io.StringIO()
    write_fit(other, "\x1b[1m")
    assert other.getvalue() == "\x1b[1m"


def test_a_message_is_a_line_of_who_says_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say("so")
    say("so", "derivwatch")
    say("a\x07\nb")
    say("##[error]y")
    say_lines(["one\x07", "two"])
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["derivload: so", "derivwatch: so"]
    assert lines[2].startswith("derivload: a\\x07")
    assert len(lines) == 6
    assert not lines[3].startswith("##[")
    assert "##[" not in lines[3]
    assert lines[4:] == ["one\\x07", "two"]
    monkeypatch.setattr(sys, "stderr", None)
    say("nobody hears it")


# Stdout


def test_a_letter_that_the_encoding_lacks_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := Terminal("ascii"))
    Stdout().write("a\N{GREEK SMALL LETTER MU}\n")
    assert out.written() == "a\\u03bc\n"


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("a/b", "a/b"),
        ("a\x07b", "a\\x07b"),
        ("a\udcc3\udca9", "aé"),
    ],
)
def test_a_path_is_printed_for_a_program(
    path: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    Stdout().print_path(path)
    assert out.written() == f"{printed}\n"


@pytest.mark.parametrize(
    ("columns", "is_terminal", "width"),
    [
        ("50", True, 50),
        ("50", False, 7),
        ("0", True, 7),
        ("many", True, 7),
        (None, True, 7),
    ],
)
def test_the_width_is_that_of_a_terminal(
    columns: str | None, is_terminal: bool, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    # This terminal does not say how wide it is.
    assert terminal_width(Terminal(is_terminal=is_terminal), 7) == width
    assert terminal_width(None, 7) == 7


def test_the_width_is_what_the_terminal_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        assert terminal_width(stream, 7) == 7  # it says 0
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 33, 0, 0))
        assert terminal_width(stream, 7) == 33
    os.close(ours)


def test_when_nobody_reads_any_more_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stdout", stream)
    out = Stdout()
    out.print_lines(["one"])
    out.flush()
    assert out.is_read
    os.close(reader)
    out.print_lines(["two"])
    out.flush()
    assert not out.is_read
    out.print_lines(["three"])
    out.flush()
    stream.close()


def test_a_message_that_nobody_reads_leaves_nothing_to_be_written_and_no_open_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    os.close(reader)
    monkeypatch.setattr(sys, "stderr", stream)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    say("nobody reads this")
    say_lines(["nor this"])
    now_free = os.open(os.devnull, os.O_RDONLY)
    os.close(now_free)
    stream.close()
    assert now_free == free


def test_bytes_come_after_the_text_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        out = Stdout()
        out.print_lines(["one"])
        out.write_bytes(b"two\n")
        out.print_lines(["three"])
        out.write_json(b'"\x7f"\n')
    assert (tmp_path / "out").read_text() == 'one\ntwo\nthree\n"\\u007f"\n'


# The line of progress


def test_a_long_step_is_shown_at_once_until_something_else_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(colour, "_chosen", ["always"])
    terminal = Terminal()
    with shown_on(terminal):
        tell("short")
        assert terminal.written() == ""
        tell("loading it", 3, 4, is_long=True)
        shown = terminal.written()
        assert "derivload: loading it" in shown
        # Three quarters of a bar of 30, in colours that a theme may choose.
        assert shown.endswith(
            "\r\x1b[2Kderivload: loading it "
            "\x1b[91m━━━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[91m╸\x1b[0m\x1b[90m━━━━━━━\x1b[0m 3 of 4"
        )
        progress.hide()
        hidden = terminal.written()
        assert len(hidden) > len(shown)
        progress.hide()
        assert terminal.written() == hidden
        tell("more [of] it", is_long=True)
        # Without a number, there is no bar.
        shown_last = terminal.written()
        assert shown_last.endswith("derivload: more [of] it   ")
    after = terminal.written()
    assert after.startswith(shown_last)
    assert len(after) > len(shown_last)  # the line is gone
    tell("nobody looks", is_long=True)
    assert terminal.written() == after
    # A run that is killed leaves a cursor that is seen.
    assert "\x1b[?25h" in shown


def test_what_is_told_at_once_again_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_STEP", 1000.0)
    terminal = Terminal()
    with shown_on(terminal):
        tell("first", is_long=True)
        tell("second")
        assert "second" not in terminal.written()
        monkeypatch.setattr(progress, "_STEP", 0.0)
        tell("third", is_long=True)
        tell("fourth")
        assert "fourth" in terminal.written()


@pytest.mark.parametrize(("is_terminal", "term"), [(False, "xterm"), (True, "dumb")])
def test_where_nothing_can_be_shown_nothing_is(
    is_terminal: bool, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    terminal = Terminal(is_terminal=is_terminal)
    with shown_on(terminal):
        tell("loading it", is_long=True)
    assert terminal.written() == ""


def test_a_child_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with shown_on(Terminal()), warnings.catch_warnings():
        # Another thread of the process of the tests may be there: the child does not use it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            os._exit(bool(progress._lines))
        assert os.waitpid(child, 0)[1] == 0
        assert progress._lines
