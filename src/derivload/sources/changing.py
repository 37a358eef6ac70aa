"""What a change makes of an entry: the value that the entry is to have when the edits are made."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from derivload.diagnostics import EntryChange
from derivload.sources.full import read_full
from derivload.sources.written import Written

if TYPE_CHECKING:
    from derivload.sources.plain import Value


def changed_value(entry: Value, change: EntryChange) -> Value:
    """The value of an entry with a change. Raises LookupError if there is nothing to change.

    Raises YamlError if the text of the change is not YAML.
    """
    made = copy.deepcopy(entry)
    *above, last = change.path
    holder: Any = made
    for step in above:
        holder = holder[step]
    if change.kind == "add":
        _add(holder, str(last), change)
    elif change.kind == "remove":
        del holder[last]
    elif change.on_key:
        new = _replaced(last, change)
        _rebuild(holder, [(new if key == last else key, value) for key, value in holder.items()])
    else:
        holder[last] = _replaced(holder[last], change)
    return made


def _add(holder: Value, key: str, change: EntryChange) -> None:
    if not isinstance(holder, dict) or key in holder:
        raise LookupError(key)
    items = list(holder.items())
    at = list(holder).index(change.words) + 1 if change.words in holder else len(items)
    _rebuild(holder, [*items[:at], (key, read_full(change.text).value), *items[at:]])


def _rebuild(holder: dict[Value, Value], items: list[tuple[Any, Value]]) -> None:
    holder.clear()
    holder.update(items)


def _replaced(value: Value, change: EntryChange) -> Value:
    if not change.words:
        return read_full(change.text).value
    if not isinstance(value, str):
        raise LookupError(change.words)
    found = Written(value, 0, len(value)).find(change.words, change.occurrence)
    if found is None:
        raise LookupError(change.words)
    return f"{value[: found[0]]}{change.text}{value[found[1] :]}"
