"""How a PyTorch release's own torchgen spells arguments and returns in C++.

    judge_cpp.py TORCHGEN_PARENT < ITEMS > ANSWERS

ITEMS is a JSON list. Each item has a text: an argument, or a return behind `-> `, or `type` or
`name` and one of torchgen's constants of C++ types, by its base type or name. It has the words too
that say under which conditions: `symint`, `const` (use_const_ref_for_mutable_tensors), `ilist` (the
function is part of a structured group) and `options` (there are TensorOptions). ANSWERS is a list
of the texts in C++, each with the type of a value that is stored, or null where torchgen raises an
exception.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main() -> int:
    items = json.load(sys.stdin)
    sys.path.insert(0, sys.argv[1])
    json.dump([_spelled(text, words) for text, words in items], sys.stdout)
    return 0


def _spelled(text: str, words: list[str]) -> str | None:
    local, types = import_module("torchgen.local"), import_module("torchgen.api.types")
    kind, _, constant = text.partition(" ")
    scope = local.parametrize(
        use_const_ref_for_mutable_tensors="const" in words,
        use_ilistref_for_tensor_lists="ilist" in words,
    )
    try:
        with scope:
            if kind == "type":
                base = import_module("torchgen.model").BaseTy[constant]
                return str(types.BaseTypeToCppMapping[base])
            if kind == "name":
                return str(getattr(types, constant))
            if text.startswith("-> "):
                return _returned(text.removeprefix("-> "))
            return _argument(text, "symint" in words, "options" in words)
    except Exception:
        return None


def _returned(text: str) -> str:
    cpp, model = import_module("torchgen.api.cpp"), import_module("torchgen.model")
    return _with_value(cpp.return_type(model.Return.parse(text), symint=True), "", None)


def _argument(text: str, symint: bool, options: bool) -> str:
    cpp, model = import_module("torchgen.api.cpp"), import_module("torchgen.model")
    (made,) = cpp.argument(
        model.Argument.parse(text),
        cpp_no_default_args=set(),
        method=False,
        faithful=False,
        symint=symint,
        has_tensor_options=options,
    )
    kept = getattr(made.nctype.name, "name", made.nctype.name)  # an enum, or a text
    name = made.name if kept == made.name else f"{made.name} ({kept})"
    return _with_value(made.nctype.type, f" {name}", made.default)


def _with_value(type_: Any, name: str, default: str | None) -> str:
    spelled = f"{type_.cpp_type()}{name}" + ("" if default is None else f"={default}")
    return f"{spelled} | {type_.remove_const_ref().cpp_type()}"


if __name__ == "__main__":
    sys.exit(main())
