"""Files that were named without an option: which option would have named each."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


class UnknownFileError(Exception):
    """A file that no option can be told for. The text says why."""


def option_of(path: str) -> str:
    """The option that is for a file or folder, by what is in it. Raises UnknownFileError."""
    from derivload.loading.paths import spell_option
    from derivload.loading.reading import read_path
    from derivload.loading.recognise import recognise

    if not path:
        raise UnknownFileError("an argument is empty: an @FILE has one argument in each line")
    if os.path.isdir(path):
        return "--pytorch"
    content = read_path(path)
    if isinstance(content, OSError):
        from derivload.loading.near_files import near_paths
        from derivload.spelling import did_you_mean

        meant = did_you_mean(near_paths(path))
        raise UnknownFileError(f"cannot read {path}: {content.strerror or content}{meant}")
    kind = recognise(content)
    if kind is None:
        raise UnknownFileError(
            f"{path} has entries of no input, or of several: name it with --derivatives, "
            "--native-functions or --tags"
        )
    return spell_option(kind)


def add_file_beside(options: argparse.Namespace) -> None:
    """Take derivatives.yaml or native_functions.yaml from beside the other, which stands alone.

    That is for files that were named without an option, if nothing else names the inputs.
    """
    from derivload.loading.paths import DERIVATIVES, NATIVE_FUNCTIONS

    if options.pytorch is not None or options.catalogue:
        return
    derivatives, natives = options.derivatives, options.native_functions
    if derivatives and not natives:
        options.native_functions = _beside(derivatives[0], NATIVE_FUNCTIONS)
    elif natives and not derivatives and os.path.basename(natives[0]) == NATIVE_FUNCTIONS:
        options.derivatives = _beside(natives[0], DERIVATIVES)


def _beside(path: str, name: str) -> list[str]:
    found = os.path.join(os.path.dirname(path), name)
    return [found] if os.path.isfile(found) else []
