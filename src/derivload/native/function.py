"""The native function: one variant of an operator, from native_functions.yaml or from autogen."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from derivload.cpp.ctypes import Locals
from derivload.cpp.names import cpp_name
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.names import OperatorName
from derivload.schema.signature import Signatures
from derivload.sources.entries import Entry

IMPLICIT = "CompositeImplicitAutograd"
IMPLICIT_NESTED = "CompositeImplicitAutogradNestedTensor"
EXPLICIT = "CompositeExplicitAutograd"
EXPLICIT_NON_FUNCTIONAL = "CompositeExplicitAutogradNonFunctional"
COMPOSITES = frozenset({IMPLICIT, IMPLICIT_NESTED, EXPLICIT, EXPLICIT_NON_FUNCTIONAL})

# These operators resize or replace the storage of self. They have the tag of views, but are not
# treated as views (torchgen: Note [resize_ in Functionalization]).
_RESIZING = frozenset({"resize_", "resize_as_"})


class NativeFunction(msgspec.Struct, frozen=True, gc=False):
    """One native function.

    `entry` is the entry that declares it. For a generated function, it is the entry of the
    function that it was generated from. `dispatch` has the keys of its dispatch table, or the
    default key if it has no table, which `has_dispatch_table` tells. `repeated_keys` has each key
    that stands in the table again, after the line of the table in which it does.
    """

    schema: FunctionSchema
    signatures: Signatures
    entry: Entry
    namespace: str
    variants: frozenset[str]
    dispatch: frozenset[str]
    tags: frozenset[str]
    autogen: tuple[OperatorName, ...] = ()
    python_module: str | None = None
    structured: bool = False
    structured_delegate: OperatorName | None = None
    manual_cpp_binding: bool = False
    manual_kernel_registration: bool = False
    category_override: str | None = None
    use_const_ref_for_mutable_tensors: bool = False
    cpp_no_default_args: frozenset[str] = frozenset()
    is_abstract: bool = False
    is_view: bool = False
    has_dispatch_table: bool = False
    repeated_keys: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> OperatorName:
        """The operator's name."""
        return self.schema.name

    @property
    def qualified(self) -> str:
        """The operator's name as messages have it: with its namespace, unless that is aten."""
        return qualified(self.namespace, self.name.text)

    @property
    def cpp_name(self) -> str:
        """The name of its C++ function."""
        return cpp_name(self.schema)

    @property
    def scope(self) -> Locals:
        """The settings that its C++ types depend on, besides its schema."""
        return Locals(
            self.use_const_ref_for_mutable_tensors,
            self.structured or self.structured_delegate is not None,
        )

    @property
    def generated(self) -> bool:
        """Whether it has the tag of functions that autogen made. An entry may have this tag too."""
        return "generated" in self.tags

    @property
    def is_foreach(self) -> bool:
        """Whether it works on each tensor of a list. The name tells, by convention."""
        return self.schema.name.base.startswith("_foreach_")

    @property
    def has_implicit_kernel(self) -> bool:
        """Whether it has a CompositeImplicitAutograd kernel, so that autograd sees inside it."""
        return IMPLICIT in self.dispatch


def qualified(namespace: str, name: str) -> str:
    """A name as messages have it: with its namespace, unless that is aten."""
    return name if namespace in ("", "aten") else f"{namespace}::{name}"


def is_view_op(schema: FunctionSchema, tags: frozenset[str]) -> bool:
    """Whether a function returns a view (torchgen's NativeFunction.is_view_op).

    It does if a return aliases without being written to, if it has the tag inplace_view, or if the
    alias set of an argument may become anything (`a -> *`).
    """
    if "inplace_view" in tags and schema.name.text not in _RESIZING:
        return True
    if any([r.annotation is not None and not r.is_write for r in schema.returns]):
        return True
    return schema.arguments.has_annotations and any(
        a.annotation is not None and a.annotation.is_wildcard for a in schema.arguments.flat_all
    )


def hides_from_python(tags: Collection[str]) -> bool:
    """Whether PyTorch writes no Python binding for a function with these tags."""
    return "generated" in tags and "view_copy" not in tags
