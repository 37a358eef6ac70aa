"""The dispatch table of an entry: which kernels a function has.

Part of torchgen's NativeFunction.from_yaml.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from derivload.cpp.dialect import Dialect
from derivload.cpp.names import cpp_name
from derivload.diagnostics import Mistake, Remedy
from derivload.native.function import (
    COMPOSITES,
    EXPLICIT_NON_FUNCTIONAL,
    IMPLICIT,
    IMPLICIT_NESTED,
)
from derivload.remedies import add, remove
from derivload.schema.function_schema import FunctionSchema
from derivload.sources.entries import Mapping, describe
from derivload.sources.plain import Value
from derivload.spelling import Guesses
from derivload.tuples import NamedTuple

_IMPLICIT_ALONE: Final = frozenset({IMPLICIT})
_ABSTRACT_UNLESS: Final = (
    frozenset({IMPLICIT}),
    frozenset({IMPLICIT_NESTED}),
    frozenset({IMPLICIT, IMPLICIT_NESTED}),
)
_UFUNC_KEYS: Final = frozenset({"CPU", "CUDA"})
_MAX_KERNEL_NAMESPACES: Final = 3
# What people write who think of the device.
_KEY_OF: Final = {"gpu": "CUDA"}


class Dispatch(NamedTuple):
    """The dispatch keys that a function has kernels for.

    `repeated` has each key that stands in the table again, after the line in which it does.
    """

    keys: frozenset[str]
    repeated: tuple[tuple[str, str], ...] = ()


class DispatchReader:
    """Reads dispatch tables. It keeps the key lists (`CPU, CUDA`) read so far: they repeat."""

    def __init__(self, dialect: Dialect, guesses: Guesses) -> None:
        self._guesses = guesses
        self._supported = dialect.dispatch_keys
        self._possible = dialect.all_dispatch_keys
        self._structured_keys = dialect.structured_dispatch_keys
        self._lists: dict[str, tuple[str, ...]] = {}

    def read(self, schema: FunctionSchema, value: Mapping, mistakes: list[Mistake]) -> Dispatch:
        """The dispatch keys that a function has kernels for; mistakes are added to `mistakes`.

        `value` is the entry. Codes DL220 to DL229.
        """
        raw = value.get("dispatch")
        structured, delegate = value.get("structured") is True, value.get("structured_delegate")
        repeated: tuple[tuple[str, str], ...] = ()
        if isinstance(raw, dict):
            if value.get("manual_kernel_registration") is True:
                message = "`dispatch` has no effect beside `manual_kernel_registration`"
                remedies = (remove("dispatch"), remove("manual_kernel_registration"))
                mistakes.append(_of_table("DL220", message, *remedies))
            keys, repeated = self._table(schema, raw, bool(delegate), mistakes)
        elif structured or delegate is not None:
            keys = frozenset()
        else:
            keys = self._implied(schema, value, mistakes)
        _check_composites(keys, mistakes)
        if delegate is not None and not keys.isdisjoint(self._structured_keys):
            clash = ", ".join(sorted(keys & self._structured_keys))
            message = f"this function delegates, so it cannot have a kernel for {clash}"
            leave_out = [] if keys - self._structured_keys else [remove("dispatch")]
            mistakes.append(_of_table("DL224", message, *leave_out))
        if value.get("ufunc_inner_loop"):
            keys = _with_ufunc(keys, raw, structured, mistakes)
        return Dispatch(keys, repeated)

    def check_names(self, value: Mapping, mistakes: list[Mistake]) -> None:
        """Add the mistakes in a table itself (DL221, DL222)."""
        raw = value.get("dispatch")
        if isinstance(raw, dict):
            self._kernels(raw, mistakes)

    def _table(
        self,
        schema: FunctionSchema,
        raw: dict[Value, Value],
        delegate: bool,
        mistakes: list[Mistake],
    ) -> Dispatch:
        kernels = self._kernels(raw, mistakes)
        if len(kernels) == 1 and kernels[0][0] == IMPLICIT:
            # This is redundant, because it is the default. Or the name of its kernel is wrong. A
            # kernel for SymInt has a different name, and a function that delegates needs its table.
            name, kernel = cpp_name(schema), kernels[0][1]
            may_differ = delegate or "_symint" in kernel.rpartition("::")[2]
            if kernel == name or not may_differ:
                message = (
                    f"a function without `dispatch` already has a {IMPLICIT} kernel, named `{name}`"
                )
                leave_out = remove("dispatch", is_safe=kernel == name)
                mistakes.append(_of_table("DL223", message, leave_out))
        keys = frozenset([key for key, _ in kernels])
        return Dispatch(keys, () if len(keys) == len(kernels) else self._repeated(raw))

    def _repeated(self, raw: dict[Value, Value]) -> tuple[tuple[str, str], ...]:
        seen: set[str] = set()
        repeated: dict[tuple[str, str], None] = {}
        for line in map(str, raw):
            for key in self._lists.get(line, ()):
                if key in seen:
                    repeated[line, key] = None
                seen.add(key)
        return tuple(repeated)

    def _kernels(self, raw: dict[Value, Value], mistakes: list[Mistake]) -> list[tuple[str, str]]:
        """The dispatch keys of a table, each with its kernel; without wrong lines (DL221)."""
        kernels: list[tuple[str, str]] = []
        for names, kernel in raw.items():
            if names == "__line__":
                continue
            if not isinstance(names, str) or not isinstance(kernel, str):
                wrong = names if not isinstance(names, str) else kernel
                message = f"`dispatch` maps keys to kernel names; this is {describe(wrong)}"
                mistakes.append(Mistake("DL221", message, ("dispatch", str(names))))
                continue
            kernels += [(k, kernel) for k in self._lists.get(names) or self._split(names, mistakes)]
            if kernel.count("::") > _MAX_KERNEL_NAMESPACES:
                message = f"a kernel has at most {_MAX_KERNEL_NAMESPACES} namespaces: `{kernel}`"
                mistakes.append(Mistake("DL221", message, ("dispatch", names)))
        return kernels

    def _split(self, names: str, mistakes: list[Mistake]) -> tuple[str, ...]:
        keys = tuple(name.strip() for name in names.split(","))
        unknown = [key for key in keys if key not in self._supported]
        mistakes += [self._unknown(key, names, keys) for key in unknown]
        if not unknown:
            self._lists[names] = keys
        return keys

    def _unknown(self, key: str, names: str, keys: Collection[str]) -> Mistake:
        """The mistake that one of the keys `names` is unknown; `keys` are all of them."""
        option = f"--dispatch-key {key}" if key in self._possible else ""
        help_ = f"torchgen has it for backends: add it with {option}" if option else ""
        close: list[str] = []
        parts = key.split()
        if not option and len(parts) > 1 and self._supported.issuperset(parts):
            close = [", ".join(parts)]
        elif not option:
            wanted = _KEY_OF.get(key.lower(), key)
            close = self._guesses.nearest(wanted, self._supported.difference(keys))
        return Mistake(
            code="DL222",
            message=f"`{key}` is not a dispatch key for kernels",
            path=("dispatch", names),
            words=key,
            on_key=True,
            help=help_,
            option=option,
            meant=tuple(close),
        )

    def _implied(
        self, schema: FunctionSchema, value: Mapping, mistakes: list[Mistake]
    ) -> frozenset[str]:
        name = schema.name.name
        arguments = schema.arguments
        factory = arguments.options_index is not None and not any(
            a.type.is_tensor_like for a in arguments.flat_non_out
        )
        if name.startswith("new_") or name.endswith("_like") or factory:
            whole = str(value.get("func")).partition("(")[0].strip()
            message = f"`{whole}` makes a new tensor, so it needs a kernel of its own"
            kernels = f"\n  CompositeExplicitAutograd: {cpp_name(schema)}"
            remedies = (add("dispatch", kernels),)
            mistakes.append(Mistake("DL226", message, ("func",), whole, remedies=remedies))
        return _IMPLICIT_ALONE


def is_abstract(dispatch: frozenset[str], *, delegates: bool) -> bool:
    """Whether a function's dispatch differs between backends (torchgen's is_abstract)."""
    return delegates or dispatch not in _ABSTRACT_UNLESS


def _of_table(code: str, message: str, *remedies: Remedy) -> Mistake:
    """A mistake of the whole dispatch table."""
    return Mistake(code, message, ("dispatch",), on_key=True, remedies=remedies)


def _check_composites(keys: frozenset[str], mistakes: list[Mistake]) -> None:
    composites = keys & COMPOSITES
    allowed = len(composites) <= 1 or (
        len(composites) == 2
        and IMPLICIT_NESTED in composites
        and EXPLICIT_NON_FUNCTIONAL not in composites
    )
    if not allowed:
        message = f"these composite kernels exclude each other: {', '.join(sorted(composites))}"
        mistakes.append(_of_table("DL225", message))


def _with_ufunc(
    keys: frozenset[str], raw: Value, structured: bool, mistakes: list[Mistake]
) -> frozenset[str]:
    if not structured:
        message = "only a structured function has `ufunc_inner_loop`"
        mistakes.append(Mistake("DL227", message, ("ufunc_inner_loop",), on_key=True))
    for key in sorted(keys & _UFUNC_KEYS):
        message = f"`ufunc_inner_loop` already gives the kernel for {key}"
        is_alone = isinstance(raw, dict) and raw.keys() == {key}
        leave_out = remove("dispatch") if is_alone else remove("dispatch", key)
        mistakes.append(_of_table("DL228", message, leave_out))
    return keys | _UFUNC_KEYS
