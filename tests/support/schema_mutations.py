"""Mutations of the schemas of native functions."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from support.mutation_kinds import OPTIONS, added, arguments, doubled, schema, swap, without


def _exchanged(chance: Random, given: list[str]) -> list[str]:
    made = list(given)
    if len(made) > 1:
        i, j = chance.sample(range(len(made)), 2)
        made[i], made[j] = made[j], made[i]
    return made


def _out_arguments(chance: Random, text: str) -> str | None:
    match = re.fullmatch(r"(\w+)(?:\.(\w+))?\((.*)\) -> (.*)", text)
    if match is None:
        return None
    star = ", " if ", *, " in match[3] else ", *, "
    letters = chance.choice(["a", "a", "b", "z", "ab"])
    overload = chance.choice(["out", "out", f"{match[2] or 'some'}_out", "other"])
    out = star.join(filter(None, [match[3], ", ".join(f"Tensor({x}!) o{x}" for x in letters)]))
    returns = ", ".join(f"Tensor({x}!)" for x in letters)
    returns = f"({returns})" if len(letters) > 1 else returns
    returns = chance.choice([returns, returns, returns, "()", "Tensor", match[4]])
    return f"{match[1]}.{overload}({out}) -> {returns}"


def _in_place(chance: Random, text: str) -> str | None:
    return chance.choice(
        [
            re.sub(r"^(\w+?)_?(?=[.(])", r"\1_", text),
            re.sub(r"^(\w+?)_(?=[.(])", r"\1", text),
            re.sub(
                r"^(\w+?)_?([.(].*?)Tensor(?:\(.*?\))? self(.*) -> .*",
                r"\1_\2Tensor(a!) self\3 -> Tensor(a!)",
                text,
            ),
        ]
    )


TYPES: Final = (
    *("Tensor", "int", "SymInt", "float", "bool", "str", "Scalar", "ScalarType", "Generator"),
    *("Layout", "Device", "DeviceIndex", "MemoryFormat", "QScheme", "Storage", "Stream"),
    *("SymBool", "Dimname", "DimVector", "ConstQuantizerPtr"),
)
_TYPE = r"(?<=[(, ])(?!\*)[A-Z]?[a-zA-Z]+(?=[\[?]* )"
_DEFAULTS: Final = (
    *("=0", "=-1", "=1.5", "=None", "=[]", "=[0,1]", "=[0, 1]", "=True", "=Mean", "='a'", "=long"),
    *("=", "==1", "=a b", '="x"', "=contiguous_format", "=2", "=9999999999999", "=é"),
)
SCHEMAS: Final = (
    schema("an argument of another type", swap(_TYPE, *TYPES)),
    schema("an unknown type", swap(_TYPE, "Tenser", "tensor", "integer", "Int", "Tensor&", "void")),
    schema("an optional argument", swap(rf"({_TYPE}[\[\]0-9]*)(?= )", r"\1?", r"\1??")),
    schema("a list argument", swap(rf"({_TYPE})(?= )", r"\1[]", r"\1[][]", r"\1?[]", r"\1[]?")),
    schema(
        "a list of a size",
        swap(
            rf"({_TYPE})(?= )",
            *(rf"\1[{n}]" for n in ("1", "2", "0", "00", "01", "-1", "x", "9" * 17)),
        ),
    ),
    schema(
        "a list of a size beyond reason",
        swap(rf"({_TYPE})(?= )", rf"\1[{'9' * 19}]", rf"\1[{'1' * 30}]"),
    ),
    schema(
        "a custom class",
        swap(rf"{_TYPE}(?= )", "__torch__.torch.classes.a.B", "__torch__.a.B", "__torch__."),
    ),
    schema(
        "an argument renamed",
        swap(
            r"(?<= )\w+(?=[,)=])",
            *("self", "result", "out", "other", "grad", "dtype", "options", "n", "grad_input_mask"),
            *("_scratch_x", "from", "lambda", "None", "result0", "self_p", "dropout_p", "X"),
        ),
    ),
    schema("an argument taken away", arguments(without)),
    schema("an argument twice", arguments(doubled)),
    schema("an argument too many", added("Tensor x", "int n=1", "SymInt n", "bool[2] m", "str? s")),
    schema("two arguments exchanged", arguments(_exchanged)),
    schema("a star more or less", added("*", "*", "**")),
    schema("a star taken away", swap(r"\*, |, \*", "")),
    schema(
        "an annotation",
        swap(
            r"\bTensor\b(?!\()",
            *(f"Tensor({a})" for a in ("a!", "a", "b!", "a -> *", "a|b", "a! -> a|b", "A", "")),
            *("Tensor(a|b!)", "Tensor(a -> b)", "Tensor(a|b -> a|b)", "Tensor(a!)[]", "Tensor(a)?"),
        ),
    ),
    schema("an annotation on another type", swap(rf"({_TYPE})(?= )", r"\1(a!)", r"\1(a)")),
    schema("an annotation taken away", swap(r"\([a-z][^()]*\)(?=[\[\]? ])", "")),
    schema("another annotation", swap(r"\(([a-z])!?\)", "(b!)", "(c)", r"(\1)", r"(\1!)", "(a|b)")),
    schema("a return that is annotated", swap(r"-> Tensor$", "-> Tensor(a!)", "-> Tensor(a)")),
    schema("a default", swap(r"(?<= )(\w+)(?=[,)])", *(rf"\1{d}" for d in _DEFAULTS))),
    schema("another default", swap(r"=[^,)]*", *_DEFAULTS)),
    schema("a default taken away", swap(r"=[^,)]*(?=[,)])", "")),
    schema(
        "another return",
        swap(
            r"-> .*",
            *(f"-> {r}" for r in ("int", "Tensor[]", "()", "(Tensor, int)", "Scalar", "bool[2]")),
            *(f"-> {r}" for r in ("Tensor?", "(Tensor)", "Tensor, Tensor", "", "SymInt[]", "Foo")),
            *(f"-> {r}" for r in ("int[2]", "Tensor[2]", "bool[]", "float?", "(Tensor x, Tensor)")),
        ),
    ),
    schema("one return more", swap(r"-> (?!\()(.*)", r"-> (\1, Tensor)", r"-> (\1, int)")),
    schema(
        "a return with a name",
        swap(r"-> (Tensor(?:\(.*\))?)$", r"-> \1 result", r"-> \1 self", r"-> \1 out", r"-> \1 "),
    ),
    schema("returns with names", swap(r"-> Tensor$", "-> (Tensor up, Tensor down)")),
    schema("in-place or no longer", _in_place),
    schema("an out variant", _out_arguments),
    schema(
        "another overload name",
        swap(r"^(\w+)(?:\.\w+)?\(", *(rf"\1{o}(" for o in ("", ".", ".out", ".x", ".functional"))),
    ),
    schema(
        "another kind of name",
        swap(
            r"^(?:\w+::)?_*(\w+?)_?(?=[.(])",
            *(r"\1_functional", r"\1_out", r"\1_copy", r"\1_scatter", r"\1_inverse", r"__\1__"),
            *(r"_foreach_\1", r"new_\1", r"\1_like", r"rand_\1", r"\1_dropout", r"__i\1__"),
            *(r"\1_backward", r"set_", r"resize_", r"_\1", r"\1é", r"\1-x", r"", r"__iadd__"),
        ),
    ),
    schema("a namespace", swap(r"^", "a::", "a::b::", "::", "aten::", "a.b::", ":")),
    schema("tensor options", added(f"*, {OPTIONS}", OPTIONS, f"*, {OPTIONS}, {OPTIONS}")),
    schema("a generator", added("Generator? generator", "*, Generator? generator=None")),
    schema(
        "white space in a schema", swap(r", | |\(|\)", "  ", ",", "", " ,", "\t", " ) ", "\xa0")
    ),
    schema("punctuation in a schema", swap(r"[-,.()>=*!\[\]?]", "", "!", "?", "(", ")", ",", ".")),
    schema("a SymInt", swap(r"\bint\b", "SymInt", "SymInt?", "SymInt[]", "SymInt[1]")),
)
