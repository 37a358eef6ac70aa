"""Makes remedies, with a message that says what each does.

Paths begin at the entry. Only those of `write`, in an `Invalid`, begin at the text that is read.
"""

from __future__ import annotations

from derivload.diagnostics import EntryChange, Path, Remedy


def write(
    text: str,
    words: str = "",
    *,
    path: Path = (),
    on_key: bool = False,
    occurrence: int = 0,
    is_safe: bool = False,
) -> Remedy:
    """Put `text` in the place of a value, a key, or `words` of it; without text, remove these."""
    change = EntryChange("replace", path, text, words, on_key, occurrence)
    what = f"write `{text.strip()}`" if text else f"remove `{words.strip(' ,')}`"
    return Remedy(what, (change,), is_safe)


def remove(*path: str | int, is_safe: bool = False) -> Remedy:
    """Remove a key with its value, or the item of a list."""
    what = f"`{path[-1]}`" if isinstance(path[-1], str) else "the item"
    return Remedy(f"remove {what}", (EntryChange("remove", path),), is_safe)


def add(key: str, text: str, *, path: Path = (), behind: str = "", is_safe: bool = False) -> Remedy:
    """Add a key with its value, in YAML, to the mapping at `path`: behind a key, or at the end."""
    change = EntryChange("add", (*path, key), text, behind)
    return Remedy(f"add `{key}: {' '.join(text.split())}`", (change,), is_safe)


def add_item(text: str, *path: str, is_safe: bool = False) -> Remedy:
    """Add an item to a list, or to a text that is the only item so far, or to nothing."""
    return Remedy(f"add `{text}` to {path[-1]}", (EntryChange("add_item", path, text),), is_safe)


def remove_item(text: str, *path: str, is_safe: bool = False) -> Remedy:
    """Remove an item of a list, with the list if it is the only one."""
    return Remedy(f"remove `{text}`", (EntryChange("remove_item", path, text),), is_safe)


def quote(*path: str | int, is_safe: bool = False) -> Remedy:
    """Put a value in quotes."""
    return Remedy("put it in quotes", (EntryChange("quote", path),), is_safe)


def remove_other(file: str, line: int, *, is_safe: bool = False) -> Remedy:
    """Remove another entry, which begins at a line of a file."""
    change = EntryChange("remove_entry", file=file, line=line)
    return Remedy(f"remove the entry at {file}:{line}", (change,), is_safe)


def remove_entry(*, is_safe: bool = False) -> Remedy:
    """Remove the whole entry."""
    return Remedy("remove this entry", (EntryChange("remove_entry"),), is_safe)
