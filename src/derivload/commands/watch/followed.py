"""The options of derivwatch, or of `check --watch`, while it runs: the settings may change.

It follows what names the inputs; a tree may appear too. The other options decide what was started
long ago, such as the folder that derivwatch writes to: if they change, it says so, and waits for
somebody to start it again.
"""

from __future__ import annotations

import argparse
import os
from typing import Final

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.inputs import INPUTS
from derivload.commands.settings.apply import parse_options
from derivload.loading.errors import UsageError

# What is no option, or of no effect on a run that has begun.
_OTHERS: Final = ("origin", "settings", "found_settings")


class FollowedOptions:
    """The options that derivwatch was started with, and what the settings make of them now."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._first = options
        self._parser = make_parser()
        command = self._parser.commands[options.command]
        inputs = [command.options[name].dest for name in command.options_of(INPUTS)]
        self._followed = (*_OTHERS, *inputs)

    def now(self) -> argparse.Namespace:
        """The options as they are now. Raises UsageError."""
        try:
            now = parse_options(self._parser, self._first.arguments)
        except SystemExit:  # argparse has printed why
            raise UsageError("the settings do not go with the command line any more") from None
        before = vars(self._first)
        changed = [
            name
            for name, value in vars(now).items()
            if name not in self._followed and _meant(value) != _meant(before[name])
        ]
        if changed:
            named = ", ".join(name.replace("_", "-") for name in changed)
            who = "derivwatch" if self._first.command == "watch" else "this"
            raise UsageError(f"the settings changed {named}: start {who} again to follow them")
        now.is_own_process = self._first.is_own_process
        return now


def _meant(value: object) -> object:
    """A value; a path as the same place, however it is spelled."""
    return os.path.normpath(value) if isinstance(value, str) and value else value
