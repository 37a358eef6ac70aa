"""Which functions an operator's name means, and the message if no function has that name.

`add` means every overload and variant. `add_` means every overload of the in-place variant.
`add_.Tensor` means one function, and so does a whole schema. Each may begin with a namespace. What
patterns, backward nodes and names of Python mean, `engine.asked` says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from derivload.diagnostics import Invalid
from derivload.engine.asked import NamePattern, python_candidates, read_pattern
from derivload.engine.families import family_of
from derivload.native.function import NativeFunction
from derivload.schema.names import read_operator_name
from derivload.spelling import did_you_mean, nearest, operators_of

_HANDFUL: Final = 5


class OperatorQuery(NamedTuple):
    """An operator as asked for. `schema` is "" for a mere name, `namespace` is "" for any."""

    text: str
    namespace: str
    name: str
    schema: str
    pattern: NamePattern | None = None
    """What is asked for, if that is a pattern or a backward node."""

    @property
    def family(self) -> str | None:
        """The family of operators that all functions of this name are of; None if unknown."""
        if self.pattern is not None:
            return None
        try:
            return family_of(read_operator_name(self.name.partition("(")[0], namespaces=False).base)
        except Invalid:
            return None

    def means(self, function: NativeFunction, nodes: Collection[str] = ()) -> bool:
        """Whether the query names this function, which makes these backward nodes."""
        if self.pattern is not None:
            names = (function.name.text, function.name.name, function.name.canonical)
            return self.pattern.means(function.namespace, names, nodes)
        if self.namespace not in ("", function.namespace):
            return False
        if self.schema:
            return function.schema.text == self.schema
        if "." in self.name:
            return function.name.text == self.name
        return self.name in (function.name.name, function.name.canonical)

    def means_schema(self, schema: str, nodes: Collection[str] = ()) -> bool:
        """Whether the query names the function with this schema, or one that it is a variant of."""
        if self.schema:
            return schema == self.schema
        name = schema.partition("(")[0]
        base = name.partition(".")[0]
        names = (name, base, base.rstrip("_"))
        if self.pattern is not None:
            return self.pattern._replace(namespace="").means("", names, nodes)
        return self.name in names


def read_query(operator: str) -> OperatorQuery:
    """Read what the user wrote: a base name, a name with overload, or a whole schema."""
    text = " ".join(operator.split())
    head, parenthesis, rest = text.partition("(")
    namespace, _, name = head.rpartition("::")
    schema = f"{name}({rest}" if parenthesis else ""
    pattern = None if schema else read_pattern(text)
    if pattern is not None and not (pattern.is_wild or pattern.is_node):
        pattern = None
    return OperatorQuery(text, namespace, name, schema, pattern)


def read_queries(operator: str) -> list[OperatorQuery]:
    """What the user may have meant: the first of these that names any function counts."""
    return [read_query(name) for name in python_candidates(operator)]


def unknown(query: OperatorQuery, functions: Iterable[NativeFunction]) -> str:
    """The message for a query that matches no function. It suggests the nearest names."""
    close = _nearest(query, list(functions))
    sentence = f"there is no operator `{query.text}`"
    return sentence + (did_you_mean(close) or ", nor one with a name like it")


def _nearest(query: OperatorQuery, functions: list[NativeFunction]) -> list[str]:
    if query.namespace:
        there = [f for f in functions if f.namespace == query.namespace]
        functions = there or functions
    if query.schema:
        schemas = [f.schema.text for f in functions if f.name.text == query.name]
        if schemas:
            return schemas[:_HANDFUL]
    known = {name for f in functions for name in (f.name.text, f.name.name)}
    meant = operators_of(query.text.partition("(")[0])
    python = next((name for name in meant if name in known), None)
    if python is not None:
        return [python]
    base, dot, _ = query.name.partition(".")
    names = list(dict.fromkeys(f.name.name for f in functions))
    alike = set(nearest(base, names, _HANDFUL, cutoff=1))
    if dot and alike:
        overloads = [f.name.text for f in functions if f.name.name in alike]
        return nearest(query.name, overloads, _HANDFUL, cutoff=0)
    return nearest(meant[0] if meant else base, names, _HANDFUL)
