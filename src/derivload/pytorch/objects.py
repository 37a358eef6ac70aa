"""Turns the records of differentiability.json into torchgen's own objects.

The result equals the result of upstream's load_derivatives, class for class and field for field. A
record has less information than the objects. The rest comes from here:

- Functions and their arguments come from the caller: torchgen has parsed them.
- C++ types are read from their text (`cpp_types.py`).
- A view_copy function has the info of its view, arguments included. Upstream makes one from the
  other, with a name that ends in a dot; no name in a file can end in a dot.
- Where torchgen uses a set, we add the elements in the same order as upstream. So Python gives them
  back in the same order too.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import ModuleType
from typing import Final, TypeVar, cast

from derivload.engine.texts import collector_off
from derivload.pytorch.cpp_types import TorchgenTypes
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.lazy import LazyDict
from derivload.pytorch.records import (
    BindingRecord,
    DerivativeRecord,
    ForwardRecord,
    FunctionInfos,
    InfoRecord,
    SavedRecord,
)
from derivload.pytorch.torchgen_types import (
    Argument,
    DifferentiabilityInfo,
    Infos,
    NativeFunction,
)

T = TypeVar("T")

# The end of a name that upstream makes from the name of a view.
_VIEW_COPY: Final = "_copy."
# An argument that torchgen renames if there are tensor options too, and its other name.
_MEMORY_FORMAT: Final = ("memory_format", "possibly_redundant_memory_format")
_OPTIONS: Final = "options"


def differentiability_infos(
    records: Iterable[Mapping[str, object]],
    functions: Mapping[str, NativeFunction],
    *,
    derivatives: str = "",
) -> Infos:
    """The infos that upstream's load_derivatives returns, as objects of the importable torchgen.

    The infos of a function are made when one of them is first needed.

    records: the records of differentiability.json, decoded, in their order.
    functions: torchgen's own functions, by the text of their schema.
    derivatives: the text of derivatives.yaml. It tells whether a forward formula was written in
        the file, or made by upstream with exactly the same words. Only the order of the required
        inputs depends on that. No generator uses this order, but `==` compares it.

    Raises UnexpectedTorchgenError if the importable torchgen is not as derivload knows it, or
    lacks a function of the records.
    """
    known = [cast(FunctionInfos, record) for record in records]
    with collector_off():
        builder = _Builder(_Torchgen(), known, functions, _DerivativesText(derivatives))
        builder.check_types()
        return {
            builder.function(record).func: LazyDict.of(
                record["dispatch"], partial(builder.infos, record)
            )
            for record in known
        }


class _Torchgen:
    """The classes of the importable torchgen. Their fields are checked once, here."""

    def __init__(self) -> None:
        autograd = _module("torchgen.api.autograd")
        types = _module("torchgen.api.types")
        model = _module("torchgen.model")
        try:
            self.derivative = _maker(autograd.Derivative, DerivativeRecord.__annotations__)
            self.forward = _maker(autograd.ForwardDerivative, ForwardRecord.__annotations__)
            self.info = _maker(
                autograd.DifferentiabilityInfo, {"func", *InfoRecord.__annotations__}
            )
            self.saved = _maker(autograd.SavedAttribute, {"nctype", "expr"})
            self.binding = _maker(types.Binding, {"name", "nctype", "argument", "default"})
            self.named = _maker(types.NamedCType, {"name", "type"})
            self.memory_format = types.SpecialArgName[_MEMORY_FORMAT[1]]
            self.parse_type = model.Type.parse
            self.cpp_types = TorchgenTypes(types)
        except (AttributeError, KeyError, TypeError) as error:
            raise UnexpectedTorchgenError(
                f"it lacks a part that derivload needs: {error}"
            ) from None


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnexpectedTorchgenError(f"{name} cannot be imported: {error}") from None


def _maker(class_: type, known: Collection[str]) -> Callable[..., object]:
    """A function that makes objects of a dataclass. It ignores values for fields the class lacks.

    Raises UnexpectedTorchgenError if the class has a field that is not in `known`.
    """
    fields = [field.name for field in dataclasses.fields(class_)]
    unknown = sorted({*fields} - {*known})
    if unknown:
        raise UnexpectedTorchgenError(f"its {class_.__name__} has {', '.join(unknown)}")
    if len(fields) == len(known):
        return class_
    return lambda **values: class_(**{name: values[name] for name in fields})


class _DerivativesText:
    """The text of derivatives.yaml. `in` finds a formula, whatever the line breaks."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _words(self) -> str:
        return " ".join(self._text.split())

    def __contains__(self, formula: str) -> bool:
        return " ".join(formula.split()) in self._words


