"""What is told of formulas, as text: a test compares it with what was recorded and read before.

A file of formulas has each as JSON, and under it, indented, all that is told of it.
`../.venv/bin/python -m support.told_formulas FILE`, in the folder tests, writes what is told now:
read every line of the difference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from derivload.derivatives.brackets import Unmatched, find_unmatched
from derivload.derivatives.formula_names import called_names, used_names, words_outside_calls
from derivload.derivatives.formula_text import TextFlaw, check_text, find_suspicious

NAMES = frozenset({"self", "other", "größe"})
"""The arguments of the function `gild`, whose formulas they are."""


def read_formulas(path: Path) -> list[tuple[str, str]]:
    """The formulas of a file, each with what was told of it."""
    found: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith('"'):
            found.append((json.loads(line), ""))
        elif line.startswith("  "):
            formula, told = found[-1]
            found[-1] = (formula, f"{told}{line}\n")
    return found


def tell_formula(formula: str) -> str:
    """What is told of a formula now."""
    return "".join(f"  {line}\n" for line in _lines(formula))


def _lines(formula: str) -> Iterator[str]:
    flaws = list(check_text(formula, NAMES, "gild"))
    of_any = list(check_text(formula, None, "gild"))
    for flaw in dict.fromkeys([*flaws, *of_any]):
        who = "" if flaw in of_any else "knowing names, "
        who = who if flaw in flaws else "not knowing names, "
        yield f"{who}{_of_flaw(flaw)}"
    if flaws and formula not in find_suspicious([formula]):
        yield "passed over, for it is not suspicious"
    unmatched = find_unmatched(formula)
    if unmatched is not None:
        yield f"unmatched at {unmatched.at}: {unmatched.message}{_end(unmatched)}"
    if formula in find_suspicious([formula]) and not flaws and unmatched is None:
        yield "suspicious, and nothing is wrong"
    used = [name for name, _ in used_names(formula)]
    counted = [name if of == (0,) else f"{name} {[*of]}" for name, of in used_names(formula)]
    yield f"uses {', '.join(counted) or 'nothing'}"
    outside = words_outside_calls(formula)
    if outside != set(used):
        yield f"outside calls {', '.join(sorted(outside)) or 'nothing'}"
    called = called_names(formula)
    if called:
        yield f"calls {', '.join(sorted(called))}"


def _of_flaw(flaw: TextFlaw) -> str:
    return f"{flaw.code} at {flaw.at}, {_json(flaw.words)}: {flaw.message}{_end(flaw)}"


def _end(told: TextFlaw | Unmatched) -> str:
    """The help, and what to write instead, if there is something."""
    instead = "" if told.instead is None else f" -> {_json(told.instead)}"
    ends = [f"; {told.help}" if told.help else "", instead]
    return "".join(ends)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def renew(path: Path) -> None:
    """Write what is told now into a file of formulas."""
    head = path.read_text(encoding="utf-8").partition('\n"')[0]
    told = [f"{_json(formula)}\n{tell_formula(formula)}" for formula, _ in read_formulas(path)]
    path.write_text(f"{head.rstrip()}\n\n{''.join(told)}", encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        renew(Path(argument))
