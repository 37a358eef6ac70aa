"""Finds the values that a formula uses: names that are not calls, members or its own variables.

A formula is a C++ expression. We do not parse it: we cut it into tokens. A name counts only if the
tokens beside it make certain that it is a value from outside the formula. Doubtful names are left
out, because a wrong warning is worse than a missing one.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from derivload.patterns import lazy
from derivload.tuples import NamedTuple

# A comment or literal that is not closed extends to the end. So each character is read only once.
TOKEN: Final = lazy(
    r"""/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*"""
    r"""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?"""
    r"""|[A-Za-z_]\w*|\.?\d[\w.']*|->|::|&&|\|\||==|[<>!]=|\S""",
    re.DOTALL,
)
_CALLED: Final = lazy(r"(?<!\w)([A-Za-z_]\w*)\s*\(")
_WORD: Final = re.compile(r"\w+")
NAME: Final = lazy(r"[A-Za-z_]\w*")
# Types and macros begin in upper case, constants with a k. The last ones are types of <cstdint>.
_BY_CONVENTION: Final = lazy(r"[A-Z]\w*|k[A-Z]\w*|u?int(?:_fast|_least|ptr|max)?\d*_t|size_t")
KEYWORDS: Final = frozenset(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
    const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit
    export extern false float for friend goto if inline int long mutable namespace new noexcept not
    not_eq nullptr operator or or_eq private protected public register reinterpret_cast return
    short signed sizeof static static_assert static_cast struct switch template this throw true try
    typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
    """.split()
)
# A name after one of these words is not a declaration.
_BEFORE_VALUES: Final = frozenset(
    "and bitand bitor case compl else not or return throw xor delete new co_return co_yield".split()
)
_OUTSIDE_CALLS: Final = lazy(r"(?<![\w.])(?<!::)[a-z_]\w*\b(?!\(|::)")
_SIMPLE_TEXT: Final = lazy(r'"[^"]*"')
_HARD_TEXT: Final = lazy(r"['\\]|/[*/]")
_QUALIFIERS: Final = frozenset({".", "->", "::"})


def is_by_convention(name: str) -> bool:
    """Whether a name is that of a type, a macro or a constant, as its letters tell."""
    return _BY_CONVENTION.fullmatch(name) is not None


class UsedName(NamedTuple):
    """A name that a formula uses. `occurrences` are those of its uses among the same words."""

    name: str
    occurrences: tuple[int, ...]


def words_outside_calls(formula: str) -> set[str]:
    """The words that are not called. They include every name that `used_names` finds.

    This is a fast first check, which most formulas pass.
    """
    if '"' in formula and _HARD_TEXT.search(formula) is None:
        formula = _SIMPLE_TEXT.sub('""', formula)
    return set(_OUTSIDE_CALLS.findall(formula)) - KEYWORDS


def called_names(formula: str) -> frozenset[str]:
    """The names that a formula calls."""
    return frozenset(_CALLED.findall(formula))


def used_names(formula: str) -> list[UsedName]:
    """The values that a formula uses but does not declare, in its order, each only once."""
    tokens = list(TOKEN.finditer(formula))
    edge = [""] * 3
    texts = [*edge, *[token[0] for token in tokens], *edge]
    inside = _template_arguments(tokens)
    declared: set[str] = set()
    found: dict[str, set[int]] = {}
    for i, token in enumerate(tokens):
        name = token[0]
        before, behind = texts[i : i + 3], texts[i + 4]
        if i in inside or name in KEYWORDS or NAME.fullmatch(name) is None:
            continue
        if before[-1] in _QUALIFIERS or behind in ("(", "::", "{"):
            continue
        if _is_declared(before, behind):
            declared.add(name)
        elif not is_by_convention(name):
            found.setdefault(name, set()).add(token.start())
    for name in declared:
        found.pop(name, None)
    return _with_occurrences(formula, found)


def _with_occurrences(formula: str, found: dict[str, set[int]]) -> list[UsedName]:
    """The names with their occurrences. `found` has the offsets of each."""
    before: Counter[str] = Counter()
    used: dict[str, list[int]] = {name: [] for name in found}
    for word in _WORD.finditer(formula) if found else ():
        if word.start() in found.get(word[0], ()):
            used[word[0]].append(before[word[0]])
        before[word[0]] += 1
    return [UsedName(name, tuple(numbers)) for name, numbers in used.items()]


def _template_arguments(tokens: list[re.Match[str]]) -> set[int]:
    """The indexes of tokens of a template and its arguments: from a name followed by `<` to `>`.

    A comparison that is written without spaces looks the same, and is included too.
    """
    inside: set[int] = set()
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token[0] == ">" and opened:
            start = opened.pop()
            if not opened:
                inside.update(range(start, i + 1))
        elif token[0] == "<" and i and tokens[i - 1].end() == token.start():
            opened += [i - 1] if NAME.fullmatch(tokens[i - 1][0]) is not None else []
    return inside


def _is_declared(before: list[str], behind: str) -> bool:
    """Whether the formula itself declares a name: as a variable, a capture, or a parameter.

    `before` are the three tokens before the name, `behind` is the token after it.
    """
    if NAME.fullmatch(before[-1]) is not None and before[-1] not in _BEFORE_VALUES:
        return True
    if before[-1] in ("&", "*", "&&"):
        return before[-2] == "auto" or before[-3] == "const"
    return behind == "="