class _Arguments:
    """The arguments of a function by name, in the order of its C++ signature."""

    def __init__(self, function: NativeFunction) -> None:
        arguments = function.func.arguments
        self.has_options = arguments.tensor_options is not None
        self.by_name: dict[str, object] = {argument.name: argument for argument in arguments.out}
        for argument in arguments.non_out:
            if argument is arguments.tensor_options:
                self.by_name[_OPTIONS] = argument
            else:
                # torchgen wraps the self argument in an object; take the argument itself.
                held = cast(Argument, getattr(argument, "argument", argument))
                self.by_name[held.name] = held


class _Builder:
    """Makes infos, on demand and in any order."""

    def __init__(
        self,
        torchgen: _Torchgen,
        records: Sequence[FunctionInfos],
        functions: Mapping[str, NativeFunction],
        written: _DerivativesText,
    ) -> None:
        self.written = written
        self._torchgen = torchgen
        self._records = records
        self._functions = functions
        self._types: dict[str, object] = {}
        self._saved: dict[tuple[str, str, str, bool], object] = {}

    def function(self, record: FunctionInfos) -> NativeFunction:
        """The function of a record. Raises UnexpectedTorchgenError if torchgen lacks it."""
        try:
            return self._functions[record["schema"]]
        except KeyError:
            raise UnexpectedTorchgenError(f"it has no function {record['schema']}") from None

    def check_types(self) -> None:
        """Check now that torchgen has all types, while the caller can still run upstream's code.

        Raises UnexpectedTorchgenError if not.
        """
        infos = [info for record in self._records for info in record["dispatch"].values()]
        saved = [s for i in infos for s in (*i["all_saved_inputs"], *i["all_saved_outputs"])]
        bound = [binding for info in infos for binding in info["args_with_derivatives"]]
        for text in {r["type"] for r in saved} | {r["type"] for r in bound}:
            self._torchgen.cpp_types.parse(text)
        for text in {t for i in infos for f in i["forward_derivatives"] for t in f["var_types"]}:
            self.type(text)

    def infos(self, record: FunctionInfos) -> dict[str, DifferentiabilityInfo]:
        """The infos of a record, by dispatch key."""
        return {key: self._info(record, key) for key in record["dispatch"]}

    def _info(self, record: FunctionInfos, key: str) -> DifferentiabilityInfo:
        own = self.function(record)
        info = record["dispatch"][key]
        view = self._view_of(info, key) if info["name"].endswith(_VIEW_COPY) else None
        made = _Maker(self, self._torchgen, info, own if view is None else view).make(own)
        return cast(DifferentiabilityInfo, made)

    def type(self, text: str) -> object:
        """A type of the schema language."""
        if text not in self._types:
            made = self._torchgen.parse_type(text)
            if str(made) != text:
                raise UnexpectedTorchgenError(f"derivload writes its type {made} as {text}")
            self._types[text] = made
        return self._types[text]

    def saved(self, record: SavedRecord, *, is_format: bool) -> object:
        """A saved attribute. `is_format` if it is the memory format beside tensor options."""
        key = (record["name"], record["type"], record["expr"], is_format)
        if key not in self._saved:
            name = self._torchgen.memory_format if is_format else record["name"]
            type_ = self._torchgen.cpp_types.parse(record["type"])
            nctype = self._torchgen.named(name=name, type=type_)
            self._saved[key] = self._torchgen.saved(nctype=nctype, expr=record["expr"])
        return self._saved[key]

    def _view_of(self, copy: InfoRecord, key: str) -> NativeFunction | None:
        """The view whose info a view_copy function has; None if it does not matter."""
        if copy["op"] is None:
            return None
        view = (copy["name"].removesuffix(_VIEW_COPY), copy["op"].removesuffix("_copy"), key)
        return self._views.get(view)

    @cached_property
    def _views(self) -> dict[tuple[str, str | None, str], NativeFunction]:
        return {
            (info["name"], info["op"], key): self.function(record)
            for record in self._records
            for key, info in record["dispatch"].items()
        }


