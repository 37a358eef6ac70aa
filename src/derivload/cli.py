"""The command line: it picks the command, runs it and turns errors into an exit status.

A command's module is imported only when that command runs. The options' module is imported only
if there is something to do. Exit status: 0 done, 1 the input has errors, 2 wrong usage, 3 the
environment failed.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time

from derivload.exit_status import BAD_INPUT, BAD_USAGE, DONE, ENVIRONMENT, INTERRUPTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from derivload.loading.errors import SettingsError

# The module of each command, under derivload.commands. It is imported when the command runs.
_MODULES = {
    None: "about",
    "cache": "cache",
    "check": "check.command",
    "codegen": "codegen.command",
    "diff": "diff.command",
    "emit": "emit",
    "explore": "explore.command",
    "fetch": "fetch.command",
    "list": "listing",
    "lsp": "lsp.command",
    "run": "run.command",
    "schema": "schema.command",
    "settings": "settings.command",
    "show": "show.command",
    "verify": "verify.command",
    "watch": "watch.command",
}
# Commands whose output is not ours alone.
_OWN_TERMINAL = (None, "lsp", "run")
# Options of runs that do not ask the stamp whether there is something to do.
_SLOW = frozenset({"--no-cache", "--list-outputs", "--verbose"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run derivload with these arguments and return the exit status. Default: the process's own."""
    if argv is None:
        return _main(sys.argv[1:], is_own_process=True)
    return _main(list(argv), is_own_process=False)


def main_at_end() -> int:
    """The same as `main`, for a process in which nothing comes after it: the process ends here.

    Python itself would first take everything apart, a twentieth of an up-to-date run. It does so,
    and this returns, if there is something that waits for the end, or looks on.
    """
    status = main()
    is_waited_for = "threading" in sys.modules or getattr(atexit, "_ncallbacks", lambda: 1)()
    is_looked_at = sys.gettrace() or sys.getprofile() or sys.flags.inspect
    if not is_waited_for and not is_looked_at and not os.environ.get("PYTHONINSPECT"):
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # let Python say what it says
            return status
        os._exit(status)
    return status


def watch() -> int:
    """`derivwatch`: the same as `derivload watch`. Returns the exit status."""
    arguments = sys.argv[1:]
    if "".join(arguments[:1]) not in ("--version", "--print-completion"):
        arguments = ["watch", *arguments]
    return _main(arguments, is_own_process=True)


def _main(arguments: list[str], *, is_own_process: bool) -> int:
    try:
        if is_own_process:
            # We make no reference cycles, and the process ends when it is done.
            gc.disable()
            from derivload.identity import start_again_if_unsure

            start_again_if_unsure()
        if None in (sys.stdin, sys.stdout, sys.stderr):  # whoever started us closed it
            from derivload.terminal.streams import open_closed

            open_closed()
        status = _run(arguments, is_own_process=is_own_process)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else _gone_folder()
        _say(f"error: {where}{error.strerror or error}")
        status = ENVIRONMENT
    if is_own_process:
        # Before a process ends, Python searches all objects for cycles. Spare it these.
        gc.freeze()
    return _flushed(status)


def _gone_folder() -> str:
    """What an error without a place is about, if somebody has removed the current folder."""
    try:
        os.getcwd()
    except OSError:
        return "the current folder is gone, change to another one: "
    return ""


def _flushed(status: int) -> int:
    """Flush stdout and return `status`, or ENVIRONMENT if stdout cannot be written.

    A closed pipe does not change the status.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        from derivload.terminal.streams import let_go

        let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):  # the reader of our output has seen enough
            return status
        if status != ENVIRONMENT:  # otherwise an error was already printed
            _say(f"error: {error.strerror or error}")
        return ENVIRONMENT
    return status


def _run(arguments: list[str], *, is_own_process: bool) -> int:
    written = _command_first(arguments)
    if written is None:
        return BAD_USAGE
    arguments = written
    if arguments[:1] == ["run"]:
        return _run_script(arguments, is_own_process=is_own_process)
    is_worker = arguments == ["emit", "--persistent_worker"]
    may_be_done = arguments[:1] in (["emit"], ["codegen"]) and _SLOW.isdisjoint(arguments)
    if may_be_done and not is_worker and _nothing_to_do(arguments):
        return DONE
    if is_own_process:
        from derivload.terminal.streams import make_fit

        make_fit()
    if is_worker:
        from derivload.commands.worker import serve

        return serve(is_own_process)
    if arguments in (["--cmake-dir"], ["--bazel-dir"]):
        from derivload.commands.about import print_folder

        return print_folder(arguments[0].strip("-").removesuffix("-dir"))
    return _run_command(arguments, is_own_process=is_own_process)


def _command_first(arguments: list[str]) -> list[str] | None:
    """The arguments in the one way in which they are read: the command first, and no `@FILE`.

    On wrong usage or an unreadable file, print why and return None.
    """
    if any(argument.startswith("@") for argument in arguments):
        read = _with_files_read(arguments)
        if read is None:
            return None
        arguments = read
    if len(arguments) > 1 and arguments[0].startswith("-"):
        from derivload.commands.options.command_line import command_first

        arguments = command_first(arguments)
    if arguments[:1] in (["codegen"], ["watch"]):
        return [_with_hyphens(argument) for argument in arguments]
    return arguments


def _with_hyphens(argument: str) -> str:
    """An option that is written with underscores, as PyTorch's scripts take it too."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def _run_script(arguments: list[str], *, is_own_process: bool) -> int:
    from derivload.commands.run.answer import is_answered
    from derivload.commands.run.asked import read_asked
    from derivload.loading.errors import SettingsError

    asked = read_asked(arguments[1:])
    if asked is not None:
        try:
            asked.own = [*_settings_of_run(asked.own), *asked.own]
        except SettingsError as error:
            return _say_settings_error(error)
        arguments = asked.as_parsed()
        if is_answered(asked):
            return DONE
    if is_own_process:
        from derivload.terminal.streams import make_fit

        make_fit()
    return _run_command(arguments, is_own_process=is_own_process)


