"""All rules of the generators, over the functions of a load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from derivload.cpp.bindings import CppBindings
from derivload.derivatives.info import Derived
from derivload.derivatives.matching import MatchedFunction
from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.generators.cpp_forms import CppForms, check_name, has_list_default
from derivload.generators.nodes import check_node
from derivload.generators.python_bindings import PythonBindings, is_bound
from derivload.generators.subject import Candidate, Refusal
from derivload.generators.tables import Tables
from derivload.generators.variable_type import check_variable_type, has_body, is_written
from derivload.generators.views import check_view, is_view
from derivload.native.function import NativeFunction
from derivload.tuples import NamedTuple


class Loaded(NamedTuple):
    """What was loaded: the functions with what was matched to them, and the infos by schema."""

    matched: Sequence[MatchedFunction]
    infos: Mapping[str, Derived]


def check(loaded: Loaded, tables: Tables, bindings: CppBindings) -> Iterator[Refusal]:
    """What the generators refuse (DL801 to DL842)."""
    cpp = CppForms(bindings)
    bound: list[NativeFunction] = []
    for function, record, generated in loaded.matched:
        if wrong := [*cpp.check_types(function)]:
            yield from wrong
            continue
        if not function.name.base.isascii():
            yield from check_name(function)
        of_python = is_bound(function, tables)
        if of_python:
            bound.append(function)
        candidate = _candidate(function, record, generated, loaded.infos)
        written = is_written(candidate, tables)
        if has_list_default(function) or function.cpp_no_default_args:
            has_wrapper = written and (
                of_python or has_body(function, tables) or is_view(function, tables)
            )
            yield from cpp.check_defaults(function, written=has_wrapper, bound=of_python)
        if written:
            yield from check_variable_type(candidate, tables)
            if is_view(function, tables):
                yield from check_view(candidate, tables)
    yield from _check_nodes(loaded, tables)
    yield from PythonBindings(tables, bindings).check(bound)


def _candidate(
    function: NativeFunction,
    record: FunctionRecord,
    generated: DifferentiabilityRecord | None,
    infos: Mapping[str, Derived],
) -> Candidate:
    if not record.differentiability:
        return Candidate(function)
    made = None if generated is None else Derived(function, generated.dispatch)
    sources = {key: info.schema for key, info in record.differentiability.items()}
    of_keys = {key: made or infos[schema] for key, schema in sources.items()}
    source = next(iter(sources.values()))
    return Candidate(function, of_keys, record.forward_derivatives or {}, source)


def _check_nodes(loaded: Loaded, tables: Tables) -> Iterator[Refusal]:
    for schema, derived in loaded.infos.items():
        for key, info in derived.dispatch.items():
            yield from check_node(derived.function, schema, key, info, tables)
    for function, _, generated in loaded.matched:
        if generated is not None:
            for key, info in generated.dispatch.items():
                yield from check_node(function, function.schema.text, key, info, tables)
