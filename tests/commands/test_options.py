"""The options of every command, as tests/reference/options.txt lists them.

After a change on purpose: `python tests/commands/test_options.py > tests/reference/options.txt`,
with tests on PYTHONPATH.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from derivload.commands.options.command_line import make_parser
from support.paths import REFERENCE


def listed(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A line for each option and argument, and for each command with those of its own."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._VersionAction):
            continue
        if isinstance(action, argparse._SubParsersAction):
            helps = {str(choice.dest): choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield f"\n{name}: {helps[name]}"
                yield from listed(command)
            continue
        name = ", ".join(action.option_strings) or action.dest
        choices = "|".join(map(str, action.choices)) if action.choices else ""
        needed = "" if not action.option_strings or not action.required else ", needed"
        shown = action.metavar or choices
        number = f" {action.nargs}" if action.nargs not in (None, 0) else ""
        yield f"  {name} {shown}{number}{needed}: {action.help}"


def test_they_are_those_of_the_list() -> None:
    found = "\n".join(listed(make_parser())) + "\n"
    assert found == (REFERENCE / "options.txt").read_text("utf-8")


if __name__ == "__main__":
    print("\n".join(listed(make_parser())))
