"""Finds what is wrong with the text of a formula, whatever its function is.

These are DL610 to DL614, and DL620.

A formula is copied into C++ as it is, so it must be one C++ expression. We do not parse it: we cut
it into tokens, and look only for what is wrong in any expression.
"""

from __future__ import annotations

import bisect
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from derivload.derivatives.brackets import find_unmatched
from derivload.derivatives.formula_names import (
    KEYWORDS,
    NAME,
    TOKEN,
    is_by_convention,
)
from derivload.derivatives.meant import NON_DIFFERENTIABLE
from derivload.patterns import lazy
from derivload.tuples import NamedTuple

# So many mistakes of a kind are told of one formula.
_MOST: Final = 20
# What every formula with a mistake of these has. Each pattern begins with a few characters, which
# `re` looks for at once.
_WORDS_OF_MISTAKES: Final = (
    *(";", "**", "//", "..", "None", "True", "False", "lambda", " if", "if("),
    *("else", "elif", "return", "torch.", "torch ."),
)
_MARKS_OF_MISTAKES: Final = (
    re.compile(r"[-+*/%&|^<=!?:,.]\s*[),]"),
    re.compile(r"[(,]\s*(?:[%|^<=>?,.]|/(?![*/])|->)"),
    re.compile(r"->\s*[),\0]"),
    re.compile(r"/\*(?<=[\w)\]] /\*)"),
    re.compile(r"[ \n](?<=[\w)\]][ \n])\s*[A-Za-z_\d\"]"),
    re.compile(r"not_implemented(?!\w*\(\"[^\"]*\"\))"),
    re.compile(r"\.\s*[A-Za-z_]\w*(?![\w(<])"),
)
# Formulas are searched with this between them, which is in none.
_BETWEEN: Final = "\0"
_MARKS_AT_ENDS: Final = (
    re.compile(r"[-+*/%&|^<=!?:,.]\s*\0"),
    re.compile(r"\0(?=\s*(?:[\0/%|^<=>?,!.]|->))"),
    re.compile(r"[^\0-\x7f]"),
)
_UNCALLED: Final = lazy(r"\bnot_implemented(?:_list)?(?:\(\s*\)|\b(?!\s*\())")
_UNQUOTED: Final = lazy(r"\bnot_implemented(?:_list)?\(\s*([A-Za-z_][^\"'()]*?)\s*\)")
# After the last of these, something must follow. Inside brackets, some may end a type: `Tensor &`.
_NEEDS_RIGHT: Final = frozenset("+ - / % || == != <= >= ? . -> ::".split())
_NEEDS_RIGHT_AT_END: Final = _NEEDS_RIGHT | frozenset("* & && | ^ < = , : !".split())
_NEEDS_LEFT: Final = frozenset("/ % || == != <= >= ? . -> | ^ , < >".split())
# What word processors and keyboards put there, and what C++ has instead.
_INSTEAD: Final = {
    **dict.fromkeys("\xd7\xb7\u2217\u22c5\u2022\u2715\u2716", "*"),
    **dict.fromkeys("\xf7\u2215\u2044", "/"),
    **dict.fromkeys("\u2212\u2013\u2014\u2010\u2011", "-"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\xab\xbb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
    **dict.fromkeys("\xa0\u2002\u2003\u2009\u202f\u3000", " "),
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u2192": "->",
    # Letters of other alphabets that look like Latin ones.
    **dict(
        zip(
            "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u03bf",
            "aeopcyxisjo",
            strict=True,
        )
    ),
}
_QUOTES: Final = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\xab\xbb")
_PYTHON: Final = {"None": "std::nullopt", "True": "true", "False": "false"}
_STATEMENTS: Final = frozenset({"if", "else", "elif", "lambda"})
_NO_VALUES: Final = KEYWORDS | _STATEMENTS
_ATTRIBUTES: Final = {
    "shape": "sym_sizes()",
    "dtype": "scalar_type()",
    "device": "device()",
    "ndim": "dim()",
    "T": "t()",
    "mT": "mT()",
    "H": "mH()",
    "mH": "mH()",
}
_FOREIGN: Final = lazy(r"[^\x00-\x7f]")
_WORD: Final = re.compile(r"\w+")


class TextFlaw(NamedTuple):
    """What is wrong: the rule, a message, the words and where they begin, and what to write.

    `instead` is what the words can be replaced by: nothing, if it is empty.
    """

    code: str
    message: str
    words: str
    at: int
    help: str = ""
    instead: str | None = None


def check_text(formula: str, names: Collection[str] | None, operator: str) -> Iterator[TextFlaw]:
    """What is wrong with the text of a formula of an operator.

    `names` are the names that its function gives to arguments and outputs; None if not known.
    """
    if not formula.strip():
        yield TextFlaw("DL610", "this formula is empty", "", 0)
        return
    tokens = list(TOKEN.finditer(formula))
    yield from _foreign(formula, tokens, names)
    for found in itertools.islice(_UNCALLED.finditer(formula), _MOST):
        if not _is_literal(tokens, found.start()):
            name = found[0].partition("(")[0]
            message = f"`{name}` is a function that raises an error, and is not called here"
            call = f'{name}("{operator}")'
            yield TextFlaw("DL611", message, found[0], found.start(), f"write `{call}`", call)
    for found in itertools.islice(_UNQUOTED.finditer(formula), _MOST):
        name, quoted = found[0].partition("(")[0], f'"{found[1]}"'
        message = f"the name that `{name}` takes needs quotes"
        yield TextFlaw("DL611", message, found[1], found.start(1), f"write `{quoted}`", quoted)
    yield from _statements(tokens)
    yield from itertools.islice(_unfinished(tokens), _MOST)
    yield from itertools.islice(_python(tokens, names), _MOST)


def find_suspicious(formulas: Iterable[str]) -> set[str]:
    """The formulas in which `check_text` or `find_unmatched` may find something: nearly none.

    They are searched together, because a search of one has a cost of its own.
    """
    every = list(dict.fromkeys(formulas))
    if not every:
        return set()
    text = _BETWEEN + _BETWEEN.join(every) + _BETWEEN
    found: set[int] = set()
    for word in _WORDS_OF_MISTAKES:
        found.update([match.start() for match in re.finditer(re.escape(word), text)])
    for mark in (*_MARKS_OF_MISTAKES, *_MARKS_AT_ENDS):
        found.update([match.start() for match in mark.finditer(text)])
    # Where each begins, with what stands before it.
    starts = list(itertools.accumulate((len(f) + 1 for f in every), initial=0))
    marked = {every[bisect.bisect_right(starts, at) - 1] for at in found}
    return marked.union([formula for formula in every if find_unmatched(formula) is not None])


def _is_literal(tokens: Sequence[re.Match[str]], at: int) -> bool:
    """Whether a character is in a text or a comment."""
    return any(at in range(*t.span()) and t[0][0] in "\"'/" and len(t[0]) > 1 for t in tokens)


def _foreign(
    formula: str, tokens: Sequence[re.Match[str]], names: Collection[str] | None
) -> Iterator[TextFlaw]:
    code = formula.strip()
    is_quoted = len(code) > 1 and code[0] in _QUOTES and code[-1] in _QUOTES
    if is_quoted:
        message = f"`{code[0]}` and `{code[-1]}` are not characters of C++ code"
        yield TextFlaw("DL614", message, code, formula.index(code), "remove them", code[1:-1])
    for found in itertools.islice(_FOREIGN.finditer(formula), _MOST):
        character = found[0]
        if _is_literal(tokens, found.start()):
            continue
        if character.isalpha() and (names is None or _word_at(formula, found.start()) in names):
            continue
        if is_quoted and character in _QUOTES:
            continue
        instead, help_ = _in_ascii(character)
        shown = f"`{character}`" if character.isprintable() else "this character"
        message = f"{shown} (U+{ord(character):04X}) is not a character of C++ code"
        # A blank alone cannot be looked for, so its neighbours are underlined too.
        at = max(0, found.start() - character.isspace())
        words = formula[at : found.end() + character.isspace()]
        new = words.replace(character, instead) if help_ else None
        yield TextFlaw("DL614", message, words, at, help_, new)


def _in_ascii(character: str) -> tuple[str, str]:
    """What to write for a character, and the sentence that says so; "" if nobody knows."""
    if unicodedata.category(character) == "Cf":  # it has no width
        return "", "remove it"
    instead = _INSTEAD.get(character, unicodedata.normalize("NFKC", character))
    if instead == " ":
        return instead, "write a blank"
    return instead, f"write `{instead}`" if instead.isascii() else ""


def _word_at(formula: str, at: int) -> str:
    """The word that a letter is part of."""
    return next(word[0] for word in _WORD.finditer(formula) if at in range(*word.span()))


def _statements(tokens: Sequence[re.Match[str]]) -> Iterator[TextFlaw]:
    """The first `return`, and the first semicolon, outside of the bodies of lambdas."""
    depth = 0
    for token in tokens:
        depth += (token[0] == "{") - (token[0] == "}")
        if token[0] == "return" and token is tokens[0]:
            message, last = "a formula is one expression, without `return`", tokens[:2][-1]
            instead = None if last is token else last[0]
            yield TextFlaw(
                "DL612", message, _up_to(token, last), token.start(), "remove it", instead
            )
        elif token[0] == ";" and depth <= 0:
            is_last = not token.string[token.end() :].strip()
            message = "a formula is one expression, without `;`"
            yield TextFlaw("DL612", message, ";", token.start(), instead="" if is_last else None)
            return


def _unfinished(tokens: Sequence[re.Match[str]]) -> Iterator[TextFlaw]:
    """The operators that have nothing on one side, and names with no operator between them."""
    code = [token for token in tokens if token[0][:2] not in ("//", "/*")]
    # At a semicolon, something ends and something else begins.
    texts = [text.replace(";", "") for text in _texts(code)]
    depth = 0
    for i, token in enumerate(code):
        before, text, behind = texts[i : i + 3]
        if not text:
            continue
        depth += (text == "{") - (text == "}")
        is_product = text == "*" and _is_value(before)
        lacks = _lacks_right(text, behind, is_product=is_product and not before.endswith("_t"))
        if text == behind == ".":
            if before != "." and texts[i + 3 : i + 4] != ["."]:  # `...` are three
                message, words = "there is nothing between `.` and `.`", _up_to(token, code[i + 1])
                yield TextFlaw("DL613", message, words, token.start(), "write `.`", ".")
        elif lacks and before != text:
            yield TextFlaw("DL613", f"there is nothing behind `{text}`", text, token.start())
        elif text in _NEEDS_LEFT and before in ("", "("):
            yield TextFlaw("DL613", f"there is nothing before `{text}`", text, token.start())
        elif behind and depth <= 0 and _is_value(text) and _is_value(behind):
            message = f"there is no operator between `{text}` and `{behind}`"
            yield TextFlaw("DL613", message, _up_to(token, code[i + 1]), token.start())


def _texts(tokens: Sequence[re.Match[str]]) -> list[str]:
    """The texts of tokens, with "" before the first and behind the last one."""
    edge = [""]
    return [*edge, *[token[0] for token in tokens], *edge]


def _up_to(first: re.Match[str], last: re.Match[str]) -> str:
    """The text from one token to another."""
    return first.string[first.start() : last.end()]


def _lacks_right(text: str, behind: str, *, is_product: bool) -> bool:
    if not behind:
        return text in _NEEDS_RIGHT_AT_END
    return behind in (")", ",") and (text in _NEEDS_RIGHT or text == "," or is_product)


def _python(tokens: Sequence[re.Match[str]], names: Collection[str] | None) -> Iterator[TextFlaw]:
    """What is Python, and something else or nothing in C++."""
    texts = _texts(tokens)
    depth = 0
    for i, token in enumerate(tokens):
        before, text, behind = texts[i : i + 3]
        at = token.start()
        depth += (text == "{") - (text == "}")
        if text in _STATEMENTS and depth <= 0:
            message = f"`{text}` is Python: a C++ expression has none"
            yield TextFlaw("DL620", message, text, at, "write `condition ? one : other`")
            return
        if text[:2] == "//" and token.end() == len(token.string):
            message = "`//` begins a comment, which the rest of the C++ statement is in"
            help_ = 'write comments with `#`, in a line of YAML; `.div(…, "floor")` divides'
            yield TextFlaw("DL620", message, text, at, help_)
        elif text[0] == "'" and before == "(" and texts[i - 1].startswith("not_implemented"):
            instead = f'"{text.strip(chr(39))}"'
            message = f"{text} is a text in Python; in C++, these quotes are for one character"
            yield TextFlaw("DL620", message, text, at, f"write `{instead}`", instead)
        elif text in _PYTHON and before not in ("::", ".", "->"):
            is_all = text == "None" and len(tokens) == 1
            instead = NON_DIFFERENTIABLE if is_all else _PYTHON[text]
            yield TextFlaw("DL620", f"`{text}` is Python", text, at, f"write `{instead}`", instead)
        elif text == behind == "*" and _is_value(before) and tokens[i + 1].start() == at + 1:
            message = "`**` is no power in C++"
            yield TextFlaw("DL620", message, "**", at, "call `pow`")
        elif text == "torch" and behind == ".":
            message, words = "`torch.` is Python", _up_to(token, tokens[i + 1])
            yield TextFlaw("DL620", message, words, at, "write `at::`", "at::")
        elif before == "." and NAME.fullmatch(text) and behind not in ("(", "<"):
            yield from _attribute(text, at, is_known=_is_tensor(texts[i - 1], names))


def _attribute(text: str, at: int, *, is_known: bool) -> Iterator[TextFlaw]:
    """A method that is not called, as of a tensor. `is_known` tells that it is of one."""
    if text in _ATTRIBUTES:
        message = f"`.{text}` is an attribute in Python, and a method in C++"
        instead = _ATTRIBUTES[text]
    elif is_known:
        message, instead = f"the method `.{text}` is not called", f"{text}()"
    else:
        return
    yield TextFlaw("DL620", message, text, at, f"write `{instead}`", instead)


def _is_tensor(name: str, names: Collection[str] | None) -> bool:
    """Whether a name is that of an argument, an output or a gradient."""
    return name in ("grad", "result") or name.removesuffix("_p").removesuffix("_t") in (names or ())


def _is_value(token: str) -> bool:
    """Whether a token is a name or a number, and not the name of a type or a word of C++."""
    if NAME.fullmatch(token) is None:
        return token[:1].isdigit()
    return token not in _NO_VALUES and not is_by_convention(token)
