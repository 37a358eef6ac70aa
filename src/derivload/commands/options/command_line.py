"""The whole command line: its parser, and what it is parsed to."""

from __future__ import annotations

import argparse
from importlib import import_module

from derivload.commands.options.inputs import add_common, add_settings_options
from derivload.commands.options.parser import OptionParser, end_of_options, names_of_options
from derivload.terminal import colour

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_RUN = "run"
# What no operator's name ends in.
_FILE = (".yaml", ".yml")
# The command that takes the options of all others.
_ALL_OPTIONS = "settings"
# The commands in their order, and the module, in this folder, that adds the options of each.
_COMMANDS = {
    **dict.fromkeys(("emit", "codegen", "run", "watch"), "writing"),
    **dict.fromkeys(("check", "lsp", "show", "list", "diff"), "asking"),
    "explore": "writing",
    **dict.fromkeys(("verify", "schema", "fetch", "cache"), "asking"),
}


def make_parser(command: str = "") -> OptionParser:
    """Make the parser of derivload's command line.

    With the name of a command it may have no other one: it is made in a fraction of the time.
    """
    parser = OptionParser(
        prog="derivload",
        description="PyTorch's autograd definitions: derivatives.yaml in, codegen inputs out.",
        epilog="@FILE stands for the arguments in that file, one per line. Options may stand "
        "before the command too.",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--version", action="store_true", help="print the version, with --verbose all of them"
    )
    for name in ("cmake", "bazel"):
        instead.add_argument(
            f"--{name}-dir", action="store_true", help=f"print where the {name} rules are, and exit"
        )
    instead.add_argument(
        "--print-completion",
        choices=["bash", "zsh", "fish"],
        metavar="SHELL",
        help="print what bash, zsh or fish needs to complete command lines, and exit",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    for name, module in _COMMANDS.items():
        if command == name or command not in _COMMANDS:
            getattr(import_module(f"{__package__}.{module}"), f"add_{name}")(commands)
    for each in (parser, *parser.commands.values()):
        add_common(each)
    for each in parser.commands.values():
        add_settings_options(each)
    if command not in _COMMANDS:
        from derivload.commands.options.asking import add_settings

        add_settings(commands)
    return parser


def command_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the command first, and the options that stood before it behind it.

    Unchanged if there is no command, or if they ask for something instead of one.
    """
    parser = make_parser()
    known = {
        name: action
        for command in parser.commands.values()
        for name, action in command.options.items()
    }
    at = end_of_options(arguments, known)
    instead = {"-h", "--help", *parser.options.keys() - known.keys()}
    if at == len(arguments) or not instead.isdisjoint(names_of_options(arguments[:at])):
        return [*arguments]
    return [arguments[at], *arguments[:at], *arguments[at + 1 :]]


def prepare(parser: OptionParser, arguments: Sequence[str]) -> list[str]:
    """The arguments with an option before each file that has none.

    Raises SystemExit for options that do not exist and files that have no place.
    """
    own = _own(parser, arguments)
    _choose_colour(own)
    command = parser.commands.get("".join(arguments[:1]))
    if command is None:
        if all(argument.startswith("-") for argument in arguments):
            parser.refuse_unknown(arguments, _parsers_by_name)
        return [*arguments]
    command.refuse_unknown(own, _parsers_by_name)
    if command.takes_files:
        return _with_files_named(command, arguments)
    return _with_list_last(command, arguments) if command.takes_list else [*arguments]


def _parsers_by_name() -> dict[str, OptionParser]:
    parser = make_parser()
    others = {name: each for name, each in parser.commands.items() if name != _ALL_OPTIONS}
    return {"derivload itself": parser, **others}


def read(parser: OptionParser, arguments: Sequence[str]) -> argparse.Namespace:
    """What arguments mean that were prepared. Raises SystemExit, and has printed why."""
    options, further = parser.parse_known_args(arguments)
    command = parser.commands.get(options.command, parser)
    misplaced = [name for name in getattr(options, "operator", ()) if name.endswith(_FILE)]
    for argument in (*further, *misplaced):
        _refuse(command, argument)
    instead = (options.version, options.cmake_dir, options.bazel_dir, options.print_completion)
    if options.command is None and not any(instead):
        parser.error("the following arguments are required: COMMAND")
    # Other options before the command were put behind it.
    if options.command is not None and arguments[0] != options.command:
        asked = [name for name in names_of_options(arguments) if name not in command.options]
        parser.error(f"{asked[0]} is asked for without a command")
    return options


def given_by(parser: OptionParser, arguments: Sequence[str]) -> frozenset[str]:
    """The names under which argparse stores the options that are among these arguments."""
    own = _own(parser, arguments)
    known = parser.commands.get("".join(arguments[:1]), parser).options
    return frozenset(known[name].dest for name in names_of_options(own) if name in known)


def _own(parser: OptionParser, arguments: Sequence[str]) -> Sequence[str]:
    """The arguments behind the command, without those of the script of `run`."""
    command = parser.commands.get("".join(arguments[:1]))
    if command is None:
        return arguments
    own = arguments[1:]
    return own[: end_of_options(own, command.options)] if arguments[0] == _RUN else own


def _with_list_last(command: OptionParser, arguments: Sequence[str]) -> list[str]:
    """The arguments with options first: argparse takes a list only where it stands together."""
    options, listed = [arguments[0]], list[str]()
    left = arguments[1:]
    while left:
        end = end_of_options(left, command.options)
        options += left[:end]
        if left[end : end + 1] == ["--"]:
            return [*options, "--", *listed, *left[end + 1 :]]
        listed += left[end : end + 1]
        left = left[end + 1 :]
    return [*options, *listed]


def _with_files_named(command: OptionParser, arguments: Sequence[str]) -> list[str]:
    named = [arguments[0]]
    left = arguments[1:]
    stdin: list[str] = []
    while left:
        end = end_of_options(left, command.options)
        named += left[:end]
        left = [argument for argument in left[end:] if argument != "--"]
        if left[:1] == ["-"]:
            stdin, left = ["-"], left[1:]
        elif left:
            option = _option_of(command, left[0])
            named += [option, left[0]]
            left = left[1:]
            is_one = not isinstance(command.options[option], argparse._AppendAction)
            if is_one and [*names_of_options([*named, *left])].count(option) > 1:
                command.error(f"there are several files for {option}: name one of them")
    return [*named, *stdin]


def _option_of(command: OptionParser, path: str) -> str:
    from derivload.commands.options.named_files import UnknownFileError, option_of

    try:
        return option_of(path)
    except UnknownFileError as error:
        command.error(str(error))


def _refuse(command: OptionParser, argument: str) -> NoReturn:
    """Exit with a sentence about an argument that there is no place for."""
    has_inputs = "--derivatives" in command.options
    write = f": write {_option_of(command, argument)} {argument}" if has_inputs else ""
    command.error(f"there is no place for {argument}{write}")


def _choose_colour(arguments: Sequence[str]) -> None:
    """Heed `--color` before anything is printed, such as the help that is asked for before it."""
    chosen = "auto"
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--color":
            chosen = value if equals else "".join(arguments[at + 1 : at + 2])
    colour.choose(chosen)
