"""Runs upstream's generators for some of the functions.

We call upstream's three entry points as PyTorch's build does, but for a catalogue that has only
these functions. The functions by which they load inputs are replaced and return this catalogue.
The file manager is replaced too. A few generators write files that are not sharded: these are
called item by item, see `capture.py`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

from derivload.pytorch.codegen.capture import (
    INFOS,
    NAMES,
    NATIVE,
    SORTED,
    Captured,
    base_of,
    make_file_manager,
)
from derivload.pytorch.codegen.kept import render_deprecated
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import SelectionError, UnexpectedTorchgenError


class Catalogue(NamedTuple):
    """The functions that the generators run for, with their infos, as torchgen's own objects.

    `deprecated` are the entries of deprecated.yaml for these functions: the texts of `name` and
    `aten`.
    """

    functions: Sequence[Any]
    infos: Mapping[Any, Mapping[str, Any]]
    used_dispatch_keys: frozenset[str]
    tags: frozenset[str]
    deprecated: Sequence[tuple[str, str]]


class ChosenGenerators(NamedTuple):
    """Which generators run, and for which operators: those that `selector` selects."""

    autograd: bool
    python: bool
    annotated: bool
    selector: Any
    disable_autograd: bool


def parts_of(selection: Selection, modules: Modules) -> ChosenGenerators:
    """The generators of a selection, and upstream's selector for it.

    Raises OSError and SelectionError.
    """
    return ChosenGenerators(
        autograd=selection.subset in ("libtorch", "all"),
        python=selection.subset in ("pybindings", "all"),
        annotated=selection.has_annotated,
        selector=_selector(selection, modules),
        disable_autograd=selection.disable_autograd,
    )


def _selector(selection: Selection, modules: Modules) -> Any:
    builder = modules.selector.SelectiveBuilder
    if selection.operators_yaml_path is not None:
        with _selected(selection.operators_yaml_path):
            return builder.from_yaml_path(selection.operators_yaml_path)
    if selection.selected_op_list_path is None:
        return builder.get_nop_selector()
    import yaml

    with _selected(selection.selected_op_list_path):
        with open(selection.selected_op_list_path, encoding="utf-8") as file:
            names = yaml.safe_load(file)
        # This format has no overloads. Each operator is a root operator and used for training.
        operators = {name.partition(".")[0] for name in names}
    return builder.from_legacy_op_registration_allow_list(operators, True, True)


@contextmanager
def _selected(path: str) -> Iterator[None]:
    """Inside, a file that selects operators is read. Turns exceptions into SelectionError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise SelectionError(path, " ".join(str(error).split())) from error


class _ParsedFunctions(NamedTuple):
    """The result of parsing native_functions.yaml, with the one field that generators use."""

    native_functions: list[Any]


def run_generators(
    upstream: Upstream,
    modules: Modules,
    catalogue: Catalogue,
    parts: ChosenGenerators,
    captured: Captured,
) -> None:
    """Run the generators and capture what they make.

    Raises UnexpectedTorchgenError, and whatever a generator raises.
    """
    run = _Run(modules, catalogue, captured)
    generators = modules.generators
    arguments = ("native_functions.yaml", "tags.yaml", captured.out, upstream.autograd)
    with ExitStack() as stack:
        for module, name, replacement in run.replacements():
            stack.enter_context(replaced(module, name, replacement))
        # This is the order of PyTorch's build. gen_autograd matches functions with infos, which
        # adds infos of foreach functions to the shared dict. gen_autograd_python must not see them.
        if parts.python:
            generators["gen_autograd"].gen_autograd_python(*arguments)
        if parts.autograd:
            generators["gen_autograd"].gen_autograd(
                *arguments,
                operator_selector=parts.selector,
                disable_autograd=parts.disable_autograd,
            )
        if parts.annotated:
            generators["gen_annotated_fn_args"].gen_annotated(*arguments)


