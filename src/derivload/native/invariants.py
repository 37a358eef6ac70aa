"""The rules between the keys of one entry (torchgen's NativeFunction.__post_init__)."""

from __future__ import annotations

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Mistake, Remedy
from derivload.native.function import NativeFunction
from derivload.remedies import add, add_item, remove, remove_item, write
from derivload.sources.entries import Mapping
from derivload.spelling import Guesses

_NOT_SEEDED = "_cudnn_init_dropout_state"


def check_function(
    function: NativeFunction,
    value: Mapping,
    dialect: Dialect,
    guesses: Guesses,
    *,
    is_tagged: bool,
) -> list[Mistake]:
    """The broken rules between the keys of an entry (DL206 to DL219).

    Without `is_tagged`, there is a mistake in its tags, so that none is missing for certain.
    """
    mistakes: list[Mistake] = []
    schema = function.schema
    if schema.is_out and function.variants != {"function"}:
        message = "a function with out arguments cannot be a method"
        remedies = (write("function", path=("variants",)),)
        mistakes.append(Mistake("DL206", message, ("variants",), remedies=remedies))
    if function.python_module is not None and "method" in function.variants:
        message = f"a function of the module `{function.python_module}` cannot be a method"
        remedies = (write("function", path=("variants",)),)
        mistakes.append(Mistake("DL207", message, ("variants",), remedies=remedies))
    if function.structured or function.structured_delegate is not None:
        _check_structured(function, value, mistakes)
    _check_structured_extras(function, value, mistakes)
    if function.cpp_no_default_args:
        _check_no_default(function, value, guesses, mistakes)
    const_ref = "use_const_ref_for_mutable_tensors"
    if value.get(const_ref) is True and schema.is_out and dialect.const_ref_excludes_out:
        message = f"`{const_ref}` is not for out variants"
        mistakes.append(_superfluous("DL213", message, const_ref))
    if schema.name.text.startswith("_foreach") and value.get("device_check") != "NoCheck":
        message = "the tensors of a foreach function may be on different devices"
        mistakes.append(
            Mistake(
                code="DL214",
                message=message,
                path=("func",),
                words=function.qualified,
                remedies=(_with("device_check", "NoCheck", value),),
            )
        )
    if is_tagged and "nondeterministic_seeded" not in function.tags:
        reason = _random_because(function, dialect)
        if reason:
            message = f"{reason}, so it needs the tag `nondeterministic_seeded`"
            remedies = (add_item("nondeterministic_seeded", "tags"),)
            mistakes.append(
                Mistake("DL215", message, ("func",), function.qualified, remedies=remedies)
            )
    return mistakes


def _check_structured_extras(
    function: NativeFunction, value: Mapping, mistakes: list[Mistake]
) -> None:
    if function.structured:
        return
    if value.get("structured_inherits") is not None:
        message = "`structured_inherits` is only for structured functions"
        mistakes.append(_superfluous("DL210", message, "structured_inherits", function))
    if value.get("precomputed") is not None:
        message = "`precomputed` is only for structured functions"
        mistakes.append(_superfluous("DL211", message, "precomputed", function))


def _check_structured(function: NativeFunction, value: Mapping, mistakes: list[Mistake]) -> None:
    is_out = function.schema.kind == "out"
    if function.structured and not is_out:
        message = "`structured` is only for the out variant"
        mistakes.append(_superfluous("DL208", message, "structured"))
    if function.structured_delegate is not None and is_out:
        message = "`structured_delegate` is not for the out variant"
        mistakes.append(_superfluous("DL208", message, "structured_delegate"))
    if value.get("device_guard") is False:
        message = "a structured function always has a device guard"
        mistakes.append(_superfluous("DL209", message, "device_guard"))


def _check_no_default(
    function: NativeFunction, value: Mapping, guesses: Guesses, mistakes: list[Mistake]
) -> None:
    arguments = function.schema.arguments.flat_all
    defaulted = {a.name for a in arguments if a.default is not None}
    key = "cpp_no_default_args"
    listed = value[key]
    assert isinstance(listed, list)
    for name in sorted(function.cpp_no_default_args - defaulted):
        message = f"`{name}` is not an argument with a default"
        is_known = any(a.name == name for a in arguments)
        meant = () if is_known else tuple(guesses.nearest(name, defaulted))
        path, leave_out = (key, listed.index(name)), (remove_item(name, key),)
        mistakes.append(Mistake("DL212", message, path, meant=meant, remedies=leave_out))


def _superfluous(
    code: str, message: str, key: str, unstructured: NativeFunction | None = None
) -> Mistake:
    """The mistake that an entry has a key. If `unstructured` is an out variant, it may be one."""
    remedies: tuple[Remedy, ...] = (remove(key),)
    if unstructured is not None and unstructured.schema.kind == "out":
        remedies = (add("structured", "True"), *remedies)
    return Mistake(code, message, (key,), on_key=True, remedies=remedies)


def _with(key: str, text: str, value: Mapping) -> Remedy:
    """What gives a key the only value that it may have."""
    if key in value:
        return write(text, path=(key,), is_safe=True)
    return add(key, text, is_safe=True)


def _random_because(function: NativeFunction, dialect: Dialect) -> str | None:
    """Why torchgen counts a function as random: its name, its arguments, or a Generator.

    None if torchgen does not.
    """
    text = function.schema.text
    if not ("rand" in text or "dropout" in text or "Generator" in text):
        return None
    name = function.schema.name.text
    arguments = function.schema.arguments.flat_all
    if "rand" in name and (dialect.philox_is_seeded or "_philox_" not in name):
        return f"`{function.qualified}` has `rand` in its name"
    named = "dropout" in name or any("dropout" in a.name for a in arguments)
    if named and "backward" not in name and function.schema.name.name != _NOT_SEEDED:
        return f"`{function.qualified}` has `dropout` in its name or arguments"
    if any(a.type.base == "Generator" for a in function.schema.arguments.flat_non_out):
        return f"`{function.qualified}` takes a Generator"
    return None
