"""Makes what stands in for single functions of torchgen (`stand_ins.py`).

Most of it remembers what the function returned for the same object or text. These objects do not
change: they are of frozen dataclasses. Each has the results itself, beside its fields, so they go
when it goes. Nothing of a release's torchgen looks there (`stand_ins.py` looks at any other).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, Final

# It tells objects apart as `id` does, but Python tells audit hooks of each call of `id`.
identity: Final = object.__hash__


class _Manager:
    """Stands in for `native_function_manager`, which nests three context managers."""

    __slots__ = ("_function", "_group", "_locals", "_old", "_original")

    def __init__(self, original: Callable[[Any], Any], locals_: Any, group: Any, function: Any):
        self._original = original
        self._locals = locals_
        self._group = group
        self._function = function

    def __enter__(self) -> None:
        own, function = self._locals, self._function
        self._old = (own.use_const_ref_for_mutable_tensors, own.use_ilistref_for_tensor_lists)
        const_ref = function.use_const_ref_for_mutable_tensors
        own.use_const_ref_for_mutable_tensors = const_ref
        own.use_ilistref_for_tensor_lists = function.part_of_structured_group

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        own = self._locals
        own.use_const_ref_for_mutable_tensors, own.use_ilistref_for_tensor_lists = self._old
        if error is None:
            return None
        # torchgen adds to the exception where it was raised.
        manager = self._original(self._group)
        manager.__enter__()
        return manager.__exit__(kind, error, traceback)


def make_manager(original: Any, *_: object) -> Callable[[Any], _Manager]:
    """`native_function_manager`, without contexts that are nested."""
    names = inspect.unwrap(original).__globals__
    group_type, view_type = names["NativeFunctionsGroup"], names["NativeFunctionsViewGroup"]
    locals_ = names["local"]._locals

    def native_function_manager(group: Any) -> _Manager:
        function = group
        if isinstance(group, group_type):
            function = group.out
        elif isinstance(group, view_type):
            function = group.view
        return _Manager(original, locals_, group, function)

    return native_function_manager


def make_argument_type(original: Callable[..., Any], *_: object) -> Callable[..., Any]:
    """`argument_type`, called once for each argument, what it is bound to, and what its result
    depends on besides.
    """
    locals_ = inspect.unwrap(original).__globals__["local"]._locals
    own = _name_for(original)

    def argument_type(argument: Any, *, binds: Any, symint: bool = False) -> Any:
        const_ref = locals_.use_const_ref_for_mutable_tensors
        key = (binds, symint, const_ref, locals_.use_ilistref_for_tensor_lists)
        results = argument.__dict__.setdefault(own, {})
        found = results.get(key)
        if found is None:
            found = results[key] = original(argument, binds=binds, symint=symint)
        return found

    return argument_type


def make_arguments(original: Callable[..., list[Any]], *_: object) -> Callable[..., list[Any]]:
    """`arguments`, called once for each schema and what its result depends on besides."""
    locals_ = original.__globals__["cpp"].local._locals
    own = _name_for(original)

    def arguments(func: Any, *, symint: bool = True) -> list[Any]:
        const_ref = locals_.use_const_ref_for_mutable_tensors
        key = (symint, const_ref, locals_.use_ilistref_for_tensor_lists)
        results = func.__dict__.setdefault(own, {})
        found = results.get(key)
        if found is None:
            found = results[key] = original(func, symint=symint)
        return [*found]

    return arguments


def make_lambda_arguments(original: Callable[..., Any], *_: object) -> Callable[..., Any]:
    """`dispatch_lambda_args`, called once for each function, signature and what its result depends
    on besides. The function has the results: torchgen looks at everything that a signature has.
    """
    locals_ = original.__globals__["cpp"].local._locals
    own = _name_for(original)

    def dispatch_lambda_args(ps: Any, f: Any, symint: bool = True) -> Any:
        const_ref = locals_.use_const_ref_for_mutable_tensors
        key = (identity(ps), symint, const_ref, locals_.use_ilistref_for_tensor_lists)
        results = f.__dict__.setdefault(own, {})
        found = results.get(key)
        if found is None:
            # With the signature, so that no other object can get its identity.
            found = results[key] = (ps, original(ps, f, symint))
        return found[1]

    return dispatch_lambda_args


def remember(original: Callable[[Any], Any], *_: object) -> Callable[[Any], Any]:
    """The function, called once for each object."""
    own = _name_for(original)

    def remembered(value: Any) -> Any:
        results = value.__dict__
        found = results.get(own)
        if found is None:
            found = results[own] = original(value)
        return found

    return remembered


def remember_calls(original: Callable[..., Any], *_: object) -> Callable[..., Any]:
    """The function, called once for each object and keyword arguments."""
    own = _name_for(original)

    def remembered(value: Any, **how: Any) -> Any:
        key = (*how.items(),)
        results = value.__dict__.setdefault(own, {})
        found = results.get(key)
        if found is None:
            found = results[key] = original(value, **how)
        return found

    return remembered


def remember_texts(original: Callable[[str], Any], *_: object) -> Callable[[str], Any]:
    """The function, called once for each text."""
    results: dict[str, Any] = {}

    def remembered(text: str) -> Any:
        found = results.get(text)
        if found is None:
            found = results[text] = original(text)
        return found

    return remembered


def make_name_of_type(_: object) -> Callable[[Any], str]:
    """`BaseType.__str__`, without the property by which an enum gives the name of a member."""
    return lambda self: str(self.name._name_)


def make_binding_test(original: Callable[..., Any], *_: object) -> Callable[..., Any]:
    """`should_generate_py_binding`, with one regular expression instead of all those that it tries.

    It is called once for each function.
    """
    inner = inspect.unwrap(original)
    names: dict[str, Any] = inner.__globals__
    patterns = names[_SKIPPED]
    is_plain = not any(re.search(r"\\\d|\(\?", each.pattern) for each in patterns)
    if not is_plain or len({each.flags for each in patterns}) != 1:
        return remember(original)
    own = FunctionType(inner.__code__, {**names, _SKIPPED: _Patterns(patterns)}, inner.__name__)
    return remember(names["with_native_function"](own))


_SKIPPED: Final = "SKIP_PYTHON_BINDINGS"


class _Patterns:
    """Regular expressions that become one when they are gone through again and again.

    To compile that one takes as long as to try them all for many functions.
    """

    _OFTEN: Final = 64

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = patterns
        self._times = 0

    def __iter__(self) -> Iterator[re.Pattern[str]]:
        self._times += 1
        if self._times == self._OFTEN:
            joined = "|".join([f"(?:{each.pattern})" for each in self._patterns])
            self._patterns = [re.compile(joined, self._patterns[0].flags)]
        return iter(self._patterns)


class _Recorder:
    """Takes the place of a template, and records what it is to be filled in with."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def substitute(self, **values: Any) -> _Recorder:
        self.values = values
        return self


def make_process_function(original: Callable[[Any, Any], Any], *_: object) -> Callable[..., Any]:
    """`process_function`, which is called with each info for several templates.

    What it fills into a template does not depend on the template.
    """
    own = _name_for(original)

    def process_function(info: Any, template: Any) -> Any:
        results = info.__dict__
        found = results.get(own)
        if found is None:
            found = results[own] = original(info, _Recorder()).values
        return template.substitute(**found)

    return process_function


def _name_for(function: Callable[..., Any]) -> str:
    """The name under which an object has the results of a function. No field has such a name."""
    return f" {function.__module__} {function.__qualname__}"
