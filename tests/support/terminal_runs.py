"""Runs of derivload whose output is looked at byte by byte, and text that is not fit for one."""

from __future__ import annotations

import os
import pty
import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from support import forks

# Each does something to a terminal, or is a command to a build service, or shows as nothing.
HOSTILE = (
    *("\x01", "\x07", "\x08", "\t", "\n", "\x0b", "\x0c", "\r", "\x1b", "\x7f", "\x85", "\x9b"),
    *("\xa0", "\xad", "\u200b", "\u200d", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff"),
    *("\x1b[31m", "\x1b]0;title\x07", "\x1b[2J", "\x9b2J", "\r\n", "\U000e0001"),
    *("\n::error file=x::y", "\r::error::y", "\u2028::error::y", "::error::y", "  ::debug::y"),
    *("##[error]y", "##vso[task.x]y", "\n##[add-mask]y"),
)
_SGR = re.compile(r"\x1b\[[0-9;]*m")
# The two lines of an excerpt: a tab of the source stays one.
_EXCERPT = re.compile(r" +\d* \| ")


def hostile(dice: random.Random, *, surrogates: bool = False) -> str:
    """A text with something in it that must not come out as it is."""
    choices = [*HOSTILE, "\udc9b", "\udcff"] if surrogates else HOSTILE
    return "".join(dice.choice([*choices, "a", "::", "é"]) for _ in range(2)) + dice.choice(choices)


class Ran(NamedTuple):
    status: int
    out: bytes
    err: bytes


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    stdin: bytes = b"",
) -> Ran:
    """Run derivload with pipes for its streams."""
    done = forks.run(arguments, env=environment, cwd=folder, stdin=stdin, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


class OnTerminal:
    """A command that runs on a terminal that shows colours, and what it has shown there so far."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path | None = None,
        **variables: str,
    ) -> None:
        self._ours, theirs = pty.openpty()
        known = {name: value for name, value in environment.items() if name != "NO_COLOR"}
        coloured = {**known, "TERM": "xterm", "COLUMNS": "80", **variables}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=coloured, cwd=folder
        )
        os.close(theirs)
        self._shown = b""

    @property
    def shown(self) -> str:
        return self._shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def until(self, words: str) -> None:
        """Read until these words are shown."""
        while words not in self.shown:
            assert self._read(), self.shown

    def end(self) -> tuple[int, str]:
        """Read to the end; the status, and all that was shown."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(), self.shown

    def _read(self) -> bool:
        try:
            part = os.read(self._ours, 65536)
        except OSError:  # how Linux says that nobody has the other side any more
            part = b""
        self._shown += part
        return bool(part)


def run_on_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    **variables: str,
) -> tuple[int, str]:
    """Run a command on a terminal that shows colours; its status, and what was shown there."""
    return OnTerminal(command, environment, folder, **variables).end()


_MOVE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


def screen(shown: str) -> list[str]:
    """What is on the screen in the end of what was printed there, line by line."""
    lines, row, column, at = [""], 0, 0, 0
    while at < len(shown):
        move = _MOVE.match(shown, at)
        if move is not None:
            at = move.end()
            if move[2] == "A":
                row = max(0, row - int(move[1] or 1))
            elif move[2] == "K":
                lines[row] = "" if move[1] == "2" else lines[row][:column]
            else:
                assert move[2] in "mhl", move[0]
            continue
        letter, at = shown[at], at + 1
        if letter == "\r":
            column = 0
        elif letter == "\n":
            row, column = row + 1, 0
            lines += [""] * (row == len(lines))
        else:
            lines[row] = lines[row][:column].ljust(column) + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


def with_marks(shown: str) -> str:
    """What was printed, with `<31>` for the beginning of a colour and `</>` for its end."""
    return re.sub(r"\x1b\[([0-9;]+)m", r"<\1>", shown.replace("\x1b[0m", "</>"))


def assert_fit(shown: str | bytes, *, coloured: bool = False, annotations: bool = False) -> None:
    """What was printed has nothing in it that derivload did not mean."""
    text = shown if isinstance(shown, str) else shown.decode("utf-8", "strict")
    if coloured:
        text = _SGR.sub("", text)
    for line in text.split("\n"):
        may_have_tabs = _EXCERPT.match(line)
        bad = [c for c in line if not c.isprintable() and not (may_have_tabs and c == "\t")]
        assert not bad, (bad, line)
        if annotations:
            assert not line or line.startswith(("::error ", "::warning ")), line
        else:
            assert not line.lstrip().startswith("::"), line
            assert not re.search(r"##(vso|teamcity)?\[", line), line
    assert "Traceback" not in text, text
