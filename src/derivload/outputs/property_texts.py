"""What each property of the documents and of machine output means, in a sentence: one table.

The rows are of the types that the JSON Schemas are made from, by the name of the type. A property
whose values are closed has them behind its sentence; for a list, they are those of its items.
"""

from __future__ import annotations

from typing import Final

Closed = tuple[str, ...]
Text = str | tuple[str, Closed]

_FORMAT: Final = "Which format this is; always this value."
_VERSION: Final = "The version of the format, which goes up when a key is removed or changes."
_TORCH_VERSION: Final = "The release whose rules were followed, as X.Y."
_SCHEMA: Final = "The schema of the function, which identifies it."
_VARIABLES: Final = "The names of the arguments whose gradient the formula computes."
_NAME: Final = "The name with its overload, and with its namespace unless that is aten."
_DISPATCH_KEYS: Final = (
    "The dispatch keys that the function has kernels for, those of backends included, sorted."
)
_KINDS: Final = ("functional", "inplace", "out", "mutable", "scratch")
_ABOUT: Final = (
    *("schema", "variants", "dispatch", "tags", "autogen", "formula", "saved", "node"),
    *("gradients", "differentiability"),
)
_FORWARD: Final = "The forward formulas."
_FIXES: Final = "What removes the mistake, the best first; each alone is enough."
_RELATED: Final = "The other places that the mistake is about."
_EDIT: Final[dict[str, Text]] = {
    "file": "The path of the file, as it was named.",
    "line": "The line of the first character to replace, from 1.",
    "column": "The column of the first character to replace, from 1.",
    "end_line": "The line where what is replaced ends.",
    "end_column": "The column behind the last character to replace.",
    "text": "What to put there, with line feeds for whatever line ends the file has.",
}

