"""What the generator of Python bindings refuses (gen_python_functions.py, api/python.py).

One binding serves all overloads of a name. It parses the arguments by the signatures of these, and
an out variant shares the signature of the function that makes the same output anew. So overloads
must differ in what Python sees of them, and an out variant needs such a function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from derivload.cpp.bindings import CppBindings
from derivload.diagnostics import Invalid
from derivload.generators.python_types import PythonTypes
from derivload.generators.subject import Refusal, non_options
from derivload.generators.tables import Tables
from derivload.native.function import NativeFunction, hides_from_python
from derivload.schema.arguments import Argument
from derivload.schema.function_schema import FunctionSchema
from derivload.tuples import NamedTuple

_KINDS: Final = ("function", "method")
_MODULES: Final = frozenset({"nn", "fft", "linalg", "nested", "sparse", "special"})


def is_bound(function: NativeFunction, tables: Tables) -> bool:
    """Whether a function may have a Python binding (`should_generate_py_binding`)."""
    if hides_from_python(function.tags):
        return False
    return not tables.hidden.has(function.cpp_name, function.schema.text)


class _Overload(NamedTuple):
    """An overload, what Python sees of its arguments, and whether it has TensorOptions."""

    function: NativeFunction
    positional: tuple[str, ...]
    named: tuple[str, ...]
    has_options: bool

    @property
    def signature(self) -> tuple[object, ...]:
        """What it has without outputs and defaults."""
        return self[1:]


class PythonBindings:
    """The rules for the Python bindings of one release."""

    def __init__(self, tables: Tables, bindings: CppBindings) -> None:
        self._tables = tables
        self._bindings = bindings
        self._types = PythonTypes(tables, bindings.types)
        self._formals: dict[str, str] = {}

    def check(self, functions: Iterable[NativeFunction]) -> Iterator[Refusal]:
        """The mistakes of these functions, which are all overloads of their names.

        DL830 to DL836; what cannot be written in C++ either is left out.
        """
        groups: defaultdict[str, defaultdict[str, list[NativeFunction]]]
        groups = defaultdict(lambda: defaultdict(list))
        for function in functions:
            schema = function.schema
            name = schema.name.name
            yield from _check_names(function)
            module = function.python_module
            if module is None:
                for kind in _KINDS:
                    if kind in function.variants:
                        groups[kind][name].append(function)
            elif module in _MODULES:
                groups[module][name].append(function)
        for kind, by_name in groups.items():
            for overloads in by_name.values():
                yield from self._check_group(overloads, kind)

    def _check_one(self, function: NativeFunction, *, as_method: bool) -> Iterator[Refusal]:
        yield from self._check_arguments(function, as_method=as_method)
        yield from self._check_dispatch(function, _has_python_options(function, self._tables))

    def _check_group(self, functions: list[NativeFunction], kind: str) -> Iterator[Refusal]:
        """`kind` is one of `_KINDS`, or a module."""
        if len(functions) == 1 and not functions[0].schema.arguments.out:
            yield from self._check_one(functions[0], as_method=kind == "method")
            return
        bases: dict[object, list[_Overload]] = {}
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
                yield _alone(out.function, "torch" if kind == "function" else f"torch.{kind}")

    # -------------------------------------------------------------------------- signatures

    def _overload(self, function: NativeFunction, *, as_method: bool) -> _Overload | None:
        """None if a type cannot be read."""
        arguments = function.schema.arguments
        own = arguments.self_argument if as_method else None
        positional = tuple([self._formal(a) for a in arguments.positional if a is not own])
        named = tuple([self._formal(a) for a in arguments.without_options])
        if "" in positional + named:
            return None
        return _Overload(function, positional, named, _has_python_options(function, self._tables))

    def _formal(self, argument: Argument) -> str:
        """What Python sees of an argument, without its default; "" if its type cannot be read."""
        declaration = argument.declaration
        if declaration == "Tensor self":
            return "Tensor input"
        known = self._formals.get(declaration)
        if known is None:
            is_read = self._types.is_read(argument.type)
            known = f"{self._types.seen(argument.type)} {argument.name}" if is_read else ""
            self._formals[declaration] = known
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

    def _default(self, argument: Argument) -> str | None:
        if argument.default is None:
            return None
        try:
            default = self._bindings.default_expr(argument.default, argument.type, symint=False)
        except Invalid:
            return argument.default  # another mistake
        return _in_python(default)

    # ---------------------------------------------------------------------------- dispatch

    def _check_arguments(self, function: NativeFunction, *, as_method: bool) -> Iterator[Refusal]:
        own = function.schema.arguments.self_argument if as_method else None
        for argument in non_options(function):
            if argument is not own and not self._types.is_read(argument.type):
                found = f"`{function.qualified}` takes `{argument.text}`"
                found += ", which Python bindings cannot read"
                yield _refusal(function, "DL833", found, argument.text)
                return

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
    has_name = "requires_grad" in schema.text
    if has_name and any(a.name == "requires_grad" for a in schema.arguments.flat_all):
        found = (
            f"`{function.qualified}` has an argument named `requires_grad`, which bindings add "
            "by themselves"
        )
        yield _refusal(function, "DL835", found, "requires_grad")
    if len({bool(r.name) for r in schema.returns}) > 1:
        found = f"`{function.qualified}` names some of its outputs, but not all"
        yield _refusal(function, "DL834", found, schema.text.rpartition(" -> ")[2])


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
    return Refusal(function, code, message, words)


def _in_python(default: str) -> str:
    """A default as Python sees it: numbers are written in one way, and so is what is empty."""
    for number in (int, float):
        try:
            return str(number(default))
        except ValueError:
            pass
    return "{}" if default == "nullptr" or default.endswith("::nullopt") else default
