"""The command line: exit statuses, and which stream says what.

Each command's module is imported when that command runs, and the options' when there is
something to do. Exit status: 0 done, 1 the input has errors, 2 wrong usage, 3 the environment
failed.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from derivload.exit_status import BAD_USAGE, DONE, ENVIRONMENT, INTERRUPTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What each command is, to be imported when it runs.
_MODULES = {
    "cache": "cache",
    "check": "check.command",
    "codegen": "codegen.command",
    "emit": "emit",
    "fetch": "fetch.command",
    "show": "show.command",
    "watch": "watch.command",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run derivload with these arguments, those of the process by default; the exit status."""
    if argv is None:
        return _main(sys.argv[1:], is_own_process=True)
    return _main(list(argv), is_own_process=False)


def watch() -> int:
    """`derivwatch`: the same as `derivload watch`; the exit status."""
    return _main(["watch", *sys.argv[1:]], is_own_process=True)


def _main(arguments: list[str], *, is_own_process: bool) -> int:
    if is_own_process:
        # It makes no cycles, and ends when it is done.
        gc.disable()
        from derivload.identity import start_again_if_unsure

        start_again_if_unsure()
    if None in (sys.stdin, sys.stdout, sys.stderr):  # closed by who started us
        from derivload.terminal.streams import open_closed

        open_closed()
    try:
        status = _run(arguments, is_own_process=is_own_process)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        _say(f"error: {where}{error.strerror or error}")
        status = ENVIRONMENT
    return _flushed(status)


def _flushed(status: int) -> int:
    """The exit status when all that was printed is written, or cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        from derivload.terminal.streams import let_go

        let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):  # who read our output has seen enough
            return status
        if status != ENVIRONMENT:  # else that has been said
            _say(f"error: {error.strerror or error}")
        return ENVIRONMENT
    return status


def _run(arguments: list[str], *, is_own_process: bool) -> int:
    is_worker = arguments == ["emit", "--persistent_worker"]
    if arguments[:1] in (["emit"], ["codegen"]) and not is_worker:
        if any(argument.startswith("@") for argument in arguments):
            named = _with_files_read(arguments)
            if named is None:
                return BAD_USAGE
            arguments = named
        if not {"--no-cache", "--list-outputs"} & {*arguments} and _nothing_to_do(arguments):
            return DONE
    if is_own_process:
        from derivload.terminal.streams import make_fit

        make_fit()
    if is_worker:
        from derivload.commands.worker import serve

        return serve(is_own_process)
    if arguments in (["--cmake-dir"], ["--bazel-dir"]):
        from derivload.terminal.stdout import Stdout

        Stdout().print_path(_shipped(arguments[0].strip("-").removesuffix("-dir")))
        return DONE
    from derivload.commands.options import make_parser

    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as ended:  # it has said why
        return BAD_USAGE if ended.code else DONE
    options.is_own_process = is_own_process
    options.arguments = arguments
    from importlib import import_module

    from derivload.loading.errors import UsageError

    try:
        command = import_module(f"derivload.commands.{_MODULES[options.command]}")
        return int(command.run(options))
    except UsageError as error:
        _say(f"error: {error}")
        return BAD_USAGE


def _with_files_read(arguments: list[str]) -> list[str] | None:
    """The arguments with those in files; None, with a line that says why, for wrong usage."""
    from derivload.commands.arguments import with_files_read
    from derivload.loading.errors import UsageError

    try:
        return with_files_read(arguments)
    except UsageError as error:
        _say(f"error: {error}")
    except OSError as error:
        _say(f"error: {error.filename}: {error.strerror or error}")
    return None


def _nothing_to_do(arguments: list[str]) -> bool:
    """Whether all is up to date; says so. The exit that builds take hundreds of times a day."""
    start = time.perf_counter()
    from derivload.outputs.stamp import read_stamp

    found = read_stamp(arguments)
    if found is None:
        return False
    if found.note:
        _say(f"note: {found.note}")
    if "--quiet" not in arguments:
        _say(f"{found.out_dir}: up to date")
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument.partition("=")[0] != "--stats":
            continue
        from derivload.commands.stats import print_stats

        form = "json" if argument == "--stats=json" or following == "json" else "text"
        counts = {"inputs": found.inputs, "outputs": found.outputs}
        print_stats(form, "up-to-date", counts, {"check": time.perf_counter() - start})
    return True


def _shipped(name: str) -> str:
    """The folder of build rules: in the package or, in a checkout, beside src."""
    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, name)
    if os.path.isdir(inside):
        return inside
    return os.path.join(os.path.dirname(os.path.dirname(package)), name)


def _say(message: str) -> None:
    """Say a line on stderr. The exit that does nothing imports nothing for a line that is fit."""
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
