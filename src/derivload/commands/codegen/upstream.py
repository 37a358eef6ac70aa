"""Finds the generators that belong to the inputs of a command, and what they write and read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from derivload.commands.codegen.made import read_file
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.rules_of_tree import job_release, key_of_additions
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Sources, Upstream, locate
from derivload.pytorch.errors import UnexpectedTorchgenError


def find_upstream(files: Files) -> Upstream:
    """The generators that belong to the inputs. Raises UsageError."""
    try:
        found = locate(files.native_functions[0])
        return found._replace(
            dispatch_keys=files.additions.dispatch_keys, additions=key_of_additions(files)
        )
    except UnexpectedTorchgenError as error:
        raise UsageError(f"PyTorch's generators cannot be found: {error}") from None


def consult_generators(
    files: Files,
    selection: Selection,
    find_sources: Callable[[Upstream, str], Sources] | None = None,
) -> None:
    """Add the generators, and the files that they read, to what `files` depends on.

    `find_sources` takes the generators and the release to follow, and returns everything that the
    generators are known to read. Without it, only their own sources count. Raises UsageError, and
    OSError when a file cannot be read.
    """
    upstream = find_upstream(files)
    if find_sources is None:
        sources = Sources(upstream)
    else:
        sources = find_sources(upstream, job_release(files))
    for path, _ in sources.files:
        with suppress(FileNotFoundError):  # deleted meanwhile: the next look at the files notices
            files.consulted.append((path, read_file(path)))
    files.absent += sources.absent
    files.listed += sources.listed
    for path in (upstream.deprecated, *selection.paths):
        files.consulted.append((path, read_file(path)))


def list_outputs(files: Files, selection: Selection) -> list[str]:
    """The names of the files that a run writes, sorted. Raises UsageError."""
    from derivload.pytorch.codegen.file_names import list_files

    upstream = find_upstream(files)
    try:
        names = list_files(upstream, selection)
    except UnexpectedTorchgenError as error:
        raise UsageError(f"derivload does not know generators of this form: {error}") from None
    return sorted(names)
