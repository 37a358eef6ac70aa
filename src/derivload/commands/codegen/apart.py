"""annotated_fn_args.py in a folder of its own, where PyTorch's build has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from derivload.outputs.files import write_if_changed

if TYPE_CHECKING:
    from derivload.pytorch.codegen.job import Made

_ANNOTATED: Final = "annotated_fn_args.py"


def places_apart(install_dir: str | None, names: Iterable[str]) -> dict[str, str]:
    """The paths of the files that do not go to the out-dir, by name."""
    if install_dir is None or _ANNOTATED not in names:
        return {}
    return {_ANNOTATED: os.path.join(os.path.abspath(install_dir), _ANNOTATED)}


def without(made: Made, apart: Mapping[str, str]) -> Made:
    """The files that do go to the out-dir."""
    return made._replace(files={n: sha256 for n, sha256 in made.files.items() if n not in apart})


def write_apart(
    made: Made, changed: Iterable[str], apart: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Write those of the files apart that are among `changed`.

    Returns the sha256 of each in hex, by name, and the paths of those that were written. Raises
    OSError, which names the file.
    """
    digests = {name: made.files[name] for name in apart}
    written = []
    for name, data, sha256 in made.contents([*{*changed} & apart.keys()]):
        digests[name] = sha256
        if write_if_changed(apart[name], data):
            written.append(apart[name])
    return digests, written