def _settings_of_run(own: list[str]) -> Sequence[str]:
    """The arguments that settings add to the own arguments of `run`. Raises SettingsError."""
    from derivload.loading.settings.guess import may_be_set

    if not may_be_set(own, ("run", "cache", "state-dir", "stats", "quiet", "verbose", "color")):
        return ()
    from derivload.commands.options.command_line import make_parser
    from derivload.commands.settings.apply import arguments_added

    return arguments_added(make_parser("run"), ["run", *own])


def _say_settings_error(error: SettingsError) -> int:
    from derivload.terminal.stderr import say_lines

    say_lines(error.lines)
    return BAD_USAGE


def _run_command(arguments: list[str], *, is_own_process: bool) -> int:
    from importlib import import_module

    from derivload.loading.errors import SettingsError, TreeCodeError, UsageError

    options: argparse.Namespace | int = DONE
    if is_own_process:
        from derivload.commands.own_process import leave_argparse_untranslated

        leave_argparse_untranslated()
    try:
        options = _parse(arguments)
        if isinstance(options, int):
            return options
        options.is_own_process = is_own_process
        command = import_module(f"derivload.commands.{_MODULES[options.command]}")
        if options.verbose and options.command is not None:
            _say_versions()
        with _progress_shown(options):
            return int(command.run(options))
    except SettingsError as error:
        return _say_settings_error(error)
    except TreeCodeError as error:
        from derivload.terminal.stderr import say_lines

        say_lines(f"derivload: error: {error}".split("\n"))
        return BAD_INPUT
    except UsageError as error:
        from derivload.commands.settings.apply import places_in

        _say(f"error: {error}{places_in(options, str(error))}")
        return BAD_USAGE


def _progress_shown(options: argparse.Namespace) -> AbstractContextManager[None]:
    """The context of a command: in it, a terminal shows how far a long run is."""
    from contextlib import nullcontext

    if not options.is_own_process or options.quiet or options.command in _OWN_TERMINAL:
        return nullcontext()
    from derivload.terminal.progress import shown_on
    from derivload.terminal.streams import for_fit_text

    return shown_on(for_fit_text(sys.stderr))


def _parse(arguments: list[str]) -> argparse.Namespace | int:
    """The options, or the exit status if argparse has printed all there is to say.

    Raises UsageError.
    """
    from derivload.commands.options.command_line import make_parser
    from derivload.commands.settings.apply import parse_options

    # A language server looks for settings later, from the folder that the editor has open.
    is_served = arguments[:1] == ["lsp"]
    try:
        return parse_options(
            make_parser("".join(arguments[:1])), arguments, may_search=not is_served
        )
    except SystemExit as ended:
        return BAD_USAGE if ended.code else DONE


def _say_versions() -> None:
    from derivload.commands.about import versions
    from derivload.terminal.stderr import say
    from derivload.version import __version__

    for line in (f"version    {__version__}", *versions()):
        say(line)


def _with_files_read(arguments: list[str]) -> list[str] | None:
    """Replace each `@FILE` by the arguments in that file, but none of the script's of `run`.

    On wrong usage or an unreadable file, print why and return None.
    """
    from derivload.commands.arguments import with_files_read
    from derivload.loading.errors import UsageError

    try:
        return with_files_read(arguments, _names_script)
    except UsageError as error:
        _say(f"error: {error}")
    except OSError as error:
        _say(f"error: {error.filename}: {error.strerror or error}")
    return None


def _names_script(arguments: list[str]) -> bool:
    """Whether these arguments are of `run`, and have the script already."""
    from derivload.commands.options.command_line import command_first
    from derivload.commands.run.asked import read_asked

    first, *rest = command_first(arguments) or [""]
    return first == "run" and read_asked(rest) is not None


def _nothing_to_do(arguments: list[str]) -> bool:
    """Return whether everything is up to date, and print so.

    Builds take this exit hundreds of times a day, so it must stay fast.
    """
    start = time.perf_counter()
    from derivload.outputs.stamp import read_stamp

    found = read_stamp(arguments, _guess_settings)
    if found is None or not _SLOW.isdisjoint(found.added):
        return False
    arguments = [*found.added, *arguments]
    if found.note:
        _say(f"note: {found.note}")
    if "--quiet" not in arguments:
        _say(f"{found.out_dir}: up to date")
        if found.told:
            _say(found.told)
    form = ""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument.partition("=")[0] == "--stats":
            form = "json" if argument == "--stats=json" or following == "json" else "text"
    if form:
        from derivload.commands.stats import print_stats

        counts = {"inputs": found.inputs, "outputs": found.outputs}
        print_stats(form, "up-to-date", counts, {"check": time.perf_counter() - start})
    return True


def _guess_settings(arguments: Sequence[str], name: str) -> list[str]:
    """What the setting of this name may be, without reading TOML. The stamp tells if it is so."""
    from derivload.loading.settings.guess import guess_values

    return guess_values(arguments, name)


def _say(message: str) -> None:
    """Print a line to stderr.

    A line that is safe to print as it is needs no import, which keeps the up-to-date exit fast.
    """
    line = f"derivload: {message}"
    if line.isprintable() and "##" not in line:
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
            return
        except (OSError, AttributeError):  # nobody can read it
            pass
    from derivload.terminal.stderr import say

    say(message)
