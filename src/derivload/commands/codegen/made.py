"""Compares generated files with those that are there, and writes those that differ."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from derivload.outputs.digests import digests_of_files
from derivload.outputs.files import Writing, WrittenFiles
from derivload.outputs.stamp import read_outputs
from derivload.pytorch.codegen.job import Made
from derivload.terminal.progress import tell


def write_made(
    writing: Writing, out_dir: str, made: Made, changed: Sequence[str], stamp: str
) -> tuple[dict[str, str], WrittenFiles]:
    """Write the files in `changed`, which `find_changed` found, and remove those no longer made.

    Only files that the last run with this stamp wrote are removed. Returns the sha256 of each file
    in hex, by name, and what was written, unchanged and removed. Raises OSError.
    """
    digests = dict(made.files)

    def contents() -> Iterator[tuple[str, bytes, int, str]]:
        for number, (name, data, sha256) in enumerate(made.contents(changed)):
            tell(f"writing {name}", number, len(changed))
            digests[name] = sha256
            yield name, data, 0, sha256

    written = writing.write(
        contents() if changed else (),
        [*made.files],
        lambda: read_outputs(os.path.join(out_dir, stamp)),
    )
    done = {*written.written}
    unchanged = [name for name in made.files if name not in changed]
    return digests, WrittenFiles(
        [name for name in changed if name in done], unchanged + written.unchanged, written.removed
    )


def find_changed(
    out_dir: str,
    made: Made,
    apart: Mapping[str, str] | None = None,
    digests: Callable[[Iterable[str]], dict[str, str]] = digests_of_files,
) -> list[str]:
    """The names of the files that are not rendered yet, are missing, or hold other bytes.

    `apart` has the paths of those that are not in the out-dir. `digests` finds the digests of
    files.
    """
    paths = {name: os.path.join(out_dir, name) for name in made.files} | dict(apart or {})
    there = digests(paths[name] for name, sha256 in made.files.items() if sha256)
    return [
        name for name, sha256 in made.files.items() if not sha256 or there[paths[name]] != sha256
    ]


def read_file(path: str) -> bytes:
    """The bytes of a file. Raises OSError."""
    with open(path, "rb") as file:
        return file.read()
