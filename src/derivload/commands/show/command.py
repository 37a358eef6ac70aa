"""`derivload show`: prints everything about one operator, for a person.

In a pipe, lines are not wrapped, so that grep finds whole lines. On a terminal, lines are wrapped
to its width, and coloured unless NO_COLOR is set. The text is the same.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from typing import Final

from derivload.commands.outcome import report
from derivload.commands.parsed import files_of
from derivload.commands.show.groups import Group, find_groups
from derivload.commands.show.query import read_query, unknown
from derivload.commands.show.text import group_lines
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.definitions import load_inputs
from derivload.loading.inputs import Inputs, read_inputs
from derivload.terminal import colour
from derivload.terminal.layout import Line, wrap
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

_STYLES: Final = {
    "": "",
    "title": "bold",
    "section": "bold",
    "label": "cyan",
    "kind": "green",
    "absent": "yellow",
    "note": "dim",
    "place": "dim",
}


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        inputs = read_inputs(files_of(options))
        if inputs.note:
            say(f"note: {inputs.note}")
        return show(inputs, options.operator)
    except Exception as error:
        return report(error, "")


def show(inputs: Inputs, operator: str) -> int:
    """Print everything about `operator` and return the exit status: 1 if it does not exist.

    `operator` is a base name (`add`), a name with overload (`add_.Tensor`) or a whole schema, each
    with or without a namespace (`aten::add`). Raises InputError when the inputs have errors.
    """
    loaded = load_inputs(inputs)
    query = read_query(operator)
    groups = find_groups(loaded, query)
    if not groups:
        say(unknown(query, loaded.load.natives))
        return BAD_INPUT
    _print_lines(show_lines(groups, inputs.texts.derivatives.name))
    return DONE


def show_lines(groups: Iterable[Group], derivatives: str) -> list[Line]:
    """The lines about these groups. `derivatives` is the name of the file with their formulas."""
    lines: list[Line] = []
    for group in groups:
        lines += [Line(), Line()] if lines else []
        lines += group_lines(group, derivatives)
    return lines


def _print_lines(lines: Iterable[Line]) -> None:
    """Print the lines to stdout: wrapped on a terminal, and in colour if that is wanted."""
    stdout = Stdout()
    if stdout.is_terminal:
        width = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in wrap(line, width)]
    if colour.is_wanted():
        painter = colour.Painter(_STYLES)
        stdout.write("".join(painter.line(line.segments) for line in lines))
    else:
        stdout.print_lines(line.text for line in lines)
