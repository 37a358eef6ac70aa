"""The command line's options, defined with argparse."""

from __future__ import annotations

import argparse
import os
import sys

from derivload.terminal.stderr import say, say_lines
from derivload.terminal.stdout import Stdout
from derivload.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from _typeshed import SupportsWrite

    _Commands = argparse._SubParsersAction["_Parser"]

BAD_USAGE = 2
# Columns, if the terminal does not tell its width.
_WIDTH = 80
_MAX_SHARDS = 10_000
_MAX_DEBOUNCE = 10_000


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


class _Parser(argparse.ArgumentParser):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=_Formatter, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.color = False  # Python 3.14 and later would print colour escapes
        self.print_usage(sys.stderr)
        say(f"error: {message}", self.prog)
        self.exit(BAD_USAGE)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse prints everything through this method. The text is argparse's and ours; values
        # from the user occur only in error messages, which `error` prints.
        if file is sys.stderr:
            say_lines(message.splitlines())
        else:
            Stdout().write(message)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of derivload's command line."""
    parser = _Parser(
        prog="derivload",
        description="PyTorch's autograd definitions: derivatives.yaml in, codegen inputs out.",
    )
    parser.add_argument("--version", action="version", version=f"derivload {__version__}")
    for name in ("cmake", "bazel"):
        parser.add_argument(
            f"--{name}-dir", action="store_true", help=f"print where the {name} rules are, and exit"
        )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _emit(commands)
    _codegen(commands)
    _run(commands)
    _watch(commands)
    _check(commands)
    _show(commands)
    _verify(commands)
    _fetch(commands)
    _cache(commands)
    return parser


def _emit(commands: _Commands) -> None:
    parser = commands.add_parser(
        "emit",
        help="load the inputs and write the documents",
        description="Load the inputs and write the documents. @FILE stands for the arguments in "
        "that file, one per line.",
    )
    _add_inputs(parser)
    parser.add_argument(
        "--shards", type=_shards, metavar="N", help="split differentiability.json over N files"
    )
    _add_outputs(parser, "the documents")
    _add_cache(parser)


def _codegen(commands: _Commands) -> None:
    parser = commands.add_parser(
        "codegen",
        help="run PyTorch's own generators for what changed",
        description="Bring the files of PyTorch's own autograd generators up to date: run the "
        "generators in DIR, unchanged, for the operators that changed. @FILE stands for the "
        "arguments in that file, one per line.",
    )
    _add_inputs(parser)
    _add_selection(parser)
    _add_outputs(parser, "the files")
    parser.add_argument(
        "--install-dir",
        type=_path,
        metavar="DIR",
        help="where annotated_fn_args.py goes, if not to --out-dir",
    )
    parser.add_argument(
        "--list-outputs",
        action="store_true",
        help="print the names of the files, one per line, and write nothing; for build tools",
    )
    _add_cache(parser)


def _watch(commands: _Commands) -> None:
    parser = commands.add_parser(
        "watch", help="emit at each save, and show what it changed; the same as derivwatch"
    )
    _add_inputs(parser)
    _add_watch(parser)
    parser.add_argument(
        "--codegen",
        action="store_true",
        help="write the files of PyTorch's own generators, not the documents",
    )
    _add_selection(parser)
    _add_cache(parser)


def _check(commands: _Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="find every mistake in the inputs",
        description="Find every mistake in the inputs, in one run.",
    )
    _add_inputs(parser)
    parser.add_argument(
        "--format",
        choices=["text", "json", "github", "sarif"],
        default="text",
        help="for people, for programs, as GitHub annotations, or for code scanning",
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument("--explain", metavar="CODE", help="explain a rule, and exit")
    _add_cache(parser)


def _show(commands: _Commands) -> None:
    parser = commands.add_parser("show", help="show everything about one operator")
    _add_inputs(parser)
    _add_cache(parser)
    parser.add_argument("operator", metavar="OPERATOR", help="a name, with or without its overload")


def _verify(commands: _Commands) -> None:
    parser = commands.add_parser(
        "verify",
        help="compare with a tree's own torchgen, or with a compiled torch",
        description="Compare what derivload loads with what the torchgen in DIR gives, or, with "
        "--compiled, with the backward nodes that are compiled into a torch.",
    )
    _add_inputs(parser)
    parser.add_argument(
        "--keep", type=_path, metavar="DIR", help="keep the documents of both sides there"
    )
    parser.add_argument(
        "--compiled",
        nargs="?",
        const="",
        metavar="PYTHON",
        help="the Python that imports this torch; by default the one that runs derivload",
    )


def _fetch(commands: _Commands) -> None:
    parser = commands.add_parser(
        "fetch", help="get a PyTorch release's YAML files, from pip's index"
    )
    parser.add_argument(
        "version", metavar="VERSION", help="such as 2.15.0; 2.15 means the newest 2.15.x"
    )
    parser.add_argument("--to", required=True, metavar="DIR", help="a new or empty folder")


def _cache(commands: _Commands) -> None:
    parser = commands.add_parser("cache", help="show, check or clean up the cache")
    parser.add_argument("action", choices=["stats", "verify", "prune", "clear"])
    parser.add_argument("--max-size", metavar="SIZE", help="prune: keep at most this, such as 200M")
    parser.add_argument(
        "--older-than", metavar="AGE", help="prune: remove values unused for this long, such as 30d"
    )
    parser.add_argument("--cache-dir", type=_path, metavar="DIR", help="the folder of the cache")


def _run(commands: _Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a script that uses torchgen, with derivload inside",
        description="Run a script, or a module, as Python runs it, with derivload inside. If "
        "all that it depends on is as it was, and so are its files, nothing is run.",
        usage="derivload run [OPTIONS] (SCRIPT | -m MODULE) ARGS...",
    )
    parser.add_argument(
        "-m", dest="is_module", action="store_true", help="run a module by its name"
    )
    parser.add_argument("script", metavar="SCRIPT", help="a script, or with -m a module")
    parser.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="ARGS", help="what the script gets"
    )
    parser.add_argument(
        "--state-dir",
        type=_path,
        metavar="DIR",
        help="where to keep what runs depend on; in the cache by default",
    )
    parser.add_argument("--quiet", action="store_true", help="do not say that nothing was run")
    parser.add_argument(
        "--stats",
        nargs="?",
        choices=["text", "json"],
        const="text",
        help="say what was done and where the time went",
    )
    _add_cache(parser)


