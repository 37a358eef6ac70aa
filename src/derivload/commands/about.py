"""What derivload says of itself: its version, where its rules for build tools are, its options.

Build tools ask for these folders, so this module imports little.
"""

from __future__ import annotations

import os

from derivload.exit_status import DONE
from derivload.identity import PACKAGE
from derivload.terminal.stdout import Stdout
from derivload.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

# What the values of derivload depend on, or its cache.
_LIBRARIES = ("PyYAML", "msgspec", "diskcache")


def run(options: argparse.Namespace) -> int:
    """Print what the options ask for and return the exit status."""
    if options.version:
        lines = [f"derivload {__version__}", *(versions() if options.verbose else ())]
        Stdout().print_lines(lines)
        return DONE
    if options.print_completion:
        import sys

        from derivload.commands.completion import print_completion

        name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        print_completion(
            options.print_completion, "derivwatch" if name == "derivwatch" else "derivload"
        )
        return DONE
    return print_folder("cmake" if options.cmake_dir else "bazel")


def print_folder(name: str) -> int:
    """Print the path of a folder of build rules and return the exit status."""
    Stdout().print_path(shipped(name))
    return DONE


def versions() -> Iterator[str]:
    """Lines with the versions of what derivload runs on, and the releases that it knows."""
    import sys
    from importlib import metadata

    from derivload.cpp.dialect import DIALECTS, NEWEST

    yield f"package    {PACKAGE}"
    yield f"Python     {'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}"
    for library in _LIBRARIES:
        try:
            version = metadata.version(library)
        except metadata.PackageNotFoundError:  # vendored, say
            version = "of unknown version"
        yield f"{library:<10} {version}"
    yield f"torchgen   the rules of {min(DIALECTS, key=_numbers)} to {NEWEST.version}"


def _numbers(release: str) -> list[int]:
    return [*map(int, release.split("."))]


def shipped(name: str) -> str:
    """The path of a folder that ships: in the package or, in a checkout, beside src."""
    inside = os.path.join(PACKAGE, name)
    if os.path.isdir(inside):
        return inside
    return os.path.join(os.path.dirname(os.path.dirname(PACKAGE)), name)
