"""`derivload list`: the operators that pass filters, one a line, or as JSON."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from derivload.commands.notes import say_note
from derivload.commands.outcome import report
from derivload.commands.parsed import files_of, open_store_of, say_files, say_told, wanted_of
from derivload.derivatives.model import SavedAttribute
from derivload.engine.load import read_tags
from derivload.engine.operators import (
    FLAGS,
    Operator,
    Predicate,
    asked_for,
    chosen,
    join_operators,
    with_dispatch_key,
    with_tag,
)
from derivload.exit_status import DONE
from derivload.loading.errors import UsageError
from derivload.loading.inputs import choose_dialect
from derivload.loading.operators import add_places, add_warnings, overlays_of
from derivload.loading.placing import placed_functions
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import find_rules
from derivload.loading.run import LoadedInputs, load_inputs
from derivload.outputs.documents import Place, PlacedFunction
from derivload.spelling import did_you_mean, nearest
from derivload.store.store import Store
from derivload.terminal.layout import visible
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

# Columns: a longer name pushes what is said of it to the right.
_WIDEST: Final = 48


class ListedOperator(msgspec.Struct, frozen=True):
    """A function that passed all filters."""

    name: str
    schema: str
    kind: str
    nodes: tuple[str, ...]
    has_forward: bool
    saved_inputs: tuple[SavedAttribute, ...]
    saved_outputs: tuple[SavedAttribute, ...]
    tags: tuple[str, ...]
    dispatch_keys: tuple[str, ...]
    composite: bool
    has_foreach: bool
    native_function: Place | None
    definition: Place | None
    is_from_overlay: bool
    warnings: tuple[str, ...]


class ListDocument(msgspec.Struct, frozen=True):
    """The functions that passed all filters, in the order of functions.json."""

    format: Literal["derivload.list"]
    version: Literal[1]
    torch_version: str
    functions: int
    operators: tuple[ListedOperator, ...]


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    try:
        store = open_store_of(options)
        options.kernel += _known_keys(options, store)
        files = files_of(options)
        say_files(options, files)
        request = Request(files, with_facts=True)
        loaded = load_inputs(request, store)
        say_note(loaded.note, options)
        placed = _placed(options, request, loaded)
        every = add_places(join_operators(loaded.lines), files, placed)
        _check_values(options, request, every)
        if options.has_warnings or options.format == "json":
            every = add_warnings(every, loaded.warnings(wanted_of(options, files)))
        found = chosen(every, _filters(options, every))
        stdout = Stdout()
        if options.format == "json":
            places = {function.schema: function for function in placed}
            stdout.write_json(_render(loaded.lines.torch_version, every, found, places))
        else:
            stdout.print_lines(_lines(found, options.format))
        stdout.flush()
        if not options.quiet:
            say(f"{len(found)} of {len(every)} functions", "derivload list")
        say_told(options, files)
        return DONE
    except Exception as error:
        return report(error, "")


def _known_keys(options: argparse.Namespace, store: Store | None) -> list[str]:
    """Take the keys from --dispatch-key that torchgen lists already: they are meant as filters.

    As an input, the option adds the keys that torchgen does not list. Raises UsageError.
    """
    if not options.dispatch_key:
        return []
    files = files_of(options)
    if files.tree is None:
        dialect, _ = choose_dialect(files.version)
    else:
        dialect = find_rules(files, store).dialect
    known = [key for key in options.dispatch_key if key in dialect.dispatch_keys]
    options.dispatch_key = [key for key in options.dispatch_key if key not in known]
    return known


def _filters(options: argparse.Namespace, operators: Sequence[Operator]) -> list[Predicate]:
    filters = [passes for name, passes in FLAGS.items() if getattr(options, name.replace("-", "_"))]
    filters += [with_tag(tag) for tag in options.tag]
    filters += [with_dispatch_key(key) for key in options.kernel]
    return [*filters, asked_for(options.operator, operators)] if options.operator else filters


def _check_values(
    options: argparse.Namespace, request: Request, operators: Sequence[Operator]
) -> None:
    """Refuse names that nothing can have. Raises UsageError."""
    tags = {tag for operator in operators for tag in operator.record.tags}
    tags |= read_tags(request.inputs.texts.tags) or frozenset()
    keys = {key for operator in operators for key in operator.dispatch_keys}
    keys |= request.inputs.dialect.all_dispatch_keys
    for what, names, known in (("tag", options.tag, tags), ("dispatch key", options.kernel, keys)):
        for name in names:
            if name not in known:
                guess = did_you_mean(nearest(name, sorted(known)))
                raise UsageError(f"there is no {what} `{name}`{guess}")
    names = {name for operator in operators for name in operator.names}
    for text in options.operator:
        if not chosen(operators, [asked_for([text], operators)]):
            guess = did_you_mean(nearest(text, sorted(names)))
            raise UsageError(f"there is no operator `{text}`{guess}")


def _placed(
    options: argparse.Namespace, request: Request, loaded: LoadedInputs
) -> list[PlacedFunction]:
    """Where the functions come from, in their order; [] if nothing asks for it."""
    if options.format != "json" and not (overlays_of(request.files) or request.files.backends):
        return []
    return [*placed_functions(request, loaded.lines.facts or (), request.inputs.kernels())]


def _lines(operators: Sequence[Operator], form: str) -> Iterator[str]:
    if form == "names":
        yield from (visible(operator.name) for operator in operators)
        return
    width = min(max((len(operator.name) for operator in operators), default=0), _WIDEST)
    for operator in operators:
        yield f"{visible(operator.name):<{width}}  {_about(operator)}"


def _about(operator: Operator) -> str:
    """What is most worth knowing of a function, in a few words."""
    record = operator.record
    if operator.nodes:
        about = ", ".join(operator.nodes)
        return about if any((record.forward_derivatives or {}).values()) else f"{about}; no forward"
    if record.kind == "out":
        return "out variant"
    is_seen_through = record.has_composite_implicit_autograd_kernel
    return "composite" if is_seen_through else "no derivative"


def _render(
    torch_version: str,
    every: Sequence[Operator],
    found: Sequence[Operator],
    places: dict[str, PlacedFunction],
) -> bytes:
    listed = tuple([_listed(operator, places[operator.record.schema]) for operator in found])
    document = ListDocument("derivload.list", 1, torch_version, len(every), listed)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _listed(operator: Operator, place: PlacedFunction) -> ListedOperator:
    record = operator.record
    return ListedOperator(
        name=operator.name,
        schema=record.schema,
        kind=record.kind,
        nodes=operator.nodes,
        has_forward=any((record.forward_derivatives or {}).values()),
        saved_inputs=tuple(operator.saved_inputs),
        saved_outputs=tuple(operator.saved_outputs),
        tags=record.tags,
        dispatch_keys=operator.dispatch_keys,
        composite=record.has_composite_implicit_autograd_kernel,
        has_foreach=operator.has_foreach,
        native_function=place.native_function,
        definition=place.definition,
        is_from_overlay=operator.is_from_overlay,
        warnings=operator.warnings,
    )
