"""Files that were named without an option: which option would have named each."""

from __future__ import annotations

import os


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
