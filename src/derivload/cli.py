"""The command line: options, exit statuses, and which stream says what.

Each command's module is imported when that command runs. Exit status: 0 done, 1 the input has
errors, 2 wrong usage, 3 the environment failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from derivload import __version__

if TYPE_CHECKING:
    from derivload.commands.inputs import Inputs

_DONE, _BAD_INPUT, _BAD_USAGE, _ENVIRONMENT = 0, 1, 2, 3
_MAX_SHARDS = 10_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run derivload with these arguments, those of the process by default; the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        status = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read our output has seen enough. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE
    except KeyboardInterrupt:
        return 130
    return status


def _run(options: argparse.Namespace) -> int:
    from derivload.commands.inputs import InputError, UsageError

    try:
        if options.command == "fetch":
            from derivload.commands.fetch import run

            return run(options.version, options.to)
        inputs = _inputs(options)
        if options.command == "show":
            from derivload.commands.show import show

            return show(inputs, options.operator)
        return _emit(inputs, options)
    except UsageError as error:
        _say(f"error: {error}")
        return _BAD_USAGE
    except InputError as error:
        for diagnostic in error.diagnostics:
            print(diagnostic.render(), file=sys.stderr)
        count = len(error.diagnostics)
        unwritten = "; nothing was written" if options.command == "emit" else ""
        _say(f"{count} {'error' if count == 1 else 'errors'}{unwritten}")
        return _BAD_INPUT
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        _say(f"error: {where}{error.strerror or error}")
        return _ENVIRONMENT


def _inputs(options: argparse.Namespace) -> Inputs:
    from derivload.commands.inputs import find_inputs

    inputs = find_inputs(
        derivatives=options.derivatives,
        native_functions=options.native_functions,
        tags=options.tags,
        torch_version=options.torch_version,
        pytorch=options.pytorch,
    )
    if inputs.note:
        _say(f"note: {inputs.note}")
    return inputs


def _emit(inputs: Inputs, options: argparse.Namespace) -> int:
    from derivload.commands.emit import emit

    written = emit(inputs, options.out_dir, options.shards, options.depfile)
    changes = [f"wrote {', '.join(written.written)}"] if written.written else []
    if written.removed:
        changes.append(f"removed {', '.join(written.removed)}")
    _say(f"{options.out_dir}: {'; '.join(changes) or 'up to date'}")
    return _DONE


def _say(message: str) -> None:
    print(f"derivload: {message}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_BAD_USAGE, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derivload",
        description="PyTorch's autograd definitions: derivatives.yaml in, codegen inputs out.",
    )
    parser.add_argument("--version", action="version", version=f"derivload {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    emit = commands.add_parser("emit", help="load the inputs and write the documents")
    _add_inputs(emit)
    emit.add_argument(
        "--out-dir", type=_path, required=True, metavar="DIR", help="where the documents go"
    )
    emit.add_argument(
        "--shards", type=_shards, metavar="N", help="split differentiability.json over N files"
    )
    emit.add_argument(
        "--depfile", type=_path, metavar="FILE", help="name the inputs there, for make and ninja"
    )

    show = commands.add_parser("show", help="everything about one operator")
    _add_inputs(show)
    show.add_argument("operator", metavar="OPERATOR", help="a name, with or without its overload")

    fetch = commands.add_parser("fetch", help="get a PyTorch release's YAML files, through pip")
    fetch.add_argument("version", metavar="VERSION", help="such as 2.15.0, or 2.15 for its newest")
    fetch.add_argument("--to", required=True, metavar="DIR", help="a new or empty folder")
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "inputs", "With none of these, the small catalogue that ships with derivload."
    )
    group.add_argument("--derivatives", type=_path, metavar="FILE", help="derivatives.yaml")
    group.add_argument(
        "--native-functions",
        type=_path,
        action="append",
        default=[],
        metavar="FILE",
        help="native_functions.yaml; again for each overlay",
    )
    group.add_argument("--tags", type=_path, metavar="FILE", help="tags.yaml")
    group.add_argument(
        "--torch-version", metavar="X.Y", help="the release to follow; the newest by default"
    )
    group.add_argument(
        "--pytorch",
        type=_path,
        metavar="DIR",
        help="a PyTorch checkout, or an installed or unpacked torchgen, for files and version",
    )


def _path(text: str) -> Path:
    # An empty one is a variable that was never set, and would mean the current folder.
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _shards(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _MAX_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MAX_SHARDS}")
    return number
