"""The parser: argparse, with our way to print and our sentences about mistakes."""

from __future__ import annotations

import argparse
import os
import sys

from derivload.exit_status import BAD_USAGE
from derivload.terminal import colour
from derivload.terminal.stderr import say, say_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    from _typeshed import SupportsWrite

    Commands = argparse._SubParsersAction["OptionParser"]

# The variable that decides before all others whether Python itself colours what it prints.
_PYTHONS = "PYTHON_COLORS"
# Columns, if the terminal does not tell its width.
_WIDTH = 80


class _Formatter(argparse.HelpFormatter):
    """Formats help as wide as the terminal.

    argparse makes a formatter for each option. Without a given width, the formatter asks for it
    through shutil, which imports a compression library or two.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)


def _terminal_width() -> int:
    """The terminal's width in columns, found as shutil.get_terminal_size does."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(1).columns or _WIDTH
    except OSError:  # no terminal
        return _WIDTH


class OptionParser(argparse.ArgumentParser):
    """A parser that takes no shortened options, and prints as all of derivload does.

    `takes_files` tells that inputs may be named without their options, `takes_list` that there may
    be any number of arguments that are no options. `own_settings` are the
    settings that count for this command only in its own table: others have one of that name too.
    """

    takes_files = False
    takes_list = False
    own_settings: frozenset[str] = frozenset()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=_Formatter, allow_abbrev=False)

    @property
    def options(self) -> dict[str, argparse.Action]:
        """What each option means, by its name."""
        return self._option_string_actions

    def options_of(self, title: str) -> list[str]:
        """The names of the options in the group with this title."""
        groups = [group for group in self._action_groups if group.title == title]
        return [action.option_strings[-1] for group in groups for action in group._group_actions]

    @property
    def commands(self) -> dict[str, OptionParser]:
        """The parsers of the commands, by name."""
        return {
            name: parser
            for action in self._actions
            if isinstance(action, argparse._SubParsersAction)
            for name, parser in action.choices.items()
        }

    def refuse_unknown(
        self, arguments: Sequence[str], others: Callable[[], Mapping[str, OptionParser]]
    ) -> None:
        """Exit with a sentence if an option is none of this parser's.

        `others` gives parsers that may have it, by name. argparse would tell of options that are
        missing first, such as of the one that was misspelt.
        """
        self._refuse_joined(arguments)
        for name in names_of_options(arguments):
            if name.startswith("--") and name not in self.options:
                theirs = [other for other, parser in others().items() if name in parser.options]
                is_short = any(known.startswith(name) for known in self.options)
                if theirs and not is_short:
                    self.error(f"{name} is an option of {' and '.join(theirs)}, not of this")
                self.error(f"there is no option {name}{_guess(name, self.options)}")

    def _refuse_joined(self, arguments: Sequence[str]) -> None:
        """Exit with a sentence if an argument is an option and more: `--quiet `, `--tags FILE`.

        argparse would take it for a file. Such an argument is often a line of an `@FILE`.
        """
        takes_value = False
        for argument in arguments:
            name, space, _ = argument.partition("=")[0].partition(" ")
            if space and name in self.options and not takes_value:
                self.error(
                    f"`{argument}` is one argument with a space in it: {name} and its value are "
                    "arguments of their own, in an @FILE each in a line of its own"
                )
            action = self.options.get(argument)
            takes_value = action is not None and action.nargs != 0

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with the command line, and exit."""
        self.color = False  # Python 3.14 and later would print colour escapes
        self.print_usage(sys.stderr)
        say(f"error: {message}", self.prog)
        self.exit(BAD_USAGE)

    def format_help(self) -> str:
        """The help, which Python 3.14 and later colour."""
        before = os.environ.get(_PYTHONS)
        os.environ[_PYTHONS] = "1" if colour.is_wanted() else "0"
        try:
            return super().format_help()
        finally:
            del os.environ[_PYTHONS]
            if before is not None:
                os.environ[_PYTHONS] = before

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # The sentence of argparse differs between versions of Python, and suggests nothing.
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        guess = _guess(value, choices)
        if isinstance(action, argparse._SubParsersAction):
            guess = guess or f" (choose from {', '.join(choices)})"
            raise argparse.ArgumentError(None, f"there is no command `{value}`{guess}")
        listed = ", ".join(choices)
        message = f"invalid choice: {value!r} (choose from {listed}){guess}"
        raise argparse.ArgumentError(action, message)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse prints everything through this method. The text is argparse's and ours; values
        # from the user occur only in error messages, which `error` prints.
        if file is sys.stderr:
            say_lines(message.splitlines())
        else:
            from derivload.terminal.stdout import Stdout

            Stdout().write(message)


def names_of_options(arguments: Sequence[str]) -> Iterator[str]:
    """The names of the options in arguments, without values.

    argparse never takes what begins with a hyphen for an option's value, so neither do we.
    """
    for argument in arguments:
        if argument == "--":
            return
        name = argument.partition("=")[0]
        if name.startswith("-") and " " not in name:
            yield name


def end_of_options(arguments: Sequence[str], known: Mapping[str, argparse.Action]) -> int:
    """Where the first argument is that is neither an option nor the value of one.

    `known` says which options have values.
    """
    at = 0
    while at < len(arguments) and arguments[at][:1] == "-" and arguments[at] not in ("-", "--"):
        name, equals, _ = arguments[at].partition("=")
        if " " in name:  # argparse takes it for no option
            break
        at += 1
        action = known.get(name)
        if action is None or equals:
            continue
        following = arguments[at] if at < len(arguments) else ""
        at += action.nargs is None or (action.nargs == "?" and following in (action.choices or ()))
    return min(at, len(arguments))


def _guess(name: str, known: Iterable[str]) -> str:
    from derivload.spelling import did_you_mean, nearest

    by_letters = {other.lstrip("-"): other for other in known}
    letters = name.lstrip("-").replace("_", "-")
    # People write half of a name, such as `--native`.
    longer = [other for other in by_letters if letters and other.startswith(letters)]
    found = longer or nearest(letters, by_letters, 2)
    return did_you_mean([by_letters[other] for other in found])