class _Maker:
    """Makes one info. `function` is the function whose arguments it has."""

    def __init__(
        self, builder: _Builder, torchgen: _Torchgen, info: InfoRecord, function: NativeFunction
    ) -> None:
        self._builder = builder
        self._torchgen = torchgen
        self._info = info
        self._arguments = _Arguments(function)

    def make(self, function: NativeFunction) -> object:
        """The info, with this function as its `func`."""
        info = self._info
        derivatives = [self._derivative(derivative) for derivative in info["derivatives"]]
        used: set[str] = set()
        for derivative in info["derivatives"]:
            used |= self._named_gradients(derivative)
        return self._torchgen.info(
            name=info["name"],
            func=function,
            op=info["op"],
            derivatives=derivatives,
            forward_derivatives=[self._forward(forward) for forward in info["forward_derivatives"]],
            all_saved_inputs=[self._saved(saved) for saved in info["all_saved_inputs"]],
            all_saved_outputs=[self._saved(saved) for saved in info["all_saved_outputs"]],
            available_named_gradients=[*info["available_named_gradients"]],
            used_named_gradients=used,
            args_with_derivatives=[
                self._binding(binding) for binding in info["args_with_derivatives"]
            ],
            non_differentiable_arg_names=[*info["non_differentiable_arg_names"]],
            output_differentiability=_listed(info["output_differentiability"]),
            output_differentiability_conditions=_listed(
                info["output_differentiability_conditions"]
            ),
        )

    def _derivative(self, derivative: DerivativeRecord) -> object:
        return self._torchgen.derivative(
            formula=derivative["formula"],
            original_formula=derivative["original_formula"],
            var_names=tuple(derivative["var_names"]),
            saved_inputs=tuple([self._saved(saved) for saved in derivative["saved_inputs"]]),
            saved_outputs=tuple([self._saved(saved) for saved in derivative["saved_outputs"]]),
            named_gradients=self._named_gradients(derivative),
        )

    def _named_gradients(self, derivative: DerivativeRecord) -> set[str]:
        named = derivative["named_gradients"]
        return {name for name in self._info["available_named_gradients"] if name in named}

    def _saved(self, saved: SavedRecord) -> object:
        name = saved["name"]
        is_format = (
            name == saved["expr"] == _MEMORY_FORMAT[1]
            and name not in self._arguments.by_name
            and self._is_format(_MEMORY_FORMAT[0])
        )
        return self._builder.saved(saved, is_format=is_format)

    def _is_format(self, name: str) -> bool:
        arguments = self._arguments
        return name == _MEMORY_FORMAT[0] and arguments.has_options and name in arguments.by_name

    def _binding(self, binding: BindingRecord) -> object:
        name = binding["name"]
        argument = self._arguments.by_name.get(name)
        if argument is None:
            raise UnexpectedTorchgenError(f"its {self._info['name']} has no argument {name}")
        torchgen = self._torchgen
        bound = torchgen.memory_format if self._is_format(name) else name
        nctype = torchgen.named(name=bound, type=torchgen.cpp_types.parse(binding["type"]))
        return torchgen.binding(
            name=name, nctype=nctype, argument=argument, default=binding["default"]
        )

    def _forward(self, forward: ForwardRecord) -> object:
        tangents = forward["required_inputs_fw_grad"]
        primals = forward["required_inputs_primal"]
        return self._torchgen.forward(
            formula=forward["formula"],
            var_names=tuple(forward["var_names"]),
            var_types=tuple([self._builder.type(text) for text in forward["var_types"]]),
            required_inputs_fw_grad=None if tangents is None else self._tangents(forward, tangents),
            required_inputs_primal=None if primals is None else self._found(primals),
            required_original_self_value=forward["required_original_self_value"],
            is_reusing_outplace_formula=forward["is_reusing_outplace_formula"],
        )

    def _tangents(self, forward: ForwardRecord, names: Collection[str]) -> tuple[str, ...]:
        """The inputs whose tangents a forward formula needs, in upstream's order.

        For a formula that upstream makes itself, that is the order of the arguments. For a formula
        from the file, it is the order of a set.
        """
        differentiable = [binding["name"] for binding in self._info["args_with_derivatives"]]
        formula = forward["formula"]
        is_element_wise = not {*names} <= {*differentiable}
        is_linear = formula in self._linear_formulas(differentiable)
        if is_element_wise or (is_linear and formula not in self._builder.written):
            return tuple([name for name in self._arguments.by_name if name in names])
        return self._found(names)

    def _linear_formulas(self, differentiable: Collection[str]) -> Iterator[str]:
        """The formulas that `auto_linear` may mean, if several inputs are differentiable."""
        if len(differentiable) < 2:
            return
        given = [name + "_t" * (name in differentiable) for name in self._arguments.by_name]
        for name in (self._info["name"], f"{self._info['name']}_symint"):
            yield f"at::{name}({', '.join(given)})"
            yield f"{given[0]}.{name}({', '.join(given[1:])})"

    def _found(self, names: Collection[str]) -> tuple[str, ...]:
        arguments = self._info["args_with_derivatives"]
        return tuple({binding["name"] for binding in arguments if binding["name"] in names})


def _listed(values: Iterable[T] | None) -> list[T] | None:
    return None if values is None else [*values]
