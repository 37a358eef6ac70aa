"""The parameters of the Python API: what a person passes, checked and made plain.

Each check raises UsageError with a sentence that names the parameter.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from derivload.loading.errors import UsageError

PathLike = str | os.PathLike[str]


def path_of(name: str, value: object) -> str | None:
    """A path as text, or None."""
    return None if value is None else checked_path(name, value)


def checked_path(name: str, value: object) -> str:
    """A path as text."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(path, str):
        raise UsageError(f"`{name}` is {_described(value)}: give a path, a str or a Path")
    what = _why_no_path(path)
    if what:
        raise UsageError(f"`{name}` {what}: give the path of a file or folder")
    return path


def _why_no_path(text: str) -> str:
    """What a text is or has that no path is or has; "" if it may be one."""
    if not text:
        return "is empty"
    if "\0" in text:
        return "contains a NUL"
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return "cannot be a path"
    return ""


def paths_of(name: str, value: object) -> list[str]:
    """Paths as texts: of one path, or of each in a list."""
    if isinstance(value, str | os.PathLike):
        return [checked_path(name, value)]
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray | Mapping):
        raise UsageError(f"`{name}` is {_described(value)}: give a path, or a list of paths")
    return [checked_path(f"{name}[{index}]", each) for index, each in enumerate(value)]


def texts_of(name: str, value: object) -> list[str]:
    """Texts, of a list of them."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise UsageError(f"`{name}` is {_described(value)}: give a list of texts")
    texts = []
    for index, each in enumerate(value):
        if not isinstance(each, str):
            raise UsageError(f"`{name}[{index}]` is {_described(each)}: give a text")
        texts.append(each)
    return texts


def flag_of(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise UsageError(f"`{name}` is {_described(value)}: give True or False")
    return value


def version_of(value: object) -> str | None:
    """A torch version as text, or None. `find_dialect` says whether it can be followed."""
    if value is None or isinstance(value, str):
        return value
    given = _described(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # As numbers, 2.1 and 2.10 are the same.
        raise UsageError(f'`torch_version` is {given}: write it as text, such as "{value}"')
    raise UsageError(f'`torch_version` is {given}: give a text, such as "2.15"')


def spell_parameter(name: str, _value: str) -> str:
    """A parameter as messages name it. See `find_files`."""
    return f"`{name}`"


def _described(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"the number {value}"
    return "None" if value is None else f"of type {type(value).__name__}"
