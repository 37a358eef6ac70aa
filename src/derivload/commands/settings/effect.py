"""Settings that have no effect in one run are left out of it.

An option without effect is refused, because whoever wrote it expects one. A setting is for many
runs: it waits for those in which it has an effect.
"""

from __future__ import annotations

from derivload.commands.options.effects import without_effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from derivload.commands.options.parser import OptionParser


def reset_without_effect(options: argparse.Namespace, parser: OptionParser) -> None:
    """Give the options that settings name without effect the value that they have otherwise."""
    useless = {name.removeprefix("--") for name, _ in without_effect(parser, options)}
    if hasattr(options, "pytorch"):
        useless |= _of_inputs(options)
    for name in useless & options.settings.keys():
        option = name.replace("-", "_")
        setattr(options, option, parser.get_default(option))
        del options.settings[name]


def _of_inputs(options: argparse.Namespace) -> set[str]:
    """The options whose effect depends on what the inputs are."""
    found = set()
    if options.pytorch is None:
        found.add("no-tree-code")
    base = options.pytorch is not None
    if len(options.derivatives) < 2 and len(options.native_functions) + base < 2:
        found.add("override")
    if getattr(options, "codegen", False):
        found.add("shards")
    return found
