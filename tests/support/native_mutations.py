"""Mutations of entries of native_functions.yaml, other than of their schemas."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from support.mutation_kinds import VALUES, entry, insert, key, swap
from support.paths import NATIVES

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
