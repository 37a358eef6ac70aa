"""Settings that have no effect in one run are left out of it.

An option without effect is refused, because whoever wrote it expects one. A setting is for many
runs: it waits for those in which it has an effect.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

_Options = argparse.Namespace


def _with_codegen(options: _Options) -> bool:
    return options.command != "watch" or bool(options.codegen)


# When an option has an effect, by the name that argparse stores it under.
_HAS_EFFECT: Final[dict[str, Callable[[_Options], bool]]] = {
    "no_tree_code": lambda options: options.pytorch is not None,
    "override": lambda options: (
        len(options.derivatives) > 1
        or len(options.native_functions) + (options.pytorch is not None) > 1
    ),
    "depfile_target": lambda options: options.depfile is not None,
    "depfile_for": lambda options: options.depfile is not None,
    "subset": _with_codegen,
    "disable_autograd": _with_codegen,
    "selected_op_list_path": _with_codegen,
    "operators_yaml_path": _with_codegen,
    "force_schema_registration": _with_codegen,
    "shards": lambda options: not getattr(options, "codegen", False),
    "keep": lambda options: options.compiled is None,
    "max_size": lambda options: options.action == "prune",
    "older_than": lambda options: options.action == "prune",
}


def reset_without_effect(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Give the options that settings name without effect the value that they have otherwise."""
    for name in [*options.settings]:
        option = name.replace("-", "_")
        has_effect = _HAS_EFFECT.get(option)
        if has_effect is not None and not has_effect(options):
            setattr(options, option, parser.get_default(option))
            del options.settings[name]
