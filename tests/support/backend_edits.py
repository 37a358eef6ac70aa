"""Inputs with all that a backend adds, and random edits of that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from derivload.sources.additions import Additions
from support.session_edits import COMMON, edit_overlays
from support.session_entries import insert, pick
from support.sessions import DEFINITIONS, NATIVES, START, Edit, Inputs, cut, joined

_OVERLAY = """\
- func: anneal(Tensor self, int heat) -> Tensor
  exposed: True
  dispatch:
    CPU: anneal
    PrivateUse1: anneal_mine

- func: gild(Tensor self, float luster=0.75) -> Tensor
  gen_opapi: {out: {size: self}}
  variants: function, method
  dispatch:
    CPU, CUDA: gild
    AutogradPrivateUse1: gild_mine
"""
_MORE = """\
- name: gild(Tensor self, float luster=0.75) -> Tensor
  self: grad * luster * mine
  result: self_t.gild(luster)

- name: anneal(Tensor self, int heat) -> Tensor
  self: grad * heat
"""
BACKEND = START.with_file(-1, _OVERLAY, START.files[-1])._replace(
    more=(_MORE,),
    additions=Additions(
        ["PrivateUse1", "AutogradPrivateUse1"], ["exposed", "gen_*"], override=True
    ),
)


def override_native(random: Random, inputs: Inputs) -> Inputs:
    """Copy an entry of an earlier file into an overlay, perhaps with a default changed."""
    if not inputs.overlays:
        return inputs
    entry = pick(random, inputs, random.choice(range(NATIVES, len(inputs.files) - 1)))
    entry = entry.replace("=0.5", random.choice(["=0.5", "=0.25"]), 1)
    return insert(random, inputs, random.choice(inputs.overlays), entry)


def override_definition(random: Random, inputs: Inputs) -> Inputs:
    """Copy a definition into an overlay, perhaps with a formula changed."""
    entry = pick(random, inputs, DEFINITIONS)
    entry = re.sub(r"grad\b", random.choice(["grad", "2 * grad"]), entry, count=1)
    return _with_more(random, inputs, entry)


def _with_more(random: Random, inputs: Inputs, entry: str) -> Inputs:
    if not inputs.more:
        return inputs._replace(more=(entry,))
    before, *parts = cut(inputs.more[-1])
    parts.insert(random.randrange(len(parts) + 1), entry)
    return inputs._replace(more=(*inputs.more[:-1], joined([before, *parts])))


def edit_more(random: Random, inputs: Inputs) -> Inputs:
    """Add an overlay of derivatives, take one away, or take an entry of the last one away."""
    kind = random.randrange(4)
    if kind == 0 or not inputs.more:
        first: Sequence[str] = ["# nothing\n", "[]\n", _MORE]
        return inputs._replace(more=(*inputs.more[-1:], random.choice(first)))
    if kind == 1:
        return inputs._replace(more=inputs.more[:-1])
    before, *parts = cut(inputs.more[-1])
    if parts:
        parts.pop(random.randrange(len(parts)))
    return inputs._replace(more=(*inputs.more[:-1], joined([before, *parts])))


def add_entry_key(random: Random, inputs: Inputs) -> Inputs:
    """Give an entry a key that is passed over, or, rarely, one that is not."""
    file = random.choice(range(NATIVES, len(inputs.files) - 1))
    before, *parts = cut(inputs.files[file])
    if not parts:
        return inputs
    key = random.choice(["exposed: True", "gen_x: [1]", "gen_y: 2020-01-01", "gen_z:", "odd: 1"])
    i = random.randrange(len(parts))
    parts[i] = parts[i].rstrip("\n") + f"\n  {key}\n\n"
    return inputs.with_file(file, joined([before, *parts]))


def add_private_kernel(random: Random, inputs: Inputs) -> Inputs:
    """Give an entry a kernel for a key that the backend adds, or takes one for another."""
    file = random.choice(range(NATIVES, len(inputs.files) - 1))
    key = random.choice(["PrivateUse1", "AutogradPrivateUse1", "PrivateUse1", "PrivateUse2"])
    text = inputs.files[file]
    places = [m.end() for m in re.finditer(r"(?m)^  dispatch:\n", text)]
    if not places:
        return inputs
    at = random.choice(places)
    return inputs.with_file(file, f"{text[:at]}    {key}: mine\n{text[at:]}")


_REGISTERED = """\
backend: XLA
cpp_namespace: mine
supported:
- gild
- gild_
- temper.Tensor
symint:
- gild
autograd:
- anneal
"""
REGISTERED = BACKEND._replace(registered=(_REGISTERED,))
_HEADS = ("supported:", "autograd:", "symint:", "full_codegen:", "custom:", "quant:", "mine:")


def edit_registered(random: Random, inputs: Inputs) -> Inputs:
    """Change a line or two of what a backend registers, or which files say so."""
    files = [*inputs.registered]
    if not files or random.random() < 0.15:
        change = random.choice(["none", "another", "overlay", "first"])
        if change == "none":
            files = []
        elif change == "another":
            files.append(_REGISTERED.replace("XLA", random.choice(["Lazy", "CPU", "Mine"])))
        elif change == "overlay":
            files.append(inputs.files[2] if inputs.overlays else "[]\n")
        else:
            files = [_REGISTERED]
        return inputs._replace(registered=tuple(files[:3]))
    index = random.randrange(len(files))
    lines = files[index].splitlines(keepends=True)
    for _ in range(random.choice([1, 1, 2])):
        _edit_line(random, inputs, lines)
    files[index] = "".join(lines)
    return inputs._replace(registered=tuple(files))


def _edit_line(random: Random, inputs: Inputs, lines: list[str]) -> None:
    at = random.randrange(len(lines) + 1)
    kind = random.randrange(6)
    if kind < 3 or not lines:
        lines.insert(at, f"- {_a_name(random, inputs)}\n")
    elif kind == 3:
        lines.insert(at, f"{random.choice(_HEADS)}\n")
    elif kind == 4:
        lines.insert(at, lines.pop(random.randrange(len(lines))))
    else:
        lines.pop(at - 1)


def _a_name(random: Random, inputs: Inputs) -> str:
    """The name of an operator of these inputs, perhaps misspelt, or as an item of another form."""
    file = random.choice(range(NATIVES, len(inputs.files) - 1))
    names = re.findall(r"(?m)^- func: ([\w:.]+)", inputs.files[file])
    name: str = random.choice(names) if names else "gild"
    return random.choice([name, name, name, name.partition("::")[2] or name, f"{name}d", "3"]) + (
        random.choice(["", "", "", ".out"])
    )


def with_sections(random: Random, inputs: Inputs) -> Inputs:
    """Make an overlay a mapping of sections, some of which are passed over, or a list again."""
    if not inputs.overlays:
        return inputs
    file = random.choice(inputs.overlays)
    text = re.sub(r"(?m)^\w+:\n", "", inputs.files[file])
    before, *parts = cut(text)
    for head in random.sample(["custom:\n", "custom_autograd:\n", "mine:\n"], random.randrange(4)):
        parts.insert(random.randrange(len(parts) + 1), head)
    return inputs.with_file(file, joined([before, *parts]))


EDITS: list[Edit] = [
    *COMMON,
    *(override_native, override_native, override_definition, override_definition, edit_more),
    *(add_entry_key, add_private_kernel, edit_overlays),
]
EDITS_OF_REGISTERED: list[Edit] = [*EDITS, *[edit_registered] * len(COMMON), with_sections]
