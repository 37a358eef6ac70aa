"""Which warnings are wanted: by rule, by operator and by file.

Codes are named as for ruff: a code, the beginning of codes, or `ALL`. The longest name that fits a
rule decides; of two with the same length, the one that ignores. Errors are always reported.

This module imports only the table of rules.
"""

from __future__ import annotations

from derivload.rules import RULES
from derivload.spelling import did_you_mean, nearest
from derivload.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALL = "ALL"
WARNINGS = frozenset(code for code, rule in RULES.items() if rule.severity == "warning")


class Wanted(NamedTuple):
    """The codes of the warnings that are wanted, and exceptions from that.

    `not_for` has codes that are not wanted for the operators that fit a pattern, such as `npu_*`;
    `not_in` has those that are not wanted in a file, by its name.
    """

    codes: frozenset[str] = WARNINGS
    not_for: tuple[tuple[str, frozenset[str]], ...] = ()
    not_in: tuple[tuple[str, frozenset[str]], ...] = ()

    def has(self, code: str, operator: str, file: str) -> bool:
        """Whether a warning is wanted. `operator` is "" if it is about none."""
        if code not in self.codes or any(code in codes and f == file for f, codes in self.not_in):
            return False
        return not any(code in codes and _fits(operator, p) for p, codes in self.not_for)


EVERYTHING = Wanted()


def _fits(operator: str, pattern: str) -> bool:
    """Whether an operator has this name, with or without its namespace and overload."""
    from fnmatch import fnmatchcase

    bare = operator.rpartition("::")[2]
    names = (operator, bare, bare.partition(".")[0])
    return bool(operator) and any(fnmatchcase(name, pattern) for name in names)


def want(
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    extend_select: Iterable[str] = (),
    extend_ignore: Iterable[str] = (),
    *,
    per_operator_ignore: Mapping[str, Iterable[str]] | None = None,
    per_file_ignore: Mapping[str, Iterable[str]] | None = None,
) -> Wanted:
    """Which warnings these options want; without any, all.

    The keys of `per_operator_ignore` are patterns of operators, those of `per_file_ignore` names of
    files. Raises ValueError with a sentence for a name that fits no rule, or only errors where it
    is to be ignored.
    """
    selected = [*((ALL,) if select is None else select), *extend_select]
    chosen = {name: codes_of(name) for name in selected}
    ignored = {name: ignored_codes_of(name) for name in (*ignore, *extend_ignore)}
    codes: set[str] = set()
    for length in sorted({_length(name) for name in (*chosen, *ignored)}):
        for name, fitting in chosen.items():
            codes |= fitting if _length(name) == length else frozenset()
        for name, fitting in ignored.items():
            codes -= fitting if _length(name) == length else frozenset()
    return Wanted(
        frozenset(codes) & WARNINGS,
        _exceptions(per_operator_ignore or {}),
        _exceptions(per_file_ignore or {}),
    )


def _length(name: str) -> int:
    return 0 if name.upper() == ALL else len(name)


def _exceptions(given: Mapping[str, Iterable[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(
        (key, frozenset(code for name in names for code in ignored_codes_of(name)))
        for key, names in given.items()
    )


def codes_of(name: str) -> frozenset[str]:
    """The codes that a name stands for. Raises ValueError if there are none."""
    wanted = name.strip().upper()
    found = frozenset(RULES if wanted == ALL else [c for c in RULES if c.startswith(wanted)])
    if not wanted or not found:
        close = nearest(wanted, RULES, 1)
        raise ValueError(f"no rule has the code `{name}`{did_you_mean(close)}")
    return found


def ignored_codes_of(name: str) -> frozenset[str]:
    """The codes of the warnings that a name stands for. Raises ValueError if there are none."""
    found = codes_of(name) & WARNINGS
    if not found:
        raise ValueError(f"`{name}` cannot be ignored: it is an error, which stops the load")
    return found
