"""The C++ arguments of a function (`cpp_arguments` of load_derivatives, torchgen/api/cpp.py)."""

from __future__ import annotations

import msgspec

from derivload.cpp.ctypes import CppTypes, CType, Locals
from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid
from derivload.schema.arguments import Argument
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.types import Type

# If there are TensorOptions, they may also contain memory_format. torchgen then gives the argument
# memory_format this name in its type, and the name is seen where the argument is saved.
_REDUNDANT_MEMORY_FORMAT = "possibly_redundant_memory_format"
_DEFAULT_DTYPE = "at::kLong"


class Binding(msgspec.Struct, frozen=True, gc=False):
    """A formal parameter of a C++ function.

    `type_name` is the name that the argument gets as a saved variable. It is the same as `name`,
    except for `memory_format` beside TensorOptions.
    """

    name: str
    type_name: str
    ctype: CType
    default: str | None


class CppBindings:
    """Translates arguments for one dialect, and keeps each translation."""

    def __init__(self, dialect: Dialect, types: CppTypes) -> None:
        self.types = types
        self._defaults = dialect.cpp_defaults
        spelled = dialect.cpp_names["tensorOptionsT"]
        self._options_type = CType(spelled, spelled)
        self._nullopt = dialect.nullopt_default
        self._bindings: dict[tuple[str, bool, bool, bool, Locals], Binding] = {}

    def cpp_arguments(
        self, schema: FunctionSchema, *, no_default: frozenset[str], scope: Locals
    ) -> tuple[Binding, ...]:
        """The parameters of the C++ function that users call, out arguments first.

        If the schema has SymInt, this is the function that takes SymInt. dtype, layout, device and
        pin_memory are gathered into `options`. Raises Invalid (DL120, DL121, DL212).
        """
        arguments = schema.arguments
        symint = arguments.has_symint
        has_options = arguments.options_index is not None

        def bind(argument: Argument) -> Binding:
            return self.bind(
                argument,
                defaulted=argument.name not in no_default,
                symint=symint,
                has_options=has_options,
                scope=scope,
            )

        positional = [bind(a) for a in (*arguments.out, *arguments.positional)]
        if arguments.options_index is None:
            return (*positional, *map(bind, arguments.kwarg_only))
        if "options" in no_default:
            message = "`options` cannot be named here: the schema has TensorOptions"
            raise Invalid("DL212", message)
        first = arguments.options_index
        before, after = arguments.kwarg_only[:first], arguments.kwarg_only[first + 4 :]
        options = self._options(arguments.kwarg_only[first : first + 4])
        return (*positional, *map(bind, before), options, *map(bind, after))

    def bind(
        self,
        argument: Argument,
        *,
        defaulted: bool,
        symint: bool,
        has_options: bool,
        scope: Locals,
    ) -> Binding:
        """The parameter that one argument becomes. Raises Invalid (DL120, DL121)."""
        key = (argument.text, defaulted, symint, has_options, scope)
        known = self._bindings.get(key)
        if known is None:
            redundant = has_options and argument.name == "memory_format"
            known = self._bindings[key] = Binding(
                name=argument.name,
                type_name=_REDUNDANT_MEMORY_FORMAT if redundant else argument.name,
                ctype=self.types.argument(
                    argument.type, mutable=argument.is_write, symint=symint, scope=scope
                ),
                default=self._default(argument, symint) if defaulted else None,
            )
        return known

    def _options(self, gathered: tuple[Argument, ...]) -> Binding:
        default: str | None = None
        if all(a.default == "None" for a in gathered):
            default = "{}"
        elif gathered[0].default == "long":
            default = _DEFAULT_DTYPE
        return Binding("options", "options", self._options_type, default)

    def _default(self, argument: Argument, symint: bool) -> str | None:
        if argument.default is None:
            return None
        return self.default_expr(argument.default, argument.type, symint=symint)

    def default_expr(self, default: str, type_: Type, *, symint: bool) -> str:
        """A default as C++ has it. Raises Invalid (DL121)."""
        if default == "None" and type_.text == "Tensor?":
            return "{}"
        if type_.text == "str" and len(default) >= 2 and default[0] == default[-1] == "'":
            return _double_quoted(default[1:-1])
        if type_.kind == "optional" and type_.elem is not None:
            if default == "None":
                return self._nullopt
            return self.default_expr(default, type_.elem, symint=symint)
        if type_.elem is not None:  # a list
            if default.startswith("[") and default.endswith("]"):
                return "{" + default[1:-1] + "}"
            if symint and default.isdigit() and type_.elem.text == "SymInt":
                return f"c10::SymInt({default})"
            if type_.size is None:
                message = f"the default of a list must be a list, not `{default}`"
                raise Invalid("DL121", message, f"={default}")
        return self._defaults.get(default, default)


def _double_quoted(text: str) -> str:
    """A single-quoted string of the schema language as a C++ string literal."""
    pieces = []
    i = 0
    while i < len(text):
        if text[i] == "\\":
            # A backslash at the very end of the text escapes the closing quote.
            pair = (text + "'")[i : i + 2]
            pieces.append("'" if pair == "\\'" else pair)
            i += 2
        else:
            pieces.append('\\"' if text[i] == '"' else text[i])
            i += 1
    return f'"{"".join(pieces)}"'
