"""A file of settings: the values in it, and where each one stands."""

from __future__ import annotations

import os
import re
import sys

from derivload.loading.errors import SettingsError
from derivload.loading.settings.lines import key_lines
from derivload.loading.settings.search import PYPROJECT, beside

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.loading.settings.lines import Path

_TABLE = ("tool", "derivload")
_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


class SettingsFile:
    """The settings in a file. `values` are those of derivload: of pyproject.toml, its own table."""

    __slots__ = ("_lines", "path", "values")

    def __init__(self, path: str, values: dict[str, object], lines: dict[Path, int]) -> None:
        self.path = path
        self.values = values
        self._lines = lines

    def line(self, *keys: str | int) -> int:
        """The line of a value, by its keys; the line of what is around it if it has none."""
        while keys and keys not in self._lines:
            keys = keys[:-1]
        return self._lines.get(keys, 1)

    def place(self, *keys: str | int) -> str:
        """The file and the line of a value."""
        return f"{self.path}:{self.line(*keys)}"

    def resolve(self, path: str) -> str:
        """A path in the settings, as a command can use it."""
        return beside(self.path, path)


def read_settings(path: str, content: bytes) -> SettingsFile | None:
    """The settings in a file; None for a pyproject.toml that has none. Raises SettingsError."""
    is_pyproject = os.path.basename(path) == PYPROJECT
    text = _decode(path, content)
    values: object
    try:
        values = tomllib.loads(text)
        lines = key_lines(text.replace("\r\n", "\n"), tomllib.loads)
    except ValueError as error:  # TOMLDecodeError, and a number with too many digits
        raise SettingsError([_place_error(path, text, str(error))]) from None
    except RecursionError:
        raise SettingsError([f"{path}:1: error: it nests too deeply"]) from None
    prefix = _TABLE if is_pyproject else ()
    for name in prefix:
        values = values.get(name) if isinstance(values, dict) else None
    if values is None and is_pyproject:
        return None
    if not isinstance(values, dict):
        raise SettingsError([f"{path}:{lines[prefix]}: error: `tool.derivload` has to be a table"])
    depth = len(prefix)
    own = {keys[depth:]: line for keys, line in lines.items() if keys[:depth] == prefix}
    return SettingsFile(path, values, own)


def _decode(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = f"the byte 0x{content[error.start]:02x} is no UTF-8"
        raise SettingsError([f"{path}:{line}: error: {problem}"]) from None


def _place_error(path: str, text: str, message: str) -> str:
    """A message of tomllib with its place in front, as all others have it."""
    found = _LINE.search(message)
    line = int(found[1]) if found else text.count("\n") + 1
    what = message[: found.start()] if found else message.replace(" (at end of document)", "")
    return f"{path}:{line}: error: this is no TOML: {what[:1].lower()}{what[1:]}"
