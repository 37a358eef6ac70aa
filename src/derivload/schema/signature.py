"""The signature that in-place, out, mutable and functional variants of an operator share.

torchgen's `FunctionSchema.signature` builds a schema to compare. Here a signature is the text of
that schema, because strings compare and hash fast. The arguments and returns of the signature are
built only for the few functions from which a variant is generated.
"""

from __future__ import annotations

from derivload.schema.arguments import Argument, ArgumentReader, Return
from derivload.schema.function_schema import Arguments, FunctionSchema, make_arguments
from derivload.tuples import NamedTuple


class Signatures(NamedTuple):
    """The signatures of a schema. Schemas that are variants of each other have the same signature.

    `exact` keeps the defaults. `loose` has no defaults. `view` is `exact` without the mark of a
    copying view variant (`_copy`, `_scatter`) in the name.
    """

    exact: str
    loose: str
    view: str


def signatures(schema: FunctionSchema, *, scatter_is_inverse: bool) -> Signatures:
    """All signatures of a schema.

    `scatter_is_inverse` is a rule of 2.3 and later: `x_scatter` is the copying variant of the view
    `x_inverse`.
    """
    exact = _arguments(schema, strip_defaults=False)
    loose = exact
    if schema.arguments.has_defaults:
        loose = _arguments(schema, strip_defaults=True)
    returns = ",".join(
        [r.type.text for r in schema.returns]
        + [a.type.text for a in _written_but_not_returned(schema)]
    )
    name = schema.name.canonical
    view = _view_name(name, scatter_is_inverse=scatter_is_inverse)
    exact_key = f"{name}({exact})->{returns}"
    return Signatures(
        exact=exact_key,
        loose=exact_key if loose == exact else f"{name}({loose})->{returns}",
        view=exact_key if view == name else f"{view}({exact})->{returns}",
    )


def _view_name(name: str, *, scatter_is_inverse: bool) -> str:
    if name.endswith("_copy"):
        return name.replace("_copy", "")
    if scatter_is_inverse and name.endswith("_scatter"):
        return name.replace("scatter", "inverse")
    return name


def _arguments(schema: FunctionSchema, *, strip_defaults: bool) -> str:
    arguments = schema.arguments
    if strip_defaults:
        parts = [a.declaration for a in arguments.positional]
        keywords = [a.declaration for a in arguments.without_options]
    else:
        parts = [a.without_annotation for a in arguments.positional]
        keywords = [a.without_annotation for a in arguments.without_options]
    if keywords:
        parts.append("*")
        parts += keywords
    text = ", ".join(parts)
    if schema.name.text == "bernoulli.p":
        # This functional overload has no default, but its in-place variant has one. torchgen's
        # FunctionSchema.signature makes the same exception.
        text = text.replace("float p", "float p=0.5")
    return text


def _written_but_not_returned(schema: FunctionSchema) -> list[Argument]:
    # The order matters: self, then the out arguments, then the rest, as in torchgen. Otherwise
    # in-place and out variants that write to more arguments would have different signatures.
    arguments = schema.arguments
    if not arguments.has_writes:
        return []
    first = () if arguments.self_argument is None else (arguments.self_argument,)
    return [
        a
        for a in (*first, *arguments.out, *arguments.post_self)
        if a.is_write and not any(a.annotation == r.annotation for r in schema.returns)
    ]


def signature_arguments(schema: FunctionSchema, reader: ArgumentReader) -> Arguments:
    """The arguments of a schema's signature: no annotations, no TensorOptions, no out arguments."""
    arguments = schema.arguments
    return make_arguments(
        [reader.argument(a.without_annotation) for a in arguments.positional],
        [reader.argument(a.without_annotation) for a in arguments.without_options],
        (),
    )


def signature_returns(schema: FunctionSchema, reader: ArgumentReader) -> tuple[Return, ...]:
    """The returns of a schema's signature, with names.

    These are its returns, then the arguments that it writes to but does not return.
    """
    return (
        *(reader.make_return(r.type, None, r.name) for r in schema.returns),
        *(
            reader.make_return(a.type, None, f"{a.name}_out")
            for a in _written_but_not_returned(schema)
        ),
    )
