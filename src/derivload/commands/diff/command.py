"""`derivload diff OLD NEW`: what changed for a person who builds on it, operator by operator.

Exit status, as `diff` has it: 0 if nothing differs, 1 if something does, and 2 or 3 in trouble.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Final

from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.revisions import merge_base
from derivload.commands.diff.sides import Side, Sides, made_alike
from derivload.commands.outcome import report as report_error
from derivload.commands.parsed import open_store_of, say_told
from derivload.engine.asked import read_patterns
from derivload.engine.difference import difference_in_full
from derivload.engine.folding import fold
from derivload.engine.narrowing import narrow_to_functions, narrow_to_groups
from derivload.engine.nodes import nodes_of
from derivload.exit_status import BAD_USAGE, DONE
from derivload.loading.errors import TreeCodeError, UsageError
from derivload.spelling import did_you_mean, nearest
from derivload.terminal.stderr import say, say_lines

_DIFFERENT: Final = 1
_BETWEEN: Final = ".."
_HEAD: Final = "HEAD"


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    from derivload.commands.fetch.command import FetchError

    try:
        return _diff(options)
    except FetchError as error:
        say(f"error: {error.message}")
        if error.advice:
            say(error.advice)
        return error.status if error.status > _DIFFERENT else BAD_USAGE
    except TreeCodeError as error:
        say_lines(f"derivload: error: {error}".split("\n"))
        return BAD_USAGE
    except Exception as error:
        report_error(error, "; nothing was compared")
        return BAD_USAGE


def _diff(options: argparse.Namespace) -> int:
    old, new, operators = _sides_of(options)
    with Sides(options, open_store_of(options)) as sides:
        before = sides.load(old)
        after = sides.load_present() if new is None else sides.load(new)
        found = compare(before, after, options, operators)
    if options.format == "text":
        from derivload.commands.diff.text import print_text

        print_text(found, only_counts=options.stat)
    else:
        from derivload.commands.diff.forms import print_form

        print_form(found, options.format)
    if new is None and after.request is not None:
        say_told(options, after.request.files)
    return _DIFFERENT if found.has_differences else DONE


def _sides_of(options: argparse.Namespace) -> tuple[str, str | None, list[str]]:
    """The two sides, and the operators that are asked for; None for the inputs of now."""
    first, *rest = options.sides
    if _BETWEEN in first and not os.path.exists(first):
        old, _, new = first.partition(_BETWEEN)
        if new.startswith("."):
            return merge_base(old or _HEAD, new[1:] or _HEAD), new[1:] or _HEAD, rest
        return old or _HEAD, new or _HEAD, rest
    return (first, rest[0], rest[1:]) if rest else (first, None, [])


def compare(
    before: Side, after: Side, options: argparse.Namespace, operators: Sequence[str] = ()
) -> DiffReport:
    """What differs between two sides, of what the options ask for. Raises UsageError."""
    old, new = made_alike(before, after)
    found = difference_in_full(old.lines, new.lines)
    is_narrowed = bool(operators) or options.overlay_only
    if operators:
        found = narrow_to_functions(found, _asked_for(operators, before, after))
    if options.overlay_only:
        found = narrow_to_functions(found, _touches_overlays(before, after))
    if options.only:
        found = narrow_to_groups(found, {group for groups in options.only for group in groups})
    # Whoever names operators wants to see all that changed in these.
    folded = fold(() if is_narrowed else found.changed)
    return DiffReport(
        before=before,
        after=after,
        found=found,
        changed=found.changed if is_narrowed else folded.functions,
        widespread=folded.widespread,
    )


def _asked_for(operators: Sequence[str], *sides: Side) -> Callable[[str], bool]:
    """Whether a function is one of those asked for, on either side. Raises UsageError."""
    nodes: dict[str, set[str]] = {}
    for side in sides:
        for name, own in nodes_of(side.lines.functions).items():
            nodes.setdefault(name, set()).update(own)
    meant: set[str] = set()
    for operator in operators:
        for pattern in read_patterns(operator):
            wanted = pattern._replace(namespace="")
            found = {name for name in nodes if wanted.means("", _names(name), nodes[name])}
            if found:
                meant |= found
                break
        else:
            names = sorted({name.partition(".")[0] for name in nodes})
            guess = did_you_mean(nearest(operator, names))
            raise UsageError(f"neither side has an operator `{operator}`{guess}")
    return meant.__contains__


def _names(name: str) -> tuple[str, str, str]:
    base = name.partition(".")[0]
    return name, base, base.rstrip("_")


def _touches_overlays(*sides: Side) -> Callable[[str], bool]:
    """Whether a function is a variant of an operator that an overlay or a backend names.

    Raises UsageError where there are none.
    """
    from derivload.loading.overlay_names import names_in_overlays

    named: set[str] = set()
    for side in sides:
        if side.request is not None:
            named |= names_in_overlays(side.request)
    if not named:
        raise UsageError("--overlay-only needs an overlay, or a file for --backend-yaml: name one")
    bases = {_names(name)[2] for name in named}
    return lambda name: _names(name)[2] in bases
