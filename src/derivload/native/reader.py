"""Turns an entry of native_functions.yaml into a native function (NativeFunction.from_yaml)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid, Mistake, Path
from derivload.native.dispatch import DispatchReader, is_abstract
from derivload.native.extras import check_precomputed, check_ufunc
from derivload.native.function import NativeFunction, is_view_op
from derivload.native.invariants import check_function
from derivload.native.keys import check_keys, is_of_others, right_keys
from derivload.remedies import remove, remove_item, write
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.names import OperatorName
from derivload.schema.reader import SchemaReader
from derivload.schema.signature import signatures
from derivload.sources.entries import Entry, Mapping, describe
from derivload.sources.plain import Value
from derivload.spelling import Guesses
from derivload.tuples import NamedTuple

_FUNCTION: Final = frozenset({"function"})
_VARIANTS: Final = {
    "function": _FUNCTION,
    "method": frozenset({"method"}),
    "function, method": frozenset({"function", "method"}),
    "method, function": frozenset({"function", "method"}),
}
_DEVICE_CHECKS: Final = frozenset({"NoCheck", "ExactSame"})
_ASKED_FOR: Final = ("nondeterministic_seeded", "view_copy", "inplace_view")
_NO_NAMES: Final[frozenset[str]] = frozenset()


class ReadFunction(NamedTuple):
    """The result of reading an entry: the function, or its mistakes."""

    function: NativeFunction | None
    mistakes: list[Mistake]


class NativeFunctionReader:
    """Reads the entries of native_functions.yaml for one dialect and one set of valid tags.

    With `any_tag`, the valid tags are not all known, so every tag is accepted.
    """

    def __init__(
        self, dialect: Dialect, valid_tags: frozenset[str], guesses: Guesses, *, any_tag: bool
    ) -> None:
        self._dialect = dialect
        self._guesses = guesses
        self._valid_tags = valid_tags
        self._any_tag = any_tag
        self._dispatch = DispatchReader(dialect, guesses)
        self._tag_sets: dict[tuple[str, ...], frozenset[str]] = {}
        self._implied: dict[tuple[bool, bool, bool], tuple[str, ...]] = {}
        self.schemas = SchemaReader(
            frozenset(dialect.cpp_types) | dialect.unspelled_types, dialect.grammar, guesses
        )

    def read(self, entry: Entry, value: Mapping) -> ReadFunction:
        """Read an entry. The function is None if the entry has mistakes.

        The rules between the keys are checked only if each key is right by itself.
        """
        mistakes = check_keys(value, self._guesses)
        depends = bool(mistakes) and not all(is_of_others(mistake) for mistake in mistakes)
        if mistakes:
            value = right_keys(value)
        func = value.get("func", "")
        assert isinstance(func, str)
        namespace, _, text = func.rpartition("::")
        if "(" in namespace:
            namespace, text = "", func  # a type of C++, such as `std::vector<int64_t>`
        schema: FunctionSchema | None = None
        try:
            if "::" in namespace:
                inner = write(namespace.rpartition("::")[2], namespace)
                message = f"`{namespace}::` is more than one namespace"
                raise Invalid("DL201", message, namespace, remedies=[inner])
            if "func" in value:
                schema = self.schemas.schema(text)
        except Invalid as invalid:
            mistakes += [_with_namespace(i.at("func"), namespace, text) for i in invalid.every]
        if schema is None or depends:
            self._check_values(value, mistakes)
            return ReadFunction(None, mistakes)
        before = len(mistakes)
        function = self._function(entry, value, schema, namespace or "aten", mistakes)
        is_tagged = all(mistake.code != "DL205" for mistake in mistakes[before:])
        mistakes += check_function(
            function, value, self._dialect, self._guesses, is_tagged=is_tagged
        )
        return ReadFunction(None if mistakes else function, mistakes)

    def _check_values(self, value: Mapping, mistakes: list[Mistake]) -> None:
        """Add the mistakes in the value of each key by itself."""
        self._delegate(value, mistakes)
        self._variants(value, mistakes)
        self._autogen(value, mistakes)
        self._no_default(value, mistakes)
        self._check_others(value, mistakes)
        self._listed_tags(value, mistakes)
        self._dispatch.check_names(value, mistakes)

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
        dispatch, repeated_keys = self._dispatch.read(schema, value, mistakes)
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
            repeated_keys=repeated_keys,
            is_view=is_view_op(schema, tags),
        )

    def _variants(self, value: Mapping, mistakes: list[Mistake]) -> frozenset[str]:
        text = value.get("variants", "function")
        known = _VARIANTS.get(str(text))
        if known is not None:
            return known
        names = str(text).split(", ")
        for name in names:
            if name not in _VARIANTS:
                message = f"`{name}` is not a variant"
                parts = ", ".join(re.split(r"[\s,]+", str(text).strip()))
                listed = parts in _VARIANTS
                remedies = (write(parts, path=("variants",), is_safe=True),) if listed else ()
                help_ = "write `function, method`, with a comma and a space" if listed else ""
                close = self._guesses.nearest(name, ("function", "method"))
                mistakes.append(
                    Mistake(
                        code="DL202",
                        message=message,
                        path=("variants",),
                        words=name,
                        help=help_,
                        meant=() if listed else tuple(close),
                        remedies=remedies,
                    )
                )
        # A function, where the rules between keys would tell of the same mistake again.
        return frozenset(names) & _VARIANTS["function, method"] or _FUNCTION

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
            close = tuple(self._guesses.nearest(str(check), _DEVICE_CHECKS))
            path, leave_out = ("device_check",), (remove("device_check"),)
            mistakes.append(Mistake("DL204", message, path, meant=close, remedies=leave_out))
        inherits = value.get("structured_inherits")
        if inherits is not None and "::" in str(inherits):
            message = "`structured_inherits` names a namespace, but it is always this function's"
            path = ("structured_inherits",)
            plain = write(str(inherits).rpartition("::")[2], path=path)
            mistakes.append(Mistake("DL203", message, path, remedies=(plain,)))
        if value.get("precomputed"):
            mistakes += check_precomputed(value["precomputed"], self.schemas.arguments)
        if "ufunc_inner_loop" in value:
            types = self._dialect.scalar_types
            mistakes += check_ufunc(value["ufunc_inner_loop"], types, self._guesses)

    def _tags(
        self, value: Mapping, schema: FunctionSchema, namespace: str, mistakes: list[Mistake]
    ) -> frozenset[str]:
        listed = self._listed_tags(value, mistakes)
        tags = (*map(str, listed), *self._implied_tags(schema, namespace))
        known = self._tag_sets.get(tags)
        if known is None:
            known = self._tag_sets[tags] = frozenset(tags)
        return known

    def _listed_tags(self, value: Mapping, mistakes: list[Mistake]) -> Sequence[Value]:
        given = value.get("tags", ())
        listed = [given] if isinstance(given, str) else given
        assert isinstance(listed, list | tuple)
        for i, tag in enumerate(listed):
            is_tag = isinstance(tag, str) and (self._any_tag or tag in self._valid_tags)
            if not is_tag:
                path: Path = ("tags",) if isinstance(given, str) else ("tags", i)
                mistakes.append(self._unknown_tag(tag, path, listed))
        return listed

    def _unknown_tag(self, tag: Value, path: Path, all_tags: Sequence[Value]) -> Mistake:
        leave_out = (remove_item(str(tag), "tags"),)
        if not isinstance(tag, str):
            message = f"a tag is a text; this is {describe(tag)}"
            return Mistake("DL205", message, path, remedies=leave_out)
        message = f"tags.yaml has no tag `{tag}`"
        several = re.split(r"[\s,;]+", tag.strip(" ,;"))
        if len(several) > 1 and self._valid_tags.issuperset(several):
            tags = [part for one in all_tags for part in (several if one is tag else [str(one)])]
            listed = f"[{', '.join(dict.fromkeys(tags))}]"
            as_list = (write(listed, path=("tags",), is_safe=True),)
            help_ = f"write several tags as a list: `{listed}`"
            return Mistake("DL205", message, path, help=help_, remedies=as_list)
        if tag in _ASKED_FOR:
            # Without it a rule is broken, and that rule's remedy is to add it again.
            help_ = "declare it in tags.yaml"
            return Mistake("DL205", message, path, tag, help=help_, lacking=tag)
        close = self._guesses.nearest(tag, self._valid_tags)
        return Mistake(
            code="DL205",
            message=message,
            path=path,
            words=tag,
            meant=tuple(close),
            remedies=leave_out,
            lacking=tag,
        )

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
