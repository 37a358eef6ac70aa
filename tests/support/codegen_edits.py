"""Edits to a PyTorch, as its developers make them, in the order in which `EDITS` has them.

Each takes a folder with `torchgen/` in it and a random number generator, by which it chooses
among the operators that are there, and says what it did. Upstream's generators take all of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

from support.project import replace_in
from support.pytorch_entries import PyTorch, base, entries, insert, named, remove, replace_entry

Edit = Callable[[PyTorch, random.Random], str]

PROBE = """- func: derivload_probe(Tensor self, int n=1) -> Tensor
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: derivload_probe
  autogen: derivload_probe.out

"""
PROBE_DERIVATIVE = """- name: derivload_probe(Tensor self, int n=1) -> Tensor
  self: grad * n
  result: self_t * n

"""
FOREACH = """- func: _foreach_derivload_probe(Tensor[] self, int n=1) -> Tensor[]
  device_check: NoCheck
  variants: function
  dispatch:
    CompositeExplicitAutograd: foreach_derivload_probe
  autogen: _foreach_derivload_probe.out

"""
INPLACE = """- func: derivload_probe_(Tensor(a!) self, int n=1) -> Tensor(a!)
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: derivload_probe_

"""
VIEW = """- func: derivload_seen(Tensor(a) self, SymInt[] size) -> Tensor(a)
  variants: function, method
  dispatch:
    CompositeExplicitAutograd: derivload_seen

- func: derivload_seen_copy(Tensor self, SymInt[] size) -> Tensor
  variants: function
  dispatch:
    CompositeExplicitAutogradNonFunctional: derivload_seen_copy_symint
  tags: view_copy
  autogen: derivload_seen_copy.out

"""
VIEW_DERIVATIVE = """- name: derivload_seen(Tensor(a) self, SymInt[] size) -> Tensor(a)
  self: grad.reshape_symint(self.sym_sizes())
  result: auto_linear

"""
STRUCTURED = """- func: derivload_made(Tensor self, Tensor other) -> Tensor
  structured_delegate: derivload_made.into

