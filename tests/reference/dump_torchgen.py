"""What a PyTorch release's own torchgen makes of YAML files, in the shape of our documents.

    dump_torchgen.py TORCHGEN_PARENT --derivatives FILE... --native-functions FILE... --tags FILE
                     --out-dir DIR [--dispatch-key NAME]...

TORCHGEN_PARENT is the folder that holds the release's `torchgen` package. Several files of one
kind are joined into one text, for torchgen reads one. The dispatch keys are appended to torchgen's
own, as backends do. Into DIR go

- differentiability.json: what `load_derivatives` returns;
- functions.json: what `match_differentiability_info` returns for all native functions, sorted as
  gen_autograd sorts them, and the infos that it adds for foreach functions.

Both without the fields that torchgen knows nothing of (`format`, `version`, `torch_version`).
What torchgen keeps in a set is written sorted.

One process serves one release, for `torchgen` can be imported once. Beside torchgen it needs
PyYAML and typing_extensions; torch itself is not needed. Exit status: 0 done; 1 torchgen rejects
the input, with its last exception as one line on stderr; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

# A value of torchgen's: it differs from release to release, and no type checker sees it here.
Torchgen = Any
Row = dict[str, object]


class _Loaded(NamedTuple):
    """torchgen's own results, as it returned them."""

    definitions: Mapping[Torchgen, Mapping[str, Torchgen]]
    dispatch_keys: Iterable[str]
    matched: Sequence[Torchgen]
    foreach: Mapping[Torchgen, Mapping[str, Torchgen]]


def main() -> int:
    options = _options()
    sys.path.insert(0, str(options.torchgen))
    with tempfile.TemporaryDirectory() as scratch:
        derivatives = _as_one(options.derivatives, Path(scratch, "derivatives.yaml"))
        natives = _as_one(options.native_functions, Path(scratch, "native_functions.yaml"))
        try:
            _append_dispatch_keys(options.dispatch_key)
            loaded = _load(str(derivatives), str(natives), str(options.tags))
        except Exception as error:
            print(*"".join(traceback.format_exception_only(error)).split(), file=sys.stderr)
            return 1
    _write(options.out_dir, loaded)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Dump what a release's torchgen computes.")
    parser.add_argument("torchgen", type=Path, metavar="TORCHGEN_PARENT")
    parser.add_argument("--derivatives", type=Path, nargs="+", required=True)
    parser.add_argument("--native-functions", type=Path, nargs="+", required=True)
    parser.add_argument("--tags", type=Path, required=True)
    parser.add_argument("--out-dir", type=Path, required=True)
    parser.add_argument("--dispatch-key", action="append", default=[])
    return parser.parse_args()


def _as_one(files: Sequence[Path], joined: Path) -> Path:
    if len(files) == 1:
        return files[0]
    joined.write_text("\n".join(file.read_text("utf-8") for file in files), "utf-8")
    return joined


def _append_dispatch_keys(names: Iterable[str]) -> None:
    model = import_module("torchgen.model")
    for name in names:
        model.dispatch_keys.append(model.DispatchKey.parse(name))


def _load(derivatives: str, natives: str, tags: str) -> _Loaded:
    cpp_name = import_module("torchgen.api.cpp").name
    match = import_module("torchgen.api.autograd").match_differentiability_info
    parse = import_module("torchgen.gen").parse_native_yaml
    load = import_module("torchgen.packaged.autograd.load_derivatives").load_derivatives

    infos, dispatch_keys = load(derivatives, natives, tags)
    definitions = dict(infos)
    functions = parse(natives, tags).native_functions
    matched = match(sorted(functions, key=lambda function: cpp_name(function.func)), infos)
    # Matching adds to the very dictionary that it is given.
    foreach = {schema: info for schema, info in infos.items() if schema not in definitions}
    return _Loaded(definitions, dispatch_keys, matched, foreach)


