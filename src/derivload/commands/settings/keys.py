"""Which settings there are: every long option of every command, by its name."""

from __future__ import annotations

import argparse
from typing import Final, Literal, NamedTuple

from derivload.commands.options.values import WholeNumber, path

# These choose what a command does at one time. `settings` says which file to read.
_ONLY_OPTIONS: Final = frozenset(
    "help version settings no-settings explain list-outputs as-json".split()
)

Kind = Literal["flag", "count", "number", "text"]


class Key(NamedTuple):
    """An option that can be set. `is_list` tells that it can be given again and again.

    `may_be_true` tells that it can be given without a value, which `true` stands for. `is_own`
    tells that it counts only in the table of its command.
    """

    name: str
    action: argparse.Action
    kind: Kind
    is_list: bool
    may_be_true: bool
    is_own: bool

    @property
    def is_path(self) -> bool:
        """Whether its values are paths, which are relative to the file of settings."""
        return self.action.type is path


def keys_of(command: argparse.ArgumentParser) -> dict[str, Key]:
    """The settings of a command, by name."""
    found = {}
    own = getattr(command, "own_settings", ())
    for action in command._actions:
        name = key_name(action)
        if name is not None:
            found[name] = _key(name, action, is_own=name in own)
    return found


def exclusive_keys(command: argparse.ArgumentParser) -> list[frozenset[str]]:
    """The groups of settings of which one excludes the others."""
    groups = []
    for group in command._mutually_exclusive_groups:
        names = [key_name(action) for action in group._group_actions]
        groups.append(frozenset(name for name in names if name is not None))
    return groups


def key_name(action: argparse.Action) -> str | None:
    """The name of an option as a setting; None if it is none."""
    for option in action.option_strings:
        if option.startswith("--"):
            name = option[2:]
            return None if name in _ONLY_OPTIONS else name
    return None


def is_only_option(name: str) -> bool:
    """Whether this is the name of an option that is no setting."""
    return name in _ONLY_OPTIONS


def _key(name: str, action: argparse.Action, *, is_own: bool) -> Key:
    is_list = isinstance(action, argparse._AppendAction) or action.nargs in ("+", "*")
    kind: Kind = "text"
    if isinstance(action, argparse._CountAction):
        kind = "count"
    elif action.nargs == 0:
        kind = "flag"
    elif isinstance(action.type, WholeNumber):
        kind = "number"
    return Key(name, action, kind, is_list, action.nargs == "?", is_own)