TEXTS: Final[dict[str, dict[str, Text]]] = {
    # The documents.
    "DifferentiabilityDocument": {
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "used_dispatch_keys": "The dispatch keys that the definitions name, sorted.",
        "functions": "The functions that have a definition, in the order of load_derivatives.",
    },
    "DifferentiabilityRecord": {
        "schema": _SCHEMA,
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
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "functions": "Every native function, generated ones included, sorted by C++ name.",
        "generated": "The definitions that are generated for foreach functions.",
    },
    "FunctionRecord": {
        "schema": _SCHEMA,
        "kind": ("Which kind of variant the function is.", _KINDS),
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
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "files": "The other files that the run wrote or left as they were.",
    },
    "ManifestFile": {
        "name": "The name of the file inside the folder.",
        "sha256": "The sha256 of the file's bytes, in hex.",
        "functions": "How many functions the file holds.",
    },
    "PlacesDocument": {
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "functions": "The functions of functions.json, in the same order.",
    },
    "PlacedFunction": {
        "schema": _SCHEMA,
        "native_function": "The entry of native_functions.yaml or of an overlay that declares the "
        "function, or that it is generated from; null if that is not known.",
        "definition": "The entry of derivatives.yaml or of an overlay that the function's "
        "differentiability info comes from; null if it has none.",
        "generated": "Whether the function has no entry of its own.",
        "dispatch_keys": _DISPATCH_KEYS,
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
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "diagnostics": "The mistakes, sorted by place.",
    },
    "ReportedDiagnostic": {
        "code": "The code of the rule that is broken.",
        "severity": "Whether it is an error or a warning.",
        "file": "The path of the file, as it was named.",
        "line": "The line where the wrong words begin, from 1; 0 for the file as a whole.",
        "column": "The column of the first wrong character, from 1; 0 for the file as a whole.",
        "end_line": "The line where the wrong words end; 0 for the file as a whole.",
        "end_column": "The column behind the last wrong character; 0 for the file as a whole.",
        "message": "What is wrong, in a sentence.",
        "help": "What to write instead, in a sentence.",
        "source_line": "The line of the file, cut if it is very long.",
        "fixes": _FIXES,
        "related": _RELATED,
    },
    "ReportedFix": {
        "message": "What the edits do, in a few words.",
        "safe": "Whether the input then means what was certainly meant.",
        "edits": "The edits, to be made together; none overlaps another.",
    },
    "ReportedEdit": _EDIT,
    "ReportedPlace": {
        "file": "The path of the file, as it was named.",
        "line": "The line of the place, from 1.",
        "column": "The column of its first character, from 1.",
        "end_line": "The line where it ends.",
        "end_column": "The column behind its last character.",
        "message": "What is there, in a few words.",
    },
    # What `show --json` prints.
    "OperatorsDocument": {
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "groups": "The functions of one signature each, those that were asked for among them.",
        "functions": "The records of functions.json as a tree's own torchgen gives them, where "
        "derivload would not give the same; else empty.",
        "definitions": "The records of differentiability.json as a tree's own torchgen gives them, "
        "where derivload would not give the same; else empty.",
    },
    "ShownGroup": {
        "functions": "The functions of one signature, declared ones first.",
        "formulas": "The formulas of those that were asked for.",
    },
    "ShownFunction": {
        "name": _NAME,
        "asked": "Whether this function was asked for.",
        "record": "The function's record in functions.json.",
        "native_function": "The entry that declares the function, or that it is generated from.",
        "generated_from": "The function that it is generated from; null for a declared one.",
        "dispatch_keys": _DISPATCH_KEYS,
        "structured_delegate": "The function whose kernels it runs, if it delegates; else null.",
        "autogen": "The variants that its entry asks for.",
        "backend_kernels": "The kernels that the files of --backend-yaml register for it.",
        "no_derivative": "Why it has no formulas, in a few words; null if it has.",
    },
    "ShownFormulas": {
        "schema": "The schema of the function that the formulas were written or made for.",
        "definition": "The entry that has the formulas.",
        "reference": "The schema of the function of that entry, if it is in another group; "
        "else null.",
        "dispatch": "The differentiability info, by dispatch key.",
        "used_by": "The schemas of the functions of the group that use the formulas.",
        "also_used_by": "The names of the functions of other groups that use them.",
    },
    # What `list --json` prints.
    "ListDocument": {
        "format": _FORMAT,
        "version": _VERSION,
        "torch_version": _TORCH_VERSION,
        "functions": "How many functions there are in all.",
        "operators": "The functions that passed all filters, in the order of functions.json.",
    },
    "ListedOperator": {
        "name": _NAME,
        "schema": _SCHEMA,
        "kind": ("Which kind of variant the function is.", _KINDS),
        "nodes": "The backward nodes that it makes.",
        "has_forward": "Whether it has a forward formula.",
        "saved_inputs": "What its backward nodes save of the inputs.",
        "saved_outputs": "What its backward nodes save of the outputs.",
        "tags": "Its tags, sorted.",
        "dispatch_keys": "The dispatch keys that it has kernels for, itself, through the function "
        "that it delegates to, or by a backend.",
        "composite": "Whether it calls other functions, through which autograd sees.",
        "has_foreach": "Whether a foreach function applies it to each tensor.",
        "native_function": "The entry that declares the function, or that it is generated from; "
        "null if that is not known.",
        "definition": "The entry that its formulas come from; null if it has none.",
        "is_from_overlay": "Whether an overlay declares or defines it.",
        "warnings": "The codes of the warnings about it.",
    },
    # What `derivwatch --json` prints.
    "WatchStarted": {
        "event": "Which report this is: the first load succeeded.",
        "pid": "The process of derivwatch.",
        "torch_version": _TORCH_VERSION,
        "inputs": "The paths of the inputs.",
        "out_dir": "The folder of the outputs.",
        "watching": "How saves are noticed; null with --once.",
        "functions": "How many native functions there are.",
        "differentiable": "How many functions have a derivative of their own.",
        "written": "The names of the files that were written.",
        "removed": "The names of the files that were removed.",
        "seconds": "How long loading and writing took.",
        "note": "What the user should know of the load; empty if nothing.",
        "warnings": "The first of the warnings.",
        "warnings_count": "How many warnings there are in all.",
    },
    "Reloaded": {
        "event": "Which report this is: a save was loaded.",
        "difference": "What the save changed.",
        "written": "The names of the files that were written.",
        "removed": "The names of the files that were removed.",
        "seconds": "The time from the save to the last write.",
        "mended": "Whether the report before was an error.",
        "warnings": "The first of the new warnings.",
        "warnings_count": "How many new warnings there are in all.",
        "fixed": "The warnings that are gone, by rule and operator.",
    },
    "LoadFailed": {
        "event": "Which report this is: a load failed, and the outputs are as they were.",
        "message": "What is wrong, in a sentence.",
        "diagnostics": "The mistakes of the inputs.",
    },
    "Executed": {
        "event": "Which report this is: of the command of --exec.",
        "state": "Whether the command started, ended, or was stopped for a later save.",
        "command": "The command.",
        "exit_status": "Its exit status, for a signal 128 plus its number; null at the start.",
        "seconds": "How long it ran; null at the start.",
    },
    "Difference": {
        "added": "The functions that came, in the order of the documents.",
        "removed": "The functions that went, in the order of the documents.",
        "changed": "The functions of both sides that differ, those with a definition first.",
        "documents": "What changed in the heads of the documents.",
    },
    "FunctionChange": {
        "name": "The name of the function, with its overload.",
        "changes": "Its parts that differ, the most important kinds first.",
    },
    "Change": {
        "what": "The kind of the part: schema, node, backward, saved, forward, or the field of "
        "the documents that has it.",
        "of": "Which part of that kind: the variables of a formula, or the name of what is saved.",
        "before": "The part before; null if there was none.",
        "after": "The part after; null if there is none.",
    },
    # What `diff --format json` prints.
    "DiffDocument": {
        "format": _FORMAT,
        "version": _VERSION,
        "before": "The first side.",
        "after": "The second side.",
        "documents": "What differs in the heads of the documents.",
        "widespread": "Edits that many functions have in common, each told once: where these are "
        "all that differs in a function, it is not among the changed ones.",
        "added": "The functions that came.",
        "removed": "The functions that went.",
        "renamed": "The functions that probably have another name now.",
        "changed": "The functions of both sides that differ, those with a definition first.",
    },
    "DiffSide": {
        "name": "The side, as it was named.",
        "torch_version": _TORCH_VERSION,
        "functions": "How many native functions it has.",
        "has_kernels": "Whether it says which kernels there are and what autogen makes; if a side "
        "does not, these are not compared.",
    },
    "DiffFunction": {
        "name": "The name of the function, with its overload.",
        "changes": "Its parts that differ, the most important kinds first.",
    },
    "DiffRename": {
        "before": "The name of the function that went.",
        "after": "The name of the function that came.",
        "measure": "How like both are, from 0 to 1.",
        "changes": "The parts that differ.",
    },
    "DiffChange": {
        "about": ("What the change is about, as --only has it.", _ABOUT),
        "what": "The kind of the part: schema, argument, returns, node, backward, saved, forward, "
        "kernels, autogen, or the field of the documents that has it.",
        "of": "Which part of that kind: the variables of a formula, or the name of an argument or "
        "of what is saved.",
        "before": "The part before; null if there was none.",
        "after": "The part after; null if there is none.",
        "words": "The words of both in steps, in their order; empty if one of both is null.",
    },
    "Words": {
        "before": "The words before, spaces included; empty if there were none.",
        "after": "The words after, spaces included; the same if they stayed.",
    },
    "Widespread": {
        "what": "The kind of the parts that have the edit; spelling for a spelling of C++.",
        "before": "The words that the edit takes away; null for none.",
        "after": "The words that the edit puts there; null for none.",
        "functions": "The names of the functions that have it.",
    },
    "Diagnostic": {
        "file": "The path of the file, as it was named.",
        "line": "The line where the wrong words begin, from 1; 0 for the file as a whole.",
        "column": "The column of the first wrong character, from 1; 0 for the file as a whole.",
        "code": "The code of the rule that is broken.",
        "message": "What is wrong, in a sentence.",
        "help": "What to write instead; empty if that is what the rule says.",
        "source_line": "The line of the file.",
        "length": "How many characters of the first line are wrong.",
        "end_line": "The line where the wrong words end; 0 if `length` tells.",
        "end_column": "The column behind the last wrong character; 0 if `length` tells.",
        "severity": ("Whether it is an error or a warning.", ("error", "warning")),
        "fixes": _FIXES,
        "related": _RELATED,
    },
    "Fix": {
        "message": "What the edits do, in a few words.",
        "edits": "The edits, to be made together; none overlaps another.",
        "is_safe": "Whether the input then means what was certainly meant.",
    },
    "Edit": _EDIT,
    "Related": {
        "file": "The path of the file, as it was named.",
        "line": "The line of the place, from 1.",
        "column": "The column of its first character, from 1.",
        "end_column": "The column behind its last character.",
        "message": "What is there, in a few words.",
    },
    # What `--stats=json` prints.
    "Stats": {
        "exit": "Which way the run took, from nothing to do to everything anew.",
        "rules": "Whose rules were followed; left out where the run did not need to know.",
        "replaced": "Which entries those of overlays took the place of; left out if none.",
        "counts": "How much was read, reused, made or checked, by name.",
        "seconds": "How long each step took, by name, in the order of the steps.",
    },
}
