"""What `check --fix`, `--fix-only` and `--diff` print and write, and their exit status."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from derivload.commands.check.fix import Chosen, Fixed, Texts, fix_all
from derivload.commands.check.fixed_files import check_unchanged, diff_of, write_fixed
from derivload.commands.check.inputs import CheckInputs
from derivload.commands.check.result import Checked
from derivload.diagnostics import Diagnostic
from derivload.exit_status import BAD_INPUT, DONE
from derivload.terminal.stderr import say, say_lines
from derivload.terminal.stdout import Stdout

_BUG: Final = "it does not remove the mistake; this is a bug of derivload's"


def fix(
    inputs: CheckInputs,
    find: Callable[[CheckInputs], Checked],
    options: argparse.Namespace,
    print_left: Callable[[Checked], int],
) -> int:
    """Fix what can be fixed, and return the exit status. Raises OSError.

    `find` finds the mistakes of inputs; `print_left` prints those that are left.
    """
    results: list[Checked] = []

    def found(texts: Texts) -> list[Diagnostic]:
        results.append(find(inputs.with_texts(texts)))
        return results[-1].diagnostics

    before = inputs.texts()
    fixed = fix_all(before, found(before), found, is_unsafe=options.unsafe_fixes)
    _say_refused(fixed.refused)
    changed = [path for path, text in fixed.texts.items() if text != before[path]]
    if options.diff:
        _print_diff(before, fixed, changed)
        _say_done("would fix", fixed, changed, quiet=options.quiet)
        return BAD_INPUT if changed else DONE
    if inputs.stdin:
        Stdout().write_bytes(fixed.texts.get(inputs.stdin, "").encode("utf-8"))
    else:
        _write(before, fixed.texts, changed)
    _say_done("fixed", fixed, changed, quiet=options.quiet)
    if options.fix_only:
        return DONE
    left = next(result for result in results if result.diagnostics is fixed.left)
    if inputs.stdin:
        # The text is the result, so what is left to say goes to stderr.
        for diagnostic in left.diagnostics:
            say_lines(diagnostic.render().split("\n"))
        return BAD_INPUT if any(diagnostic.is_error for diagnostic in fixed.left) else DONE
    return print_left(left)


def _write(before: Texts, after: Texts, changed: Sequence[str]) -> None:
    for path in changed:
        check_unchanged(path, before[path].encode("utf-8"))
    for path in changed:
        write_fixed(path, before[path].encode("utf-8"), after[path].encode("utf-8"))


def _print_diff(before: Texts, fixed: Fixed, changed: Iterable[str]) -> None:
    stdout = Stdout()
    for path in changed:
        lines = diff_of(path, before[path], fixed.texts[path])
        stdout.write_bytes("".join(lines).encode("utf-8"))
    stdout.flush()


def _say_refused(refused: Iterable[Chosen]) -> None:
    for diagnostic, its_fix in refused:
        say(f"not applied: {diagnostic.place}: {diagnostic.code}: {its_fix.message}: {_BUG}")


def _say_done(did: str, fixed: Fixed, changed: Sequence[str], *, quiet: bool) -> None:
    count = len(fixed.applied)
    if count and not quiet:
        s = "" if count == 1 else "s"
        say(f"{did} {count} mistake{s} in {', '.join(changed)}")
