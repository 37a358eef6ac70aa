"""What each property means of what commands print for programs, in a sentence: one table.

It has the form of the one in `outputs/property_texts.py`, which is about documents.
"""

from __future__ import annotations

from typing import Final

from derivload.engine.folding import SPELLING
from derivload.engine.narrowing import GROUPS_OF_PARTS, KINDS_OF_PARTS
from derivload.outputs.property_texts import (
    CODE,
    CODES_OF_WARNINGS,
    DISPATCH_KEYS,
    FIXES,
    FORMAT,
    KINDS,
    RELATED,
    SCHEMA,
    TORCH_VERSION,
    VERSION,
    Text,
)

_WHAT: Final = (
    "The kind of the part, or the field of the documents that has it.",
    KINDS_OF_PARTS,
)
_NAME: Final = "The name with its overload, and with its namespace unless that is aten."

PRINTED: Final[dict[str, dict[str, Text]]] = {
    # What `show --json` prints.
    "OperatorsDocument": {
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
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
        "dispatch_keys": DISPATCH_KEYS,
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
        "format": FORMAT,
        "version": VERSION,
        "torch_version": TORCH_VERSION,
        "functions": "How many functions there are in all.",
        "operators": "The functions that passed all filters, in the order of functions.json.",
    },
    "ListedOperator": {
        "name": _NAME,
        "schema": SCHEMA,
        "kind": ("Which kind of variant the function is.", KINDS),
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
        "warnings": CODES_OF_WARNINGS,
    },
    # What `derivwatch --json` prints.
    "WatchStarted": {
        "event": "Which report this is: the first load succeeded.",
        "pid": "The process of derivwatch.",
        "torch_version": TORCH_VERSION,
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
        "what": _WHAT,
        "of": "Which part of that kind: the variables of a formula, or the name of what is saved.",
        "before": "The part before; null if there was none.",
        "after": "The part after; null if there is none.",
    },
    # What `diff --format json` prints.
    "DiffDocument": {
        "format": FORMAT,
        "version": VERSION,
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
        "torch_version": TORCH_VERSION,
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
        "about": ("What the change is about, as --only has it.", GROUPS_OF_PARTS),
        "what": _WHAT,
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
        "what": (
            "The kind of the parts that have the edit; spelling for a spelling of C++.",
            (*KINDS_OF_PARTS, SPELLING),
        ),
        "before": "The words that the edit takes away; null for none.",
        "after": "The words that the edit puts there; null for none.",
        "functions": "The names of the functions that have it.",
    },
    "Diagnostic": {
        "file": "The path of the file, as it was named.",
        "line": "The line where the wrong words begin, from 1; 0 for the file as a whole.",
        "column": "The column of the first wrong character, from 1; 0 for the file as a whole.",
        "code": CODE,
        "message": "What is wrong, in a sentence.",
        "help": "What to write instead; empty if that is what the rule says.",
        "source_line": "The line of the file.",
        "length": "How many characters of the first line are wrong.",
        "end_line": "The line where the wrong words end; 0 if `length` tells.",
        "end_column": "The column behind the last wrong character; 0 if `length` tells.",
        "severity": ("Whether it is an error or a warning.", ("error", "warning")),
        "fixes": FIXES,
        "related": RELATED,
    },
    "Fix": {
        "message": "What the edits do, in a few words.",
        "edits": "The edits, to be made together; none overlaps another.",
        "is_safe": "Whether the input then means what was certainly meant.",
    },
    "Related": {
        "file": "The path of the file, as it was named.",
        "line": "The line of the place, from 1.",
        "column": "The column of its first character, from 1.",
        "end_column": "The column behind its last character.",
        "message": "What is there, in a few words.",
    },
    # What `check --statistics --format json` prints.
    "Statistic": {
        "code": CODE,
        "title": "What is wrong, in a few words.",
        "count": "How many mistakes break the rule.",
    },
    # What `settings --as-json` prints.
    "InForce": {
        "settings": "The file of settings that was read; empty if none was.",
        "options": "The options of all commands, by name.",
        "note": "Why it is not known which inputs are meant; empty if it is.",
    },
    "OptionInForce": {
        "value": "The value in force; null if there is none.",
        "origin": "Where the value comes from, in a few words.",
        "is_set": "Whether settings, or the tree around the current folder, gave the value.",
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
