"""The mutations of the differential test: one table, each row a kind of mistake (or of change).

A mutation takes the entries of a small catalogue, file by file, of which the first of its own
file is the one to change, and gives those of the mutant, or None where it has nothing to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

DERIVATIVES, NATIVES, TAGS = "derivatives.yaml", "native_functions.yaml", "tags.yaml"
FILES = (DERIVATIVES, NATIVES, TAGS)

Files = dict[str, list[str]]
OfText = Callable[[Random, str], str | None]
OfFiles = Callable[[Random, Files], Files | None]

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


class Mutation(NamedTuple):
    """One kind: its name, the file whose first entry it changes, and how."""

    name: str
    file: str
    change: OfFiles


# ------------------------------------------------------------------------- what changes are made of


def entry(name: str, file: str, change: OfText) -> Mutation:
    """A mutation of the text of one entry."""

    def of_files(chance: Random, files: Files) -> Files | None:
        first, *others = files[file]
        changed = change(chance, first)
        return None if changed in (None, first) else {**files, file: [changed, *others]}

    return Mutation(name, file, of_files)


def schema(name: str, change: OfText) -> Mutation:
    """A mutation of a schema; half the time its definitions are changed along with it."""

    def of_files(chance: Random, files: Files) -> Files | None:
        first, *others = files[NATIVES]
        match = re.match(r"- func: (.+)\n", first)
        changed = None if match is None else change(chance, match[1])
        if match is None or changed is None or changed == match[1]:
            return None
        made = {**files, NATIVES: [f"- func: {changed}\n{first[match.end() :]}", *others]}
        if chance.random() < 0.5:
            named = f"- name: {match[1]}\n"
            made[DERIVATIVES] = [
                e.replace(named, f"- name: {changed}\n") for e in files[DERIVATIVES]
            ]
        return made

    return Mutation(name, NATIVES, of_files)


def whole(name: str, file: str, change: OfText) -> Mutation:
    """A mutation of the text of a whole file."""

    def of_files(chance: Random, files: Files) -> Files | None:
        text = "".join(files[file])
        changed = change(chance, text)
        return None if changed in (None, text) else {**files, file: [changed]}

    return Mutation(name, file, of_files)


def catalogue(name: str, file: str, change: Callable[[Random, list[str]], list[str]]) -> Mutation:
    """A mutation of the list of entries of a file."""

    def of_files(chance: Random, files: Files) -> Files | None:
        changed = change(chance, files[file])
        return None if changed == files[file] else {**files, file: changed}

    return Mutation(name, file, of_files)


def one_of(chance: Random, text: str, pattern: str, replacement: str) -> str | None:
    """The text with one match of a pattern replaced, as `re.sub` would do it."""
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    match = chance.choice(found)
    return text[: match.start()] + match.expand(replacement) + text[match.end() :]


def swap(pattern: str, *replacements: str) -> OfText:
    """Replace one match of a pattern by one of these."""
    return lambda chance, text: one_of(chance, text, pattern, chance.choice(replacements))


def key(name: str, *values: str) -> OfText:
    """Give an entry a key with one of these values, in place of the one that it has, if any."""

    def change(chance: Random, text: str) -> str:
        without = re.sub(rf"(?m)^  {name}:.*\n(?:(?:   |  -).*\n)*", "", text)
        value = chance.choice(values)
        return f"{without}  {name}:{value}\n" if value else without

    return change


def insert(*lines: str) -> OfText:
    """Add one of these lines to an entry."""
    return lambda chance, text: f"{text}  {chance.choice(lines)}\n"


def arguments(change: Callable[[Random, list[str]], list[str]]) -> OfText:
    """Change the list of arguments of a schema."""

    def of_schema(chance: Random, text: str) -> str | None:
        match = re.fullmatch(r"([^(]+)\((.*)\) -> (.*)", text)
        if match is None:
            return None
        changed = change(chance, match[2].split(", ") if match[2] else [])
        return f"{match[1]}({', '.join(changed)}) -> {match[3]}"

    return of_schema


def added(*new: str) -> OfText:
    """Insert one of these among the arguments of a schema."""

    def change(chance: Random, given: list[str]) -> list[str]:
        at = chance.randint(0, len(given))
        return [*given[:at], chance.choice(new), *given[at:]]

    return arguments(change)


def _without(chance: Random, given: list[str]) -> list[str]:
    at = chance.randrange(len(given)) if given else 0
    return [*given[:at], *given[at + 1 :]]


def _doubled(chance: Random, given: list[str]) -> list[str]:
    return [*given, chance.choice(given)] if given else given


def _doubled_first(_: Random, given: list[str]) -> list[str]:
    return [given[0], *given]


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
    schema("an argument taken away", arguments(_without)),
    schema("an argument twice", arguments(_doubled)),
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

# What stands in YAML where something else is due.
VALUES: Final = (
    *("", " null", " 3", " 1.5", " yes", " False", " [x]", " []", " {}", " {a: b}", ' ""', " ''"),
    *(" 2020-01-01", " !!binary aGk=", " !!set {a}", " 0x1f", " 1:30", " .inf", " ~", " text"),
    *(" [3]", " [[x]]", " [null]", " 'yes'", " |\n    text", " >-\n    text", " x: y"),
)
_NATIVE_KEYS: Final = (
    *("autogen", "category_override", "cpp_no_default_args", "device_check", "device_guard"),
    *("dispatch", "func", "manual_cpp_binding", "manual_kernel_registration", "precomputed"),
    *("python_module", "structured", "structured_delegate", "structured_inherits", "tags"),
    *("ufunc_inner_loop", "use_const_ref_for_mutable_tensors", "variants"),
)


def _of_another_type(chance: Random, text: str) -> str | None:
    name, value = chance.choice(_NATIVE_KEYS), chance.choice(VALUES)
    if name == "func":
        return re.sub(r"^- func: .*", lambda _: f"- func:{value}", text)
    return key(name, value or " ")(chance, text)


def _own_name(chance: Random, text: str) -> str:
    match = re.match(r"- func: (?:\w+::)?(\w+)", text)
    name = match[1] if match else "f"
    kernel = chance.choice([name, f"{name}_symint", "other", f"a::{name}", f"{name}_out"])
    tables = (f"CompositeImplicitAutograd: {kernel}", f"CPU, CompositeImplicitAutograd: {kernel}")
    return f"\n    {chance.choice(tables)}"


def _lone_composite(chance: Random, text: str) -> str | None:
    return key("dispatch", _own_name(chance, text))(chance, text)


def _autogen(chance: Random, text: str) -> str | None:
    match = re.match(r"- func: (?:\w+::)?(\w+?)_?(?:\.(\w+))?\(", text)
    if match is None:
        return None
    name, overload = match[1], match[2]
    out = f"{name}.{overload}_out" if overload else f"{name}.out"
    values = (
        *(f" {out}", f" {name}, {out}", f" {name}_functional, {out}", "", " nothing.out"),
        " x,y",
    )
    odd = (
        *(" a..b", " a.out,b.out", " ''", " .out", " about", " __iadd__.out", " a::b.out"),
        " a_out",
    )
    return key("autogen", *values, *values, *odd)(chance, text)


_TABLES: Final = (
    *("CPU: f", "CPU, CUDA: f", "CPU,CUDA: f", "CPU , CUDA: f", "cpu: f", "Autograd: f", "XLA: f"),
    *("CPU: f_symint", "SparseCPU: f", "QuantizedCPU: f", "MkldnnCPU: f", "AutogradCPU: f"),
    *("Undefined: f", "CatchAll: f", "CPU, : f", "CPU, CPU: f", "Meta: f", "NestedTensorCPU: f"),
    *("CompositeExplicitAutograd: f", "CompositeExplicitAutogradNonFunctional: f"),
    *(
        *("CompositeImplicitAutogradNestedTensor: f", "MPS: f", "Dense: f", "__line__: f"),
        "? [a]\n    : b",
    ),
)
_COMPOSITES: Final = (
    *("CompositeImplicitAutograd: f", "CompositeImplicitAutogradNestedTensor: g"),
    *("CompositeExplicitAutograd: h", "CompositeExplicitAutogradNonFunctional: i"),
)
_KERNELS: Final = ("a::f", "a::b::f", "a::b::c::f", "a::b::c::d::f", "::f", "f::", "a:b", "'f g'")


def _composites(chance: Random, text: str) -> str | None:
    lines = chance.sample(_COMPOSITES, chance.randint(1, 3))
    return key("dispatch", "".join(f"\n    {line}" for line in lines))(chance, text)


def _tagged(chance: Random, text: str) -> str | None:
    names = ("core", "inplace_view", "view_copy", "nondeterministic_seeded", "generated", "out")
    more = ("inplace", "pt2_compliant_tag", "pointwise", "nothing", "Core", "nondeterministic")
    tags = chance.sample((*names, *more), chance.randint(1, 3))
    value = f" {tags[0]}" if len(tags) == 1 else f" [{', '.join(tags)}]"
    return key("tags", value, value, f" [{tags[0]}]", f"\n  - {tags[0]}", f" {tags[0]},")(
        chance, text
    )


_PRECOMPUTED: Final = (
    *("dim -> int axis", "dim -> int axis, int extent", "int x", "dim ->int x", "dim -> int X"),
    *("a b -> int x", "dim -> ", " -> int x", "dim -> int x,int y", "dim -> int x -> int y", "int"),
    *("dim -> Tensor(a!) x", "dim -> int x=3", "dim -> Foo x", "'int x, int y'", "3", "[x]"),
)


def _precomputed(chance: Random, text: str) -> str | None:
    items = chance.sample(_PRECOMPUTED, chance.randint(1, 2))
    value = "".join(f"\n  - {item}" for item in items)
    changed = key("precomputed", value, value, value, " []", " text")(chance, text)
    return changed if chance.random() < 0.2 else key("structured", " True")(chance, changed or text)


_LOOPS: Final = (
    *("f (Bool)", "f (Integral, Bool)", "f (AllAndComplex)", "f", "f Bool", "f ()", "f (Nope)"),
    *("f (Bool,Half)", "f  (Bool)", "f (Bool) ", "f (", "f )", " (Bool)", "f (Bool", "f (Bool, )"),
)
_UFUNC_KEYS: Final = ("Generic", "ScalarOnly", "CUDAFunctor", "CPUVector", "CUDA", "generic", "3")


def _ufunc(chance: Random, text: str) -> str | None:
    of_keys = "".join(
        f"\n    {name}: {chance.choice(_LOOPS)}" for name in chance.sample(_UFUNC_KEYS, 2)
    )
    loop = f" {chance.choice(_LOOPS).strip()}"
    changed = key("ufunc_inner_loop", loop, loop, of_keys, " ''", " {}", " []", "")(chance, text)
    if changed and chance.random() < 0.5:
        changed = key("dispatch", "", "\n    MPS: f")(chance, changed)
    return changed


def _no_default(chance: Random, text: str) -> str | None:
    names = re.findall(r"(\w+)(?:=[^,)]*)?[,)]", text.partition("\n")[0])
    some = ", ".join(chance.sample(names, min(len(names), chance.randint(1, 2))))
    return key("cpp_no_default_args", f" [{some}]", f" ['{some}']", " [nothing]", " x", " [3]")(
        chance, text
    )


_DELEGATES: Final = ("", " sin.out", " gleam.out", " nothing.out", " sin", " a::sin.out", " sin..x")
NATIVE_ENTRIES: Final = (
    entry("an unknown key of a function", NATIVES, insert("colour: red", "Func: x", "__line__: 3")),
    entry("no func", NATIVES, swap(r"^- func:", "- function:", "- Func:", "- name:")),
    entry(
        "other variants",
        NATIVES,
        key(
            "variants",
            *(" method", " function", " method, function", " function,method", " methods"),
            *(" function, function", " ''", " [function]", " function, ", " Function", ""),
        ),
    ),
    entry("another dispatch table", NATIVES, key("dispatch", *(f"\n    {t}" for t in _TABLES))),
    entry("no dispatch table", NATIVES, key("dispatch", "")),
    entry("composites beside each other", NATIVES, _composites),
    entry("a lone composite", NATIVES, _lone_composite),
    entry(
        "another kernel",
        NATIVES,
        swap(r"(?m)(?<=^    )(\w+): \w+$", *(rf"\1: {k}" for k in _KERNELS)),
    ),
    entry(
        "a dispatch table of another type",
        NATIVES,
        key("dispatch", *VALUES[1:], "\n    CPU:", "\n    3: f", "\n    CPU: [f]", "\n    no: f"),
    ),
    entry(
        "structured or not", NATIVES, key("structured", " True", " False", "", " true", " 'True'")
    ),
    entry("another delegate", NATIVES, key("structured_delegate", *_DELEGATES)),
    entry(
        "inheriting", NATIVES, key("structured_inherits", " Base", " at::Base", " ''", " null", "")
    ),
    entry("precomputed", NATIVES, _precomputed),
    entry("an inner loop", NATIVES, _ufunc),
    entry("other autogen", NATIVES, _autogen),
    entry("other tags", NATIVES, _tagged),
    entry(
        "another device check",
        NATIVES,
        key("device_check", " NoCheck", " ExactSame", " No", "", " null"),
    ),
    entry("another device guard", NATIVES, key("device_guard", " False", " True", " no", " 0", "")),
    entry("a module", NATIVES, key("python_module", " nn", " linalg", " ''", " null", " 3", "")),
    entry(
        "registered by hand", NATIVES, key("manual_kernel_registration", " True", " False", " 1")
    ),
    entry("bound by hand", NATIVES, key("manual_cpp_binding", " True", " False", " 'True'", "")),
    entry("arguments without defaults", NATIVES, _no_default),
    entry(
        "const references",
        NATIVES,
        key("use_const_ref_for_mutable_tensors", " True", " False", " 0"),
    ),
    entry("a function's value of another type", NATIVES, _of_another_type),
)

# -------------------------------------------------------------------------------- derivatives.yaml

_FORMULA = r"(?m)(?<=: )(?!non_diff|auto_)[^\n'\"|>]+$(?<!->)"


def formula(*texts: str) -> OfText:
    """Put one of these in the place of a formula, or behind or before it."""

    def change(chance: Random, text: str) -> str | None:
        head, line, rest = text.partition("\n")
        text_ = chance.choice(texts).replace("\\", r"\\")
        where = chance.choice([text_, rf"\g<0> + {text_}", rf"f({text_}, \g<0>)"])
        changed = one_of(chance, rest, _FORMULA, where)
        return None if changed is None else head + line + changed

    return change


def formula_key(*keys: str) -> OfText:
    """Put one of these in the place of the key of a formula."""

    def change(chance: Random, text: str) -> str | None:
        head, line, rest = text.partition("\n")
        changed = one_of(chance, rest, r"(?m)^( +)[^\n:#]+(?=:)", rf"\1{chance.choice(keys)}")
        return None if changed is None else head + line + changed

    return change


_SAVED: Final = (
    *("self.sizes()", "self->sizes()", "self.size(0)", "self.size(-1)", "self.strides()"),
    *("self.sym_sizes()", "self->sym_sizes()", "self.sym_size(1)", "self.sym_size(-1)"),
    *("self.sym_size(dim)", "self.options()", "zeros_like(self)", "self.numel()", "self.dim()"),
    *("self.sym_numel()", "to_args_sizes(self)", "TensorGeometry(self)", "self.scalar_type()"),
    *("self.sym_strides()", "self.layout()", "self.is_conj()", "self.sym_blocksize()"),
    *("other.sym_strides()", "result.sym_sizes()", "zeros_like(result)", "result.dim()"),
    *("selfxdim()", "self.sym_size(a b)", "my_self.dim()", "self .dim()", "result"),
    *("to_args_sizes_symint(self)", "to_args_scalartypes(self)", "self.size(dim)", "self.sizes"),
)
_DIFFERENTIABLE: Final = (
    *("[True]", "[False]", "[True, False]", "[False, True]", "[True, True, True]", "[]", "null"),
    *("['a()']", "[a, b]", "[True, 'a()']", "[yes]", "[no, yes]", "True", "False", "''"),
)
_KEYED: Final = (
    *("Default", "AutogradCUDA", "AutogradNestedTensor", "AutogradXLA", "AutogradMPS", "Autograd"),
    *("CUDA", "default", "AutogradFoo", "AutogradCPU", "AutogradPrivateUse1", "AutogradMeta"),
)


def _keyed(*tables: str) -> OfText:
    """Move the formulas under `dispatch`, below one of these keys, and perhaps below another."""

    def change(chance: Random, text: str) -> str | None:
        head, _, rest = text.partition("\n")
        if "\n  dispatch:" in text:
            return None
        inner = "".join(f"    {line}\n" for line in rest.splitlines() if line.strip())
        parts = [f"    {t}:\n{inner}" for t in chance.sample(tables, chance.randint(1, 2))]
        return f"{head}\n  dispatch:\n{''.join(parts)}"

    return change


def _another_name(chance: Random, files: Files) -> Files | None:
    funcs = [m[1] for e in files[NATIVES] if (m := re.match(r"- func: (.+)\n", e))]
    first, *others = files[DERIVATIVES]
    name = chance.choice(funcs).replace("\\", r"\\")
    changed = re.sub(r"^- name: .*", f"- name: {name}", first)
    return None if changed == first else {**files, DERIVATIVES: [changed, *others]}


DERIVATIVE_ENTRIES: Final = (
    entry(
        "gradients by number",
        DERIVATIVES,
        formula("grads[0]", "grads[1]", "grads[2]", "grads[9]", "grads", "grads[-1]", "grads[ 0]"),
    ),
    entry(
        "a gradient number beyond reason",
        DERIVATIVES,
        formula(f"grads[{'9' * 19}]", f"grads[{'0' * 30}]"),
    ),
    entry("grad and grads", DERIVATIVES, formula("grad * grads[0]", "grad + grads[1]", "grad")),
    entry("no grad", DERIVATIVES, swap(r"\bgrad\b", "grads[0]", "grads", "gradient", "grad_", "x")),
    entry(
        "gradients by name",
        DERIVATIVES,
        formula("grad_result", "grad_upper", "grad_lower", "grad_output", "grad_mask", "grad_U"),
    ),
    entry(
        "another key of a formula",
        DERIVATIVES,
        formula_key("self", "other", "result", "result0", "result1", "result9", "input", "nothing"),
    ),
    entry(
        "a key of several names",
        DERIVATIVES,
        formula_key(
            *("self, other", "self,other", "self, self", "self, result", "result, self", "self, "),
            *("nothing, self", "result0, result1", "', '", "self , other", "result0, self"),
        ),
    ),
    entry(
        "an output number beyond reason",
        DERIVATIVES,
        formula_key(f"result{'9' * 19}", f"result{'0' * 20}"),
    ),
    entry(
        "no derivative",
        DERIVATIVES,
        insert(
            *("self: non_differentiable", "other: non_differentiable", "self: NON_DIFFERENTIABLE"),
            *("dim: ' non_differentiable '", "result: non_differentiable", "x: non_differentiable"),
        ),
    ),
    entry("a formula that is no derivative", DERIVATIVES, swap(_FORMULA, "non_differentiable")),
    entry("what a formula saves", DERIVATIVES, formula(*_SAVED)),
    entry(
        "a forward formula",
        DERIVATIVES,
        insert(
            *(
                *("result: self_t", "result: self_t * self_p", "result: self"),
                "result: self_t + other",
            ),
            *("result: result", "result: self_t.sin()", "result: grad", "result0: self_t"),
            *(
                *("result1: self_t", "result: self_p.dim()", "self: self_t"),
                "result: 'self_t.f(a).g(b)'",
            ),
        ),
    ),
    entry("automatic, linear", DERIVATIVES, insert("result: auto_linear", "self: auto_linear")),
    entry(
        "automatic, element by element",
        DERIVATIVES,
        insert(
            "result: auto_element_wise", "self: auto_element_wise", "'result, x': auto_element_wise"
        ),
    ),
    entry(
        "automatic in another way",
        DERIVATIVES,
        swap(
            r"auto_\w+|(?<=result: ).*", "auto_linear", "auto_element_wise", "auto_Linear", "auto"
        ),
    ),
    entry(
        "tangents and primals",
        DERIVATIVES,
        swap(
            *(r"\bself_[tp]\b|\bresult\b(?!:)", "self_p", "self_t", "result", "self"),
            "original_self_p",
        ),
    ),
    entry(
        "other output_differentiability",
        DERIVATIVES,
        key("output_differentiability", *(f" {value}" for value in _DIFFERENTIABLE)),
    ),
    entry(
        "output_differentiability of no truth",
        DERIVATIVES,
        key("output_differentiability", " [1]", " [0, 1]", " [null]", " a", " {a: b}", " 3", " ab"),
    ),
    entry("formulas by key", DERIVATIVES, _keyed(*_KEYED)),
    entry(
        "formulas by a key that is none", DERIVATIVES, _keyed("CPU", "3", "[a]", "''", "~", "x y")
    ),
    entry(
        "formulas by key that are none",
        DERIVATIVES,
        insert(
            "dispatch:", "dispatch: {}", "dispatch: x", "dispatch: [x]", "dispatch: {Default: x}"
        ),
    ),
    Mutation("another function", DERIVATIVES, _another_name),
    entry(
        "no function",
        DERIVATIVES,
        swap(r"^- name: .*", "- name: sin", "- name: sin()", "- name:", "- name: 3", "- name: [a]"),
    ),
    entry(
        "another schema",
        DERIVATIVES,
        swap(r"(?<=^- name: ).*", r"\g<0> ", r" \g<0>", r"x\g<0>", "''"),
    ),
    entry("no name", DERIVATIVES, swap(r"^- name:", "- Name:", "- func:", "- self:")),
    entry(
        "a formula of another type",
        DERIVATIVES,
        lambda chance, text: insert(*(f"self:{v}" for v in VALUES))(
            chance, re.sub(r"(?m)^  self:.*\n", "", text)
        ),
    ),
    entry(
        "a forward formula of another type", DERIVATIVES, insert(*(f"result:{v}" for v in VALUES))
    ),
    entry(
        "a key of another type", DERIVATIVES, insert("3: grad", "yes: grad", "~: grad", "[a]: grad")
    ),
    entry(
        "a formula of an odd form", DERIVATIVES, formula("''", "a\\1b", "{0}", "%s", "grad)", "(")
    ),
)

# ----------------------------------------------------------------------------- tags, lists, YAML

_TAG_ENTRIES: Final = (
    entry("another tag", TAGS, swap(r"^- tag: .*", "- tag: other", "- tag: a b", "- tag: Core")),
    entry("a tag of another type", TAGS, swap(r"^- tag: .*", *(f"- tag:{v}" for v in VALUES))),
    entry("no tag", TAGS, swap(r"^- tag:", "- name:", "- Tag:")),
    entry(
        "no description",
        TAGS,
        swap(
            *(r"(?s)  desc:.*", "", "  desc: ''\n", "  desc:\n", "  desc: 3\n", "  desc: |\n"),
            "  Desc: x\n",
        ),
    ),
    entry("an unknown key of a tag", TAGS, insert("colour: red", "since: 2", "__line__: x")),
)


def _taken_away(chance: Random, entries: list[str]) -> list[str]:
    return _without(chance, entries)


def _first_taken_away(_: Random, entries: list[str]) -> list[str]:
    return entries[1:]


def _overload_doubled(chance: Random, entries: list[str]) -> list[str]:
    overload = chance.choice([".copied", ".x_out", ""])
    first = re.sub(r"^(- func: \w+)(?:\.\w+)?", rf"\1{overload}", entries[0])
    return [*entries, first]


def _mixed(chance: Random, entries: list[str]) -> list[str]:
    return chance.sample(entries, len(entries))


LISTS: Final = (
    catalogue("a function twice", NATIVES, _doubled_first),
    catalogue("a function under another overload", NATIVES, _overload_doubled),
    catalogue("a function missing", NATIVES, _taken_away),
    catalogue("the function missing", NATIVES, _first_taken_away),
    catalogue("functions in another order", NATIVES, _mixed),
    catalogue("a definition twice", DERIVATIVES, _doubled_first),
    catalogue("a definition missing", DERIVATIVES, _taken_away),
    catalogue("definitions in another order", DERIVATIVES, _mixed),
    catalogue("a tag twice", TAGS, _doubled_first),
    catalogue("a tag missing", TAGS, _taken_away),
)


def _duplicate_key(chance: Random, text: str) -> str | None:
    lines = re.findall(r"(?m)^  (?!dispatch)\w+:.*$", text)
    odd = [
        *("yes: 1\n  true: 1", "1: a\n  0x1: b", "a: 1\n  'a': 2", "<<: {a: b}", "<<: [{}]"),
        "=: x",
    ]
    return f"{text}{chance.choice([*lines, *lines, '  ' + chance.choice(odd)])}\n"


def _quoted(chance: Random, text: str) -> str | None:
    quote = chance.choice("'\"")
    return one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{]+)$", rf"{quote}\1{quote}")


def _wrapped(chance: Random, text: str) -> str | None:
    style = chance.choice(["|", "|-", ">", ">-", "|+", ">2-"])
    return one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{]+)$", rf"{style}\n      \1")


def _over_lines(chance: Random, text: str) -> str | None:
    return one_of(
        chance, text, r"(?m)(?<=[,+*]) (?=\w)", chance.choice(["\n      ", "\n\n      ", "\n"])
    )


def _anywhere(*parts: str) -> OfText:
    def change(chance: Random, text: str) -> str:
        at = chance.randint(0, len(text))
        return text[:at] + chance.choice(parts) + text[at:]

    return change


def _escaped(chance: Random, text: str) -> str | None:
    """Put one value in double quotes, with an escape somewhere in it."""
    values = list(re.finditer(r"(?m)(?<=: )([^'\"\n|>\[{\\]+)$", text))
    if not values:
        return None
    match = chance.choice(values)
    at = chance.randint(match.start(), match.end())
    escape = chance.choice(_ESCAPES)
    inside = text[match.start() : at] + escape + text[at : match.end()]
    return f'{text[: match.start()]}"{inside}"{text[match.end() :]}'


def _anchored(chance: Random, text: str) -> str | None:
    anchored = one_of(chance, text, r"(?m)(?<=: )([^'\"\n|>\[{&*]+)$", r"&a \1")
    if anchored is None:
        return None
    return anchored + chance.choice(["  result: *a\n", "  autogen: *a\n", "", "  x: *b\n"])


_ESCAPES: Final = (
    *("\\n", "\\t", "\\x41", "\\u00e9", "\\0", "\\ud800", "\\\\", '\\"', "\\q", "\\\n "),
)
_YAML_TAGS: Final = (
    *("!!str", "!!int", "!!python/name:os.system", "!foo", "!!null", "!", "!!binary", "!!bool"),
    *("!!float", "!!timestamp", "!!omap", "!!pairs", "!!seq"),
)
_ODD: Final = (
    *("é", "日", "\u200b", "\u202e", "\U0001f600", "\xa0", "ﬁ", "\ufeff", "\uff41", "٣"),
    "\u017f",
)
_CONTROL: Final = (
    *("\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\x0c", "\ufffe", "\t"),
)
_LINE_ENDS: Final = (
    *("\r\n", "\r", "\n\n", "\x85", "\u2028", "\x0b", "\n# x\n", "\n  # x\n", " # x\n"),
)


def _yaml(name: str, change: OfText) -> tuple[Mutation, ...]:
    """The same mutation of an entry of either file that has formulas or schemas."""
    return (
        entry(f"{name}, of a function", NATIVES, change),
        entry(f"{name}, of a definition", DERIVATIVES, change),
    )


_TOP_LEVELS: Final = (
    *("", "\n", "# x\n", "[]\n", "{}\n", "x\n", "3\n", "~\n", "- \n", "- x\n", "- []\n"),
    "a: []\n",
)
YAML: Final = (
    *_yaml("a key twice", _duplicate_key),
    *_yaml("a value in quotes", _quoted),
    *_yaml("a value in a block", _wrapped),
    *_yaml("a value over lines", _over_lines),
    *_yaml("an odd character", _anywhere(*_ODD)),
    *_yaml("a control character", _anywhere(*_CONTROL)),
    *_yaml("white space", swap(r"\n|(?m:^ +)| |:", " ", "  ", "\n", "\t", "", " \n", ":")),
    *_yaml("an escape in quotes", _escaped),
    *_yaml("an anchor", _anchored),
    *_yaml("a YAML tag", swap(r"(?m)(?<=: )(?=\w)", *(f"{tag} " for tag in _YAML_TAGS))),
    *_yaml("a character of YAML's", _anywhere(*"'\"#:,-[{)]}!*&|>%@`?=")),
    *_yaml("other line ends", lambda chance, text: text.replace("\n", chance.choice(_LINE_ENDS))),
    whole("another top level", NATIVES, lambda chance, _: chance.choice(_TOP_LEVELS)),
    whole(
        "another top level of definitions",
        DERIVATIVES,
        lambda chance, _: chance.choice(_TOP_LEVELS),
    ),
    whole("another top level of tags", TAGS, lambda chance, _: chance.choice(_TOP_LEVELS)),
    whole(
        "what stands around",
        NATIVES,
        lambda chance, text: chance.choice(
            [
                *("---\n{}", "{}---\n", "{}...\n", "%YAML 1.1\n---\n{}", "\ufeff{}"),
                *("%X y\n---\n{}", "{}---\n- x\n"),
            ]
        ).replace("{}", text),
    ),
    whole("indented", DERIVATIVES, lambda _, text: re.sub(r"(?m)^(?=.)", "  ", text)),
    whole("no line end at the end", DERIVATIVES, lambda _, text: text.rstrip("\n")),
)

MUTATIONS: Final = (
    *SCHEMAS,
    *NATIVE_ENTRIES,
    *DERIVATIVE_ENTRIES,
    *_TAG_ENTRIES,
    *LISTS,
    *YAML,
)
