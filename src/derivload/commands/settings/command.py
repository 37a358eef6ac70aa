"""`derivload settings`: every option that is in force, and where its value comes from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.values import WholeNumber
from derivload.commands.parsed import files_of
from derivload.commands.settings.apply import find_settings
from derivload.commands.settings.check import Setting, Settings
from derivload.commands.settings.keys import Key, keys_of, parsers_of
from derivload.exit_status import DONE
from derivload.loading.cache_settings import find_cache_folder
from derivload.loading.errors import UsageError
from derivload.loading.origin import Origin
from derivload.loading.paths import Files
from derivload.loading.settings.search import Search
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

_DEFAULT: Final = "default"
_NOTHING: Final = "-"


class Shown(NamedTuple):
    """A line: the option, its value, and where that comes from."""

    name: str
    value: str
    origin: str


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    parser = make_parser()
    found = find_settings(parser, options.arguments, Origin(Search()))
    try:
        files, why = files_of(options), ""
    except UsageError as error:
        files, why = None, str(error)
    keys = keys_of(parsers_of(parser)["settings"])
    shown = [_shown(key, options, files) for key in sorted(keys.values())]
    shown += _of_commands(found)
    _print(shown)
    if why:
        say(f"note: {why}")
    return DONE


def _shown(key: Key, options: argparse.Namespace, files: Files | None) -> Shown:
    setting: Setting | None = options.settings.get(key.name)
    value = getattr(options, key.action.dest)
    if setting is not None:
        return Shown(key.name, _text(value, key), setting.place)
    if key.action.dest in options.given:
        return Shown(key.name, _text(value, key), "option")
    if files is not None:
        found = _of_files(key.name, options, files)
        if found is not None:
            return found
    if key.name == "cache-dir" and not options.no_cache:
        named = bool(os.environ.get("DERIVLOAD_CACHE_DIR"))
        folder = find_cache_folder(None) or _NOTHING
        return Shown(key.name, folder, "DERIVLOAD_CACHE_DIR" if named else _DEFAULT)
    return Shown(key.name, _text(value, key), _DEFAULT)


def _of_files(name: str, options: argparse.Namespace, files: Files) -> Shown | None:
    """An input that another option, or the tree around, decided."""
    values = {
        "derivatives": files.derivatives,
        "native-functions": ", ".join(files.native_functions),
        "tags": files.tags,
        "torch-version": files.version or "",
    }
    if name == "pytorch" and options.pytorch is not None:
        return Shown(name, options.pytorch or os.curdir, "the tree around this folder")
    if not values.get(name):
        return None
    if options.pytorch is not None:
        return Shown(name, values[name], "pytorch")
    if options.catalogue:
        return Shown(name, values[name], "catalogue")
    return Shown(name, values[name], "beside native-functions") if name == "tags" else None


def _of_commands(found: Settings) -> Iterator[Shown]:
    """What is set for one command alone, and the tables."""
    for command, settings in found.by_command.items():
        for name, setting in settings.items():
            if command:
                yield Shown(f"{command}.{name}", _text(setting.written), setting.place)
    for table, texts in found.tables.items():
        assert found.file is not None
        for name, listed in texts.items():
            yield Shown(f"{table}.{name}", ", ".join(listed), found.file.place(table, name))


def _text(value: object, key: Key | None = None) -> str:
    number = None if key is None else key.action.type
    if isinstance(number, WholeNumber) and isinstance(value, int | float):
        return number.text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value in ([], ""):
        return _NOTHING
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print(shown: list[Shown]) -> None:
    names = max(len(each.name) for each in shown)
    values = max(len(each.value) for each in shown)
    values = min(values, 60)
    Stdout().print_lines(
        f"{each.name:<{names}}  {each.value:<{values}}  {each.origin}" for each in shown
    )
