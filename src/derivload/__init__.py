"""derivload: PyTorch's autograd definitions, loaded on their own feet.

    import derivload

    definitions = derivload.load(pytorch="path/to/pytorch")
    for record in definitions.differentiability:
        print(record.schema, list(record.dispatch))

What this package and `derivload.pytorch` list in `__all__` is public, and all else is private:
docs/versions.md says what that means.
"""

from __future__ import annotations

from derivload.version import __version__

__all__ = [
    "ArgumentBinding",
    "Definitions",
    "Derivative",
    "Diagnostic",
    "DiagnosticsDocument",
    "DifferentiabilityDocument",
    "DifferentiabilityInfo",
    "DifferentiabilityRecord",
    "ForwardDerivative",
    "FunctionRecord",
    "FunctionsDocument",
    "InputError",
    "ManifestDocument",
    "ManifestFile",
    "MatchedInfo",
    "Place",
    "PlacedFunction",
    "PlacedKernel",
    "PlacesDocument",
    "ReportedDiagnostic",
    "SavedAttribute",
    "TreeCodeError",
    "UsageError",
    "__version__",
    "load",
]

# Not typing's: importing that takes longer than all else that the fastest exit does.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.derivatives.model import (
        ArgumentBinding,
        Derivative,
        DifferentiabilityInfo,
        DifferentiabilityRecord,
        ForwardDerivative,
        FunctionRecord,
        MatchedInfo,
        SavedAttribute,
    )
    from derivload.diagnostics import Diagnostic
    from derivload.loading.definitions import Definitions, load
    from derivload.loading.errors import InputError, TreeCodeError, UsageError
    from derivload.outputs.documents import (
        DifferentiabilityDocument,
        FunctionsDocument,
        ManifestDocument,
        ManifestFile,
        Place,
        PlacedFunction,
        PlacedKernel,
        PlacesDocument,
    )
    from derivload.outputs.report import DiagnosticsDocument, ReportedDiagnostic
else:
    # Type checkers do not see this function: with it, every name would be there for them.
    def __getattr__(name: str) -> object:
        # The command line imports this package for its version alone. The rest comes when it is
        # asked for.
        module = _WHERE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(module), name)


_WHERE = {
    "ArgumentBinding": "derivload.derivatives.model",
    "Definitions": "derivload.loading.definitions",
    "Derivative": "derivload.derivatives.model",
    "Diagnostic": "derivload.diagnostics",
    "DiagnosticsDocument": "derivload.outputs.report",
    "DifferentiabilityDocument": "derivload.outputs.documents",
    "DifferentiabilityInfo": "derivload.derivatives.model",
    "DifferentiabilityRecord": "derivload.derivatives.model",
    "ForwardDerivative": "derivload.derivatives.model",
    "FunctionRecord": "derivload.derivatives.model",
    "FunctionsDocument": "derivload.outputs.documents",
    "InputError": "derivload.loading.errors",
    "ManifestDocument": "derivload.outputs.documents",
    "ManifestFile": "derivload.outputs.documents",
    "MatchedInfo": "derivload.derivatives.model",
    "Place": "derivload.outputs.documents",
    "PlacedFunction": "derivload.outputs.documents",
    "PlacedKernel": "derivload.outputs.documents",
    "PlacesDocument": "derivload.outputs.documents",
    "ReportedDiagnostic": "derivload.outputs.report",
    "SavedAttribute": "derivload.derivatives.model",
    "TreeCodeError": "derivload.loading.errors",
    "UsageError": "derivload.loading.errors",
    "load": "derivload.loading.definitions",
}


def __dir__() -> list[str]:
    return sorted(__all__)
