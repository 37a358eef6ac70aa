"""Finds YAML files of which a script uses only the values.

A comment in such a file changes nothing under two conditions: only a YAML parser has read the file,
and the line numbers that torchgen's loader adds to the entries went into no text. For the first, we
count: `yaml.load` must have read the file from its beginning as often as it was opened. For the
second, line numbers are of a class that tells when one becomes text, or part of a sum.
"""

from __future__ import annotations

import os
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from derivload.pytorch.script.watching import Watch

_LINE: Final = "__line__"
_PARSED: Final = "_derivload_parsed"
_PLAIN_LOADERS: Final = frozenset(
    f"{c}{name}" for c in ("", "C") for name in ("SafeLoader", "FullLoader", "BaseLoader", "Loader")
)
# torchgen's own loader, which notes lines.
_NOTING_LOADERS: Final = frozenset({"LineLoader"})
_ARITHMETIC: Final = """
    __str__ __repr__ __format__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __floordiv__
    __mod__ __divmod__ __truediv__ __float__ __lt__ __le__ __gt__ __ge__
""".split()


def watch_yaml(watch: Watch, yaml: ModuleType) -> None:
    """Have `yaml.load` and its kin tell which files they read."""
    line_of = _make_line(watch)
    load = yaml.load

    def told_load(stream: Any, Loader: Any) -> Any:  # noqa: N803 (PyYAML's own name)
        path = watch.value_path if isinstance(stream, bytes) else _path_of(stream)
        value = load(stream, Loader)
        name = getattr(Loader, "__name__", "")
        is_plain = name in _PLAIN_LOADERS and Loader.__module__.startswith("yaml.")
        is_noting = name in _NOTING_LOADERS and Loader.__module__ in ("torchgen.gen", "__main__")
        if path is not None and (is_plain or is_noting):
            if is_noting:
                _mark(value, path, line_of)
            if not isinstance(stream, bytes) and watch.is_watched() and _is_first(stream):
                watch.note_parsed(path)
        return value

    def told_safe_load(stream: Any) -> Any:
        return told_load(stream, yaml.SafeLoader)

    yaml.load = told_load  # type: ignore[attr-defined]
    yaml.safe_load = told_safe_load  # type: ignore[attr-defined]


def _path_of(stream: Any) -> str | None:
    """The path of a file that is about to be read from its beginning."""
    name = getattr(stream, "name", None)
    try:
        return os.path.abspath(name) if isinstance(name, str) and stream.tell() == 0 else None
    except (OSError, ValueError):
        return None


def _is_first(stream: Any) -> bool:
    """Whether an open file is parsed for the first time: it may be wound back."""
    is_first = not hasattr(stream, _PARSED)
    with suppress(AttributeError):
        setattr(stream, _PARSED, None)
    return is_first


def _mark(value: Any, path: str, line_of: Any) -> None:
    """Replace the line numbers in a value by ones that tell when they are used."""
    if isinstance(value, dict):
        line = value.get(_LINE)
        if type(line) is int:
            value[_LINE] = line_of(line, path)
        for item in value.values():
            _mark(item, path, line_of)
    elif isinstance(value, list):
        for item in value:
            _mark(item, path, line_of)


def _make_line(watch: Watch) -> Any:
    class Line(int):
        """The number of a line, that tells when it is used."""

        path: str

        def __new__(cls, number: int, path: str) -> Line:
            line = super().__new__(cls, number)
            line.path = path
            return line

        def __reduce__(self) -> Any:
            return int, (int(self),)

    def telling(name: str) -> Any:
        original = getattr(int, name)

        def method(self: Any, *arguments: Any) -> Any:
            watch.note_lines_used(self.path)
            return original(self, *arguments)

        return method

    for name in _ARITHMETIC:
        setattr(Line, name, telling(name))
    return Line
