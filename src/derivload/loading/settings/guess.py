"""What a setting may be, found without reading TOML, for the exit that does nothing.

A stamp records which settings were read and what they stood for. So this need not be right: a wrong
guess finds no stamp that holds, and the run goes on as any other.
"""

from __future__ import annotations

from derivload.loading.errors import SettingsError
from derivload.loading.settings.search import Search, beside, read_settings_file, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def guess_values(arguments: Sequence[str], name: str) -> list[str]:
    """The values that this setting may have for these arguments: of a path, as it is used."""
    found = _find(arguments)
    if found is None:
        return []
    path, content = found
    values = []
    for line in content.decode("utf-8", "replace").splitlines():
        key, equals, rest = line.partition("=")
        if equals and key.strip().strip("\"'") == name:
            value = rest.strip()
            end = value.find(value[0], 1) if value[:1] in ('"', "'") else -1
            if end > 0:
                values.append(value[1:end])
    if name != "out-dir":
        return values
    return [beside(path, value) for value in values]


def may_be_set(arguments: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the settings of these arguments may set anything whose name has one of these words.

    A text with escapes may say anything.
    """
    found = _find(arguments)
    return found is not None and any(word.encode() in found[1] for word in (*words, "\\"))


def _find(arguments: Sequence[str]) -> tuple[str, bytes] | None:
    """The settings that these arguments mean, if there are any."""
    if "--no-settings" in arguments:
        return None
    named = value_of(arguments, "--settings")
    try:
        if named is not None:
            return named, read_settings_file(named)
        return Search().find_settings(lambda _, content: b"tool.derivload" in content)
    except SettingsError:
        return None