- func: derivload_made.into(Tensor self, Tensor other, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  dispatch:
    CPU, CUDA: derivload_made_out

"""


def formula_lines(pytorch: PyTorch, pattern: str) -> list[tuple[str, re.Match[str]]]:
    found = []
    for entry in entries(pytorch.derivatives)[1:]:
        if "derivload" in named(entry):  # what other edits have put there, and look for
            continue
        found += [(entry, match) for match in re.finditer(pattern, entry, re.MULTILINE)]
    return found


def edit_line(pytorch: PyTorch, random_: random.Random, pattern: str, template: str) -> str:
    entry, match = random_.choice(formula_lines(pytorch, pattern))
    edited = entry[: match.start()] + match.expand(template) + entry[match.end() :]
    replace_entry(pytorch.derivatives, entry, edited)
    return f"{named(entry)}: {match.expand(template).strip()}"


BACKWARD = (
    r"^  (self|input|weight): ((?=[^\n]*\bgrad\b)(?!.*(?:auto_|differentiable))[^\n\"'#>|]+)$"
)
FORWARD = r"^  (result): ((?!.*auto_)[^\n\"'#>|]*_t\b[^\n\"'#>|]*)$"


def change_formula(pytorch: PyTorch, random_: random.Random) -> str:
    return edit_line(pytorch, random_, BACKWARD, r"  \1: (\2)")


def save_more(pytorch: PyTorch, random_: random.Random) -> str:
    return edit_line(
        pytorch, random_, BACKWARD.replace("self|input|weight", "self"), r"  \1: (\2) + self"
    )


def change_forward_formula(pytorch: PyTorch, random_: random.Random) -> str:
    return edit_line(pytorch, random_, FORWARD, r"  \1: (\2) * 1")


def drop_forward_formula(pytorch: PyTorch, random_: random.Random) -> str:
    return edit_line(pytorch, random_, FORWARD + r"\n", "")


def comment(path: str) -> Edit:
    def edit(pytorch: PyTorch, random_: random.Random) -> str:
        file: Path = getattr(pytorch, path)
        insert(file, random_, f"# A comment, {random_.random()}.\n\n")
        return f"a comment in {file.name}"

    return edit


def move(path: str) -> Edit:
    def edit(pytorch: PyTorch, random_: random.Random) -> str:
        file: Path = getattr(pytorch, path)
        pieces = entries(file)
        moved = pieces.pop(random_.randrange(1, len(pieces) - 1))
        file.write_text("".join(pieces), "utf-8")
        insert(file, random_, moved)
        return f"{named(moved)} moved in {file.name}"

    return edit


def add(path: str, text: str) -> Edit:
    def edit(pytorch: PyTorch, random_: random.Random) -> str:
        insert(getattr(pytorch, path), random_, text)
        return f"new: {named(text)}"

    return edit


def add_both(native: str, derivative: str) -> Edit:
    def edit(pytorch: PyTorch, random_: random.Random) -> str:
        insert(pytorch.natives, random_, native)
        insert(pytorch.derivatives, random_, derivative)
        return f"new, with a derivative: {named(native)}"

    return edit


def take_out(text: str) -> Edit:
    def edit(pytorch: PyTorch, _: random.Random) -> str:
        remove(pytorch.natives, text.splitlines()[0])
        return f"removed: {named(text)}"

    return edit


def lone_natives(pytorch: PyTorch) -> list[str]:
    """Entries of operators that nothing else in the four files is about."""
    pieces = entries(pytorch.natives)[1:]
    bases = [base(piece) for piece in pieces]
    others = pytorch.derivatives.read_text("utf-8") + pytorch.deprecated.read_text("utf-8")
    return [
        piece
        for piece, own in zip(pieces, bases, strict=True)
        if bases.count(own) == 1
        and not re.search(rf"\b_?{own}", others)
        and not re.search(r"structured|_copy|autogen|_foreach|\(a\)", piece)
        and sum(own in other for other in bases) == 1
        and "derivload" not in own
    ]


def remove_operator(pytorch: PyTorch, random_: random.Random) -> str:
    entry = random_.choice(lone_natives(pytorch))
    remove(pytorch.natives, entry)
    return f"removed: {named(entry)}"


def remove_derivative(pytorch: PyTorch, random_: random.Random) -> str:
    pieces = entries(pytorch.derivatives)[1:]
    bases = [base(piece) for piece in pieces]
    alone = [
        piece
        for piece, own in zip(pieces, bases, strict=True)
        if sum(own in other for other in bases) == 1
        and "->" in named(piece)
        and "derivload" not in own
    ]
    entry = random_.choice(alone)
    remove(pytorch.derivatives, entry)
    return f"no derivative any more: {named(entry)}"


def change_schema(pytorch: PyTorch, random_: random.Random) -> str:
    for entry in random_.sample(lone_natives(pytorch), len(lone_natives(pytorch))):
        schema = named(entry)
        if "=False" in schema:
            replace_entry(pytorch.natives, entry, entry.replace("=False", "=True"))
            return f"another default: {schema}"
    raise AssertionError("no schema to change")


def rename_argument(pytorch: PyTorch, random_: random.Random) -> str:
    for entry in random_.sample(lone_natives(pytorch), len(lone_natives(pytorch))):
        found = re.search(r"int (dim|n|size|groups)\b", named(entry))
        if found:
            changed = re.sub(rf"\b{found[1]}\b", "renamed_", entry, count=1)
            replace_entry(pytorch.natives, entry, changed)
            return f"another argument name: {named(entry)}"
    raise AssertionError("no argument to rename")


def rewrite(path: str, old: str, new: str) -> Edit:
    """In one of the three YAML files, the first place."""

    def edit(pytorch: PyTorch, _: random.Random) -> str:
        file: Path = getattr(pytorch, path)
        replace_in(file, old, new)
        return f"{file.name}: {new.splitlines()[0].strip()}"

    return edit


def edit_source(name: str, old: str, new: str) -> Edit:
    """In the generators' own source or a template."""

    def edit(pytorch: PyTorch, _: random.Random) -> str:
        file = pytorch.root / "torchgen" / name
        replace_in(file, old, new)
        return f"{name}: {new.strip()}"

    return edit


def add_dispatch(pytorch: PyTorch, _: random.Random) -> str:
    pieces = entries(pytorch.derivatives)
    entry = next(piece for piece in pieces if piece.startswith("- name: abs(Tensor self)"))
    head, *rest = entry.rstrip("\n").split("\n")
    own = "\n".join(f"    {line}" for line in rest)
    dispatched = (
        f"{head}\n  dispatch:\n    Default:\n{own}\n    AutogradNestedTensor:\n      self: grad\n\n"
    )
    replace_entry(pytorch.derivatives, entry, dispatched)
    return "abs: derivatives for AutogradNestedTensor"


def add_tag(pytorch: PyTorch, _: random.Random) -> str:
    text = pytorch.tags.read_text("utf-8")
    pytorch.tags.write_text(f"{text.rstrip()}\n- tag: derivload\n  desc: A tag.\n", "utf-8")
    return "a new tag"


def add_deprecated(pytorch: PyTorch, _: random.Random) -> str:
    text = pytorch.deprecated.read_text("utf-8")
    own = (
        "\n- name: derivload_probe(Tensor self, *, int n) -> Tensor\n"
        "  aten: derivload_probe(self, n)\n"
    )
    pytorch.deprecated.write_text(text.rstrip() + "\n" + own, "utf-8")
    return "a deprecated signature"


def remove_deprecated(pytorch: PyTorch, random_: random.Random) -> str:
    pieces = entries(pytorch.deprecated)
    # A functional one could not go without its out variant, which the one added above has not.
    alone = [i for i, piece in enumerate(pieces) if i and " out)" in named(piece)]
    gone = pieces.pop(random_.choice(alone or [len(pieces) - 1]))
    pytorch.deprecated.write_text("".join(pieces), "utf-8")
    return f"no deprecated signature any more: {named(gone)}"


EDITS: list[Edit] = [
    change_formula,
    change_forward_formula,
    comment("derivatives"),
    save_more,
    add_both(PROBE, PROBE_DERIVATIVE),
    change_formula,
    add("natives", INPLACE),
    rewrite("derivatives", "  self: grad * n\n", "  self: grad * self * n\n"),
    add("natives", FOREACH),
    change_forward_formula,
    move("natives"),
    move("derivatives"),
    add_both(VIEW, VIEW_DERIVATIVE),
    add_tag,
    rewrite(
        "natives",
        "    CompositeExplicitAutograd: derivload_probe\n",
        "    CompositeExplicitAutograd: derivload_probe\n  tags: derivload\n",
    ),
    add_deprecated,
    change_schema,
    rewrite("derivatives", "  result: self_t * n\n", "  result: auto_linear\n"),
    save_more,
    add("natives", STRUCTURED),
    rewrite(
        "natives",
        "- func: derivload_probe(Tensor self, int n=1) -> Tensor\n  variants: function, method\n",
        "- func: derivload_probe(Tensor self, int n=1) -> Tensor\n  python_module: special\n",
    ),
    remove_derivative,
    comment("natives"),
    rename_argument,
    add_dispatch,
    change_formula,
    drop_forward_formula,
    take_out(INPLACE),
    edit_source(
        "packaged/autograd/templates/VariableType.cpp", "#include", "// derivload\n#include"
    ),
    change_forward_formula,
    edit_source(
        "packaged/autograd/gen_variable_type.py", "\nimport re\n", "\nimport re\n# derivload\n"
    ),
    remove_deprecated,
    edit_source(
        "packaged/autograd/templates/Functions.h", "#pragma once", "#pragma once\n// probe"
    ),
    change_formula,
    remove_operator,
    edit_source("utils.py", "class FileManager", "# derivload\nclass FileManager"),
    rewrite(
        "natives",
        "- func: derivload_probe(Tensor self, int n=1) -> Tensor\n  python_module: special\n",
        "- func: derivload_probe(Tensor self, int n=1) -> Tensor\n  python_module: fft\n",
    ),
    take_out(FOREACH),
    move("natives"),
    edit_source(
        "packaged/autograd/gen_autograd_functions.py",
        'return "${op}"; }',
        'return  "${op}"; }',
    ),
    change_formula,
    comment("tags"),
]
