"""What is wrong with settings, all of it at once, and the arguments that they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from derivload.commands.options.command_line import make_parser
from derivload.commands.settings.found import Setting, Settings
from derivload.commands.settings.keys import Key, exclusive_keys, is_only_option, keys_of
from derivload.commands.settings.tables import TABLES
from derivload.loading.errors import SettingsError, UsageError
from derivload.loading.settings.file import SettingsFile
from derivload.spelling import did_you_mean, nearest
from derivload.wanted import ignored_codes_of

# Letters: a name that is longer is like none of ours.
_LONGEST: Final = 60
# Values of one setting: the time that argparse takes grows with the square of all.
_MOST: Final = 1_000
_TYPES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


def check_settings(file: SettingsFile) -> Settings:
    """The settings in a file. Raises SettingsError with all that is wrong with them."""
    commands = make_parser().commands
    checker = _Checker(file, {name: keys_of(own) for name, own in commands.items()})
    checker.exclude({pair for own in commands.values() for pair in exclusive_keys(own)})
    return checker.check()


class _Checker:
    """Collects the mistakes of one file. `_keys` are the settings of each command."""

    def __init__(self, file: SettingsFile, keys: dict[str, dict[str, Key]]) -> None:
        self._file = file
        self._keys = keys
        self._mistakes: list[tuple[int, str]] = []
        self._exclusive: list[frozenset[str]] = []

    def exclude(self, groups: Iterable[frozenset[str]]) -> None:
        """Refuse settings that are in one of these groups together."""
        self._exclusive = sorted(groups, key=sorted)

    def check(self) -> Settings:
        found: dict[str, dict[str, Setting]] = {"": {}}
        tables: dict[str, dict[str, list[str]]] = {}
        for name, value in self._file.values.items():
            if name in TABLES:
                tables[name] = self._table(name, value)
            elif name in self._keys and isinstance(value, dict):
                found[name] = self._of_command(name, value)
            else:
                keys = self._commands_with(name).items()
                of_all = {command: key for command, key in keys if not key.is_own}
                self._add(found[""], (name,), value, of_all)
        for command, settings in found.items():
            self._refuse_both(command, settings)
        if self._mistakes:
            path = self._file.path
            lines = [f"{path}:{line}: error: {what}" for line, what in sorted(self._mistakes)]
            count = f"{len(lines)} error{'s' if len(lines) > 1 else ''}"
            raise SettingsError([*lines, f"derivload: {count} in the settings"])
        return Settings(self._file, found, tables)

    def _refuse_both(self, command: str, settings: Mapping[str, Setting]) -> None:
        """Refuse settings in one table that exclude each other."""
        on = [name for name, setting in settings.items() if setting.arguments]
        for pair in self._exclusive:
            both = [name for name in on if name in pair]
            if len(both) > 1:
                where = (command, both[-1]) if command else (both[-1],)
                self._say(where, f"`{both[0]}` and `{both[-1]}` exclude each other")

    def _commands_with(self, name: str) -> dict[str, Key]:
        return {command: keys[name] for command, keys in self._keys.items() if name in keys}

    def _of_command(self, command: str, values: dict[str, object]) -> dict[str, Setting]:
        found: dict[str, Setting] = {}
        for name, value in values.items():
            keys = self._commands_with(name)
            if keys and command not in keys:
                self._say((command, name), f"`{command}` has no option --{name}")
            else:
                self._add(found, (command, name), value, {c: keys[c] for c in keys if c == command})
        return found

    def _add(
        self,
        found: dict[str, Setting],
        where: tuple[str, ...],
        value: object,
        keys: dict[str, Key],
    ) -> None:
        """Check a setting of these commands, and add it to those found."""
        name = where[-1]
        if not keys:
            self._say(where, self._unknown(where, value))
            return
        wrong: dict[str, str] = {}
        for command, key in keys.items():
            try:
                arguments = _arguments(key, value, self._file)
                found[name] = Setting(arguments, value, self._file.place(*where))
            except _WrongValueError as error:
                wrong[command] = str(error)
        if wrong:
            *_, what = wrong.values()
            right = [f"`[{command}]`" for command in keys if command not in wrong]
            self._say(where, f"{what}; write it in {' or '.join(right)}" if right else what)

    def _unknown(self, where: tuple[str, ...], value: object) -> str:
        name = where[-1]
        if (name, isinstance(value, dict) and "derivload" in value) == ("tool", True):
            return "`[tool.derivload]` is for pyproject.toml: here, settings have no table around"
        if is_only_option(name):
            return f"`{name}` is no setting: the option --{name} is for the command line alone"
        if len(where) == 1 and name in self._keys:
            return _wrong_type(name, "a table", value)
        if len(where) == 1:
            known = {name for keys in self._keys.values() for name in keys}
            return _there_is_no(name, [*sorted(known), *self._keys, *TABLES])
        return _there_is_no(name, sorted(self._keys[where[0]]))

    def _table(self, name: str, value: object) -> dict[str, list[str]]:
        found = {}
        if not isinstance(value, dict):
            self._say((name,), _wrong_type(name, "a table", value))
            return {}
        for key, texts in value.items():
            listed = texts if isinstance(texts, list) else [texts]
            if all(isinstance(text, str) for text in listed):
                self._check_codes((name, key), listed)
            else:
                wanted = "a text or a list of texts"
                self._say((name, key), _wrong_type(f"{name}.{key}", wanted, texts))
            found[key] = listed
        return found

    def _check_codes(self, where: tuple[str, ...], codes: list[str]) -> None:
        for index, code in enumerate(codes):
            try:
                ignored_codes_of(code)
            except ValueError as error:
                self._say((*where, index), f"`{'.'.join(where)}`: {error}")

    def _say(self, where: tuple[str | int, ...], what: str) -> None:
        self._mistakes.append((self._file.line(*where), what))


class _WrongValueError(Exception):
    """A value that an option cannot have; the text says why."""


def _arguments(key: Key, value: object, file: SettingsFile) -> tuple[str, ...]:
    """The arguments that a setting stands for. Raises _WrongValueError."""
    option = f"--{key.name}"
    if key.kind == "flag" or (key.kind == "count" and isinstance(value, bool)):
        if not isinstance(value, bool):
            raise _WrongValueError(_wrong_type(key.name, "true or false", value))
        return (option,) if value else ()
    if key.kind == "count":
        return (option,) * int(_text(key, value))
    if key.may_be_true and isinstance(value, bool):
        return (f"{option}={key.action.const}",) if value else ()
    values = value if key.is_list and isinstance(value, list) else [value]
    if len(values) > _MOST:
        raise _WrongValueError(f"`{key.name}` has {len(values)} values: give {_MOST} at most")
    texts = [_text(key, each) for each in values]
    return tuple([f"{option}={file.resolve(text) if key.is_path else text}" for text in texts])


def _text(key: Key, value: object) -> str:
    """A value as the text of an argument, checked. Raises _WrongValueError."""
    is_number = key.kind in ("number", "count")
    if isinstance(value, bool) or not isinstance(value, int if is_number else str):
        wanted = "a whole number" if is_number else "a text"
        wanted += " or a list of texts" if key.is_list else ""
        raise _WrongValueError(_wrong_type(key.name, wanted, value))
    text = str(value)
    if "\0" in text:
        raise _WrongValueError(f"`{key.name}` contains a NUL")
    if key.action.choices is not None and text not in key.action.choices:
        choices = [str(choice) for choice in key.action.choices]
        meant = did_you_mean(nearest(text[:_LONGEST], choices, 1))
        named = ", ".join(choices)
        raise _WrongValueError(f"`{key.name}`: `{text}` is not one of {named}{meant}")
    try:
        for check in (key.action.type, _CHECKS.get(key.name)):
            if callable(check):
                check(text)
    except (argparse.ArgumentTypeError, UsageError) as error:
        raise _WrongValueError(f"`{key.name}`: {error}") from None
    return text


def _check_torch_version(text: str) -> None:
    from derivload.loading.inputs import choose_dialect

    choose_dialect(text)


def _check_size(text: str) -> None:
    from derivload.loading.amounts import parse_size

    parse_size(text)


def _check_age(text: str) -> None:
    from derivload.loading.amounts import parse_age

    parse_age(text)


# What commands check themselves. Of a setting it is said with its place. They raise UsageError.
_CHECKS: Final[dict[str, Callable[[str], None]]] = {
    "torch-version": _check_torch_version,
    "max-size": _check_size,
    "older-than": _check_age,
}


def _wrong_type(name: str, wanted: str, value: object) -> str:
    given = _TYPES.get(type(value), "a date or a time")
    if isinstance(value, list) and wanted.endswith("texts"):
        given = "a list of other things"
    elif given == wanted:
        given = "another one"
    return f"`{name}` has to be {wanted}, and is {given}"


def _there_is_no(name: str, known: list[str]) -> str:
    return f"there is no setting `{name}`{did_you_mean(nearest(name[:_LONGEST], known, 1))}"
