"""`derivload settings`: every option that is in force, and where its value comes from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.values import WholeNumber
from derivload.commands.parsed import files_of
from derivload.commands.settings.found import Setting, Settings
from derivload.commands.settings.keys import Key, keys_of
from derivload.exit_status import DONE
from derivload.loading.cache_settings import REMOTE_CACHE, find_cache_folder
from derivload.loading.errors import UsageError
from derivload.loading.origin import Origin
from derivload.loading.paths import Files
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

_NOTHING: Final = "-"
# Columns: a longer value pushes its origin to the right.
_WIDEST: Final = 60


class ShownOption(NamedTuple):
    """An option, its value, and where that comes from.

    `is_set` tells that settings, or the tree around the current folder, gave the value.
    """

    name: str
    value: object
    origin: str = "default"
    is_set: bool = False


Value = bool | int | str | list[str] | None


class OptionInForce(msgspec.Struct, frozen=True):
    """The value of an option, and where it comes from."""

    value: Value
    origin: str
    is_set: bool


class InForce(msgspec.Struct, frozen=True):
    """What is in force: what `derivload settings --as-json` prints."""

    settings: str
    options: dict[str, OptionInForce]
    note: str


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        files, why = files_of(options), ""
    except UsageError as error:
        files, why = None, str(error)
    keys = keys_of(make_parser().commands["settings"])
    shown = [_shown(key, options, files) for key in sorted(keys.values())]
    if options.as_json:
        Stdout().write_json(_render(shown, options.origin, why))
        return DONE
    if options.origin.settings is not None:
        say(f"read {options.origin.settings[0]}")
    _print([*shown, *_of_commands(options.found_settings)])
    if why:
        say(f"note: {why}")
    return DONE


def _shown(key: Key, options: argparse.Namespace, files: Files | None) -> ShownOption:
    setting: Setting | None = options.settings.get(key.name)
    value = getattr(options, key.action.dest)
    if isinstance(key.action.type, WholeNumber) and value is not None:
        value = int(key.action.type.text(value))
    if setting is not None:
        return ShownOption(key.name, value, setting.place, True)
    if key.action.dest in options.given:
        return ShownOption(key.name, value, "option")
    if files is not None:
        found = _of_files(key.name, options, files)
        if found is not None:
            return found
    if key.name == "cache-dir" and not options.no_cache:
        variable = "DERIVLOAD_CACHE_DIR"
        origin = variable if os.environ.get(variable) else "default"
        return ShownOption(key.name, find_cache_folder(None), origin)
    if key.name == "remote-cache" and os.environ.get(REMOTE_CACHE):
        from derivload.loading.remote_settings import place_of

        # Not the whole URL: it may hold a password.
        return ShownOption(key.name, place_of(os.environ[REMOTE_CACHE]), REMOTE_CACHE)
    return ShownOption(key.name, value)


def _of_files(name: str, options: argparse.Namespace, files: Files) -> ShownOption | None:
    """An input that another option, or the tree around, decided."""
    if name == "pytorch" and options.pytorch is not None:
        return ShownOption(name, options.pytorch or os.curdir, "the tree around this folder", True)
    values: dict[str, object] = {
        "derivatives": [files.derivatives, *files.more_derivatives],
        "native-functions": [*files.native_functions],
        "tags": files.tags,
        "torch-version": files.version,
    }
    if values.get(name) is None:
        return None
    if options.pytorch is not None:
        return ShownOption(name, values[name], "of pytorch")
    if options.catalogue:
        return ShownOption(name, values[name], "of catalogue")
    return ShownOption(name, values[name], "beside native-functions") if name == "tags" else None


def _of_commands(found: Settings) -> Iterator[ShownOption]:
    """What is set for one command alone, and the tables."""
    for command, settings in found.by_command.items():
        for name, setting in settings.items():
            if command:
                yield ShownOption(f"{command}.{name}", setting.written, setting.place)
    for table, texts in found.tables.items():
        assert found.file is not None
        for name, listed in texts.items():
            yield ShownOption(f"{table}.{name}", listed, found.file.place(table, name))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value in ([], ""):
        return _NOTHING
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print(shown: list[ShownOption]) -> None:
    names = max(len(each.name) for each in shown)
    values = min(max(len(_text(each.value)) for each in shown), _WIDEST)
    Stdout().print_lines(
        f"{each.name:<{names}}  {_text(each.value):<{values}}  {each.origin}" for each in shown
    )


def _render(shown: list[ShownOption], origin: Origin, note: str) -> bytes:
    document = InForce(
        settings="" if origin.settings is None else origin.settings[0],
        options={
            each.name: OptionInForce(msgspec.convert(each.value, Value), each.origin, each.is_set)
            for each in shown
        },
        note=note,
    )
    return msgspec.json.encode(document) + b"\n"