def _write(folder: Path, loaded: _Loaded) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    differentiability = {
        "used_dispatch_keys": sorted(loaded.dispatch_keys),
        "functions": [_definition(*item, _in_order) for item in loaded.definitions.items()],
    }
    functions = {
        "functions": list(map(_function, loaded.matched)),
        "generated": [_definition(*item, _by_name) for item in loaded.foreach.items()],
    }
    (folder / "differentiability.json").write_text(json.dumps(differentiability), "utf-8")
    (folder / "functions.json").write_text(json.dumps(functions), "utf-8")


# How the saved attributes of a whole info are ordered: torchgen has a list of them for
# definitions, and for the foreach functions a list made of a set.
Order = Callable[[list[dict[str, str]]], list[dict[str, str]]]


def _in_order(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return rows


def _by_name(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: (row["name"], row["expr"]))


def _definition(schema: Torchgen, infos: Mapping[str, Torchgen], order: Order) -> Row:
    return {
        "schema": str(schema),
        "dispatch": {key: _info(info, order) for key, info in infos.items()},
    }


def _info(info: Torchgen, order: Order) -> Row:
    return {
        "name": info.name,
        "op": info.op,
        "derivatives": list(map(_backward, info.derivatives)),
        "forward_derivatives": list(map(_forward, info.forward_derivatives)),
        "all_saved_inputs": order(list(map(_saved, info.all_saved_inputs))),
        "all_saved_outputs": order(list(map(_saved, info.all_saved_outputs))),
        "available_named_gradients": list(info.available_named_gradients),
        "used_named_gradients": sorted(info.used_named_gradients),
        "args_with_derivatives": [
            {"name": binding.name, "type": binding.type, "default": binding.default}
            for binding in info.args_with_derivatives
        ],
        "non_differentiable_arg_names": list(info.non_differentiable_arg_names),
        "output_differentiability": info.output_differentiability,
        "output_differentiability_conditions": info.output_differentiability_conditions,
    }


def _backward(derivative: Torchgen) -> Row:
    return {
        "formula": derivative.formula,
        "original_formula": derivative.original_formula,
        "var_names": list(derivative.var_names),
        "saved_inputs": list(map(_saved, derivative.saved_inputs)),
        "saved_outputs": list(map(_saved, derivative.saved_outputs)),
        "named_gradients": sorted(derivative.named_gradients),
    }


def _forward(derivative: Torchgen) -> Row:
    def needed(names: Iterable[str] | None) -> list[str] | None:
        return None if names is None else sorted(names)

    return {
        "formula": derivative.formula,
        "var_names": list(derivative.var_names),
        "var_types": list(map(str, derivative.var_types)),
        "required_inputs_fw_grad": needed(derivative.required_inputs_fw_grad),
        "required_inputs_primal": needed(derivative.required_inputs_primal),
        "required_original_self_value": derivative.required_original_self_value,
        "is_reusing_outplace_formula": derivative.is_reusing_outplace_formula,
    }


def _saved(attribute: Torchgen) -> dict[str, str]:
    # An argument of the C++ API alone, such as `options`, has a SpecialArgName for a name.
    name = attribute.nctype.name
    return {
        "name": name if isinstance(name, str) else name.name,
        "type": attribute.nctype.type.cpp_type(),
        "expr": attribute.expr,
    }


def _function(matched: Torchgen) -> Row:
    function, infos, forward = matched.func, matched.info, matched.fw_derivatives
    return {
        "schema": str(function.func),
        "kind": function.func.kind().name,
        "variants": sorted(variant.name for variant in function.variants),
        "python_module": function.python_module,
        "tags": sorted(function.tags),
        "structured": function.structured,
        "is_abstract": function.is_abstract,
        "has_composite_implicit_autograd_kernel": function.has_composite_implicit_autograd_kernel,
        "has_composite_explicit_autograd_kernel": function.has_composite_explicit_autograd_kernel,
        "differentiability": infos
        and {key: {"schema": str(info.func.func), "op": info.op} for key, info in infos.items()},
        "forward_derivatives": forward
        and {key: list(map(_forward, formulas)) for key, formulas in forward.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
