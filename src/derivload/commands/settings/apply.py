"""How settings join a command line, and what is loaded if neither names it.

An option beats the setting of its name, and what it excludes. A setting of one command, in the
table of its name, beats one of all commands in the same way. What is left becomes arguments, which
argparse reads with the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from derivload.commands.settings.check import NONE, Setting, Settings, check_settings
from derivload.commands.settings.effect import reset_without_effect
from derivload.commands.settings.keys import key_name, keys_of, parsers_of
from derivload.loading.origin import Origin
from derivload.loading.settings.search import Search, read_settings_file

# The options that name the inputs. Each of the three sources is named by all of its options.
_SOURCES: Final = {
    "pytorch": frozenset({"pytorch"}),
    "catalogue": frozenset({"catalogue"}),
    "files": frozenset({"derivatives", "native-functions"}),
}
_OF_SOURCES: Final = ("pytorch", "catalogue", "derivatives", "native-functions", "tags")
_HELP: Final = ("-h", "--help", "--explain")


class Applied(NamedTuple):
    """Arguments with those of the settings that apply, and these by name."""

    arguments: list[str]
    settings: Mapping[str, Setting]


def parse_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str], *, may_search: bool = True
) -> argparse.Namespace:
    """The options of a command line, with the settings.

    Besides the options there are `arguments`, those of the command line; `given`, the names under
    which argparse stores the options that are among them; `origin`, what else
    decided the options; `settings`, those that apply, by name; and `tables`, the settings that are
    no options. Without `may_search`, no settings and no tree are looked for.

    argparse ends the process for wrong usage. Raises SettingsError and UsageError.
    """
    command = next((argument for argument in arguments if argument in parsers_of(parser)), None)
    origin = Origin(Search())
    found = NONE
    applied = Applied([*arguments], {})
    if command is not None and not any(argument in _HELP for argument in arguments):
        found = find_settings(parser, arguments, origin, may_search=may_search)
        applied = apply_settings(found, parsers_of(parser)[command], command, arguments)
        origin.added = [a for setting in applied.settings.values() for a in setting.arguments]
    options = parser.parse_args(applied.arguments)
    options.arguments = [*arguments]
    options.given = _given(parser, command, arguments)
    options.origin = origin
    options.settings = dict(applied.settings)
    options.tables = found.tables
    find_source(options, may_search=may_search)
    reset_without_effect(options, parser)
    return options


def _given(
    parser: argparse.ArgumentParser, command: str | None, arguments: Sequence[str]
) -> frozenset[str]:
    if command is None:
        return frozenset()
    own = parsers_of(parser)[command]
    return frozenset([name.replace("-", "_") for name in _named(arguments, own)])


def arguments_added(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> Sequence[str]:
    """The arguments that settings add to a command line, the command first.

    Raises SettingsError.
    """
    found = find_settings(parser, arguments, Origin(Search()))
    command = arguments[0]
    applied = apply_settings(found, parsers_of(parser)[command], command, arguments)
    return [a for setting in applied.settings.values() for a in setting.arguments]


def find_settings(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str],
    origin: Origin,
    *,
    may_search: bool = True,
) -> Settings:
    """The settings that a command line means, noted in `origin`. Raises SettingsError."""
    named = _value(arguments, "--settings")
    if named is None and (not may_search or "--no-settings" in arguments):
        return NONE
    if named is None:
        origin.settings = origin.search.find_settings(_has_settings)
    else:
        origin.settings = named, read_settings_file(named)
    if origin.settings is None:
        return NONE
    from derivload.loading.settings.file import read_settings

    file = read_settings(*origin.settings)
    return NONE if file is None else check_settings(file, parser)


def _has_settings(path: str, content: bytes) -> bool:
    from derivload.loading.settings.file import read_settings

    return read_settings(path, content) is not None


def apply_settings(
    found: Settings, parser: argparse.ArgumentParser, command: str, arguments: Sequence[str]
) -> Applied:
    """The arguments with the settings that apply to this command behind its name."""
    keys = keys_of(parser)
    of_all = {n: s for n, s in found.by_command.get("", {}).items() if n in keys}
    of_command = found.by_command.get(command, {})
    settings = {**_beaten(of_all, of_command, parser), **of_command}
    settings = _beaten(settings, _named(arguments, parser), parser)
    at = arguments.index(command) + 1
    added = [argument for setting in settings.values() for argument in setting.arguments]
    return Applied([*arguments[:at], *added, *arguments[at:]], settings)


def _named(arguments: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """The names of the options that are on a command line."""
    names = []
    for argument in arguments:
        if argument == "--":
            break
        action = parser._option_string_actions.get(argument.partition("=")[0])
        name = None if action is None else key_name(action)
        if name is not None:
            names.append(name)
    return names


def _beaten(
    settings: Mapping[str, Setting], stronger: Iterable[str], parser: argparse.ArgumentParser
) -> dict[str, Setting]:
    """The settings that others leave, which are named and beat them."""
    names = {*stronger}
    out = set(names)
    for group in parser._mutually_exclusive_groups:
        members = {key_name(action) for action in group._group_actions}
        if members & names:
            out |= {name for name in members if name is not None}
    source = _source(names)
    if source is not None and source != _source(settings):
        out.update(_OF_SOURCES)
    return {name: setting for name, setting in settings.items() if name not in out}


def _source(names: Iterable[str]) -> str | None:
    """Which of the sources of inputs these options name."""
    given = {*names}
    return next((source for source, needed in _SOURCES.items() if needed <= given), None)


def find_source(options: argparse.Namespace, *, may_search: bool = True) -> None:
    """Say what named the inputs; if nothing did, take the tree around the current folder."""
    if not hasattr(options, "derivatives"):
        return
    origin: Origin = options.origin
    by_settings = [name for name in _OF_SOURCES if name in options.settings]
    if by_settings:
        assert origin.settings is not None
        origin.how = f"as {origin.settings[0]} says"
    is_named = options.pytorch is not None or options.catalogue
    if is_named or (options.derivatives and options.native_functions) or not may_search:
        return
    tree = origin.search.find_tree()
    if tree is not None:
        options.pytorch = tree
        origin.how = "of the PyTorch tree around this folder"


def _value(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option; the last one if there are several."""
    found = None
    for at, argument in enumerate(arguments):
        if argument == name:
            found = next(iter(arguments[at + 1 : at + 2]), None)
        elif argument.startswith(f"{name}="):
            found = argument[len(name) + 1 :]
    return found
