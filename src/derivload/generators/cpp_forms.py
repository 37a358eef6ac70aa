"""Types and defaults without a form in C++, and names that the generators cannot sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from derivload.cpp.bindings import CppBindings
from derivload.diagnostics import Invalid
from derivload.generators.subject import Refusal, non_options
from derivload.native.function import NativeFunction
from derivload.remedies import remove_item
from derivload.schema.arguments import Argument, Return

_LAST_OF_LATIN_1: Final = 0xFF


class CppForms:
    """Finds what cannot be written in C++. It keeps why each type cannot, None if it can."""

    def __init__(self, bindings: CppBindings) -> None:
        self._bindings = bindings
        self._taken: dict[str, str | None] = {}
        self._returned: dict[tuple[str, bool], str | None] = {}

    def check_types(self, function: NativeFunction) -> Iterator[Refusal]:
        """The types without a form in C++ (DL840). Each function has a wrapper for tracing."""
        schema, taken, outputs = function.schema, self._taken, self._returned
        for argument in schema.arguments.flat_all:
            text = argument.type.text
            if text not in taken:
                taken[text] = self._of_argument(argument, function)
            if message := taken[text]:
                yield _refusal(function, message, argument.text)
        for returned in schema.returns:
            key = (returned.type.text, returned.is_write)
            if key not in outputs:
                outputs[key] = self._of_return(returned, function)
            if message := outputs[key]:
                yield _refusal(function, message, schema.text.rpartition(" -> ")[2])

    def _of_argument(self, argument: Argument, function: NativeFunction) -> str | None:
        return _why_not(
            lambda: self._bindings.types.argument(
                argument.type, mutable=argument.is_write, symint=True, scope=function.scope
            )
        )

    def _of_return(self, returned: Return, function: NativeFunction) -> str | None:
        return _why_not(
            lambda: self._bindings.types.returned(
                returned.type, mutable=returned.is_write, scope=function.scope
            )
        )

    def check_defaults(
        self, function: NativeFunction, *, written: bool, bound: bool
    ) -> Iterator[Refusal]:
        """The defaults without a form in C++, and `options` in cpp_no_default_args (DL841).

        `written` tells whether a wrapper is written with the defaults, `bound` whether there is a
        Python binding.
        """
        arguments, no_default = function.schema.arguments, function.cpp_no_default_args
        is_factory = "function" in function.variants and (
            arguments.options_index is not None or function.cpp_name.endswith("_like")
        )
        gathers = bound or "function" in function.variants
        if gathers and "options" in no_default and arguments.options_index is not None:
            message = "`options` cannot be named here: there are TensorOptions"
            path = "cpp_no_default_args"
            found = _refusal(function, message, "options", "DL841", path)
            yield found._replace(remedies=(remove_item("options", path),))
        for argument in non_options(function):
            default = argument.default
            if default is None or "[" not in argument.type.text:
                continue
            as_ints = bound or (is_factory and argument.name not in no_default)
            if as_ints or written:
                why = self._of_default(argument, default, symint=not as_ints)
                if why:
                    yield _refusal(function, why, argument.text, "DL841")

    def _of_default(self, argument: Argument, default: str, *, symint: bool) -> str | None:
        return _why_not(lambda: self._bindings.default_expr(default, argument.type, symint=symint))


def has_list_default(function: NativeFunction) -> bool:
    """Whether an argument may be a list with a default. All else has a form in C++ as default."""
    return function.schema.arguments.has_defaults and "]" in function.schema.text


def check_name(function: NativeFunction) -> Iterator[Refusal]:
    """The generators sort functions into files by their names, as bytes of Latin-1 (DL842)."""
    name = function.name.base
    wrong = [*dict.fromkeys(c for c in name if ord(c) > _LAST_OF_LATIN_1)]
    if wrong:
        message = f"the name `{function.qualified}` has characters beyond Latin-1"
        yield _refusal(function, message, wrong[0] if len(wrong) == 1 else name, "DL842")


def _why_not(make: Callable[[], object]) -> str | None:
    """Why something has no form in C++; None if it has one."""
    try:
        make()
    except Invalid as invalid:
        return invalid.message
    return None


def _refusal(
    function: NativeFunction, message: str, words: str, code: str = "DL840", path: str = ""
) -> Refusal:
    return Refusal(function, code, message, words, path=path)
