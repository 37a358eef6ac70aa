"""The commands that write: emit, codegen, run, watch."""

from __future__ import annotations

import argparse

from derivload.commands.options.inputs import (
    add_cache_options,
    add_inputs,
    add_remote_options,
    add_warnings,
)
from derivload.commands.options.outputs import (
    add_documents,
    add_out_dir,
    add_outputs,
    add_selection,
    add_stats,
)
from derivload.commands.options.values import jobs, milliseconds, path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.commands.options.parser import Commands


def add_emit(commands: Commands) -> None:
    """Add `emit`."""
    parser = commands.add_parser(
        "emit",
        help="load the inputs and write the documents",
        description="Load the inputs and write the documents.",
    )
    add_inputs(parser)
    add_documents(parser)
    add_outputs(parser, "the documents")
    add_warnings(parser)
    add_cache_options(parser)
    add_remote_options(parser)


def add_codegen(commands: Commands) -> None:
    """Add `codegen`."""
    parser = commands.add_parser(
        "codegen",
        help="run PyTorch's own generators for what changed",
        description="Bring the files of PyTorch's own autograd generators up to date: run the "
        "generators in DIR, unchanged, for the operators that changed. "
        "Needs --pytorch DIR, a tree that has them.",
    )
    add_inputs(parser)
    add_selection(parser)
    add_outputs(parser, "the files")
    add_warnings(parser)
    parser.add_argument(
        "--install-dir",
        type=path,
        metavar="DIR",
        help="where annotated_fn_args.py goes, if not to --out-dir",
    )
    parser.add_argument(
        "--jobs",
        type=jobs,
        metavar="N",
        help="generate in N processes; by default, as many as there are cores and memory for",
    )
    parser.add_argument(
        "--list-outputs",
        action="store_true",
        help="print the names of the files, one per line, and write nothing; for build tools",
    )
    add_cache_options(parser)
    add_remote_options(parser)


def add_explore(commands: Commands) -> None:
    """Add `explore`."""
    parser = commands.add_parser(
        "explore",
        help="write pages about all operators, to look at in a browser",
        description="Write pages about all operators, which need no server and no network: open "
        "index.html in DIR. Several releases, trees or revisions, the oldest first, are compared "
        "with one another, and the last of them is shown.",
        usage="derivload explore [OPTIONS] [SIDE ...] --out-dir DIR",
    )
    parser.takes_list = True
    add_inputs(parser)
    parser.add_argument(
        "sides",
        nargs="*",
        metavar="SIDE",
        help="instead of inputs: releases, trees, revisions of git or folders of documents, as "
        "`diff` takes them",
    )
    add_out_dir(parser, "the pages")
    parser.add_argument(
        "--single-file", action="store_true", help="put all into one file, index.html"
    )
    add_warnings(parser)
    add_cache_options(parser)


def add_run(commands: Commands) -> None:
    """Add `run`."""
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
        type=path,
        metavar="DIR",
        help="where to keep what runs depend on; in the cache by default",
    )
    add_stats(parser, "say what was done and where the time went")
    add_cache_options(parser)
    add_remote_options(parser)


def add_watch(commands: Commands) -> None:
    """Add `watch`."""
    parser = commands.add_parser(
        "watch", help="emit at each save, and show what it changed; the same as derivwatch"
    )
    add_inputs(parser)
    _add_watch(parser)
    parser.add_argument(
        "--codegen",
        action="store_true",
        help="write the files of PyTorch's own generators, not the documents",
    )
    add_selection(parser)
    add_warnings(parser)
    add_cache_options(parser)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    add_out_dir(parser, "the documents")
    add_documents(parser)
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
        type=milliseconds,
        default=0.005,
        metavar="MS",
        help="read a save after this many milliseconds without events; 5 by default",
    )
    parser.add_argument(
        "--explore",
        type=path,
        metavar="DIR",
        help="keep the pages of `derivload explore` there too: what is open in a browser shows "
        "each save",
    )
    parser.add_argument("--json", action="store_true", help="report as JSON, one object per line")
    parser.add_argument("--once", action="store_true", help="load, write, show, and exit")
