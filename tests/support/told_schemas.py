"""What is told, whole, of texts that are no schemas, and the file that has it.

    python -m support.told_schemas

in `tests`, with `src` in PYTHONPATH, writes `reference/schema_mistakes.txt` anew. Each text stands
there as a Python string behind a `#`, and behind it all that is told of it. Read what has changed:
what is written there is what people are told.
"""

from __future__ import annotations

from typing import Final

from derivload.diagnostics import EntryChange, Invalid
from support.paths import REFERENCE
from support.recorded import write_recorded
from support.schemas import OPTIONS, reader

FILE: Final = REFERENCE / "schema_mistakes.txt"

_SCALAR_OPTIONS = OPTIONS.replace("?", "").replace("=None", "")
_FORMS = ["melt", "melt(Tensor self)", "melt.out(Tensor self)", "melt(Tensor)", "melt(int x, y)"]
_FORMS += ["melt(Tensor self) ->", "melt(Tensor self) -> ", "melt(Tensor self)-> Tensor"]
_FORMS += ["melt(Tensor self) ->Tensor", "melt(Tensor self)->(Tensor, Tensor)"]
_FORMS += ["melt()  ->  Tensor", "melt(Tensor self) - > Tensor", "melt(Tensor a) -> b) ->c"]
_FORMS += [
    "x(x)",
    "x(x) -> Tensor",
    "x.y(x, x) -> x",
    "(Tensor self) -> Tensor",
    "melt Tensor self -> Tensor",
    "",
]
_FORMS += ["melt(Tensor self) -> Tensor\n", "melt(Tensor self\n) -> Tensor", "melt\n"]
_NAMES = ["melt.", ".out", "melt_out", "melt_out.x", "melt_functional_", "melt_functional_.x"]
_NAMES += ["__int__", "__iint__.x", "__i__", "a::", "::melt", "a::__ix__", "a::melt_out"]
_ARGUMENTS = ["Tensor", "Tensor self, ", "int x=", "int x=1=2", "int x==", "int x, *", "*"]
_ARGUMENTS += ["*, int x, *, int y", "*, Tensor(a!) out, *, int y", "*, *, int x"]
_ARGUMENTS += ["*, Tensor(a!) x, int y", "int[] x=[1, 2]", "int[] x=[1, 2, 3]", "int x = 1"]
_ARGUMENTS += ["Tensor self,int x", "Tensor x;int y", "Tensor, Tensor", "=1 x", "x]", "[x]"]
_ARGUMENTS += ["Tensor self,  int x", "int x y", " x", "*, Tenser x", "Tenser x, *, int y z"]
_ARGUMENTS += [", ".join(["Tensor"] * 3), "int x, Tensor(a!)? y, Tensor(A) x, Tensor(A) y"]
_TYPES = ["boolean", "double", "int32_t", "int64_t", "integer", "long", "string", "string_view"]
_TYPES += ["IntArrayRef", "SymIntArrayRef", "TensorList", "at::Tensor", "at::TensorList"]
_TYPES += ["std::string", "c10::string_view", "c10::SymInt", "List[Tensor]", "List[int64_t]"]
_TYPES += ["typing.List[int]", "Optional[Tensor]", "typing.Optional[int]", "list[int]"]
_TYPES += ["optional[double]", "std::optional<Tensor>", "std::vector<Tensor>", "vector<int64_t>"]
_TYPES += ["at::ArrayRef<SymInt>", "c10::OptionalArrayRef<int64_t>", "List[List[int]]"]
_TYPES += [
    "std::vector<at::Tensor>",
    "List[Optional[Tensor]]",
    "List[Tensor?]",
    "Tensor<int>",
    "Tensr,x",
]
_TYPES += ["List[boolean]", "List[int32_t]", "List[integer]"]
_TYPES += ["const Tensor&", "unsigned int", "int64_t x;int", "Tensor? x;int", "int x,Tenser"]
_TYPES += ["Tenser", "tensor", "Tensr", "scalar", "Symint", "Dimname", "zzz", "?", "[]", "[3]"]
_TYPES += ["int[0]", "int[03]", "int[-1]", "int[x]", "int[1][0]", "int(a)", "Tensor?(a)"]
_TYPES += ["Tenser?", "Tenser[]", "Tenser[3]?", "__torch__.torch.classes.", "__torch__.x.y"]
_TYPES += ["int??" * 26, "int" + "[]" * 51, "int" + "?" * 51]
_TYPES += ["vector<" * 51 + "int" + ">" * 51]
_ANNOTATIONS = ["A", "a!b", "a|b!", "a|b|c", "a|b -> c|d", "!a", " !a", "!a ", "!A", "!", "a!!"]
_ANNOTATIONS += ["a->*", "a -> ", "a! -> *|b", "ab", "a|b! -> *"]
_SUFFIXES = ["[2]", "??", "[]?", "x", ",Tensor", " x", ";", "?[]"]
_RETURNS = ["(Tensor)", "(Tensor x)", "Tensor, Tensor", "Tensor x, int y", "Tenser", "(Tensor, )"]
_RETURNS += ["(Tenser, Tensor(A), Tensor)", "(Tenser)", "Tensor(a)[3]", "Tensor x y", "( )", "(,)"]
_WHOLE = [
    f"melt(*, {OPTIONS}, {OPTIONS}) -> Tensor",
    f"melt(*, {OPTIONS}, int x, {OPTIONS}) -> Tensor",
    f"melt(*, int x, {OPTIONS}, int y, {_SCALAR_OPTIONS}, int z) -> Tensor",
    "melt_(Tensor(a!) self, *, Tensor(a!) out) -> Tensor(a!)",
    "melt_(Tensor(a!) self, *, Tensor(b!) x, Tensor(a!) y) -> Tensor(a!)",
    "melt(Tensor(a!) x, Tensor self) -> ()",
    "melt(Tensor(a!) x, Tensor(b!) y, Tensor self) -> Tensor(a!)",
    "melt.out(*, Tensor(a!) out) -> Tensor(b!)",
    "melt.out(*, Tensor(a!) out) -> Tensor",
    "melt.out(*, Tensor(a!) out) -> Tensor(b!) x",
    "melt.out(*, Tensor(a!) out) -> Tensor(b!) TensorTensor",
    "melt.out(*, Tensor(a!) out) -> int",
    "melt.out(*, Tensor(a!)[] out) -> Tensor[]",
    "melt.out(*, Tensor(a!) x, Tensor(b!) y) -> (Tensor(b!), Tensor(a!))",
    "melt.out(*, Tensor(a!) x, Tensor(b!) y) -> Tensor(b!)",
    "melt(Tensor self, Tensor(a!) x) -> Tensor(a!)",
    "melt(Tensor self, Tensor(a!) out) -> Tensor(a!)",
    "melt(Tensor self, Tensor(a!) out_x) -> Tensor(a!)",
    "melt.x_out(Tensor self, Tensor(a!) x, Tensor(b!) y) -> (Tensor(a!), Tensor(b!))",
    "melt(Tensor(a!) self) -> (Tensor(a!), Tensor)",
    "melt(Tensor(a!) self) -> (Tensor(a!), Tensor(b!))",
    "melt(Tensor self) -> Tensor(a!)",
    "melt(Tensor self, Tensor(a) x) -> (Tensor(a!), Tensor(a!) x)",
    "melt.out(*, Tensor(a!) out) -> ()",
    "melt.out(*, Tensor(a!) x, Tensor(b!) y) -> Tensor(a!)",
    "melt.out(*, Tensor(a!) x, Tensor(b!) _scratch_y) -> (Tensor(a!), Tensor(b!))",
    "melt.out(*, Tensor(a!)[] out) -> Tensor(a!)[]",
    "melt.out(*, Tensor(a!) x, Tensor(b!)[] y) -> Tensor(a!)",
    "melt.out(*, Tensor(a!)? x) -> Tensor(a!)?",
    "melt_(Tensor self) -> Tensor",
    "melt_(Tensor self) -> Tensor(a!)",
    "melt_(Tensor self) -> (Tensor, Tensor)",
    "melt_(Tensor(a) self) -> Tensor",
    "melt_(Tensor? self) -> Tensor",
    "melt_(Tensor(a!) x) -> ()",
    "__imul__(Tensor x) -> Tensor",
    "melt_(Tensor(a!) self) -> ()",
    "melt_(Tensor(a!) self) -> Tensor",
    "melt_(Tensor(a!) self) -> Tensor x",
    "melt_(Tensor(a!) self) -> int",
    "melt_(Tensor(a!) self) -> Tensor(a)",
    "melt_(Tensor(a!) self) -> (Tensor(a!), Tensor(a!))",
    "melt_(Tensor(a!)[] self) -> Tensor(a!)[]",
    f"melt(Tensor(a!) x, *, {OPTIONS}) -> ()",
    f"melt.out(*, {OPTIONS}, Tensor(a!) out) -> Tensor(a!)",
    f"melt_.functional(Tensor self, *, int x, {OPTIONS}, int y) -> Tensor",
    "melt.functional(Tensor(a!) x) -> ()",
    "melt.functional_out(*, Tensor(a!) out) -> Tensor(a!)",
    "melt.not_functional(Tensor(a!) self, Tensor(b!) x) -> ()",
]
TEXTS: Final = [
    *_FORMS,
    *(f"{name}(Tensor self) -> Tensor" for name in _NAMES),
    *(f"melt({arguments}) -> Tensor" for arguments in _ARGUMENTS),
    *(f"melt(int x, {type_} y) -> Tensor" for type_ in _TYPES),
    *(f"melt(Tensor({annotation}) x) -> Tensor" for annotation in _ANNOTATIONS),
    *(f"melt(Tensor(a){suffix} x) -> Tensor" for suffix in _SUFFIXES),
    *(f"melt(int x) -> {returned}" for returned in _RETURNS),
    "melt_out(Tenser x, int[0] y, Tensor(A) z, Tenser x) -> (Tenser, Tensor)",
    *_WHOLE,
]


def told(text: str) -> str:
    """All that is told of a text that is no schema; "" if it is one."""
    try:
        reader().schema(text)
    except Invalid as invalid:
        return "\n".join(line for one in invalid.every for line in _lines(one))
    return ""


def _lines(invalid: Invalid) -> list[str]:
    help_ = [f"  help: {invalid.help}"] if invalid.help else []
    meant = [f"  meant: {', '.join(invalid.meant)}"] if invalid.meant else []
    remedies = []
    for remedy in invalid.remedies:
        safely = ", safely" if remedy.is_safe else ""
        remedies.append(f"  remedy{safely}: {remedy.message}")
        remedies += [f"    {_change(change)}" for change in remedy.changes]
    place = f"{invalid.words!r} {invalid.occurrence}"
    return [f"{invalid.code} {place}: {invalid.message}", *help_, *meant, *remedies]


def _change(change: EntryChange) -> str:
    at = f" at {change.path}" if change.path else ""
    on_key = " of the key" if change.on_key else ""
    return f"{change.kind}{at}{on_key} {change.words!r} {change.occurrence} by {change.text!r}"


if __name__ == "__main__":
    write_recorded(FILE, {text: told(text) for text in TEXTS})
