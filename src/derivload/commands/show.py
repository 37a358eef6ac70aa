"""`derivload show`: everything about one operator, for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from derivload.commands.inputs import Inputs
from derivload.commands.load import load_inputs
from derivload.commands.operator_query import read_query, unknown
from derivload.commands.show_groups import Group, find_groups
from derivload.commands.show_text import group_lines
from derivload.commands.terminal import Line, print_lines

_DONE, _UNKNOWN = 0, 1


def show(inputs: Inputs, operator: str) -> int:
    """Print what is known of `operator`; the exit status, 1 when there is no such operator.

    operator: a base name (`add`), a name with overload (`add_.Tensor`), either with a namespace
    (`aten::add`), or a whole schema. Raises InputError when the inputs have errors.
    """
    loaded = load_inputs(inputs)
    query = read_query(operator)
    groups = find_groups(loaded, query)
    if not groups:
        print(f"derivload: {unknown(query, loaded.natives)}", file=sys.stderr)
        return _UNKNOWN
    print_lines(show_lines(groups, str(inputs.derivatives)))
    return _DONE


def show_lines(groups: Iterable[Group], derivatives: str) -> list[Line]:
    """The lines about these groups. `derivatives` is the name of the file of their formulas."""
    lines: list[Line] = []
    for group in groups:
        lines += [Line(), Line()] if lines else []
        lines += group_lines(group, derivatives)
    return lines
