"""Compares the files of `derivload codegen` with those that the tree's own generators write."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Final

from derivload.commands.codegen.command import codegen
from derivload.commands.verify.comparison import Comparison, keep_sides, sides
from derivload.loading.own_code.process import OwnTorchgen
from derivload.loading.own_code.session import generate_whole
from derivload.loading.request import Request
from derivload.outputs.target import Target
from derivload.pytorch.codegen.plain import contents_of
from derivload.pytorch.codegen.selection import Selection
from derivload.terminal.stderr import say

# How a generated file names the operator that a line is of.
_OPERATORS: Final = re.compile(
    "|".join(
        [
            r"\baten::(\w+(?:\.\w+)?)",  # the dispatcher's name, in a comment or a call
            r"\bTHPVariable_(?!Wrap|Unpack|Check)(\w+)",  # a function of Python
            r"\bimpl\(\"([\w.]+)\"",  # a kernel that is registered
            r"(?:\b|THP)((?!THP)\w+Backward\d+)",  # a backward node
            r"^// (\w+)$",  # the head of a binding
            r"^ *torch\.(?:\w+\.)*(\w+): \[",  # a line of annotated_fn_args.py
            r"^[^\s/].*?\b(\w+)\(.*\{$",  # the head of a C++ function
        ]
    )
)


def compare_files(request: Request, torchgen: OwnTorchgen, keep: str | None) -> Comparison:
    """Generate by both, and compare; `keep` is a folder for the files of both.

    Raises UsageError, InputError, TreeCodeError, GeneratorError, and OSError where files cannot
    be written.
    """
    with tempfile.TemporaryDirectory(prefix="derivload-") as scratch:
        own, theirs = Path(scratch, "own"), Path(scratch, "theirs")
        begin = time.perf_counter()
        with redirect_stdout(sys.stderr):  # a generator may print
            made = codegen(request.files, Selection(), Target(str(own)), None)
        middle = time.perf_counter()
        theirs.mkdir()
        generate_whole(torchgen, request.files, request.inputs.texts, str(theirs))
        end = time.perf_counter()
        if made.note:
            say(f"note: {made.note}")
        both = [contents_of(str(folder)) for folder in (own, theirs)]
    if keep is not None:
        keep_sides(keep, *({f"files/{n}": data for n, data in one.items()} for one in both))
    counted = (f"{len(both[0])} files",)
    return Comparison(differing_files(*both), counted, middle - begin, end - middle)


def differing_files(own: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> list[str]:
    """A line for each file that differs: its first different line, and the operator if it shows."""
    return [*_told(own, theirs)]


def _told(own: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Iterator[str]:
    for name in sorted(own.keys() | theirs.keys()):
        if name not in own:
            yield f"{name}: only torchgen has this"
        elif name not in theirs:
            yield f"{name}: only derivload has this"
        elif own[name] != theirs[name]:
            yield f"{name}:{_first(own[name].splitlines(), theirs[name].splitlines())}"


def _first(own: Sequence[bytes], theirs: Sequence[bytes]) -> str:
    """The number of the first different line, the operator that it is of, and both lines."""
    pairs = enumerate(zip_longest(own, theirs))
    at = next((number for number, (one, other) in pairs if one != other), None)
    if at is None:
        return " only the ends of lines differ"
    texts = [_text(lines[at]) if at < len(lines) else None for lines in (own, theirs)]
    operator = _operator(own, at) or _operator(theirs, at)
    return f"{at + 1}:{f' {operator}:' if operator else ''} {sides(*texts)}"


def _operator(lines: Sequence[bytes], at: int) -> str | None:
    """The operator that a line is of, by itself or by what is above it in the same function."""
    above = takewhile(lambda line: not line.startswith(b"}"), reversed(lines[:at]))
    for line in (*lines[at : at + 1], *above):
        found = _OPERATORS.search(_text(line))
        if found is not None:
            return next(name for name in found.groups() if name)
    return None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
