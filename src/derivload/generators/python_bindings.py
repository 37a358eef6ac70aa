"""What the generator of Python bindings refuses (gen_python_functions.py, api/python.py).

One binding serves all overloads of a name. It parses the arguments by the signatures of these, and
an out variant shares the signature of the function that makes the same output anew. So overloads
must differ in what Python sees of them, and an out variant needs such a function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from derivload.cpp.bindings import CppBindings
from derivload.diagnostics import Invalid
from derivload.generators.python_types import PythonTypes
from derivload.generators.subject import Refusal, non_options
from derivload.generators.tables import Tables
from derivload.native.function import NativeFunction, hides_from_python
from derivload.schema.arguments import Argument
from derivload.schema.function_schema import FunctionSchema

_PLACES: Final = {"method": "a tensor", "function": "torch"}
_MODULES: Final = frozenset({"nn", "fft", "linalg", "nested", "sparse", "special"})
_OPTIONS: Final = (
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False"
)


def is_bound(function: NativeFunction, tables: Tables) -> bool:
    """Whether a function may have a Python binding (`should_generate_py_binding`)."""
    if hides_from_python(function.tags):
        return False
    return not tables.hidden.has(function.cpp_name, function.schema.text)


def is_in_module(function: NativeFunction) -> bool:
    """Whether a bound function stands in a module of Python that the generators write."""
    return function.python_module is None or function.python_module in _MODULES


class _Overload(NamedTuple):
    """An overload, its signature without outputs and defaults, and whether it has TensorOptions."""

    function: NativeFunction
    signature: str
    has_options: bool


class PythonBindings:
    """The rules for the Python bindings of one release."""

    def __init__(self, tables: Tables, bindings: CppBindings) -> None:
        self._tables = tables
        self._bindings = bindings
        self._types = PythonTypes(tables, bindings.types)
        self._formals: dict[str, str] = {}
        self._read: set[str] = set()  # the types of arguments that can be read

    def check(self, functions: Iterable[NativeFunction]) -> Iterator[Refusal]:
        """The mistakes of these functions, which are all overloads of their names.

        DL830 to DL836; what cannot be written in C++ either is left out.
        """
        groups: defaultdict[str, defaultdict[str, list[NativeFunction]]]
        groups = defaultdict(lambda: defaultdict(list))
        odd = set()  # Without `self`, most methods differ as the functions of the same name do.
        for function in functions:
            schema = function.schema
            name = schema.name.name
            if len(schema.returns) > 1 or "requires_grad" in schema.text:
                yield from _check_names(function)
            module = function.python_module
            if module is None:
                for kind in function.variants:
                    groups[kind][name].append(function)
                if "method" in function.variants and not _is_function_of_self(function):
                    odd.add(name)
            elif module in _MODULES:
                groups[module][name].append(function)
        for kind, by_name in groups.items():
            for name, overloads in by_name.items():
                if kind != "method" or name in odd:
                    yield from self._check_group(overloads, kind)

    def _is_plain(self, function: NativeFunction) -> bool:
        """Whether all that `_check_one` looks at is known to be right. That goes for most."""
        arguments, returns = function.schema.arguments, function.schema.returns
        if function.category_override or arguments.options_index is not None:
            return False
        for group in (arguments.positional, arguments.kwarg_only):
            for argument in group:
                if argument.type.text not in self._read:
                    return False
        name = function.schema.name.name
        is_like = name.startswith("new_") or name.endswith("_like")
        is_of_tensor = bool(arguments.positional) and arguments.positional[0].type.base == "Tensor"
        is_one = len(returns) == 1 and returns[0].type.text == "Tensor"
        return is_one and is_of_tensor and not is_like

    def _check_one(self, function: NativeFunction, *, as_method: bool) -> Iterator[Refusal]:
        yield from self._check_arguments(function, as_method=as_method)
        yield from self._check_dispatch(function, _has_python_options(function, self._tables))

    def _check_group(self, functions: list[NativeFunction], kind: str) -> Iterator[Refusal]:
        """`kind` is a key of `_PLACES`, or a module."""
        if _are_distinct(functions):
            for function in functions:
                if not self._is_plain(function):
                    yield from self._check_one(function, as_method=kind == "method")
            return
        bases: dict[str, list[_Overload]] = {}
        outs: list[_Overload] = []
        is_certain = True
        for function in functions:
            overload = self._overload(function, as_method=kind == "method")
            if overload is None:
                is_certain = False
                yield from self._check_arguments(function, as_method=kind == "method")
            elif function.schema.arguments.out:
                yield from self._check_same(overload, outs)
                outs.append(overload)
            else:
                same = bases.setdefault(overload.signature, [])
                yield from self._check_same(overload, same)
                same.append(overload)
                yield from self._check_dispatch(function, overload.has_options)
        for out in outs:
            fits = [b for b in bases.get(out.signature, ()) if self._is_same(b, out)]
            if fits:
                yield from self._check_dispatch(out.function, fits[0].has_options)
            elif is_certain:
                yield _alone(out.function, _PLACES.get(kind, f"torch.{kind}"))

    # -------------------------------------------------------------------------- signatures

    def _overload(self, function: NativeFunction, *, as_method: bool) -> _Overload | None:
        """None if a type cannot be written or read."""
        formals = []
        arguments = function.schema.arguments
        for i, argument in enumerate(arguments.positional):
            if not as_method or i != arguments.self_index:
                formals.append(self._formal(argument, as_method=as_method))
        named = [self._formal(a, as_method=as_method) for a in arguments.without_options]
        has_options = _has_python_options(function, self._tables)
        if has_options:
            named.append(_OPTIONS)
        if named:
            formals += ["*", *named]
        return None if "" in formals else _Overload(function, ", ".join(formals), has_options)

    def _formal(self, argument: Argument, *, as_method: bool) -> str:
        """An argument without its default; "" if its type cannot be written or read."""
        declaration = argument.declaration
        if declaration == "Tensor self":
            return declaration if as_method else "Tensor input"
        known = self._formals.get(declaration)
        if known is None:
            written = self._types.written(argument.type)
            is_known = written is not None and self._types.is_read(argument.type)
            known = self._formals[declaration] = f"{written} {argument.name}" if is_known else ""
        return known

    def _check_same(self, overload: _Overload, others: list[_Overload]) -> Iterator[Refusal]:
        for other in others:
            if other.signature == overload.signature and self._is_same(other, overload):
                yield _same_signature(overload.function, other.function)
                return

    def _is_same(self, one: _Overload, other: _Overload) -> bool:
        """Whether two overloads whose arguments are the same have the same defaults in Python."""
        pairs = zip(non_options(one.function), non_options(other.function), strict=False)
        return all(a.default == b.default or self._default(a) == self._default(b) for a, b in pairs)

    def _default(self, argument: Argument) -> str:
        if argument.default is None:
            return ""
        try:
            default = self._bindings.default_expr(argument.default, argument.type, symint=False)
        except Invalid:
            return argument.default  # another mistake
        return _in_python(default)

    # ---------------------------------------------------------------------------- dispatch

    def _check_arguments(self, function: NativeFunction, *, as_method: bool) -> Iterator[Refusal]:
        read = self._read
        own = function.schema.arguments.self_argument if as_method else None
        for argument in non_options(function):
            text = argument.type.text
            if text in read or argument is own:
                continue
            if self._types.written(argument.type) is None or not self._types.is_read(argument.type):
                found = f"`{function.qualified}` takes `{argument.text}`"
                found += ", which Python bindings cannot read"
                yield _refusal(function, "DL833", found, argument.text)
                return
            read.add(text)

    def _check_dispatch(self, function: NativeFunction, has_options: bool) -> Iterator[Refusal]:
        """`has_options` is whether the signature has TensorOptions."""
        schema = function.schema
        wrong = self._types.not_returned(schema.returns)
        if wrong is not None:
            found = f"`{function.qualified}` returns `{wrong}`, which Python bindings cannot return"
            yield _refusal(function, "DL832", found, schema.text.rpartition(" -> ")[2])
        if has_options or schema.arguments.options_index is not None:
            yield from _check_options(function, has_options=has_options)


def _check_names(function: NativeFunction) -> Iterator[Refusal]:
    """What names of arguments and outputs no binding can have."""
    schema = function.schema
    if any(a.name == "requires_grad" for a in schema.arguments.flat_all):
        found = (
            f"`{function.qualified}` has an argument named `requires_grad`, which bindings add "
            "by themselves"
        )
        yield _refusal(function, "DL835", found, "requires_grad")
    if len({r.name is None for r in schema.returns}) > 1:
        found = f"`{function.qualified}` names some of its outputs, but not all"
        yield _refusal(function, "DL834", found, schema.text.rpartition(" -> ")[2])


def _are_distinct(overloads: list[NativeFunction]) -> bool:
    """Whether this is one function, perhaps with its out variant. Most overloads are such."""
    if len(overloads) == 1:
        return not overloads[0].schema.arguments.out
    one, other = overloads[:2]
    positional = one.schema.arguments.positional
    # What takes no tensor, or has such a name, may take TensorOptions in one of the two.
    return (
        len(overloads) == 2
        and one.schema.is_out != other.schema.is_out
        and one.signatures.exact == other.signatures.exact
        and bool(positional)
        and positional[0].type.base == "Tensor"
        and not one.schema.name.name.endswith("_like")
        and not (one.category_override or other.category_override)
    )


def _is_function_of_self(method: NativeFunction) -> bool:
    """Whether a method is a function too, whose first argument is `Tensor self`."""
    positional = method.schema.arguments.positional
    is_of_self = bool(positional) and positional[0].declaration == "Tensor self"
    return is_of_self and "function" in method.variants


def _check_options(function: NativeFunction, *, has_options: bool) -> Iterator[Refusal]:
    """`has_options` is whether the Python signature has TensorOptions."""
    if function.schema.arguments.options_index is None:
        yield from _check_no_options(function)
    elif not has_options:
        found = (
            f"`{function.qualified}` has TensorOptions, but takes a tensor, and its name is not "
            "that of a function that makes one like it"
        )
        yield _refusal(function, "DL836", found, "dtype")._replace(
            help="remove them, or name the function `new_…` or `…_like`"
        )


def _check_no_options(function: NativeFunction) -> Iterator[Refusal]:
    """A function that Python takes for a factory, but that has no TensorOptions."""
    schema = function.schema
    if not schema.is_out:
        found = (
            f"`{function.qualified}` makes a tensor from no tensor, but has no TensorOptions"
            f"{_part_of_options(schema)}"
        )
        yield _refusal(function, "DL836", found, function.name.text)
    elif len(schema.arguments.out) == 1 and not any(
        a.name == "out" for a in schema.arguments.flat_all
    ):
        found = f"the out argument of `{function.qualified}`, which makes a tensor, is not `out`"
        yield _refusal(function, "DL836", found, schema.arguments.out[0].text)._replace(
            help="name it `out`"
        )


def _part_of_options(schema: FunctionSchema) -> str:
    known = ("dtype", "layout", "device", "pin_memory")
    there = [name for name in known if any(a.name == name for a in schema.arguments.flat_all)]
    if not there:
        return ""
    missing = [name for name in known if name not in there]
    if missing:
        return f": `{'`, `'.join(missing)}` {'is' if len(missing) == 1 else 'are'} missing"
    return f": these are {', '.join(f'`{name}`' for name in known)}, in this order"


def _has_python_options(function: NativeFunction, tables: Tables) -> bool:
    """Whether the signature of a function has the arguments of TensorOptions."""
    schema, category = function.schema, function.category_override
    if category is not None:
        if category == "dummy" and tables.dummies:
            return False
        if category in ("factory", "new", "like"):
            return True
    name = schema.name.name
    if name.startswith("new_") or (name.endswith("_like") and not schema.arguments.out):
        return True
    for argument in schema.arguments.flat_non_out:
        if argument.type.base == "Tensor":
            return False
    return any(r.type.is_tensor_like for r in schema.returns)


def _same_signature(function: NativeFunction, first: NativeFunction) -> Refusal:
    return _refusal(
        function,
        "DL831",
        f"Python sees no difference between the arguments of `{function.qualified}` and "
        f"`{first.qualified}`",
        function.name.text,
    )


def _alone(out: NativeFunction, module: str) -> Refusal:
    return _refusal(
        out,
        "DL830",
        f"{module} has no `{out.name.name}` that takes the arguments of `{out.qualified}` but for "
        "the out arguments",
        out.name.text,
    )


def _refusal(function: NativeFunction, code: str, message: str, words: str) -> Refusal:
    return Refusal(function, code, message, words, path="func")


def _in_python(default: str) -> str:
    """A default as the signature has it: numbers are written in one way."""
    if default in ("true", "false"):
        return str(default == "true")
    for number in (int, float):
        try:
            return str(number(default))
        except ValueError:
            pass
    return "None" if default in ("nullptr", "{}") or default.endswith("::nullopt") else default
