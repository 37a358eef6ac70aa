"""What each property of the documents and of diagnostics means, in a sentence: one table.

The rows are of the types that the JSON Schemas are made from, by the name of the type. A property
whose values are closed has them behind its sentence; one whose values have a form, its pattern. For
a list, they are those of its items. What commands print besides is in `commands/schema/texts.py`.
"""

from __future__ import annotations

from typing import Final

Closed = tuple[str, ...]
Text = str | tuple[str, Closed | str]

FORMAT: Final = "Which format this is; always this value."
VERSION: Final = "The version of the format, which goes up when a key is removed or changes."
TORCH_VERSION: Final = ("The release whose rules were followed, as X.Y.", r"^\d+\.\d+$")
_CODE_FORM: Final = r"^DL\d{3}$"
CODE: Final = ("The code of the rule that is broken.", _CODE_FORM)
CODES_OF_WARNINGS: Final = ("The codes of the warnings about it.", _CODE_FORM)
SCHEMA: Final = "The schema of the function, which identifies it."
_VARIABLES: Final = "The names of the arguments whose gradient the formula computes."
DISPATCH_KEYS: Final = (
    "The dispatch keys that the function has kernels for, those of backends included, sorted."
)
KINDS: Final = ("functional", "inplace", "out", "mutable", "scratch")
_FORWARD: Final = "The forward formulas."
FIXES: Final = "What removes the mistake, the best first; each alone is enough."
RELATED: Final = "The other places that the mistake is about."

