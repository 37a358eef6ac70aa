"""The command line of `derivload run`: its own options, the script or module, its arguments.

Everything after the script's name belongs to the script. The command line is read twice: by the
exit that does nothing, which must not import argparse, and by the command itself, after argparse
has refused wrong options.
"""

from __future__ import annotations

import os

from derivload.loading.settings.search import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_WITH_VALUE = (
    *("--state-dir", "--cache-dir", "--color", "--settings", "--remote-cache"),
    *("--remote-cache-mode", "--remote-cache-limit", "--remote-cache-upload-limit"),
)
_MODULE = "-m"


class Asked:
    """A command line of `derivload run`.

    `own` are derivload's own options, `target` is a script or, with `is_module`, a module, and
    `arguments` are the script's.
    """

    __slots__ = ("arguments", "is_module", "own", "target")

    def __init__(self, own: list[str], is_module: bool, target: str, arguments: list[str]) -> None:
        self.own = own
        self.is_module = is_module
        self.target = target
        self.arguments = arguments

    def value(self, name: str) -> str | None:
        """The value of one of derivload's own options."""
        return value_of(self.own, name)

    def stats(self) -> str | None:
        """The form of `--stats`, None without it."""
        return self.value("--stats")

    def as_parsed(self) -> list[str]:
        """The command line in a form that argparse takes no option of the script's from."""
        form = ["-m"] if self.is_module else []
        return ["run", *self.own, *form, self.target, *self.arguments]

    def record_path(self) -> str | None:
        """The path of the record of this command; None where there is no home folder for it."""
        folder = self.value("--state-dir")
        if folder is None:
            from derivload.loading.cache_settings import find_cache_folder, runs_folder

            cache = find_cache_folder(self.value("--cache-dir"))
            if cache is None:
                return None
            folder = runs_folder(cache)
        from derivload.outputs.kept_runs import run_key

        return os.path.join(folder, run_key(self.is_module, self.target, self.arguments))


def read_asked(arguments: Sequence[str]) -> Asked | None:
    """Read the arguments behind `run`; None if they name no script."""
    own: list[str] = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if argument == _MODULE:
            named = arguments[at : at + 1]
            return Asked(own, True, named[0], list(arguments[at + 1 :])) if named else None
        if not argument.startswith("-"):
            return Asked(own, False, argument, list(arguments[at:]))
        following = list(arguments[at : at + 1])
        if argument == "--stats":
            is_form = following in (["json"], ["text"])
            own.append(f"--stats={following[0] if is_form else 'text'}")
            at += is_form
        elif argument in _WITH_VALUE:
            own += [argument, *following]
            at += 1
        else:
            own.append(argument)
    return None
