"""How settings join a command line, and what is loaded if neither names it.

An option beats the setting of its name, and what it excludes. A setting of one command, in the
table of its name, beats one of all commands in the same way. What is left becomes arguments, which
argparse reads with the others.
"""

from __future__ import annotations

from derivload.commands.options.command_line import given_by, prepare, read
from derivload.commands.options.effects import refuse_without_effect
from derivload.commands.settings.effect import reset_without_effect
from derivload.commands.settings.found import NONE
from derivload.loading.origin import Origin
from derivload.loading.settings.search import Search, read_settings_file, value_of
from derivload.terminal import colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from derivload.commands.options.parser import OptionParser
    from derivload.commands.settings.found import Setting, Settings
    from derivload.loading.settings.file import SettingsFile

# The options that name the inputs. Each of the three sources is named by all of its options.
_SOURCES = (
    frozenset({"pytorch"}),
    frozenset({"catalogue"}),
    frozenset({"derivatives", "native-functions"}),
)
_OF_SOURCES = ("pytorch", "catalogue", "derivatives", "native-functions", "tags")
_HELP = frozenset({"-h", "--help", "--explain"})


def parse_options(
    parser: OptionParser, arguments: Sequence[str], *, may_search: bool = True
) -> argparse.Namespace:
    """The options of a command line, with the settings.

    Besides the options there are `arguments`, those of the command line; `given`, the names under
    which argparse stores the options that are among them; `origin`, what else decided the options;
    `settings`, those that apply, by name; and `found_settings`, all of them.
    Without `may_search`, no settings and no tree are looked for.

    argparse ends the process for wrong usage. Raises SettingsError and UsageError.
    """
    prepared = prepare(parser, arguments)
    command = parser.commands.get("".join(arguments[:1]))
    origin = Origin(Search())
    found = NONE
    if command is not None and _HELP.isdisjoint(arguments):
        found = find_settings(prepared, origin, may_search=may_search)
    settings = settings_for(found, parser, prepared)
    origin.added = _arguments_of(settings)
    options = read(parser, [*prepared[:1], *origin.added, *prepared[1:]])
    colour.choose(options.color)
    options.arguments = [*arguments]
    options.given = given_by(parser, prepared)
    options.origin = origin
    options.settings = settings
    options.found_settings = found
    find_source(options, may_search=may_search)
    if command is not None and command.takes_files and prepared != [*arguments]:
        from derivload.commands.options.named_files import add_file_beside

        add_file_beside(options)
    if command is not None:
        reset_without_effect(options, command)
        refuse_without_effect(command, options)
    return options


def arguments_added(parser: OptionParser, arguments: Sequence[str]) -> Sequence[str]:
    """The arguments that settings add to a command line, the command first.

    Raises SettingsError.
    """
    found = find_settings(arguments, Origin(Search()))
    return _arguments_of(settings_for(found, parser, arguments))


def _arguments_of(settings: Mapping[str, Setting]) -> list[str]:
    return [argument for setting in settings.values() for argument in setting.arguments]


def find_settings(arguments: Sequence[str], origin: Origin, *, may_search: bool = True) -> Settings:
    """The settings that a command line means, noted in `origin`. Raises SettingsError."""
    named = value_of(arguments, "--settings")
    if named is None and (not may_search or "--no-settings" in arguments):
        return NONE
    file: SettingsFile | None = None

    def has_settings(path: str, content: bytes) -> bool:
        nonlocal file
        file = _read(path, content)
        return file is not None

    if named is None:
        origin.settings = origin.search.find_settings(has_settings)
    else:
        origin.settings = named, read_settings_file(named)
    if origin.settings is None:
        return NONE
    if file is None:  # the search has not looked into it
        file = _read(*origin.settings)
    if file is None:
        return NONE
    from derivload.commands.settings.check import check_settings

    return check_settings(file)


def _read(path: str, content: bytes) -> SettingsFile | None:
    from derivload.loading.settings.file import read_settings

    return read_settings(path, content)


def settings_for(
    found: Settings, parser: OptionParser, arguments: Sequence[str]
) -> dict[str, Setting]:
    """The settings that apply to these arguments, of which the command is the first."""
    if found is NONE:
        return {}
    from derivload.commands.settings.keys import keys_of

    name = arguments[0]
    command = parser.commands[name]
    keys = keys_of(command)
    everywhere = found.by_command.get("", {})
    of_all = {n: s for n, s in everywhere.items() if n in keys and not keys[n].is_own}
    of_command = found.by_command.get(name, {})
    settings = {**_beaten(of_all, of_command, command), **of_command}
    given = given_by(parser, arguments)
    named = [key.name for key in keys.values() if key.action.dest in given]
    return _beaten(settings, named, command)


def _beaten(
    settings: Mapping[str, Setting], stronger: Iterable[str], parser: OptionParser
) -> dict[str, Setting]:
    """The settings that others leave, which are named and beat them."""
    from derivload.commands.settings.keys import exclusive_keys

    names = {*stronger}
    out = set(names)
    for members in exclusive_keys(parser):
        if members & names:
            out |= members
    source = _source(names)
    if source is not None and source != _source(settings):
        out.update(_OF_SOURCES)
    return {name: setting for name, setting in settings.items() if name not in out}


def _source(names: Iterable[str]) -> frozenset[str] | None:
    """Which of the sources of inputs these options name."""
    given = {*names}
    return next((source for source in _SOURCES if source <= given), None)


def places_in(options: object, message: str) -> str:
    """Where the settings are that a message is about, to end it: it names them, or their values.

    `options` are those of `parse_options`, or none.
    """
    import re

    places = []
    for name, setting in getattr(options, "settings", {}).items():
        values = [argument.partition("=")[2] for argument in setting.arguments]
        words = "|".join(re.escape(word) for word in (f"--{name}", *values) if word)
        if re.search(rf"(?<![\w/.-])(?:{words})(?![\w/.-])", message):
            places.append(setting.place)
    return f" ({', '.join(places)})" if places else ""


def find_source(options: argparse.Namespace, *, may_search: bool = True) -> None:
    """Say what named the inputs; if nothing did, take the tree around the current folder."""
    if not hasattr(options, "pytorch"):
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
