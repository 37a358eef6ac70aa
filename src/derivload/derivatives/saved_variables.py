"""Finds the values that a formula saves in the forward pass (`saved_variables` and its table).

A formula that only asks a tensor for its sizes need not save the tensor: `self.sym_sizes()` is
replaced by the member `self_sym_sizes`. Each kind of such an expression is a row of the table.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from derivload.cpp.dialect import Dialect
from derivload.derivatives.identifiers import check_growth, words
from derivload.derivatives.model import SavedAttribute
from derivload.diagnostics import MAX_OF_ENTRY, Invalid, occurrence_of
from derivload.remedies import write
from derivload.tuples import NamedTuple

_UNSUPPORTED = re.compile(r"(?:\.|->)(?:(sizes|strides)\(\)|(size)\(-?\d+\))")


class NamedType(NamedTuple):
    """The name of a value that formulas may use, and the C++ type with which it is saved."""

    name: str
    type: str


class Replacement(NamedTuple):
    """A row of the table: an expression with a name, and the member that is saved for it.

    - `expression`: `{}` stands for the name. `{}.` stands for the name and any one character, as in
      torchgen's patterns. `N` stands for a number or word that becomes part of the member's name.
    - `suffix`: the end of the member's name, after the name.
    - `type`: the member's C++ type.
    - `expr`: the expression whose value is saved; if empty, the matched text.
    - `result`: the text that replaces the match; if empty, the member.
    - `own_derivative_only`: allowed only in the derivative for the name alone.
    """

    expression: str
    suffix: str
    type: str
    expr: str = ""
    result: str = ""
    own_derivative_only: bool = False


def replacements(dialect: Dialect) -> tuple[Replacement, ...]:
    """The table for one dialect, in the order in which the rows are applied."""
    names = dialect.cpp_names
    symints, symint, integer = names["symIntArrayRefT"], names["SymIntT"], names["longT"]
    scalar_type, info = names["scalarTypeT"], names["typeAndSizeT"]
    optional_symints = dialect.optional.format(symints)
    held = dialect.formula_optional + "<c10::SymIntArrayRef>"
    present = f"{{0}}.has_value() ? {held}({{0}}->sym_sizes())"
    sizes_if_present = f"{present} : {dialect.formula_nullopt}"
    block_size = "at::sparse_csr::getSymIntBlockSize({0})"
    strides = 'strides_or_error({0}, "{0}")'
    vector = "::std::vector<{}>".format
    nested = vector(vector(integer))
    nested_symints = vector(vector(symint))
    sym_numel = (Replacement("{}.sym_numel()", "_sym_numel", symint),)
    return (
        Replacement("{}.sym_sizes()", "_sym_sizes", symints),
        Replacement("{}->sym_sizes()", "_sym_sizes_opt", optional_symints, sizes_if_present),
        Replacement("{}.sym_blocksize()", "_self_sym_blocksize_opt", optional_symints, block_size),
        Replacement("{}.options()", "_options", names["tensorOptionsT"]),
        Replacement("zeros_like({})", "_info", info, "{0}", "{0}_info.zeros()"),
        Replacement("{}.sym_size(N)", "_sym_argsize_", symint),
        Replacement("{}.numel()", "_numel", integer),
        *(sym_numel if dialect.saves_sym_numel else ()),
        Replacement("to_args_sizes({})", "_args_sizes", nested),
        Replacement("to_args_sizes_symint({})", "_args_sizes_symint", nested_symints),
        Replacement("to_args_scalartypes({})", "_args_scalartypes", vector(scalar_type)),
        Replacement("TensorGeometry({})", "_geometry", names["tensorGeometryT"]),
        Replacement("{}.scalar_type()", "_scalar_type", scalar_type),
        Replacement("{}.dim()", "_dim", integer),
        Replacement("{}.sym_strides()", "_sym_strides", symints, strides, "", True),
        Replacement("{}.layout()", "_layout", names["layoutT"]),
        Replacement("{}.is_conj()", "_conjugate", names["boolT"]),
    )


class _Row:
    """A row, prepared for searching.

    `marker` is a text that every formula with the expression contains. `call` is the pattern of
    the text after the name and one more character; None if the expression is fixed text around
    the name.
    """

    def __init__(self, row: Replacement) -> None:
        self.row = row
        method = row.expression.removeprefix("{}.")
        self.call: re.Pattern[str] | None = None
        if method == row.expression:
            self.marker = max(method.split("{}"), key=len)
        else:
            self.marker = method.partition("N")[0]
            self.call = re.compile(re.escape(method).replace("N", r"(-?\w+)"))

    def occurrences(self, formula: str, name: str) -> Iterator[tuple[int, int, str]]:
        """Each place of the expression with `name`: begin, end, and the text for `N`."""
        if self.call is None:
            whole = self.row.expression.format(name)
            start = formula.find(whole)
            while start >= 0:
                yield start, start + len(whole), ""
                start = formula.find(whole, start + len(whole))
            return
        for match in self.call.finditer(formula):
            dot = match.start() - 1
            start = dot - len(name)
            if start >= 0 and formula[dot] != "\n" and formula.startswith(name, start):
                yield start, match.end(), match[1] if match.re.groups else ""

    def apply(
        self,
        formula: str,
        name: str,
        var_names: Sequence[str],
        saved: list[SavedAttribute],
        wrong: list[Invalid],
    ) -> str:
        """Replace each expression with `name`, and add its member to `saved`.

        Mistakes (DL421) are added to `wrong`.
        """
        row = self.row
        pieces: list[str] = []
        end = 0
        for start, stop, argument in self.occurrences(formula, name):
            is_other = row.own_derivative_only and tuple(var_names) != (name,)
            if is_other and len(wrong) < MAX_OF_ENTRY:
                asked = formula[start:stop]
                message = f"`{asked}` is allowed only in the derivative for `{name}` alone"
                wrong.append(Invalid("DL421", message, asked))
            member = name + row.suffix + argument.replace("-", "minus_")
            expr = row.expr.format(name) if row.expr else formula[start:stop]
            saved.append(SavedAttribute(member, row.type, expr))
            pieces += (formula[end:start], row.result.format(name) if row.result else member)
            end = stop
        return "".join([*pieces, formula[end:]]) if pieces else formula


class Saver:
    """Finds what formulas save, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._rows = [_Row(row) for row in replacements(dialect)]
        self._optional_string = dialect.optional.format(dialect.cpp_names["stringT"])
        view = f"{dialect.formula_optional}<{dialect.formula_string_view}>"
        self._string_view = f"{{0}}.has_value() ? {view}({{0}}.value()) : {dialect.formula_nullopt}"

    def saved_variables(
        self,
        formula: str,
        named: Iterable[NamedType],
        var_names: Sequence[str],
        wrong: list[Invalid],
    ) -> tuple[str, tuple[SavedAttribute, ...]]:
        """The formula, changed to read saved attributes, and these attributes.

        The attributes are in the order of `named`. `var_names` are the arguments for which the
        formula is the derivative. Mistakes (DL421) are added to `wrong`. Raises Invalid (DL010).
        """
        rows = [row for row in self._rows if row.marker in formula]
        saved: list[SavedAttribute] = []
        used: frozenset[str] | None = None
        for name, type_ in named:
            if name not in formula:
                continue
            before = formula
            for row in rows:
                formula = row.apply(formula, name, var_names, saved, wrong)
            if type_ == self._optional_string:
                # The node saves a string that it owns. The backward function takes a view of it.
                view = self._string_view.format(name)
                check_growth(formula, name, view)
                formula = view.join(re.split(rf"\b{re.escape(name)}\b", formula))
            if used is None or formula is not before:
                used = words(formula)
            if name in used:
                saved.append(SavedAttribute(name, type_, name))
        return formula, tuple(saved)


def concrete_sizes(formula: str) -> list[Invalid]:
    """The places where a formula asks for sizes or strides that must be numbers (DL420)."""
    if "size" not in formula and "strides" not in formula:
        return []
    wrong = []
    for found in itertools.islice(_UNSUPPORTED.finditer(formula), MAX_OF_ENTRY):
        method = found[1] or found[2]
        asked = found[0]
        symbolic = asked.replace(method, f"sym_{method}")
        wrong.append(
            Invalid(
                "DL420",
                f"a formula cannot use `{method}`, which does not support symbolic sizes",
                asked,
                f"write `{symbolic}` instead",
                occurrence=occurrence_of(formula, asked, found.start()),
                remedies=[write(symbolic, asked, is_safe=True)],
            )
        )
    return wrong
