"""The mutants of a file: one small mistake each, as bytes to be replaced.

Left out is what only a type checker or a reader sees: annotations, imports for them, docstrings,
decorators, None where False is returned; what only Windows runs, for no test here does; and
f-strings, for the places in them are known since Python 3.12 only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}
# Calls of which the arguments are types.
_OF_TYPES = {"cast", "TypeVar", "NewType", "ParamSpec", "Literal"}
# Conditions of what only Windows runs.
_OF_WINDOWS = {"os.name == 'nt'", "sys.platform == 'win32'"}


class Mutant(NamedTuple):
    """One mistake: the bytes from `start` to `end` of a file become `new`."""

    path: str
    line: int
    function: str  # the name of the function that it is in, or ""
    start: int
    end: int
    new: bytes

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new + source[self.end :]

    def difference(self, source: bytes) -> tuple[str, str]:
        """The lines that it changes, before and after, without what stands around them."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        old, new = (
            source[first:last],
            source[first : self.start] + self.new + source[self.end : last],
        )
        before, after = (" ".join(text.decode().split()) for text in (old, new))
        return before, after


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """All mutants of a file that are Python."""
    tree = ast.parse(source)
    finder = _Finder(path, source)
    finder.visit(tree)
    found = {mutant.apply(source): mutant for mutant in finder.found}
    same = ast.dump(tree)
    return [mutant for text, mutant in found.items() if _is_other_program(text, same)]


def _is_other_program(text: bytes, same: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) != same
    except SyntaxError:
        return False


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._source = source
        lengths = [len(line) for line in source.splitlines(keepends=True)]
        self._starts = [sum(lengths[:index]) for index in range(len(lengths) + 1)]
        self._functions = [""]

    def visit(self, node: ast.AST) -> None:
        """Find the mutants of a node, then those of its children."""
        for start, end, new in self._mutations(node):
            line = self._source.count(b"\n", 0, start) + 1
            self.found.append(
                Mutant(self._path, line, self._functions[-1], start, end, new.encode())
            )
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if is_function:
            self._functions.append(node.name)  # type: ignore[attr-defined]
        for child in _children(node):
            self.visit(child)
        if is_function:
            self._functions.pop()

    def _mutations(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        if isinstance(node, ast.Compare):
            yield from self._operators([node.left, *node.comparators], node.ops)
        elif isinstance(node, ast.BoolOp):
            yield from self._operators(node.values, [node.op] * (len(node.values) - 1))
        elif isinstance(node, ast.BinOp):
            yield from self._operators([node.left, node.right], [node.op])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._span(node)[0], self._span(node.operand)[0], ""
        elif isinstance(node, ast.Constant):
            yield from self._constant(node)
        elif isinstance(node, ast.Call):
            yield from self._keywords(node)
        else:
            yield from self._statement(node)

    def _statement(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        match node:
            case ast.Return(value=ast.expr() as value) if not _is_false(value):
                yield *self._span(value), "None"
            case ast.Expr(value=ast.Call()) | ast.Raise():
                yield *self._span(node), "pass"
            case ast.Continue():
                yield *self._span(node), "break"
            case ast.Break():
                yield *self._span(node), "continue"
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                yield from self._negation(test)
            case ast.comprehension(ifs=[ast.expr() as test]):
                yield from self._negation(test)

    def _negation(self, test: ast.expr) -> Iterator[tuple[int, int, str]]:
        """A condition turned round, where that is not done by its operator."""
        is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        is_of_types = isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
        if not (is_not or is_of_types or isinstance(test, ast.Compare)):
            start, end = self._span(test)
            yield start, end, f"not ({self._source[start:end].decode()})"

    def _operators(
        self,
        operands: list[ast.expr],
        operators: list[ast.cmpop] | list[ast.boolop] | list[ast.operator],
    ) -> Iterator[tuple[int, int, str]]:
        for left, operator, right in zip(operands, operators, operands[1:], strict=False):
            old, new = _COMPARISONS.get(type(operator), ("", ""))
            start, end = self._span(left)[1], self._span(right)[0]
            token = re.search(
                rb"\s+".join(map(re.escape, old.encode().split())), self._source[start:end]
            )
            if old and token:
                yield start + token.start(), start + token.end(), new

    def _constant(self, node: ast.Constant) -> Iterator[tuple[int, int, str]]:
        start, end = self._span(node)
        value = node.value
        if isinstance(value, bool):
            yield start, end, str(not value)
        elif isinstance(value, int):
            yield start, end, str(value + 1)
        elif isinstance(value, str) and "\n" in value:  # a table, of which each line is a row
            for row in re.finditer(rb"\w+(?=[^\w\n]*$)", self._source[start:end], re.MULTILINE):
                yield start + row.end(), start + row.end(), "XX"
        elif isinstance(value, (str, bytes)):
            yield start, end, repr(value + (b"XX" if isinstance(value, bytes) else "XX"))  # type: ignore[operator]

    def _keywords(self, node: ast.Call) -> Iterator[tuple[int, int, str]]:
        spans = sorted(self._span(part) for part in (node.func, *node.args, *node.keywords))
        for keyword in node.keywords:
            start, end = self._span(keyword)
            before = spans[spans.index((start, end)) - 1][1]
            is_alone = self._source[before:start].strip() == b","
            if keyword.arg and is_alone and not _is_guard(keyword):
                yield before, end, ""

    def _span(self, node: ast.AST) -> tuple[int, int]:
        place = vars(node)
        start = self._starts[place["lineno"] - 1] + place["col_offset"]
        return start, self._starts[place["end_lineno"] - 1] + place["end_col_offset"]


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that are run."""
    if isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return
    named = getattr(node, "func", getattr(node, "value", getattr(node, "test", None)))
    if isinstance(node, ast.Assign):
        named = node.targets[0]
    name = getattr(named, "id", "")
    if name in _OF_TYPES or (isinstance(node, (ast.If, ast.Assign)) and name == "TYPE_CHECKING"):
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        is_of_windows = isinstance(node, ast.If) and ast.unparse(node.test) in _OF_WINDOWS
        if is_of_windows and field in ("test", "body"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (_is_text_alone(child) or _is_guard(child)):
                yield child


def _is_false(node: ast.expr) -> bool:
    """Whether an expression is False: only a type checker tells None from it."""
    return isinstance(node, ast.Constant) and node.value is False


def _is_guard(node: ast.AST) -> bool:
    """Whether a keyword guards against mistakes in derivload alone, or saves time: no run of the
    right code differs without it.
    """
    return isinstance(node, ast.keyword) and node.arg in ("frozen", "gc", "strict")


def _is_text_alone(node: ast.AST) -> bool:
    """Whether a statement is a docstring or an ellipsis."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
