"""The options of the commands that write: the outputs, and what PyTorch's generators make."""

from __future__ import annotations

from derivload.commands.options.values import path, shards

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_out_dir(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that says where `what` goes."""
    parser.add_argument(
        "--out-dir", type=path, required=True, metavar="DIR", help=f"where {what} go"
    )


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which documents there are."""
    parser.add_argument(
        "--shards",
        type=shards,
        metavar="N",
        help="split differentiability.json over N files; none: over none, whatever settings say",
    )
    parser.add_argument(
        "--places",
        action="store_true",
        help="write places.json too: the file and line of each function, and its kernels",
    )


def add_stats(parser: argparse.ArgumentParser, does: str) -> None:
    """Add the option that tells how a run went."""
    parser.add_argument("--stats", nargs="?", choices=["text", "json"], const="text", help=does)


def add_outputs(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the options about what is written. `what` names it."""
    add_out_dir(parser, what)
    parser.add_argument(
        "--depfile",
        type=path,
        metavar="FILE",
        help="write the names of the inputs to it, for make and ninja",
    )
    parser.add_argument(
        "--depfile-target",
        type=path,
        metavar="FILE",
        help=f"the depfile's target, instead of {what}, such as a build tool's own stamp",
    )
    parser.add_argument(
        "--depfile-for",
        choices=["make", "cmake"],
        help="what reads the depfile: make (and ninja), or CMake, which has fewer escapes",
    )
    add_stats(parser, "print what was reused, and how long each step took")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose what PyTorch's generators make."""
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
        "--selected-op-list-path", type=path, metavar="FILE", help="a YAML list of operators"
    )
    chosen.add_argument(
        "--operators-yaml-path", type=path, metavar="FILE", help="a model's YAML file of operators"
    )
    group.add_argument(
        "--force-schema-registration",
        action="store_true",
        help="accepted because PyTorch has it, but changes none of these files",
    )
