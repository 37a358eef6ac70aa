"""Turns an entry of native_functions.yaml into a native function (NativeFunction.from_yaml)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid, Mistake
from derivload.native.dispatch import DispatchReader, is_abstract
from derivload.native.extras import check_precomputed, check_ufunc
from derivload.native.function import NativeFunction, is_view_op
from derivload.native.invariants import check_function
from derivload.native.keys import check_keys
from derivload.remedies import remove, remove_item, write
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.names import OperatorName
from derivload.schema.reader import SchemaReader
from derivload.schema.signature import signatures
from derivload.sources.entries import Entry, Mapping, describe

_FUNCTION: Final = frozenset({"function"})
_VARIANTS: Final = {
    "function": _FUNCTION,
    "method": frozenset({"method"}),
    "function, method": frozenset({"function", "method"}),
    "method, function": frozenset({"function", "method"}),
}
_DEVICE_CHECKS: Final = frozenset({"NoCheck", "ExactSame"})
_NO_NAMES: Final[frozenset[str]] = frozenset()


class ReadFunction(NamedTuple):
    """The result of reading an entry: the function, or its mistakes."""

    function: NativeFunction | None
    mistakes: list[Mistake]


class NativeFunctionReader:
    """Reads the entries of native_functions.yaml for one dialect and one set of valid tags.

    With `any_tag`, the valid tags are not all known, so every tag is accepted.
    """

    def __init__(self, dialect: Dialect, valid_tags: frozenset[str], *, any_tag: bool) -> None:
        self._dialect = dialect
        self._valid_tags = valid_tags
        self._any_tag = any_tag
        self._dispatch = DispatchReader(dialect)
        self._tag_sets: dict[tuple[str, ...], frozenset[str]] = {}
        self._implied: dict[tuple[bool, bool, bool], tuple[str, ...]] = {}
        self.schemas = SchemaReader(
            frozenset(dialect.cpp_types) | dialect.unspelled_types, dialect.grammar
        )

    def read(self, entry: Entry, value: Mapping) -> ReadFunction:
        """Read an entry. The function is None if the entry has mistakes."""
        mistakes = check_keys(value)
        func = value.get("func")
        if mistakes and all(mistake.option for mistake in mistakes):
            # So that one run names all options that a backend's entries need.
            self._dispatch.check_names(value, mistakes)
        if mistakes or not isinstance(func, str):
            return ReadFunction(None, mistakes)
        namespace, _, text = func.rpartition("::")
        try:
            if "::" in namespace:
                inner = write(namespace.rpartition("::")[2], namespace)
                message = f"`{namespace}::` is more than one namespace"
                raise Invalid("DL201", message, namespace, remedies=[inner])
            schema = self.schemas.schema(text)
        except Invalid as invalid:
            return ReadFunction(None, [_with_namespace(invalid.at("func"), namespace, text)])
        function = self._function(entry, value, schema, namespace or "aten", mistakes)
        mistakes += check_function(function, value, self._dialect)
        return ReadFunction(None if mistakes else function, mistakes)

    def _function(
        self,
        entry: Entry,
        value: Mapping,
        schema: FunctionSchema,
        namespace: str,
        mistakes: list[Mistake],
    ) -> NativeFunction:
        delegate = self._delegate(value, mistakes)
        variants = self._variants(value, mistakes)
        autogen = self._autogen(value, mistakes)
        names = self._no_default(value, mistakes)
        self._check_others(value, mistakes)
        tags = self._tags(value, schema, namespace, mistakes)
        dispatch = self._dispatch.read(schema, value, mistakes)
        python_module = value.get("python_module")
        category = value.get("category_override")
        return NativeFunction(
            schema=schema,
            signatures=signatures(schema, scatter_is_inverse=self._dialect.scatter_is_inverse),
            entry=entry,
            namespace=namespace,
            variants=variants,
            dispatch=dispatch,
            tags=tags,
            autogen=autogen,
            python_module=python_module if isinstance(python_module, str) else None,
            structured=value.get("structured") is True,
            structured_delegate=delegate,
            manual_cpp_binding=value.get("manual_cpp_binding") is True,
            manual_kernel_registration=value.get("manual_kernel_registration") is True,
            category_override=category if isinstance(category, str) else None,
            use_const_ref_for_mutable_tensors=(
                value.get("use_const_ref_for_mutable_tensors") is True
            ),
            cpp_no_default_args=names,
            is_abstract=is_abstract(dispatch, delegates=delegate is not None),
            has_dispatch_table=isinstance(value.get("dispatch"), dict),
            is_view=is_view_op(schema, tags),
        )

    def _variants(self, value: Mapping, mistakes: list[Mistake]) -> frozenset[str]:
        text = value.get("variants", "function")
        known = _VARIANTS.get(str(text))
        if known is not None:
            return known
        names = str(text).split(", ")
        for name in names:
            if name not in ("function", "method"):
                message = f"`{name}` is not a variant"
                parts = ", ".join(re.split(r"[\s,]+", str(text).strip()))
                listed = parts in _VARIANTS
                meant = [write(parts, path=("variants",), is_safe=True)] if listed else []
                mistakes.append(
                    Mistake("DL202", message, ("variants",), name, remedies=tuple(meant))
                )
        return frozenset(names)

    def _delegate(self, value: Mapping, mistakes: list[Mistake]) -> OperatorName | None:
        text = value.get("structured_delegate")
        if not isinstance(text, str):
            return None
        return self._name(text, "structured_delegate", mistakes, namespaces=False)

    def _autogen(self, value: Mapping, mistakes: list[Mistake]) -> tuple[OperatorName, ...]:
        text = value.get("autogen")
        if not text:
            return ()
        names = (self._name(part, "autogen", mistakes) for part in str(text).split(", "))
        return tuple(name for name in names if name is not None)

    def _name(
        self, text: str, key: str, mistakes: list[Mistake], *, namespaces: bool = True
    ) -> OperatorName | None:
        try:
            if not namespaces and "::" in text:
                message = f"`{text}` names a namespace, but it is always this function's"
                plain = write(text.rpartition("::")[2], text)
                raise Invalid("DL203", message, text, remedies=[plain])
            return self.schemas.name(text)
        except Invalid as invalid:
            mistakes.append(invalid.at(key))
            return None

    def _no_default(self, value: Mapping, mistakes: list[Mistake]) -> frozenset[str]:
        names = value.get("cpp_no_default_args")
        if not isinstance(names, list):
            return _NO_NAMES
        for i, name in enumerate(names):
            if not isinstance(name, str):
                message = f"`cpp_no_default_args` lists argument names; this is {describe(name)}"
                mistakes.append(Mistake("DL007", message, ("cpp_no_default_args", i)))
        return frozenset(name for name in names if isinstance(name, str))

    def _check_others(self, value: Mapping, mistakes: list[Mistake]) -> None:
        check = value.get("device_check")
        if check is not None and check not in _DEVICE_CHECKS:
            message = f"`device_check` is `NoCheck` or `ExactSame`, not `{check}`"
            leave_out = (remove("device_check"),)
            mistakes.append(Mistake("DL204", message, ("device_check",), remedies=leave_out))
        inherits = value.get("structured_inherits")
        if inherits is not None and "::" in str(inherits):
            message = "`structured_inherits` names a namespace, but it is always this function's"
            path = ("structured_inherits",)
            plain = write(str(inherits).rpartition("::")[2], path=path)
            mistakes.append(Mistake("DL203", message, path, remedies=(plain,)))
        if value.get("precomputed"):
            mistakes += check_precomputed(value["precomputed"], self.schemas.arguments)
        if "ufunc_inner_loop" in value:
            mistakes += check_ufunc(value["ufunc_inner_loop"], self._dialect.scalar_types)

    def _tags(
        self, value: Mapping, schema: FunctionSchema, namespace: str, mistakes: list[Mistake]
    ) -> frozenset[str]:
        given = value.get("tags", ())
        listed = [given] if isinstance(given, str) else given
        assert isinstance(listed, list | tuple)
        for i, tag in enumerate(listed):
            is_tag = isinstance(tag, str) and (self._any_tag or tag in self._valid_tags)
            if not is_tag:
                shown = tag if isinstance(tag, str) else describe(tag)
                path = ("tags",) if isinstance(given, str) else ("tags", i)
                message = f"tags.yaml has no tag `{shown}`"
                leave_out = (remove_item(str(tag), "tags"),)
                mistakes.append(Mistake("DL205", message, path, remedies=leave_out))
        tags = (*map(str, listed), *self._implied_tags(schema, namespace))
        known = self._tag_sets.get(tags)
        if known is None:
            known = self._tag_sets[tags] = frozenset(tags)
        return known

    def _implied_tags(self, schema: FunctionSchema, namespace: str) -> tuple[str, ...]:
        case = (namespace == "aten", schema.is_out, schema.name.inplace)
        known = self._implied.get(case)
        if known is None:
            holds = dict(zip(("pt2_compliant_tag", "out", "inplace"), case, strict=True))
            known = self._implied[case] = tuple(
                tag for tag in self._dialect.implied_tags if holds[tag] and tag in self._valid_tags
            )
        return known


def _with_namespace(mistake: Mistake, namespace: str, schema: str) -> Mistake:
    """A mistake in a schema that was read without its namespace: it names the operator in full."""
    name = schema.partition("(")[0]
    if not namespace or not name:
        return mistake
    message = re.sub(rf"`(?={re.escape(name)}[`(.])", lambda _: f"`{namespace}::", mistake.message)
    return msgspec.structs.replace(mistake, message=message)
