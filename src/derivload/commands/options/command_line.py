"""The parser of the whole command line."""

from __future__ import annotations

from derivload.commands.options import asking, writing
from derivload.commands.options.inputs import add_settings_options
from derivload.commands.options.parser import OptionParser
from derivload.version import __version__


def make_parser() -> OptionParser:
    """Make the parser of derivload's command line."""
    parser = OptionParser(
        prog="derivload",
        description="PyTorch's autograd definitions: derivatives.yaml in, codegen inputs out.",
    )
    parser.add_argument("--version", action="version", version=f"derivload {__version__}")
    for name in ("cmake", "bazel"):
        parser.add_argument(
            f"--{name}-dir", action="store_true", help=f"print where the {name} rules are, and exit"
        )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    writing.add_emit(commands)
    writing.add_codegen(commands)
    writing.add_run(commands)
    writing.add_watch(commands)
    asking.add_check(commands)
    asking.add_show(commands)
    asking.add_verify(commands)
    asking.add_fetch(commands)
    asking.add_cache(commands)
    for command in commands.choices.values():
        add_settings_options(command)
    asking.add_settings(commands)
    return parser
