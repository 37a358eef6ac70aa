"""Arguments and returns, and how they are spelled in C++, as torchgen was asked once.

The answers of some releases are in reference/cpp.txt: a text, and behind `=>` what it is in C++ and
the type of its value when that is stored. Under it stand the conditions in which that is otherwise.
`refused` is what has no C++ type, or a default that it cannot have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derivload.cpp.bindings import CppBindings
from derivload.cpp.ctypes import CppTypes, CType, Locals
from derivload.cpp.dialect import CPP_NAMES, Dialect
from derivload.diagnostics import Invalid
from derivload.schema.reader import SchemaReader

RELEASES = ("2.1", "2.15")
"""Those of which the answers are kept: between them, all spellings changed that ever did."""

_BASES = (
    "Device DeviceIndex DimVector Dimname Generator Layout MemoryFormat QScheme Scalar ScalarType"
    " Storage Stream SymInt Tensor bool float int str ConstQuantizerPtr GraphModule SymBool"
).split()
# Those that forms of their own are made of, some other ones, and one that C++ has not.
_FORMED = "Dimname Generator GraphModule Scalar SymInt Tensor bool int str".split()
_FORMS = ("{}?", "{}[]", "{}[3]", "{}[]?", "{}[2]?", "{}?[]", "{}??", "{}[][]", "{}?[]?", "{}[]?[]")
_DEFAULTED = """\
Tensor? x=None
Scalar? x=None
Scalar x=1
int x=0
int x=Mean
int x=[]
int x=contiguous_format
int? x=None
int? x=3
int[] x=[]
int[] x=[1,2]
int[2] x=1
int[2] x=None
int[2] x=[1
int[2] x=1]
int[] x=1
int[] x=None
int[]? x=None
int[2]? x=1
int[2]? x=[0,1]
float[]? x=None
float x=1e-05
bool x=True
bool x=False
bool? x=False
bool[3] x=True
bool[2] x=[True,False]
SymInt x=1
SymInt? x=1
SymInt[] x=[]
SymInt[2] x=1
SymInt[2] x=-1
SymInt[2] x=[0,1]
SymInt[] x=1
SymInt[2]? x=1
SymInt[]? x=None
Tensor[2] x=None
Tensor[] x=[]
ScalarType x=long
ScalarType? x=None
MemoryFormat? x=contiguous_format
MemoryFormat? memory_format=None
MemoryFormat memory_format=contiguous_format
Layout memory=None
str x='a'
str x=''
str x='say "a"'
str x='it\\'s'
str x='a\\nb'
str x='a\\'
str x='\\\\'
str x='\\"'
str x=None
str x=mean
str x='
str x='a
str? x=None
str? x='a'
str? x=long
str[] x=['a']""".split("\n")
_WRITTEN = ("(a)", "(a!)")

ARGUMENTS = (
    *(f"{base} x" for base in _BASES),
    *(f"{form.format(base)} x" for base in _FORMED for form in _FORMS),
    *(f"Tensor{mark}{form} x" for mark in _WRITTEN for form in ("", "?", "[]", "[2]", "?[]")),
    *_DEFAULTED,
)
RETURNS = (
    *(f"-> {base}" for base in _BASES),
    *(f"-> {form.format(base)}" for base in _FORMED for form in _FORMS),
    *(f"-> Tensor{mark}{form}" for mark in _WRITTEN for form in ("", "?", "[]", "[2]", "?[]")),
)
CONSTANTS = (*(f"type {name}" for name in _BASES), *(f"name {name}" for name in sorted(CPP_NAMES)))
"""torchgen's own constants: of a base type, or by name."""
_CONDITIONS = ((), ("symint",), ("const",), ("ilist",), ("symint", "const", "ilist"), ("options",))
_OF_RETURNS = ((), ("const",))

Spell = Callable[[str, tuple[str, ...]], str]


def items() -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is asked: each text under each condition."""
    for texts, conditions in ((ARGUMENTS, _CONDITIONS), (RETURNS, _OF_RETURNS)):
        yield from ((text, words) for text in texts for words in conditions)
    yield from ((text, ()) for text in CONSTANTS)


def written(spell: Spell) -> list[str]:
    """The lines of the reference for one release, as `spell` answers."""
    lines = []
    usual = ""
    for text, words in items():
        spelled = spell(text, words)
        if not words:
            usual = spelled
            lines.append(f"{text} => {spelled}")
        elif spelled != usual:
            lines.append(f"  {' '.join(words)} => {spelled}")
    return lines


class Speller:
    """Spells in C++ as derivload does for one release."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        names = frozenset(dialect.cpp_types) | dialect.unspelled_types
        self._reader = SchemaReader(names, dialect.grammar).arguments
        self._bindings = CppBindings(dialect, CppTypes(dialect))

    def __call__(self, text: str, words: tuple[str, ...]) -> str:
        kind, _, name = text.partition(" ")
        if text in CONSTANTS:
            known = self._dialect.cpp_types if kind == "type" else self._dialect.cpp_names
            return known.get(name, "refused")
        scope = Locals(const_ref_tensors="const" in words, ilistref="ilist" in words)
        try:
            if text.startswith("-> "):
                returned = self._reader.returned(text.removeprefix("-> "))
                types = self._bindings.types
                made = types.returned(returned.type, mutable=returned.is_write, scope=scope)
                return _with_value(made, "", None)
            binding = self._bindings.bind(
                self._reader.argument(text),
                defaulted=True,
                symint="symint" in words,
                has_options="options" in words,
                scope=scope,
            )
        except Invalid:
            return "refused"
        name = binding.name
        if binding.type_name != name:
            name += f" ({binding.type_name})"
        return _with_value(binding.ctype, f" {name}", binding.default)


def _with_value(ctype: CType, name: str, default: str | None) -> str:
    return f"{ctype.text}{name}" + ("" if default is None else f"={default}") + f" | {ctype.value}"
