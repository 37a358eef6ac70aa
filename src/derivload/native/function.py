"""The native function: one operator variant, as native_functions.yaml or autogen gives it."""

from __future__ import annotations

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

# The operators that resize or replace the storage of self: views by their tag, but not
# treated as such (torchgen: Note [resize_ in Functionalization]).
_RESIZING = frozenset({"resize_", "resize_as_"})


class NativeFunction(msgspec.Struct, frozen=True, gc=False):
    """One native function.

    `entry` is where it was declared; for a generated one, where the function that it was
    generated from was. `dispatch` holds the keys of its dispatch table, those included that
    follow from having none.
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
    use_const_ref_for_mutable_tensors: bool = False
    cpp_no_default_args: frozenset[str] = frozenset()
    is_abstract: bool = False
    is_view: bool = False

    @property
    def name(self) -> OperatorName:
        """The operator's name."""
        return self.schema.name

    @property
    def cpp_name(self) -> str:
        """The name of its C++ function."""
        return cpp_name(self.schema)

    @property
    def scope(self) -> Locals:
        """What its C++ types depend on besides its schema."""
        return Locals(
            self.use_const_ref_for_mutable_tensors,
            self.structured or self.structured_delegate is not None,
        )

    @property
    def generated(self) -> bool:
        """Whether autogen made it; torchgen goes by the tag, so an entry may claim it too."""
        return "generated" in self.tags

    @property
    def is_foreach(self) -> bool:
        """Whether it works on lists of tensors one by one, by the naming convention."""
        return self.schema.name.base.startswith("_foreach_")

    @property
    def has_implicit_kernel(self) -> bool:
        """Whether autograd sees through it: CompositeImplicitAutograd."""
        return IMPLICIT in self.dispatch


def is_view_op(schema: FunctionSchema, tags: frozenset[str]) -> bool:
    """Whether a function returns a view (torchgen's NativeFunction.is_view_op).

    By a return that aliases without writing, by the tag inplace_view, or by an argument whose
    alias set becomes anything (`a -> *`).
    """
    if "inplace_view" in tags and schema.name.text not in _RESIZING:
        return True
    if any([r.annotation is not None and not r.is_write for r in schema.returns]):
        return True
    return schema.arguments.has_annotations and any(
        a.annotation is not None and a.annotation.is_wildcard for a in schema.arguments.flat_all
    )
