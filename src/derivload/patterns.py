"""Regular expressions that are compiled when they are first used.

To compile one takes as long as to import a small module. Most runs need few of those that the rules
about mistakes are made of.
"""

from __future__ import annotations

import re
from typing import Any, overload

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


class _Pattern:
    """A regular expression that has the attributes of the compiled one."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._text, self._flags)
        vars(self).update((method, getattr(compiled, method)) for method in _METHODS)
        return getattr(compiled, name)


@overload
def lazy(text: str, flags: int = 0) -> re.Pattern[str]: ...
@overload
def lazy(text: bytes, flags: int = 0) -> re.Pattern[bytes]: ...
def lazy(text: str | bytes, flags: int = 0) -> Any:
    """What `re.compile` returns, but compiled when it is first used."""
    return _Pattern(text, flags)
