"""The pages of `man derivload` and `man derivwatch`, made from the parser.

`python -m derivload.commands.options.man FOLDER` writes them. A test fails if those in `man` are
stale.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.parser import OptionParser
from derivload.version import __version__

# When the text of the pages was last changed by hand.
_DATE: Final = "November 27, 2026"
_WIDTH: Final = 78
# An option of so many commands is described once for all.
_MANY: Final = 4
_TITLE: Final = "loads PyTorch's autograd definitions, incrementally"
_WATCH_TITLE: Final = "loads PyTorch's autograd definitions at each save"
_STATUS: Final = (
    ("0", "done"),
    ("1", "the input has errors"),
    ("2", "wrong usage"),
    ("3", "the environment failed: an output cannot be written, say"),
)
_ENVIRONMENT: Final = (
    ("DERIVLOAD_CACHE_DIR", "the folder of the cache, if --cache-dir does not name one"),
    ("DERIVLOAD_CACHE_SIZE", "how large the cache may grow, such as 200M"),
    ("DERIVLOAD_REMOTE_CACHE", "the URL of the remote cache, if --remote-cache names none"),
    ("DERIVLOAD_REMOTE_CACHE_MODE", "what it is used for, if --remote-cache-mode does not say"),
    ("DERIVLOAD_REMOTE_KEY", "a secret of the team, with which values there are signed"),
    ("DERIVLOAD_REMOTE_USER", "the user of the remote cache"),
    ("DERIVLOAD_REMOTE_PASSWORD", "the password of the remote cache"),
    ("DERIVLOAD_REMOTE_LIMIT", "milliseconds, if --remote-cache-limit names none"),
    ("DERIVLOAD_REMOTE_UPLOAD_LIMIT", "milliseconds, if --remote-cache-upload-limit names none"),
    ("NO_COLOR", "if it is not empty: no colour, unless --color says otherwise"),
    ("FORCE_COLOR", "if it is neither empty nor 0: colour, also in a pipe"),
)


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    return {
        "derivload.1": _page("derivload", _TITLE, _derivload(make_parser()), "derivwatch"),
        "derivwatch.1": _page("derivwatch", _WATCH_TITLE, _derivwatch(), "derivload"),
    }


def _page(name: str, title: str, body: Iterable[str], other: str) -> str:
    heading = f'"{_DATE}" "derivload {__version__}" "User Commands"'
    lines = [
        '.\\" Made by derivload.commands.options.man.',
        f".TH {name.upper()} 1 {heading}",
        ".SH NAME",
        f"{name} \\- {_fit(title)}",
        *body,
        ".SH EXIT STATUS",
        *_items(_STATUS),
        ".SH ENVIRONMENT",
        *_items(_ENVIRONMENT),
        ".SH SEE ALSO",
        f".BR {other} (1)",
    ]
    return "\n".join(lines) + "\n"


def _derivload(parser: OptionParser) -> Iterator[str]:
    shared = _shared(parser.commands.values())
    yield from (".SH SYNOPSIS", ".B derivload", ".RI [ options ]", ".I command", ".RI [ options ]")
    yield from (".SH DESCRIPTION", _fit(parser.description or ""), _fit(parser.epilog or ""))
    yield ".SH OPTIONS INSTEAD OF A COMMAND"
    yield from _described(a for a in parser.options.values() if _key(a) not in shared)
    yield ".SH COMMANDS"
    for name, command in parser.commands.items():
        yield f".SS {_fit(name)}"
        yield _fit(_sentence(_help_of(parser, name)))
        yield from _described(a for a in command._actions if _key(a) not in shared)
        theirs = [a.option_strings[-1] for a in command._actions if _key(a) in shared]
        yield from (".PP", _fit(f"Also {', '.join(theirs)}: see below."))
    yield ".SH OPTIONS OF SEVERAL COMMANDS"
    yield from _described(shared.values())


def _derivwatch() -> Iterator[str]:
    parser = make_parser().commands["watch"]
    yield from (".SH SYNOPSIS", ".B derivwatch", ".B \\-\\-out\\-dir", ".I DIR", ".RI [ options ]")
    yield from (".SH DESCRIPTION", "The same as", '.BR "derivload watch" :')
    yield _fit("emits at each save, and shows what it changed.")
    yield from (".SH OPTIONS", *_described(parser._actions))


def _shared(commands: Iterable[OptionParser]) -> dict[tuple[str, ...], argparse.Action]:
    """The options that many commands have, by their names and what is said of them."""
    found: dict[tuple[str, ...], list[argparse.Action]] = {}
    for command in commands:
        for action in command._actions:
            if action.option_strings and not isinstance(action, argparse._HelpAction):
                found.setdefault(_key(action), []).append(action)
    return {key: actions[0] for key, actions in found.items() if len(actions) >= _MANY}


def _key(action: argparse.Action) -> tuple[str, ...]:
    return (*action.option_strings, action.help or "")


def _help_of(parser: OptionParser, name: str) -> str:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                if choice.dest == name:
                    return parser.commands[name].description or choice.help or ""
    return ""


def _described(actions: Iterable[argparse.Action]) -> Iterator[str]:
    """An entry for each option and argument."""
    for action in dict.fromkeys(actions):
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        value = action.metavar or "|".join(map(str, action.choices or ()))
        names = ", ".join(rf"\fB{_fit(name)}\fR" for name in action.option_strings)
        optional = action.nargs in ("?", "*")
        shown = "" if not value else rf"\fI{_fit(str(value))}\fR"
        shown = f"[{shown}]" if shown and optional else shown
        yield from (".TP", f"{names} {shown}".strip(), _fit(action.help or ""))


def _items(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in items:
        yield from (".TP", f".B {_fit(name)}", _fit(text))


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."


def _fit(text: str) -> str:
    """A text that roff shows as it is, in lines that are not long."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    lines = textwrap.wrap(escaped, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def write(folder: Path) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
