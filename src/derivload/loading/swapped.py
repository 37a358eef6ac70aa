"""Recognises a file that was given in the place of another: its entries are of another kind.

Every entry of such a file is a mistake of its own. One sentence says more.
"""

from __future__ import annotations

import re
from typing import Final

from derivload.engine.load import Texts
from derivload.loading.errors import UsageError
from derivload.loading.paths import DERIVATIVES, NATIVE_FUNCTIONS, TAGS

# The key that every entry of a file has, and no entry of the other files.
_KEYS: Final = {DERIVATIVES: "name", NATIVE_FUNCTIONS: "func", TAGS: "tag"}
_KEY: Final = re.compile(r"""^(?: *- +| +)["']?(name|func|tag)["']? *:""", re.MULTILINE)


def refuse_swapped(texts: Texts) -> None:
    """Raise UsageError if the entries of a file are those of another one."""
    given = [
        *((DERIVATIVES, text) for text in (texts.derivatives, *texts.more_derivatives)),
        *((NATIVE_FUNCTIONS, text) for text in texts.native_functions),
        (TAGS, texts.tags),
    ]
    found = [
        f"{text.name}, given as {wanted}, has the entries of a {kind} (`{_KEYS[kind]}:`)"
        for wanted, text in given
        if (kind := _kind(text.text, wanted)) != wanted
    ]
    if found:
        raise UsageError(f"{'; '.join(found)}: were the files swapped?")


def _kind(text: str, wanted: str) -> str:
    """The file that a text is; `wanted` if there is no doubt that it is not."""
    # Most texts are what they have to be: their first entry shows it.
    keys = set()
    for match in _KEY.finditer(text):
        if match[1] == _KEYS[wanted]:
            return wanted
        keys.add(match[1])
    kinds = [kind for kind, key in _KEYS.items() if keys == {key}]
    return kinds[0] if kinds else wanted
