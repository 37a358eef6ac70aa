"""A program of somebody else's that uses every public name of derivload.

tests/project/test_public.py has mypy check it against the installed wheel, and runs it. Its
arguments are derivatives.yaml, native_functions.yaml, a YAML file with mistakes, and the
folder of documents.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from typing_extensions import assert_type

import derivload
import derivload.pytorch


def read_definitions(derivatives: Path, natives: Path) -> None:
    definitions = derivload.load(derivatives=derivatives, native_functions=[natives])
    assert_type(definitions, derivload.Definitions)
    assert_type(definitions.torch_version, str)
    assert_type(definitions.used_dispatch_keys, tuple[str, ...])
    assert_type(definitions.differentiability, tuple[derivload.DifferentiabilityRecord, ...])
    assert_type(definitions.functions, tuple[derivload.FunctionRecord, ...])
    assert_type(definitions.generated, tuple[derivload.DifferentiabilityRecord, ...])
    for record in definitions.differentiability:
        read_record(record)
    for function in definitions.functions:
        read_function(function)


def read_record(record: derivload.DifferentiabilityRecord) -> None:
    assert_type(record.schema, str)
    for key, info in record.dispatch.items():
        assert_type(key, str)
        assert_type(info, derivload.DifferentiabilityInfo)
        assert_type(info.op, str | None)
        assert_type(info.derivatives, tuple[derivload.Derivative, ...])
        assert_type(info.forward_derivatives, tuple[derivload.ForwardDerivative, ...])
        assert_type(info.all_saved_inputs, tuple[derivload.SavedAttribute, ...])
        assert_type(info.args_with_derivatives, tuple[derivload.ArgumentBinding, ...])
        assert_type(info.output_differentiability, tuple[bool, ...] | None)


def read_function(function: derivload.FunctionRecord) -> None:
    assert_type(function.schema, str)
    assert_type(function.tags, tuple[str, ...])
    assert_type(function.differentiability, dict[str, derivload.MatchedInfo] | None)


def read_mistakes(mistaken: Path, natives: Path) -> None:
    try:
        derivload.load(derivatives=mistaken, native_functions=natives)
    except derivload.InputError as error:
        assert_type(error.diagnostics, tuple[derivload.Diagnostic, ...])
        assert_type(error.diagnostics[0].line, int)
        assert_type(error.diagnostics[0].render(), str)
    else:
        raise AssertionError("there are mistakes")
    try:
        derivload.load(torch_version="1.13", derivatives=mistaken, native_functions=natives)
    except derivload.TreeCodeError as error:
        raise AssertionError from error
    except derivload.UsageError as error:
        assert_type(str(error), str)
    else:
        raise AssertionError("2.1 is the oldest release")


def read_documents(folder: Path) -> None:
    decode = msgspec.json.decode
    data = (folder / "differentiability.json").read_bytes()
    infos = decode(data, type=derivload.DifferentiabilityDocument)
    assert_type(infos.functions, tuple[derivload.DifferentiabilityRecord, ...])
    data = (folder / "functions.json").read_bytes()
    functions = decode(data, type=derivload.FunctionsDocument)
    assert_type(functions.functions, tuple[derivload.FunctionRecord, ...])
    data = (folder / "manifest.json").read_bytes()
    manifest = decode(data, type=derivload.ManifestDocument)
    assert_type(manifest.files, tuple[derivload.ManifestFile, ...])
    data = (folder / "places.json").read_bytes()
    places = decode(data, type=derivload.PlacesDocument)
    for function in places.functions:
        assert_type(function, derivload.PlacedFunction)
        assert_type(function.native_function, derivload.Place | None)
        assert_type(function.backend_kernels, tuple[derivload.PlacedKernel, ...])
    data = (folder / "diagnostics.json").read_bytes()
    mistakes = decode(data, type=derivload.DiagnosticsDocument)
    assert_type(mistakes.diagnostics, list[derivload.ReportedDiagnostic])


def install(overlay: Path) -> None:
    try:
        with derivload.pytorch.install([overlay], torch_version="2.15") as installation:
            assert_type(installation, derivload.pytorch.Installation)
            infos, keys = derivload.pytorch.load_derivatives(overlay, overlay, overlay)
            assert_type(keys, set[str])
            print(len(infos))
        installation.uninstall()
    except derivload.pytorch.UnexpectedTorchgenError as error:
        print(f"torchgen is not installed: {error}")


def misspell() -> None:
    """mypy tells of names that are not there. If it did not, the ignores would be unused."""
    derivload.lode()  # type: ignore[attr-defined]
    derivload.pytorch.instal()  # type: ignore[attr-defined]
    derivload.load(derivative="derivatives.yaml")  # type: ignore[call-arg]


if __name__ == "__main__":
    derivatives, natives, mistaken, documents = map(Path, sys.argv[1:])
    assert_type(derivload.__version__, str)
    read_definitions(derivatives, natives)
    read_mistakes(mistaken, natives)
    read_documents(documents)
    install(natives)
