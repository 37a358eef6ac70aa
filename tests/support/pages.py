"""The pages of the documentation, run: a page is a list of code blocks, in the order of the page.

What the first line of a block says decides what is done with it:

- a file's name after the language, as in ```` ```cmake CMakeLists.txt ````: the text is written to
  that file. A second block of the same name is appended.
- `sh`: the commands are run; each has to succeed. What they print is not looked at.
- `console`, or `sh` with a `$ ` first: the lines after a `$ ` are run, and have to print what is
  shown below them. Times, sizes and absolute paths may differ, and a line `...` stands for any
  lines.
- `python`: the program is run, and has to succeed.

A comment on the line above a block says more. `<!-- not run: the reason -->` is for what cannot be
run. `<!-- meanwhile` is for a command that goes on until it is ended: its further lines are shell
commands, each with a number before it, such as `2: touch a.yaml`, which is run when the command
has printed so many lines.

Any other block is a mistake, and so is code that is no such block.
"""

from __future__ import annotations

import difflib
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.page_sessions import run_session

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>(?:(?!-->).)+?) -->\n)?"
    r"(?:^<!-- meanwhile\n(?P<edits>(?:\d+: .+\n)+)-->\n)?"
    r"^```(?P<language>[a-z]*)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Code that is no block, and a mark that has none behind it.
_STRAY = re.compile(
    r"^\s*(?:```|~~~).*|^(?: {4}|\t) *\S.*|.*(?:<pre|<!-- *(?:not run|meanwhile)).*", re.MULTILINE
)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
_RUN = ("sh", "console", "python")

_VARYING = (
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<time>"),
    (re.compile(r"\b\d[\d,.]* ?(?:ms|s)\b"), "<time>"),
    (re.compile(r"\b\d[\d,.]* ?(?:bytes|[kKMG]i?B)\b"), "<size>"),
    (re.compile(r"(?<![\w./:>])/\w[\w.+@/-]*"), "<path>"),
)


class PageError(AssertionError):
    """What is wrong with a page, with its line."""


@dataclass(frozen=True)
class Block:
    """A code block; `line` is that of its text, and `reason` says why it is not run, or nothing.

    `edits` are run beside it, each when so many lines were printed.
    """

    line: int
    language: str
    file: str
    text: str
    reason: str
    edits: tuple[tuple[int, str], ...]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, all of which are run, written to a file or marked."""
    _refuse_strays(page)
    blocks = []
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start("text")) + 1
        reason = " ".join((found["reason"] or "").split())
        edits = _edits(found["edits"] or "")
        block = Block(line, found["language"], found["file"] or "", found["text"], reason, edits)
        if not (block.reason or block.file or block.language in _RUN):
            raise PageError(f"line {line}: this block is neither run nor marked as not run")
        blocks.append(block)
    return blocks


def _edits(text: str) -> tuple[tuple[int, str], ...]:
    pairs = (line.split(": ", 1) for line in text.splitlines())
    return tuple((int(count), command) for count, command in pairs)


def _refuse_strays(page: str) -> None:
    # The lines stay, for their numbers.
    rest = _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), page)
    stray = _STRAY.search(rest)
    if stray:
        line = rest.count("\n", 0, stray.start()) + 1
        raise PageError(f"line {line}: this is in no block that can be run: {stray[0].strip()}")


def run_page(page: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Run the blocks of a page in a folder; gives the reasons of those that are not run."""
    blocks = blocks_of(page)
    written: set[str] = set()
    for block in blocks:
        if block.reason:
            continue
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if block.file in written else "w", encoding="utf-8") as stream:
                stream.write(block.text)
            written.add(block.file)
        elif block.language == "console" or block.text.startswith("$ "):
            _run_session(block, folder, environment)
        else:
            command = ["sh", "-e", "-c"] if block.language == "sh" else ["python3", "-c"]
            status, output = _run([*command, block.text], folder, environment)
            if status:
                raise PageError(f"line {block.line}: exit status {status}\n{block.text}\n{output}")
    return [block.reason for block in blocks if block.reason]


def _run_session(block: Block, folder: Path, environment: Mapping[str, str]) -> None:
    commands = list(_COMMAND.finditer(block.text))
    if not commands or commands[0].start():
        raise PageError(f"line {block.line}: a console block begins with `$ `")
    ends = [command.start() for command in commands[1:]] + [len(block.text)]
    for command, end in zip(commands, ends, strict=True):
        shown = block.text[command.end() : end]
        if block.edits:
            count = shown.count("\n")
            status, output = 0, run_session(command[1], block.edits, count, folder, environment)
        else:
            status, output = _run(["sh", "-c", command[1]], folder, environment)
        line = block.line + block.text.count("\n", 0, command.start())
        if status and not shown:
            raise PageError(f"line {line}: exit status {status}: {command[1]}\n{output}")
        if not _is_as_shown(shown, output):
            difference = "".join(
                difflib.unified_diff(
                    shown.splitlines(keepends=True),
                    output.splitlines(keepends=True),
                    "in the page",
                    "printed",
                )
            )
            raise PageError(f"line {line}: other output: {command[1]}\n{difference}")


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _is_as_shown(shown: str, output: str) -> bool:
    lines = [re.escape(line) for line in _without_varying(shown).splitlines(keepends=True)]
    any_lines = re.escape("...\n")
    pattern = "".join("(?:.*\n)*?" if line == any_lines else line for line in lines)
    return re.fullmatch(pattern, _without_varying(output)) is not None


def _without_varying(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text
