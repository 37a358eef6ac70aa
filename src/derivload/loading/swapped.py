"""Refuses a file that was given in the place of another: its entries are of another kind.

Every entry of such a file is a mistake of its own. One sentence says more.
"""

from __future__ import annotations

from derivload.engine.texts import Texts
from derivload.loading.errors import UsageError
from derivload.loading.recognise import ENTRY, KEYS


def refuse_swapped(texts: Texts) -> None:
    """Raise UsageError if the entries of a file are those of another one."""
    given = [
        *(("name", text) for text in (texts.derivatives, *texts.more_derivatives)),
        *(("func", text) for text in texts.native_functions),
        ("tag", texts.tags),
    ]
    found = [
        f"{text.name}, given as {KEYS[wanted]}.yaml, has the entries of a {KEYS[key]}.yaml "
        f"(`{key}:`)"
        for wanted, text in given
        if (key := _key_of_entries(text.text, wanted)) != wanted
    ]
    if found:
        raise UsageError(f"{'; '.join(found)}: were the files swapped?")


def _key_of_entries(text: str, wanted: str) -> str:
    """The key that all entries of a text have; `wanted` if one has that, or in doubt."""
    keys = set()
    for match in ENTRY.finditer(text):
        # Most texts are what they have to be, and their first entry shows it.
        if match[1] == wanted:
            return wanted
        keys.add(match[1])
    return keys.pop() if len(keys) == 1 else wanted
