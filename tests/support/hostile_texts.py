"""What the tests of hostile share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from support.paths import DERIVATIVES, NATIVES, TAGS

M = 1_000_000


class Case(NamedTuple):
    """What stands before a file of the catalogue, and whether it is valid."""

    file: str
    make: Callable[[int], str | bytes]
    """From how many times as large as in the plain run."""
    valid: bool = False
    natives: str = ""
    """What stands before native_functions.yaml, where the case is one of derivatives.yaml."""
    alone: bool = False
    """Whether nothing of the catalogue follows in its file."""
    command: str = "emit"
    """What the plain run gives it to; one of COMMANDS."""


def native(text: Callable[[int], str]) -> Case:
    return Case(NATIVES, lambda times: f"- func: {text(times)}\n")


GLEAM = "- name: gleam(Tensor self) -> Tensor\n"


def formula(text: str, *, valid: bool = False) -> Case:
    """A formula, behind a schema that is right."""
    return Case(DERIVATIVES, lambda _: f"{GLEAM}  self: {text}\n", valid)


def formula_as_long_as_may_be(text: str) -> Case:
    folded = f"{GLEAM}  self: >-\n    {text[:ALLOWED]}\n"
    return Case(DERIVATIVES, lambda _: folded, valid=True)


def shortened(text: str) -> str:
    """A schema as long as may be: its beginning and its end."""
    return text[: ALLOWED // 2] + text[-ALLOWED // 2 :]


def keys(file: str, head: str, line: str) -> Case:
    """An entry with so many keys; `{}` is their number."""

    def make(times: int) -> str:
        return head + "".join(line.format(i) for i in range(50_000 * times))

    return Case(file, make)


# What each regular expression would have to look through, at its worst, for as long as it can.
REGEX_FOOD: Final = {
    "parentheses": "(" * M,
    "sizes of a name that does not end": "self.sym_size(" + "a" * M,
    "sizes that do not end": "self.sym_size(" * (M // 14),
    "unsupported sizes that do not end": ".size(-" * (M // 7),
    "unsupported sizes of many digits": ".size(" + "9" * M,
    "gradients that do not end": " grads[1" * (M // 8),
    "gradients of many digits": " grads[" + "9" * M,
    "a gradient beside a gradient": "grad " * (M // 5),
    "a value beside a value": "self " * (M // 5),
    "what is saved again and again": "self.dim() " * (M // 11),
    "what is saved, in many ways": " ".join(f"self.sym_size({i})" for i in range(M // 20)),
    "likes that do not end": "zeros_like(" * (M // 11),
    "one word": "a" * M,
    "dots": "." * M,
    "a number of many digits": "-" + "1" * M,
    "what may be a date": "1" + "/" * M + "x",
    "a list": "[" + "a, " * (M // 3) + "]",
    "a list that does not end": "[" + "a," * (M // 2),
    "a list of spaces": "[a" + " " * M + "b",
    "spaces": "a" + " " * M + "b",
    "a quote that does not end": '"' + "a" * M,
    "colons": "a:" * (M // 2),
    "comments": " #" * (M // 2),
    "a tangent's call that does not end": "self_t.gleam(" + "(" * M,
}


SCHEMAS: Final = {
    "brackets": "f(int" + "[9" * (M // 2) + " x) -> Tensor",
    "question marks": "f(int" + "?" * M + " x) -> Tensor",
    "digits": "f(int[" + "9" * M + "] x) -> Tensor",
    "an annotation that does not end": "f(Tensor(" + "a|" * (M // 2) + " x) -> Tensor",
    "arguments": "f(" + ", ".join(f"Tensor x{i}" for i in range(M // 14)) + ") -> Tensor",
    "returns": "f(Tensor x) -> (" + "Tensor, " * (M // 8) + "Tensor)",
    "a name": "a" * M + "(Tensor self) -> Tensor",
    "a dunder name": "__" + "a" * M + "__(Tensor self) -> Tensor",
    "a class": "f(__torch__.torch.classes." + "a." * (M // 2) + " x) -> Tensor",
    "arrows": "f" + ") -> " * (M // 5),
    "dots": "f" + "." * M,
}


# As long as an entry may be, so that the readers themselves do the work.
ALLOWED: Final = 99_000


def _doubled(times: int) -> str:
    lists = "".join(f", &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 30 + times))
    return f"- func: [&a0 x{lists}]\n"


def _doubled_entries(times: int) -> str:
    more = "".join(f"- &a{i} {{a: *a{i - 1}, b: *a{i - 1}}}\n" for i in range(1, 30 + times))
    return "- &a0 {x: y}\n" + more


def _repeated(times: int) -> str:
    return f"- &a\n  name: {'x' * 50_000}\n" + "- *a\n" * (20_000 * times)


def _repeated_formula(times: int) -> str:
    formula = f"{GLEAM}  self: &f {'x' * 50_000}\n"
    return formula + "".join(f"  k{i}: *f\n" for i in range(4_000 * times))


def amplified(func: str, formulas: str, *functions: str) -> Case:
    """A definition whose formulas grow with each replacement."""
    natives = "".join(
        f"- func: {f}\n  device_check: NoCheck\n  dispatch:\n    CPU: f\n"
        for f in (func, *functions)
    )
    return Case(DERIVATIVES, lambda _: f"- name: {func}\n{formulas}", natives=natives)


# Each of these names stands in what an optional text is replaced by.
_VIEWED: Final = ("std", "value", "optional", "has_value", "string_view", "nullopt", "n")


_TEXTS: Final = ", ".join(f"str? {name}=None" for name in _VIEWED)


# The name of each argument of the foreach function holds two of the next of its reference.
_PAIRS: Final = [f"q{a}{b}" for a in "abcdefgh" for b in "uvwxyz"]


_REFERENCE: Final = ", ".join(f"Tensor {name}" for name in _PAIRS)


_FOREACH: Final = ", ".join(f"Tensor[] {name}{name}" for name in [*_PAIRS[1:], "zz"])


_LONG: Final = "x" * 20_000


CASES: Final[dict[str, Case]] = {
    **{f"a formula of {name}": formula_as_long_as_may_be(t) for name, t in REGEX_FOOD.items()},
    "formulas of a megabyte": Case(
        DERIVATIVES, lambda _: "".join(f"{GLEAM}  self: {t}\n" for t in REGEX_FOOD.values())
    ),
    "schemas of a megabyte": Case(
        NATIVES, lambda _: "".join(f"- func: {text}\n" for text in SCHEMAS.values())
    ),
    "names of a megabyte": Case(
        DERIVATIVES, lambda _: "".join(f"- name: {text}\n" for text in SCHEMAS.values())
    ),
    "schemas as long as may be": Case(
        NATIVES, lambda _: "".join(f"- func: {shortened(t)}\n" for t in SCHEMAS.values())
    ),
    "names as long as may be": Case(
        DERIVATIVES, lambda _: "".join(f"- name: {shortened(t)}\n" for t in SCHEMAS.values())
    ),
    "texts in texts": amplified(
        f"swell(Tensor self, {_TEXTS}) -> Tensor", f"  self: {'n ' * 30_000}\n"
    ),
    "lists in lists": amplified(
        f"swell({_REFERENCE}) -> Tensor",
        f"  {_PAIRS[0]}: grad * ({' + '.join(_PAIRS)})\n",
        f"_foreach_swell({_FOREACH}) -> Tensor[]",
    ),
    "a long name many times": amplified(
        f"swell(Tensor {_LONG}) -> Tensor",
        f"  ? {_LONG}\n  : {'grad ' * 9_000}\n  result: auto_element_wise\n",
    ),
    "keys of a function": keys(NATIVES, "- func: f(Tensor self) -> Tensor\n", "  k{}: x\n"),
    "keys of a definition": keys(DERIVATIVES, GLEAM, "  k{}: x\n"),
    "keys of a tag": keys(TAGS, "- tag: x\n  desc: y\n", "  k{}: x\n"),
    "keys of a table": keys(
        NATIVES, "- func: f(Tensor x) -> Tensor\n  dispatch:\n", "    k{}: x\n"
    ),
    "tags of a function": keys(NATIVES, "- func: f(Tensor x) -> Tensor\n  tags:\n", "  - k{}\n"),
    "wrong entries": Case(NATIVES, lambda times: "- func: f\n" * (40_000 * times)),
    "entries that are none": Case(TAGS, lambda times: "- x\n" * (40_000 * times)),
    "unknown functions": Case(
        DERIVATIVES,
        lambda times: "".join(
            f"- name: gleam{i}(Tensor self) -> Tensor\n  self: grad\n" for i in range(9_000 * times)
        ),
    ),
    "the same function": native(
        lambda times: "f(Tensor self) -> Tensor\n- func: " * (9_000 * times) + "f()"
    ),
    "lists doubled by aliases": Case(NATIVES, _doubled),
    "entries doubled by aliases": Case(DERIVATIVES, _doubled_entries),
    "an entry repeated by aliases": Case(DERIVATIVES, _repeated),
    "a formula repeated by aliases": Case(DERIVATIVES, _repeated_formula),
    "itself": Case(DERIVATIVES, lambda _: "- &a\n  name: x\n  self: *a\n"),
    "merge keys": Case(DERIVATIVES, lambda _: GLEAM + "  <<: [&m {a: b}" + ", *m" * 9_000 + "]\n"),
    "nested lists": native(lambda times: "[" * (10_000 * times)),
    "nested mappings": native(lambda times: "{a: " * (10_000 * times)),
    "nested items": Case(NATIVES, lambda _: "- " * 10_000 + "x\n"),
    "nested keys": Case(NATIVES, lambda _: "- " + "? " * 10_000 + "x\n"),
    "nested blocks": Case(
        NATIVES, lambda _: "- a:\n" + "".join(" " * (3 + i) + "a:\n" for i in range(4_000))
    ),
    "comments": Case(NATIVES, lambda times: "# x\n" * (2_500_000 * times), valid=True),
    "one long line": Case(NATIVES, lambda times: "x" * (10 * M * times) + "\n"),
    "one long value": Case(NATIVES, lambda times: f"- func: {'a' * (10 * M * times)}\n"),
    "many short entries": Case(NATIVES, lambda times: "- func: f\n" * (M * times)),
    "a long list": Case(NATIVES, lambda times: "[" + "a," * (5 * M * times)),
    "NULs alone": Case(NATIVES, lambda times: b"\0" * (10 * M * times)),
    "bytes that are no text": Case(NATIVES, lambda times: b"\xff" * (10 * M * times)),
    "a byte order mark of another encoding": Case(TAGS, lambda _: b"\xff\xfe-\0 \0"),
    "a NUL": native(lambda _: "f\0(Tensor self) -> Tensor"),
    "a NUL, escaped": formula('"grad \\0"', valid=True),
    "a lone surrogate": Case(NATIVES, lambda _: b"- func: \xed\xa0\x80(Tensor self) -> Tensor\n"),
    "a lone surrogate, escaped": native(lambda _: '"\\ud800(Tensor self) -> Tensor"'),
    "a lone surrogate in a formula": formula('"grad \\udfff"'),
    "a lone surrogate in a key": Case(DERIVATIVES, lambda _: GLEAM + '  "\\udc80": grad\n'),
    "a lone surrogate in a tag": Case(TAGS, lambda _: '- tag: "\\udc80"\n'),
    "bidirectional text": native(lambda _: "\u202ef\u2066(Tensor \u202eself) -> Tenser"),
    "a bidirectional key": Case(DERIVATIVES, lambda _: GLEAM + '  "\u202eself": grad\n'),
    "an escape of the terminal's": Case(DERIVATIVES, lambda _: GLEAM + '  "\\e[2J\\a": grad\n'),
    "a path above": native(lambda _: "../../../x(Tensor self) -> Tensor\n  autogen: ../x_out"),
    "a path of the root": native(lambda _: "/etc/passwd_out.x(Tensor self) -> Tensor"),
    "a path of Windows": native(lambda _: "C:\\x_out(Tensor self) -> Tensor"),
}


SWELL: Final = "  dispatch:\n    CPU: swell\n"


# As many arguments, and as many names in a formula, as an entry has room for.
_TENSORS: Final = [f"x{i}" for i in range(3_000)]


_MANY: Final = f"swell({', '.join(f'Tensor {name}' for name in _TENSORS)}) -> Tensor"


_IN_ONE_LINE: Final = "{name: 'gleam(Tensor self) -> Tensor', self: grad * x}, "


def natives_of(*schemas: str) -> str:
    return "".join(f"- func: {schema}\n{SWELL}" for schema in schemas)


def warned(formula: str) -> Case:
    """A formula that is right, as far as a load is concerned."""
    text = f"{GLEAM}  self: {formula}\n"
    return Case(DERIVATIVES, lambda _: text, valid=True, command="check")


def warned_of_many(formula: str) -> Case:
    text = f"- name: {_MANY}\n  x0: {formula}\n"
    return Case(DERIVATIVES, lambda _: text, True, natives_of(_MANY), command="check")


def told(file: str, make: Callable[[int], str], natives: str = "", *, valid: bool = False) -> Case:
    return Case(file, make, valid, natives, command="check")


def many(entry: str, line: str, lines: int = 120) -> Callable[[int], str]:
    """Entries of so many lines each; `{}` is their number."""

    def make(times: int) -> str:
        below = "".join(line.format(i) for i in range(lines))
        return "".join(entry.format(i) + below for i in range(500 * times))

    return make


def _foreach(times: int) -> str:
    functions = [f"_foreach_swell.o{i}(Tensor[] self) -> Tensor[]" for i in range(300 * times)]
    text = natives_of("swell(Tensor self) -> Tensor", *functions)
    return text.replace("  dispatch", "  device_check: NoCheck\n  dispatch")


CASES.update(
    {
        "words that begin alike": told(
            NATIVES, lambda _: f'- func: "{"a " * (ALLOWED // 2)}\\x58"\n'
        ),
        "words of quotes": told(NATIVES, lambda _: f"- func: f{chr(39) * 240}x\n"),
        "words of quotes, quoted": told(
            NATIVES, lambda _: f"- func: 'f{chr(39) * (ALLOWED - 1000)}x'\n"
        ),
        "words of double quotes": told(
            NATIVES, lambda _: '- func: "f' + '\\"' * (ALLOWED // 3) + 'x"\n'
        ),
        "long words, wrong together": told(
            NATIVES, lambda _: "".join(f"- func: f.{i}({'x' * 40_000})\n" for i in range(80))
        ),
        "mistakes in one line": Case(
            NATIVES, lambda _: "[" + "{func: f}, " * 20_000 + "]", alone=True, command="check JSON"
        ),
        "warnings in one line": Case(
            DERIVATIVES,
            lambda _: f"[{_IN_ONE_LINE * 8_000}]\n",
            valid=True,
            alone=True,
            command="check SARIF",
        ),
        "mistakes behind a long comment": Case(
            NATIVES,
            lambda _: "[\n" + "# xxxxxxxxxxxxx\n" * 900_000 + "{func: f}, " * 2_000 + "]\n",
            alone=True,
            command="check",
        ),
        "unknown names": warned(" + ".join(f"abcdefgh{i}" for i in range(ALLOWED // 16))),
        "long unknown names": warned(" + ".join("a" * 900 + str(i) for i in range(100))),
        "an unknown name as long as may be": warned("a" * (ALLOWED - 1_000)),
        "unknown names beside many arguments": warned_of_many(
            " + ".join(f"xabcdefgh{i}" for i in range(2_500))
        ),
        "unknown names everywhere": told(
            DERIVATIVES,
            lambda times: (
                f"{GLEAM}  self: {' + '.join(f'a{i}' for i in range(200))}\n" * (900 * times)
            ),
            valid=True,
        ),
        "arguments saved for their types": warned_of_many(
            " + ".join(f"{name}.dtype()" for name in _TENSORS)
        ),
        "arguments without formulas": told(
            DERIVATIVES,
            lambda _: f"- name: {_MANY}\n  x0: grad\n" * 30,
            natives_of(_MANY),
            valid=True,
        ),
        "definitions again and again": told(
            DERIVATIVES, lambda times: f"{GLEAM}  self: grad\n" * (5_000 * times), valid=True
        ),
        "templates that do not end": warned("a<" * (ALLOWED // 2 - 500)),
        "comments that do not end": warned("/*" * (ALLOWED // 2 - 500)),
        "strings that do not end": warned('a"\\' * (ALLOWED // 3 - 500)),
        "unknown keys of functions": told(
            NATIVES, many("- func: f(Tensor self) -> Tensor\n", "  k{}: x\n")
        ),
        "unknown keys of definitions": told(DERIVATIVES, many(GLEAM, "  k{}: x\n")),
        "unknown keys of tags": told(TAGS, many("- tag: x{}\n", "  k{}: x\n")),
        "unknown tags": told(
            NATIVES, many("- func: f{}(Tensor self) -> Tensor\n  tags:\n", "  - k{}\n")
        ),
        "numbers to the base of sixty": told(
            NATIVES, lambda times: f"- func: 1{':1' * (ALLOWED // 2 - 100)}\n" * (15 * times)
        ),
        "a key repeated by aliases": told(
            NATIVES, lambda _: f"- [&a {'x' * 50_000}, {{{'*a : b, ' * 5_000}}}]\n"
        ),
        "unknown functions beside many": told(
            DERIVATIVES,
            lambda times: "".join(
                f"- name: swell{i}(Tensor y) -> Tensor\n  y: grad\n" for i in range(2_000 * times)
            ),
            natives_of(*(f"f{i}(Tensor x) -> Tensor" for i in range(4_000))),
        ),
        "unknown functions like many others": told(
            DERIVATIVES,
            lambda _: "".join(
                f"- name: {'ab' * 35}{i}(Tensor y) -> Tensor\n  y: grad\n" for i in range(100)
            ),
            natives_of(*(f"{'ab' * 35}_{i}(Tensor x) -> Tensor" for i in range(4_000))),
        ),
        "a function with many overloads": told(
            DERIVATIVES,
            lambda times: "".join(
                f"- name: swell.o{i}(Tensor y) -> Tensor\n  y: grad\n" for i in range(300 * times)
            ),
            natives_of(*(f"swell.p{i}(Tensor {'x' * 9_000}) -> Tensor" for i in range(30))),
        ),
        "a long formula for many foreach functions": told(
            DERIVATIVES,
            lambda _: f"- name: swell(Tensor self) -> Tensor\n  self: {'x' * 90_000} * grads[7]\n",
            _foreach(1),
        ),
        "a formula that cannot be carried over to many": told(
            DERIVATIVES,
            lambda _: (
                "- name: swell(Tensor self) -> Tensor\n"
                f"  self: grad * result.sym_size(0) * {'x' * 90_000}\n"
            ),
            _foreach(1),
        ),
    }
)
