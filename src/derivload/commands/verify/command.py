"""`derivload verify`: is what derivload loads what others make of the same files?

`--compiled` compares with the nodes that are compiled into a torch.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from derivload.commands.outcome import report
from derivload.commands.parsed import files_of
from derivload.cpp.dialect import release_of
from derivload.engine.load import Loaded
from derivload.exit_status import BAD_INPUT, DONE, ENVIRONMENT
from derivload.loading.definitions import load_inputs
from derivload.loading.inputs import read_inputs
from derivload.pytorch.compiled import (
    CannotImportTorchError,
    NodeDifference,
    compare,
    list_nodes,
    saved_values,
)
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

# How many differences are printed: the first ones are enough to know where to look.
_MOST: Final = 20


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        return verify_compiled(options)
    except CannotImportTorchError as error:
        say(f"error: {options.compiled or sys.executable} cannot import torch: {error}")
        return ENVIRONMENT
    except Exception as error:
        return report(error, "; nothing was compared")


def verify_compiled(options: argparse.Namespace) -> int:
    """Compare with what is compiled into a torch; the exit status: 1 if anything differs."""
    inputs = read_inputs(files_of(options))
    if inputs.note:
        say(f"note: {inputs.note}")
    loaded = load_inputs(inputs)
    expected = saved_values(
        (record.schema, info) for _, record in loaded.records() for info in record.dispatch.values()
    )
    compiled = list_nodes(options.compiled or sys.executable)
    torch = f"torch {compiled.torch_version}"
    if release_of(compiled.torch_version) != loaded.torch_version:
        say(f"note: these files are of torch {loaded.torch_version}, and this is {torch}")
    found = compare(expected, compiled)
    stdout = Stdout()
    stdout.print_lines(_line(difference, loaded) for difference in found[:_MOST])
    if len(found) > _MOST:
        stdout.print_lines([f"… and {len(found) - _MOST} more"])
    if found:
        verb = "differs" if len(found) == 1 else "differ"
        say(f"{torch} was not built from these files: {len(found)} of its nodes {verb}")
        return BAD_INPUT
    values = sum(len(node.shown()) for node in expected.values())
    agree = f"all {len(expected)} backward nodes and {values} saved values agree"
    stdout.print_lines([f"{torch} was built from {inputs.texts.derivatives.name}: {agree}"])
    return DONE


def _line(difference: NodeDifference, loaded: Loaded) -> str:
    place = ""
    if difference.schema is not None:
        derived = loaded.load.infos[difference.schema]
        # A copying variant has its info, and so its definition, from its view.
        schema = loaded.load.copied_from.get(difference.schema, difference.schema)
        entry = loaded.load.definitions.get(schema)
        place = f"{entry.file}:{entry.line}: " if entry is not None else ""
        return f"{place}{difference.node} ({derived.function.name.text}): {difference.problem}"
    return f"{difference.node}: {difference.problem}"
