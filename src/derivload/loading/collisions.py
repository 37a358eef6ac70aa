"""Outputs that would be written over an input, or over one another, are refused before a run."""

from __future__ import annotations

import os

from derivload.identity import tool_files
from derivload.loading.errors import UsageError
from derivload.outputs.collisions import find_collision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from derivload.outputs.target import Target


def refuse_collisions(
    target: Target, names: Sequence[str], stamp: str, inputs: Iterable[str]
) -> None:
    """Raise UsageError where an output would be written over an input, or over another output.

    `names` are those of the outputs in the folder, which gets a stamp too.
    """
    outputs = [os.path.join(target.out_dir, name) for name in (*names, stamp)]
    read = [*inputs]
    if target.depfile is not None:
        outputs.append(target.depfile)
        read += tool_files()
        if os.path.basename(target.depfile).startswith((".derivload-", ".derivwatch")):
            raise UsageError(f"--depfile {target.depfile}: such names are derivload's own")
    found = find_collision(outputs, read)
    if found is None:
        return
    output, other, what = found
    option = "--depfile" if output == target.depfile else "--out-dir"
    raise UsageError(f"{output} would overwrite the {what} {other}: name another {option}")