TEXTS: Final[dict[str, dict[str, Text]]] = {
    # The documents.
    "DifferentiabilityDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "used_dispatch_keys": "The dispatch keys that the definitions name, sorted.",
        "functions": "The functions that have a definition, in the order of load_derivatives.",
    },
    "DifferentiabilityRecord": {
        "schema": SCHEMA,
        "dispatch": "The differentiability info of the function, by dispatch key.",
    },
    "DifferentiabilityInfo": {
        "name": "The base name of the operator, as derivatives.yaml has it.",
        "op": "The name of the backward node with its number; null if it computes nothing.",
        "derivatives": "The backward formulas.",
        "forward_derivatives": _FORWARD,
        "all_saved_inputs": "The saved inputs of all backward formulas, the first of each name.",
        "all_saved_outputs": "The saved outputs of all backward formulas, the first of each name.",
        "available_named_gradients": "The names under which formulas may use gradients of outputs.",
        "used_named_gradients": "Those of these names that a formula uses, sorted.",
        "args_with_derivatives": "The arguments that have a derivative, as in the C++ function.",
        "non_differentiable_arg_names": "The arguments that are declared not differentiable.",
        "output_differentiability": "Whether each output is differentiable; null if none is said.",
        "output_differentiability_conditions": "The C++ condition under which the outputs are "
        "differentiable, as a list of one; null without a condition.",
    },
    "Derivative": {
        "formula": "The formula in C++, which reads saved attributes instead of arguments.",
        "original_formula": "The formula as derivatives.yaml has it.",
        "var_names": _VARIABLES,
        "saved_inputs": "What the formula saves of the inputs.",
        "saved_outputs": "What the formula saves of the outputs.",
        "named_gradients": "The named gradients that the formula uses, sorted.",
    },
    "SavedAttribute": {
        "name": "The name of the node's member, without the underscore that C++ puts behind it.",
        "type": "The C++ type of the value.",
        "expr": "The C++ expression whose value is saved.",
    },
    "ForwardDerivative": {
        "formula": "The formula in C++.",
        "var_names": "The names of the outputs whose tangent the formula computes.",
        "var_types": "The types of these outputs, in the language of schemas.",
        "required_inputs_fw_grad": "The inputs whose tangents the formula reads; null if none.",
        "required_inputs_primal": "The inputs whose values the formula reads; null if none.",
        "required_original_self_value": "Whether an in-place function must keep a copy of self.",
        "is_reusing_outplace_formula": "Whether the formula is that of the functional variant.",
    },
    "ArgumentBinding": {
        "name": "The name of the argument.",
        "type": "The C++ type of the argument.",
        "default": "The default in C++; null if there is none.",
    },
    "FunctionsDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "functions": "Every native function, generated ones included, sorted by C++ name.",
        "generated": "The definitions that are generated for foreach functions.",
    },
    "FunctionRecord": {
        "schema": SCHEMA,
        "kind": ("Which kind of variant the function is.", KINDS),
        "variants": ("As what C++ code can call it, sorted.", ("function", "method")),
        "python_module": "The Python module that has it, such as nn; null for torch itself.",
        "tags": "Its tags, those that generation adds included, sorted.",
        "structured": "Whether it is a structured kernel.",
        "is_abstract": "Whether its behaviour differs between backends.",
        "has_composite_implicit_autograd_kernel": "Whether it has a kernel that calls other "
        "functions, through which autograd sees.",
        "has_composite_explicit_autograd_kernel": "Whether it has a kernel for all backends that "
        "needs a derivative of its own.",
        "differentiability": "Where its differentiability info comes from, by dispatch key; null "
        "if there is none.",
        "forward_derivatives": "Its forward formulas, by dispatch key; null if there are none.",
    },
    "MatchedInfo": {
        "schema": "The schema of the function that the info was defined for.",
        "op": "The name of the backward node with its number; null if it computes nothing.",
    },
    "ManifestDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "files": "The other files that the run wrote or left as they were.",
    },
    "ManifestFile": {
        "name": "The name of the file inside the folder.",
        "sha256": ("The sha256 of the file's bytes, in hex.", "^[0-9a-f]{64}$"),
        "functions": "How many functions the file holds.",
    },
    "PlacesDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "functions": "The functions of functions.json, in the same order.",
    },
    "PlacedFunction": {
        "schema": SCHEMA,
        "native_function": "The entry of native_functions.yaml or of an overlay that declares the "
        "function, or that it is generated from; null if that is not known.",
        "definition": "The entry of derivatives.yaml or of an overlay that the function's "
        "differentiability info comes from; null if it has none.",
        "generated": "Whether the function has no entry of its own.",
        "dispatch_keys": DISPATCH_KEYS,
        "structured_delegate": "The function whose kernels it runs, if it delegates; else null.",
        "backend_kernels": "The kernels that the files of --backend-yaml register for it.",
    },
    "PlacedKernel": {
        "dispatch_key": "The dispatch key that the kernel is registered for.",
        "file": "The path of the backend's file, as it was named.",
        "line": "The line that names the function, from 1.",
    },
    "Place": {
        "file": "The path of the file, as it was named.",
        "line": "The first line of the entry, from 1.",
    },
    # What `check --format json` prints.
    "DiagnosticsDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "diagnostics": "The mistakes, sorted by place.",
    },
    "ReportedDiagnostic": {
        "code": CODE,
        "severity": "Whether it is an error or a warning.",
        "file": "The path of the file, as it was named.",
        "line": "The line where the wrong words begin, from 1; 0 for the file as a whole.",
        "column": "The column of the first wrong character, from 1; 0 for the file as a whole.",
        "end_line": "The line where the wrong words end; 0 for the file as a whole.",
        "end_column": "The column behind the last wrong character; 0 for the file as a whole.",
        "message": "What is wrong, in a sentence.",
        "help": "What to write instead, in a sentence.",
        "source_line": "The line of the file, cut if it is very long.",
        "fixes": FIXES,
        "related": RELATED,
    },
    "ReportedFix": {
        "message": "What the edits do, in a few words.",
        "safe": "Whether the input then means what was certainly meant.",
        "edits": "The edits, to be made together; none overlaps another.",
    },
    "Edit": {
        "file": "The path of the file, as it was named.",
        "line": "The line of the first character to replace, from 1.",
        "column": "The column of the first character to replace, from 1.",
        "end_line": "The line where what is replaced ends.",
        "end_column": "The column behind the last character to replace.",
        "text": "What to put there, with line feeds for whatever line ends the file has.",
    },
    "ReportedPlace": {
        "file": "The path of the file, as it was named.",
        "line": "The line of the place, from 1.",
        "column": "The column of its first character, from 1.",
        "end_line": "The line where it ends.",
        "end_column": "The column behind its last character.",
        "message": "What is there, in a few words.",
    },
}
