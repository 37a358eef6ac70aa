"""Settings that were found, without mistakes.

This module imports nothing, because every command passes here, and most find none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from derivload.loading.settings.file import SettingsFile


class Setting:
    """A setting: the arguments that it stands for, what was written, and where."""

    __slots__ = ("arguments", "place", "written")

    def __init__(self, arguments: tuple[str, ...], written: object, place: str) -> None:
        self.arguments = arguments
        self.written = written
        self.place = place


class Settings:
    """Settings by command ("" for all that have the option), then by name. `file` has them."""

    __slots__ = ("by_command", "file", "tables")

    def __init__(
        self,
        file: SettingsFile | None,
        by_command: Mapping[str, Mapping[str, Setting]],
        tables: Mapping[str, Mapping[str, list[str]]],
    ) -> None:
        self.file = file
        self.by_command = by_command
        self.tables = tables


NONE = Settings(None, {}, {})