class _Run:
    """The functions that replace upstream's own during one run.

    Each method `_by_…` wraps one generator so that it is called once for each item.
    """

    def __init__(self, modules: Modules, catalogue: Catalogue, captured: Captured) -> None:
        self._modules = modules
        self._catalogue = catalogue
        self._captured = captured
        self._functions = list(catalogue.functions)
        self._text_of = captured.texts.of

    def replacements(self) -> Iterator[tuple[ModuleType, str, object]]:
        utils = self._modules.torchgen["utils"]
        file_manager = make_file_manager(
            utils.FileManager, self._captured, utils.string_stable_hash
        )
        for module in self._modules.generators.values():
            for name, replacement in (
                ("FileManager", file_manager),
                ("load_derivatives", self._load_derivatives),
                ("parse_native_yaml", self._parse_native_yaml),
                ("parse_tags_yaml", self._parse_tags_yaml),
            ):
                if hasattr(module, name):
                    yield module, name, replacement
        main = self._modules.generators["gen_autograd"]
        python = self._modules.generators["gen_python_functions"]
        for module, name, split in (
            (main, "gen_autograd_functions_lib", self._by_info),
            (main, "gen_view_funcs", self._by_function_with_info),
            (main, "gen_variable_factories", self._by_function),
            (python, "create_python_bindings", self._by_name),
            (python, "create_python_return_type_bindings", self._by_name),
            (python, "create_python_return_type_bindings_header", self._by_name),
            (python, "load_deprecated_signatures", self._with_deprecated),
        ):
            original = getattr(module, name, None)
            if original is not None:
                yield module, name, split(original)

    def _load_derivatives(self, *_: object) -> tuple[object, set[str]]:
        return self._catalogue.infos, set(self._catalogue.used_dispatch_keys)

    def _parse_native_yaml(self, *_: object) -> _ParsedFunctions:
        return _ParsedFunctions(self._functions)

    def _parse_tags_yaml(self, _: object) -> set[str]:
        return set(self._catalogue.tags)

    def _by_info(self, original: Callable[..., None]) -> Callable[..., None]:
        def split(out: str, infos: Mapping[Any, Any], *rest: object) -> None:
            with self._captured.split(INFOS):
                original(out, {}, *rest)
                for schema, by_key in infos.items():
                    with self._captured.item(self._text_of(schema), base_of(schema)):
                        original(out, {schema: by_key}, *rest)

        return split

    def _by_function_with_info(self, original: Callable[..., None]) -> Callable[..., None]:
        def split(out: str, functions: Iterable[Any], *rest: object) -> None:
            with self._captured.split(SORTED):
                original(out, [], *rest)
                for function in functions:
                    schema = function.func.func
                    with self._captured.item(self._text_of(schema), base_of(schema)):
                        original(out, [function], *rest)

        return split

    def _by_function(self, original: Callable[..., None]) -> Callable[..., None]:
        def split(*arguments: object) -> None:
            every = self._functions
            try:
                with self._captured.split(NATIVE):
                    self._functions = []
                    original(*arguments)
                    for function in filter(self._may_be_factory, every):
                        self._functions = [function]
                        schema = function.func
                        with self._captured.item(self._text_of(schema), base_of(schema)):
                            original(*arguments)
            finally:
                self._functions = every

        return split

    @cached_property
    def _may_be_factory(self) -> Callable[[Any], bool]:
        """The test whether a function may be in variable_factories.h: upstream's own.

        If upstream has none, every function may be, and the generator itself decides.
        """
        module = self._modules.generators["gen_variable_factories"]
        return getattr(module, "is_factory_function", lambda _: True)

    def _by_name(self, original: Callable[..., None]) -> Callable[..., None]:
        def split(
            manager: object,
            pairs: Iterable[Any],
            is_meant: Callable[[Any], bool],
            *rest: object,
            **how: object,
        ) -> None:
            grouped: dict[Any, list[Any]] = {}
            for pair in pairs:
                if is_meant(pair.function):
                    grouped.setdefault(pair.function.func.name.name, []).append(pair)
            with self._captured.split(NAMES):
                original(manager, [], is_meant, *rest, **how)
                for name, group in grouped.items():
                    with self._captured.item(str(name), str(name.base)):
                        original(manager, group, is_meant, *rest, **how)

        return split

    def _with_deprecated(self, original: Callable[..., object]) -> Callable[..., object]:
        def load(pairs: object, _: str, **how: object) -> object:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "deprecated.yaml")
                with open(path, "wb") as file:
                    file.write(render_deprecated(self._catalogue.deprecated))
                return original(pairs, path, **how)

        return load


@contextmanager
def replaced(module: ModuleType, name: str, replacement: object) -> Iterator[None]:
    """Inside, the name in the module means `replacement`."""
    original = getattr(module, name)
    setattr(module, name, replacement)
    try:
        yield
    finally:
        setattr(module, name, original)


def make_functions(
    modules: Modules, entries: Sequence[Mapping[str, object]], tags: Iterable[str], path: str
) -> list[tuple[Any, list[Any]]]:
    """The native functions of these entries, each with the functions that autogen adds for it.

    An entry is a mapping, as in native_functions.yaml. `path` is for messages. Upstream groups
    functions by signature and generates the missing functions of each group. It takes the groups in
    the order of their first functions, and puts the generated functions after all others. So the
    generated functions are listed with the first function of their group. Raises
    UnexpectedTorchgenError.
    """
    generate = modules.torchgen["native_function_generation"]
    parsed = modules.torchgen["gen"].parse_native_yaml_struct(
        [{**entry, "__line__": 0} for entry in entries],
        set(tags),
        None,
        path,
        skip_native_fns_gen=True,
    )
    declared = parsed.native_functions
    if len(declared) != len(entries):
        raise UnexpectedTorchgenError("its parser does not make one function for each entry")
    behind: dict[int, list[Any]] = {}
    for group in generate.pre_group_native_functions(declared).values():
        functions = list(group.values())
        count = len(functions)
        generate.add_generated_native_functions(functions, _Indices())
        behind[id(next(iter(group.values())))] = functions[count:]
    return [(function, behind.get(id(function), [])) for function in declared]


class _Indices(dict[Any, dict[Any, Any]]):
    """Kernels by dispatch key. Upstream fills this in; we do not use it."""

    def __missing__(self, key: Any) -> dict[Any, Any]:
        return self.setdefault(key, {})