def _add_outputs(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--out-dir", type=_path, required=True, metavar="DIR", help=f"where {what} go"
    )
    parser.add_argument(
        "--depfile",
        type=_path,
        metavar="FILE",
        help="write the names of the inputs to it, for make and ninja",
    )
    parser.add_argument(
        "--depfile-target",
        type=_path,
        metavar="FILE",
        help=f"the depfile's target, instead of {what}, such as a build tool's own stamp",
    )
    parser.add_argument(
        "--depfile-for",
        choices=["make", "cmake"],
        help="what reads the depfile: make (and ninja), or CMake, which has fewer escapes",
    )
    parser.add_argument(
        "--stats",
        nargs="?",
        choices=["text", "json"],
        const="text",
        help="print what was reused, and how long each step took",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print only what is wrong, not what was written"
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "selection", "Options of PyTorch's tools/setup_helpers/generate_code.py."
    )
    group.add_argument(
        "--subset",
        choices=["libtorch", "pybindings", "python", "all"],
        default="all",
        help="the files of gen_autograd, gen_autograd_python, gen_annotated, or all three",
    )
    group.add_argument(
        "--disable-autograd", action="store_true", help="leave out code that only autograd needs"
    )
    chosen = group.add_mutually_exclusive_group()
    chosen.add_argument(
        "--selected-op-list-path", type=_path, metavar="FILE", help="a YAML list of operators"
    )
    chosen.add_argument(
        "--operators-yaml-path", type=_path, metavar="FILE", help="a model's YAML file of operators"
    )
    group.add_argument(
        "--force-schema-registration",
        action="store_true",
        help="accepted because PyTorch has it, but changes none of these files",
    )


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out-dir", type=_path, required=True, metavar="DIR", help="where the documents go"
    )
    parser.add_argument(
        "--shards", type=_shards, metavar="N", help="split differentiability.json over N files"
    )
    parser.add_argument(
        "--exec", metavar="COMMAND", help="run this after each save that changed a document"
    )
    parser.add_argument(
        "--on-busy",
        choices=["restart", "queue"],
        default="restart",
        help="if the command still runs at the next save: end it, or wait for it",
    )
    parser.add_argument(
        "--poll",
        action="store_true",
        help="look at the files several times a second, if the system reports no changes",
    )
    parser.add_argument(
        "--debounce",
        type=_milliseconds,
        default=0.005,
        metavar="MS",
        help="read a save after this many milliseconds without events; 5 by default",
    )
    parser.add_argument("--json", action="store_true", help="report as JSON, one object per line")
    parser.add_argument("--once", action="store_true", help="load, write, show, and exit")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "inputs", "Without these, derivload loads the small catalogue that ships with it."
    )
    group.add_argument("--derivatives", type=_path, metavar="FILE", help="derivatives.yaml")
    group.add_argument(
        "--native-functions",
        type=_path,
        action="append",
        default=[],
        metavar="FILE",
        help="native_functions.yaml; repeat it for each overlay",
    )
    group.add_argument("--tags", type=_path, metavar="FILE", help="tags.yaml")
    group.add_argument(
        "--torch-version",
        metavar="X.Y",
        help="the release whose rules to follow; the newest by default",
    )
    group.add_argument(
        "--pytorch",
        type=_path,
        metavar="DIR",
        help="a PyTorch checkout, or an installed or unpacked torchgen, for files and rules",
    )
    group.add_argument(
        "--no-tree-code",
        action="store_true",
        help="run no code of --pytorch DIR: fail where its rules of loading are not known",
    )


def _add_cache(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cache-dir",
        type=_path,
        metavar="DIR",
        help="the folder of the cache; by default, the user's",
    )
    group.add_argument("--no-cache", action="store_true", help="neither read nor write a cache")


def _path(text: str) -> str:
    # An empty path usually comes from a variable that was never set. It would mean the current
    # folder.
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return text


def _shards(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _MAX_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_SHARDS}")
    return number


def _milliseconds(text: str) -> float:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= _MAX_DEBOUNCE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_MAX_DEBOUNCE}")
    return number / 1000
