"""`derivload verify --compiled`: was a torch built from these files?"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec

from derivload.commands.verify.shown import print_first
from derivload.cpp.dialect import release_of
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.engine.pipeline import Load
from derivload.exit_status import BAD_INPUT, DONE, ENVIRONMENT
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.pytorch.compiled import (
    CannotImportTorchError,
    NodeDifference,
    compare,
    list_nodes,
    saved_values,
)
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout


def verify_compiled(request: Request, python: str) -> int:
    """Compare with the torch that `python` imports ("" for this Python); the exit status: 1 if
    anything differs. Raises UsageError and InputError.
    """
    loaded = load_inputs(request)
    records = [
        msgspec.json.decode(line, type=DifferentiabilityRecord) for line in loaded.lines.records
    ]
    expected = saved_values((r.schema, info) for r in records for info in r.dispatch.values())
    python = python or sys.executable
    try:
        compiled = list_nodes(python)
    except CannotImportTorchError as error:
        say(f"error: {python} cannot import torch: {error}")
        return ENVIRONMENT
    torch = f"torch {compiled.torch_version}"
    release = loaded.lines.torch_version
    if release_of(compiled.torch_version) != release:
        say(f"note: these files are of torch {release}, and this is {torch}")
    found = compare(expected, compiled)
    places = _places(loaded.outcome.load)
    print_first([_line(difference, places) for difference in found])
    if found:
        verb = "differs" if len(found) == 1 else "differ"
        say(f"{torch} was not built from these files: {len(found)} of its nodes {verb}")
        return BAD_INPUT
    values = sum(len(node.shown()) for node in expected.values())
    agree = f"all {len(expected)} backward nodes and {values} saved values agree"
    Stdout().print_lines([f"{torch} was built from {request.files.derivatives}: {agree}"])
    return DONE


def _places(load: Load) -> Mapping[str, str]:
    """Where each function's definition is, by schema. A copying variant has its view's."""
    copied = {schema: load.definitions[view] for schema, view in load.copied_from.items()}
    entries = {**load.definitions, **copied}
    return {schema: f"{entry.file}:{entry.line}: " for schema, entry in entries.items()}


def _line(difference: NodeDifference, places: Mapping[str, str]) -> str:
    if difference.schema is None:
        return f"{difference.node}: {difference.problem}"
    name = difference.schema.partition("(")[0]
    place = places.get(difference.schema, "")
    return f"{place}{difference.node} ({name}): {difference.problem}"
