"""Sessions: after any edits, they give what loading everything gives, byte for byte.

An edit is a function from one set of inputs to the next that takes its choices from a `Random`.
Hypothesis, a seeded driver (10,000 steps with `--long`), the releases and runs of the command
all take the same edits; small inputs below them say which edits cost what.
"""

from __future__ import annotations

import gc
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random, randrange
from typing import ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from derivload.cpp.dialect import Dialect, find_dialect
from derivload.engine.load import Text, Texts
from derivload.engine.outcome import Outcome
from derivload.engine.session import Session
from derivload.loading.memory import Memory
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.outputs.documents import Rendered
from derivload.store.store import Store
from support.paths import CATALOGUE
from support.project import Project, Ran
from support.releases import Release

RELEASES = ("2.15", "2.15", "2.4", "2.1")


# ----------------------------------------------------------------------------------- the inputs


class Inputs(NamedTuple):
    """The inputs of a load: derivatives, native functions, overlays, tags, in this order."""

    release: str
    files: tuple[str, ...]

    @property
    def texts(self) -> Texts:
        named = [Text(f"file{i}.yaml", text) for i, text in enumerate(self.files)]
        return Texts(named[0], tuple(named[1:-1]), named[-1])

    @property
    def dialect(self) -> Dialect:
        return find_dialect(self.release)[0]

    @property
    def overlays(self) -> range:
        return range(2, len(self.files) - 1)

    def with_file(self, index: int, *texts: str) -> Inputs:
        """The inputs with other texts, any number of them, in the place of one."""
        files = list(self.files)
        files[slice(index, None if index == -1 else index + 1)] = texts
        return self._replace(files=tuple(files))


DEFINITIONS, NATIVES, TAGS = 0, 1, -1
NAMES = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")
CATALOGUE_TEXTS = tuple((CATALOGUE / name).read_text("utf-8") for name in NAMES)
# The catalogue with what makes it good for every release.
_FOR_ALL = {
    "SymBool wrap": "bool wrap",
    "-> Tensor?": "-> Tensor",
    "CompositeExplicitAutograd: inlay_inverse": "CompositeImplicitAutograd: inlay_inverse",
}
START = Inputs(
    "2.15",
    tuple(
        re.sub("|".join(map(re.escape, _FOR_ALL)), lambda m: _FOR_ALL[m[0]], text)
        for text in CATALOGUE_TEXTS
    ),
)


def edited(old: str, new: str, file: int = DEFINITIONS, inputs: Inputs = START) -> Inputs:
    assert inputs.files[file].count(old) >= 1, old
    return inputs.with_file(file, inputs.files[file].replace(old, new, 1))


EDITED = edited("grad * luster", "luster * grad")


def cut(text: str) -> list[str]:
    """What stands before the first entry, and the entries, each with what stands behind it."""
    return re.split(r"(?m)^(?=- )", text)


def joined(parts: Sequence[str]) -> str:
    return "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)


# ------------------------------------------------------------------------------------ the edits

Edit = Callable[[Random, Inputs], Inputs]
Parts = list[str]

_FORMULA = re.compile(
    r"(?m)^( {2,6}(?!name|output_diff|dispatch)[a-z_0-9]+(?:, [a-z_0-9]+)*: )([^\s|>\"'\[].*)$"
)
_FORMULAS = [
    *("{} + 0", "({})", "{} * grad", "2 * {}", "{} + self", "{} + result", "grad", "grads[0]"),
    *("self_t", "self_p + {}", "auto_linear", "auto_element_wise", "non_differentiable"),
    *("{} + self.sizes()", "{}.sum(self.sym_sizes())", 'not_implemented("{}")', "grad + grads[1]"),
]
_NAMED = re.compile(r"- (?:func|name): (?:\w+::)?(\w+)(?:\.(\w+))?\(")
_VARIANT = re.compile(r"^_*(?:foreach_)?|_copy|_scatter|_inverse|_functional|_+$")


def stem(entry: str) -> str:
    """What the names of an operator's variants have in common, as far as an edit cares."""
    match = _NAMED.match(entry)
    return _VARIANT.sub("", match[1]) if match else ""


def schema_of(entry: str) -> str:
    return entry.partition("\n")[0].partition(": ")[2]


def any_file(random: Random, inputs: Inputs) -> int:
    files: list[int] = [DEFINITIONS, *range(len(inputs.files))]
    return random.choice(files)


def native_file(random: Random, inputs: Inputs) -> int:
    return random.choice(range(1, len(inputs.files) - 1))


def with_parts(inputs: Inputs, file: int, change: Callable[[Parts], None]) -> Inputs:
    """The inputs with a file's entries changed; a file without any stays as it is."""
    before, *parts = cut(inputs.files[file])
    if not parts:
        return inputs
    change(parts)
    return inputs.with_file(file, joined([before, *parts]))


def with_entry(
    random: Random, inputs: Inputs, file: int, change: Callable[[str], str], having: str = ""
) -> Inputs:
    """The inputs with one entry of a file changed, one that has these words in it."""

    def apply(parts: Parts) -> None:
        indexes = [i for i, part in enumerate(parts) if having in part]
        if indexes:
            index = random.choice(indexes)
            parts[index] = change(parts[index])

    return with_parts(inputs, file, apply)


def everywhere(inputs: Inputs, change: Callable[[str], str]) -> Inputs:
    """The inputs with every definition and native function changed."""
    for file in range(len(inputs.files) - 1):
        before, *parts = cut(inputs.files[file])
        inputs = inputs.with_file(file, joined([before, *map(change, parts)]))
    return inputs


def pick(random: Random, inputs: Inputs, file: int, having: str = "") -> str:
    """An entry of a file; "" when there is none."""
    parts = [part for part in cut(inputs.files[file])[1:] if having in part]
    return random.choice(parts) if parts else ""


def insert(random: Random, inputs: Inputs, file: int, entry: str) -> Inputs:
    before, *parts = cut(inputs.files[file])
    parts.insert(random.randrange(len(parts) + 1), entry)
    return inputs.with_file(file, joined([before, *parts]))


# Formulas and schemas.


def change_formula(random: Random, inputs: Inputs) -> Inputs:
    text = inputs.files[DEFINITIONS]
    found = list(_FORMULA.finditer(text))
    if not found:
        return inputs
    match = random.choice(found)
    formula = random.choice(_FORMULAS).format(match[2])
    return inputs.with_file(DEFINITIONS, text[: match.start(2)] + formula + text[match.end(2) :])


def change_output_differentiability(random: Random, inputs: Inputs) -> Inputs:
    lists = ["[True]", "[False]", "[True, False]", "[False, True]", '["cond(x)"]', "[]", ""]
    key = f"  output_differentiability: {random.choice(lists)}\n"

    def change(entry: str) -> str:
        without = re.sub(r"(?m)^  output_differentiability: .*\n", "", entry)
        return without if key.endswith(" \n") else without.replace("\n", "\n" + key, 1)

    return with_entry(random, inputs, DEFINITIONS, change)


def put_formulas_under_keys(random: Random, inputs: Inputs) -> Inputs:
    key = random.choice(["AutogradCUDA", "AutogradNestedTensor", "AutogradMPS", "AutogradNone"])

    def change(entry: str) -> str:
        name, _, rest = entry.partition("\n")
        if "  dispatch:\n" in rest:
            return re.sub(r"(?m)^    Autograd\w+:", f"    {key}:", entry)
        formulas = [f"    {line}" for line in rest.split("\n") if line.startswith("  ")]
        body = "\n".join(formulas)
        return f"{name}\n  dispatch:\n    Default:\n{body}\n    {key}:\n{body}\n"

    return with_entry(random, inputs, DEFINITIONS, change)


def rename_argument(random: Random, inputs: Inputs) -> Inputs:
    """Rename an argument in all variants of an operator and their formulas, or in one entry."""
    chosen = pick(random, inputs, random.choice([DEFINITIONS, native_file(random, inputs)]))
    names = re.findall(r" (\w+)(?=[=,)])", schema_of(chosen))
    if not names:
        return inputs
    old = random.choice(names)
    pattern = re.compile(rf"\b(grad_)?{old}(?=_[tp]\b|\b)(?! *\()")
    new = old + random.choice(["x", "2", "_in", ""])

    def change(entry: str) -> str:
        return pattern.sub(lambda m: f"{m[1] or ''}{new}", entry)

    if random.randrange(4):
        return everywhere(inputs, lambda e: change(e) if stem(e) == stem(chosen) else e)
    return everywhere(inputs, lambda e: change(e) if e == chosen else e)


_REVISIONS = [
    *(("int ", "SymInt "), ("SymInt ", "int "), ("float ", "Scalar "), ("=1", "=2"), ("=2", "=1")),
    *(("=0.5", "=0.25"), ("=False", "=True"), ("Tensor other", "Tensor? other"), ("=0", "=-1")),
    *(("Tensor ", "Tensr "), ("Tensor self", "Tensor[] self"), (") -> Tensor", ", int w=0) -> T")),
    *((") -> (Tensor", ") -> (Tensor, Tensor"), ("Scalar ", "float "), ("=1", ""), ("=0", "=x")),
]


def change_type_or_default(random: Random, inputs: Inputs) -> Inputs:
    chosen = pick(random, inputs, native_file(random, inputs))
    old, new = random.choice([r for r in _REVISIONS if r[0] in schema_of(chosen)] or [("", "")])

    def change(entry: str) -> str:
        schema = schema_of(entry)
        return entry.replace(schema, schema.replace(old, new, 1), 1)

    if random.randrange(4):
        return everywhere(inputs, lambda e: change(e) if stem(e) == stem(chosen) else e)
    return everywhere(inputs, lambda e: change(e) if e == chosen else e)


def delegate_elsewhere(random: Random, inputs: Inputs) -> Inputs:
    structured = pick(random, inputs, NATIVES, "structured: True")
    name = schema_of(structured).partition("(")[0]
    key = f"structured_delegate: {name}"
    file = native_file(random, inputs)
    return with_entry(
        random, inputs, file, lambda e: re.sub("structured_delegate: .*", key, e), "_delegate: "
    )


def rename_foreach(random: Random, inputs: Inputs) -> Inputs:
    match = _NAMED.match(pick(random, inputs, NATIVES, ": _foreach_"))
    other = _NAMED.match(pick(random, inputs, DEFINITIONS))
    if match is None or other is None:
        return inputs
    old = match[1].removesuffix("_")
    new = random.choice([f"_foreach_{other[1]}", f"{old}x"]).removesuffix("_")
    return everywhere(inputs, lambda e: re.sub(rf"\b{old}(?=_?[.(]|_?$|,)", new, e))


# Entries that come, go and move.

_NAMES = (
    "jet _jet je_t Jet jet_forward jet_copy scatter jet_scatter inverse jet_inverse copy_jet onyx"
    " temper Temper temper_forward _temper gild_forward ripple_forward _gild gleam_copy gleam"
).split()
_SYLLABLES = "jet _ _ copy _copy scatter _inverse _foreach_ _functional _out forward".split()
_KERNEL = "  dispatch:\n    CPU: kernel"
_EXPLICIT = "  dispatch:\n    CompositeExplicitAutograd: kernel"
_COPY = "  dispatch:\n    CompositeExplicitAutogradNonFunctional: kernel\n  tags: view_copy"
_FOREACH = f"  device_check: NoCheck\n{_EXPLICIT}"
_PLAIN = "{n}{o}(Tensor self, int a) -> Tensor"
_INPLACE = "{n}_{o}(Tensor(a!) self, int a) -> Tensor(a!)"
_MUTABLE = "{n}(Tensor self, Tensor(a!) b) -> Tensor"
_VIEW = "{n}(Tensor(a) self) -> Tensor(a)"
_OUT = "{n}.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"
_INVERSE = "{n}_inverse(Tensor(a) self, Tensor b) -> Tensor(a)"
_DUNDER = "__iand__(Tensor(a!) self, Tensor b) -> Tensor(a!)"
_KEYED = "  dispatch:\n    Default:\n      self: grad\n    AutogradMPS:\n      self: -grad"
# What is added together: native functions and definitions, for a name and an overload.
_TEMPLATES: list[tuple[list[str], list[str]]] = [
    ([f"{_PLAIN}\n{_KERNEL}"], [f"{_PLAIN}\n  self: grad * a\n  result: self_t * a"]),
    (
        [f"{_PLAIN}\n{_KERNEL}"],
        [f"{_PLAIN}\n{_KEYED}"],
    ),
    ([f"{_PLAIN}\n{_KERNEL}\n  autogen: {{n}}{{o}}_out"], []),
    (
        [f"{_INPLACE}\n{_KERNEL}", f"{_PLAIN}\n{_KERNEL}"],
        [f"{_PLAIN}\n  self: grad\n  result: auto_element_wise"],
    ),
    (
        [f"{_INPLACE}\n{_KERNEL}\n  autogen: {{n}}{{o}}, {{n}}{{o}}_out"],
        [f"{_INPLACE}\n  self: grad\n  result: self_t.mul_(a)"],
    ),
    (
        [f"{_MUTABLE}\n{_KERNEL}\n  autogen: {{n}}_functional, {{n}}.out"],
        [f"{_MUTABLE}\n  self: grad\n  b: non_differentiable"],
    ),
    (
        [f"{_VIEW}\n{_EXPLICIT}", f"{{n}}_copy(Tensor self) -> Tensor\n{_COPY}"],
        [f"{_VIEW}\n  self: grad\n  result: auto_linear"],
    ),
    (
        [f"{_INVERSE}\n{_EXPLICIT}", f"{{n}}_scatter(Tensor self, Tensor b) -> Tensor\n{_COPY}"],
        [f"{_INVERSE}\n  self: grad"],
    ),
    ([], ["{n}_copy(Tensor self) -> Tensor\n  self: grad * 3"]),
    ([f"_foreach_{{n}}(Tensor[] self, int a) -> Tensor[]\n{_FOREACH}"], []),
    (
        [
            f"_foreach_{{n}}_(Tensor(a!)[] self, int a) -> ()\n{_FOREACH}",
            f"_foreach_{{n}}(Tensor[] self, int a) -> Tensor[]\n{_FOREACH}",
        ],
        [],
    ),
    (["{n}{o}(Tensor self) -> Tensor\n  structured_delegate: gleam.out"], []),
    (
        [
            f"{_OUT}\n  structured: True\n{_KERNEL}",
            "{n}(Tensor self) -> Tensor\n  structured_delegate: {n}.out",
        ],
        ["{n}(Tensor self) -> Tensor\n  self: grad\n  result: auto_element_wise"],
    ),
    ([f"{_DUNDER}\n{_KERNEL}\n  autogen: __and__"], [f"{_DUNDER}\n  self: grad"]),
]


def any_name(random: Random) -> str:
    """A name that may have to do with those of others."""
    if random.randrange(4):
        return random.choice(_NAMES)
    return "".join(random.choice(_SYLLABLES) for _ in range(1 + random.randrange(4)))


def add_operator(random: Random, inputs: Inputs) -> Inputs:
    """Add native functions and definitions, now and then one too few."""
    natives, definitions = random.choice(_TEMPLATES)
    name = any_name(random)
    overload = random.choice(["", "", ".k1", ".k2"])
    for key, templates in (("func", natives), ("name", definitions)):
        for template in templates:
            text = template.replace("{n}", name).replace("{o}", overload)
            file = native_file(random, inputs) if key == "func" else DEFINITIONS
            if random.randrange(12):
                inputs = insert(random, inputs, file, f"- {key}: {text}\n")
    return inputs


def delete_entry(random: Random, inputs: Inputs) -> Inputs:
    file = any_file(random, inputs)
    return with_entry(random, inputs, file, lambda e: "")


def delete_operator(random: Random, inputs: Inputs) -> Inputs:
    chosen = pick(random, inputs, native_file(random, inputs))
    return everywhere(inputs, lambda e: "" if stem(e) == stem(chosen) else e)


def delete_overload(random: Random, inputs: Inputs) -> Inputs:
    """Delete a definition with the functions of its name and overload."""
    match = _NAMED.match(pick(random, inputs, DEFINITIONS))
    if match is None:
        return inputs
    overload = match[2] or ""

    def change(entry: str) -> str:
        found = _NAMED.match(entry)
        if found is None or found[1].removesuffix("_") != match[1].removesuffix("_"):
            return entry
        same = (found[2] or "") in (overload, f"{overload}_out" if overload else "out")
        return "" if same else entry

    return everywhere(inputs, change)


def duplicate_entry(random: Random, inputs: Inputs) -> Inputs:
    file = random.choice([any_file(random, inputs), DEFINITIONS])
    return insert(random, inputs, file, pick(random, inputs, file))


_FIRST = re.compile(r"(- \w+: (?:\w+::)?\w+)(?:\.\w+)?\(([\w\[\]?]+(?:\([^)]*\))?[\[\]?\d]* \w+)")


def duplicate_under_another_name(random: Random, inputs: Inputs) -> Inputs:
    """A new overload with an argument more, of a function and its definition."""
    overload = f"k{random.randrange(100)}"
    chosen = pick(random, inputs, native_file(random, inputs))
    for file in range(len(inputs.files) - 1):
        for entry in cut(inputs.files[file])[1:]:
            if schema_of(entry) == schema_of(chosen):
                copy = _FIRST.sub(rf"\1.{overload}(\2, int {overload}", entry, count=1)
                inputs = insert(random, inputs, file, copy)
    return inputs


def move_entry(random: Random, inputs: Inputs) -> Inputs:
    def change(parts: Parts) -> None:
        part = parts.pop(random.randrange(len(parts)))
        parts.insert(random.randrange(len(parts) + 1), part)

    return with_parts(inputs, any_file(random, inputs), change)


def swap_entries(random: Random, inputs: Inputs) -> Inputs:
    def change(parts: Parts) -> None:
        i, j = random.randrange(len(parts)), random.randrange(len(parts))
        parts[i], parts[j] = parts[j], parts[i]

    return with_parts(inputs, any_file(random, inputs), change)


def reverse_entries(random: Random, inputs: Inputs) -> Inputs:
    def change(parts: Parts) -> None:
        i = random.randrange(len(parts))
        j = min(len(parts), i + 2 + random.randrange(6))
        parts[i:j] = parts[i:j][::-1]

    return with_parts(inputs, any_file(random, inputs), change)


def shuffle_entries(random: Random, inputs: Inputs) -> Inputs:
    return with_parts(inputs, any_file(random, inputs), random.shuffle)


# What says the same in other words.


def add_comment(random: Random, inputs: Inputs) -> Inputs:
    comment = random.choice(["\n", "# c\n", "\n\n# - c: [\n\n", "  # c\n", "   \n", "# \u00e9\n"])

    def change(parts: Parts) -> None:
        i = random.randrange(len(parts))
        lines = parts[i].splitlines(keepends=True)
        lines.insert(random.choice([len(lines), 1 + random.randrange(len(lines))]), comment)
        parts[i] = "".join(lines)

    return with_parts(inputs, any_file(random, inputs), change)


def with_keys(entry: str, arrange: Callable[[Parts], None]) -> str:
    """An entry with its keys, each with the lines of its value, in another order."""
    body = re.match(r"(?:(?:- | ).*\n|\n(?= ))*", entry)
    assert body is not None
    first, *others = re.split(r"(?m)^(?=  [A-Za-z_])", body[0])
    keys = [f"  {first.removeprefix('- ')}", *others]
    arrange(keys)
    return f"- {joined(keys).removeprefix('  ')}{entry[body.end() :]}"


def reorder_keys(random: Random, inputs: Inputs) -> Inputs:
    file = any_file(random, inputs)
    return with_entry(random, inputs, file, lambda e: with_keys(e, random.shuffle))


def quote_value(random: Random, inputs: Inputs) -> Inputs:
    quote = random.choice("'\"")

    def change(entry: str) -> str:
        values = list(re.finditer(r"(?m)(?<=: )([^\s|>\"'\[{][^'\"\\\n]*)$", entry))
        if not values:
            return entry
        value = random.choice(values)
        return f"{entry[: value.start()]}{quote}{value[0]}{quote}{entry[value.end() :]}"

    return with_entry(random, inputs, any_file(random, inputs), change)


def break_entry(random: Random, inputs: Inputs) -> Inputs:
    old, new = random.choice(
        [
            *(
                (": ", ': "'),
                (": ", ": '"),
                (": ", ":"),
                ("\n  ", "\n\t"),
                ("  ", "   "),
                (": ", ": ["),
            ),
            *((": ", ": &a "), (": ", ": *a "), ("Tensor", "Tensr"), ("(", ""), ("- ", "-- ")),
            *(
                ("\n", "\n  self: grad\n"),
                ("\n", "\n  extra: 1\n"),
                ("\n", "\nx: y\n"),
                ("grad", ""),
            ),
            *(
                (": ", ": !!str "),
                (": ", ": |\n    "),
                ("\n", "\n...\n"),
                ("\n", "\n---\n"),
                (": ", ": 1"),
            ),
        ]
    )

    def change(entry: str) -> str:
        places = [match.start() for match in re.finditer(re.escape(old), entry)]
        if not places:
            return entry
        place = random.choice(places)
        return entry[:place] + new + entry[place + len(old) :]

    return with_entry(random, inputs, any_file(random, inputs), change)


# Tags, releases, overlays.


def edit_tags(random: Random, inputs: Inputs) -> Inputs:
    name = f"tag{random.randrange(3)}"
    kind = random.randrange(4)
    if kind == 0:
        return insert(random, inputs, TAGS, f"- tag: {name}\n  desc: added\n")
    if kind == 1:
        return with_entry(random, inputs, TAGS, lambda e: "")
    if kind == 2:
        return with_entry(random, inputs, TAGS, lambda e: e.replace("desc: ", "desc: now "))
    tag = random.choice([name, "core", "pointwise", "generated", "inplace_view", "view_copy"])

    def change(entry: str) -> str:
        if "\n  tags:" in entry:
            return re.sub(r"\n  tags: .*", f"\n  tags: {tag}", entry)
        return entry.replace("\n", f"\n  tags: {tag}\n", 1)

    return with_entry(random, inputs, native_file(random, inputs), change)


def switch_release(random: Random, inputs: Inputs) -> Inputs:
    return inputs._replace(release=random.choice(RELEASES))


def edit_overlays(random: Random, inputs: Inputs) -> Inputs:
    """Add an overlay, take one away, swap two, or give one its other form."""
    kind = random.randrange(5)
    if kind == 0 or not inputs.overlays:
        if len(inputs.overlays) > 2:
            return inputs
        form = random.choice(["", "custom:\n", "# nothing\n"])
        natives, _ = random.choice(_TEMPLATES)
        name = any_name(random)
        entries = [f"- func: {t.replace('{n}', name).replace('{o}', '')}\n" for t in natives]
        return inputs.with_file(-1, form + "".join(entries), inputs.files[-1])
    i, j = random.choice(inputs.overlays), random.choice(inputs.overlays)
    text = inputs.files[i]
    if kind == 1:
        return inputs.with_file(i)
    if kind == 2:
        return inputs.with_file(i, inputs.files[j]).with_file(j, text)
    if kind == 3:
        without = text.removeprefix("custom:\n")
        return inputs.with_file(i, without if without != text else f"custom:\n{text}")
    return move_into_overlay(random, inputs)


def move_into_overlay(random: Random, inputs: Inputs) -> Inputs:
    if not inputs.overlays:
        return inputs
    chosen = pick(random, inputs, NATIVES)
    moved = inputs.with_file(NATIVES, inputs.files[NATIVES].replace(chosen, "", 1))
    return insert(random, moved, random.choice(inputs.overlays), chosen)


# Those that can be done to the files of a release too.
COMMON: list[Edit] = [
    *(change_formula, change_formula, change_type_or_default, rename_argument, rename_foreach),
    *(put_formulas_under_keys, change_output_differentiability, delegate_elsewhere),
    *(delete_entry, delete_overload, delete_operator, duplicate_entry),
    *(duplicate_under_another_name, move_entry, swap_entries, reverse_entries, add_operator),
    *(add_comment, reorder_keys, quote_value),
]
EDITS: list[Edit] = [
    *COMMON,
    *(add_operator, add_operator, shuffle_entries, break_entry, break_entry, edit_tags),
    *(edit_tags, switch_release, edit_overlays, edit_overlays),
]


# ------------------------------------------------------------------------- loads that must agree


class Result(NamedTuple):
    """What a load gives, in a form to compare."""

    diagnostics: list[str]
    documents: list[Rendered]
    shards: list[Rendered]
    is_of_entries: bool


def result_of(outcome: Outcome, memories: Sequence[Memory] = ()) -> Result:
    """What came of a load; `memories` rendered the load before, if there was one."""
    documents, shards = (
        [] if outcome.lines is None else memory.render(outcome.lines, n)
        for n, memory in zip((None, 3), memories or (Memory(), Memory()), strict=True)
    )
    diagnostics = [diagnostic.render() for diagnostic in outcome.diagnostics]
    return Result(diagnostics, documents, shards, outcome.is_of_entries)


def cold(inputs: Inputs) -> Result:
    return result_of(Session(inputs.dialect).load(inputs.texts))


class StoreInMemory(Store):
    """A store that ends with the process."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        return self.values.get(key)

    def put(self, key: bytes, value: bytes, sha256: bytes | None = None) -> bool:
        self.values[key] = value
        return True

    def __contains__(self, key: bytes) -> bool:
        return key in self.values


class Walk:
    """Inputs that are edited step by step. At each, a session that has followed all steps, and
    a new one that starts from what the one before it left in a store, are compared with a cold
    load.
    """

    def __init__(self, inputs: Inputs, store: Store | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store or StoreInMemory()
        self._sessions: dict[str, Session] = {}
        self._memories = (Memory(), Memory())
        self.inputs = self.home = inputs
        self.outcome = self.go(inputs)

    def go(self, inputs: Inputs, label: str = "") -> Outcome:
        expected = cold(inputs)
        session = self._sessions.setdefault(inputs.release, Session(inputs.dialect))
        self.inputs = inputs
        self.outcome = session.load(inputs.texts)
        assert result_of(self.outcome, self._memories) == expected, f"followed: {label}"
        self._go_afresh(inputs, expected, label)
        self.counts["steps"] += 1
        self.counts["good"] += not self.outcome.diagnostics
        self.counts["incremental"] += self.outcome.is_incremental
        if self.outcome.is_incremental:
            self.home = inputs
        return self.outcome

    def _go_afresh(self, inputs: Inputs, expected: Result, label: str) -> None:
        """As a new process goes."""
        shards = (None, 3)[self.counts["steps"] % 2]
        names = [text.name for text in inputs.texts.native_functions]
        files = Files(inputs.texts.derivatives.name, names, inputs.texts.tags.name, inputs.release)
        request = Request(files, [text.encode() for text in inputs.files], shards)
        memory = Memory(self._store)
        outcome = memory.load(request)
        assert [d.render() for d in outcome.diagnostics] == expected.diagnostics, label
        if outcome.lines is None:
            return
        wanted = expected.documents if shards is None else expected.shards
        assert memory.render(outcome.lines, shards) == wanted, f"afresh: {label}"
        memory.keep(request, self._store, outcome.lines)
        assert outcome.is_of_entries == expected.is_of_entries, f"afresh: {label}"
        self.counts["incremental afresh"] += outcome.is_incremental

    def wander(self, random: Random, edits: Sequence[Edit], steps: int, label: str) -> None:
        """Take so many steps; most that follow a whole load go back to before it."""
        for i in range(steps):
            if not self.outcome.is_incremental and random.random() < 0.7:
                self.go(self.home, f"{label}, step {i}: back")
                continue
            edit = random.choice(edits)
            self.go(edit(random, self.inputs), f"{label}, step {i}: {edit.__name__}")


class Edits(RuleBasedStateMachine):
    walked: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(START)
        self.past = [START]

    @rule(edit=st.sampled_from(EDITS), random=st.randoms(use_true_random=False))
    def edit(self, edit: Edit, random: Random) -> None:
        outcome = self.walk.go(edit(random, self.walk.inputs), edit.__name__)
        way = "incremental" if outcome.is_incremental else "whole" if outcome.lines else "broken"
        event(f"{edit.__name__}: {way}")
        if outcome.lines:
            self.past.append(self.walk.inputs)

    @precondition(lambda self: self.walk.outcome.diagnostics)
    @rule()
    def fix(self) -> None:
        assert not self.walk.go(self.walk.home).diagnostics

    @rule(random=st.randoms(use_true_random=False))
    def go_back(self, random: Random) -> None:
        assert not self.walk.go(random.choice(self.past)).diagnostics

    def teardown(self) -> None:
        Edits.walked.update(self.walk.counts)


@pytest.fixture
def longer(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long", default=False))


@pytest.fixture
def seed() -> int:
    """What random edits are drawn from: printed, so that a failure can be had again."""
    drawn = randrange(2**32)
    print(f"seed {drawn}")
    return drawn


# --------------------------------------------------------------------------------- random edits


def test_any_sequence_of_edits_gives_what_a_cold_load_gives(longer: bool) -> None:
    Edits.walked.clear()
    run_state_machine_as_test(
        Edits,
        settings=settings(
            max_examples=300 if longer else 12,
            stateful_step_count=50 if longer else 20,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Edits.walked["incremental"] > Edits.walked["steps"] / 10


def test_long_walks_give_what_cold_loads_give(longer: bool, seed: int) -> None:
    random = Random(seed)
    store = StoreInMemory()
    counts: Counter[str] = Counter()
    for number in range(100 if longer else 2):
        walk = Walk(START, store)
        walk.wander(random, EDITS, 100, f"seed {seed}, walk {number}")
        counts += walk.counts
    assert counts["incremental"] > counts["good"] / 3
    assert counts["incremental afresh"] > counts["good"] / 3


def inputs_of(version: str, release: Release) -> Inputs:
    packaged = release(version) / "torchgen" / "packaged"
    paths = [packaged / "autograd" / NAMES[0], *(packaged / "ATen/native" / n for n in NAMES[1:])]
    texts = tuple(path.read_text("utf-8") for path in paths)
    return Inputs(version.rpartition(".")[0], texts)


def wander_through(inputs: Inputs, seed: int, steps: int) -> None:
    walk = Walk(inputs)
    walk.wander(Random(seed), COMMON, steps, f"{inputs.release}, seed {seed}")
    assert walk.counts["incremental"] > steps / 10


@pytest.mark.release
def test_random_edits_of_a_release(
    each_release: str, release: Release, longer: bool, seed: int
) -> None:
    wander_through(inputs_of(each_release, release), seed, 200 if longer else 9)


@pytest.mark.thorough
@pytest.mark.release
def test_random_edits_of_the_oldest_release(release: Release, longer: bool, seed: int) -> None:
    wander_through(inputs_of("2.1.0", release), seed, 200 if longer else 9)


@pytest.mark.release
@pytest.mark.parametrize("name", ["add.Tensor", "transpose.int", "index_copy", "sigmoid"])
def test_edit_of_a_release_reads_few_entries(name: str, newest: str, release: Release) -> None:
    inputs = inputs_of(newest, release)
    session = Session(inputs.dialect)
    session.load(inputs.texts)
    definition = next(e for e in cut(inputs.files[0]) if e.startswith(f"- name: {name}("))
    formula = next(_FORMULA.finditer(definition))[0]
    changed = definition.replace(formula, f"{formula} + 0")
    outcome = session.load(edited(definition, changed, inputs=inputs).texts)
    assert outcome.is_incremental
    assert outcome.counts["read"] < 100


@pytest.mark.release
def test_state_of_the_catalogue_is_no_hindrance_to_a_release(newest: str, release: Release) -> None:
    inputs = inputs_of(newest, release)
    catalogue = START.with_file(TAGS, inputs.files[TAGS])
    walk = Walk(START)
    assert not walk.go(catalogue).is_incremental
    # All that they have in common are the tags.
    assert walk.go(inputs).is_incremental
    assert walk.go(catalogue).is_incremental
    assert not walk.go(START).is_incremental


class Processes(Project):
    """Runs of `derivload emit` on inputs that change."""

    def emit_to(self, out: str, inputs: Inputs, *more: str) -> Ran:
        """Emit to the folder of that name."""
        names = [NAMES[0], NAMES[1], *(f"overlay{i}.yaml" for i in inputs.overlays), NAMES[2]]
        paths = [self.inputs / name for name in names]
        for path, text in zip(paths, inputs.files, strict=True):
            path.write_text(text, "utf-8")
        return self.run(
            *("emit", "--derivatives", str(paths[0]), "--torch-version", inputs.release),
            *(word for path in paths[1:-1] for word in ("--native-functions", str(path))),
            *("--out-dir", str(self.folder / out), "--stats=json", *more),
        )


@pytest.mark.thorough
def test_processes_on_one_store_write_what_cold_ones_write(
    tmp_path: Path, longer: bool, seed: int
) -> None:
    random = Random(seed)
    processes = Processes(tmp_path)
    inputs = home = START
    edit = None
    exits: Counter[str] = Counter()
    for i in range(300 if longer else 15):
        label = f"seed {seed}, step {i}: {edit and edit.__name__}"
        shards = random.choice([(), (), ("--shards", "3")])
        cache = ("--cache-dir", str(processes.cache))
        ran = processes.emit_to("out", inputs, *shards, *cache)
        wanted = processes.emit_to("cold", inputs, *shards, "--no-cache")
        exits[ran.exit] += 1
        assert ran.status == wanted.status, label
        if ran.status == 0:
            assert documents_in(tmp_path / "out") == documents_in(tmp_path / "cold"), label
        else:
            assert ran.errors == wanted.errors, label
        if ran.exit not in ("", "cold"):
            home = inputs
        edit = random.choice(EDITS)
        inputs = edit(random, home)
    assert exits["incremental"]


def documents_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


# -------------------------------------------------------------------------- what an edit costs

JET = "jet(Tensor self, int a) -> Tensor"
SHEEN = "sheen(Tensor self) -> Tensor\n  structured_delegate: gleam.out"


def replaced(old: str, new: str) -> Inputs:
    """The start with words replaced wherever they stand."""
    return Inputs(START.release, tuple(text.replace(old, new) for text in START.files))


def with_added(
    *natives: str, definitions: Sequence[str] = (), first: bool = False, inputs: Inputs = START
) -> Inputs:
    """The inputs with entries added, at the end or as the first ones."""
    for file, key, added in ((NATIVES, "func", natives), (DEFINITIONS, "name", definitions)):
        before, *parts = cut(inputs.files[file])
        new = [f"- {key}: {text}\n" for text in added]
        parts = [*new, *parts] if first else [*parts, *new]
        inputs = inputs.with_file(file, joined([before, *parts]))
    return inputs


def jets(definition: str, *, first: bool = False) -> Inputs:
    """The start with an operator and its definition, whose schema may be told by its name."""
    schema = JET.replace("jet", definition)
    return with_added(f"{schema}\n{_KERNEL}", definitions=[f"{schema}\n  self: grad"], first=first)


def swapped(file: int, first: str, second: str) -> Inputs:
    before, *parts = cut(START.files[file])
    i, j = (next(n for n, e in enumerate(parts) if f": {name}(" in e) for name in (first, second))
    parts[i], parts[j] = parts[j], parts[i]
    return START.with_file(file, joined([before, *parts]))


def without(file: int, name: str) -> Inputs:
    before, *parts = cut(START.files[file])
    return START.with_file(file, joined([before, *(e for e in parts if f": {name}" not in e)]))


def with_overlay(text: str) -> Inputs:
    return START.with_file(TAGS, text, START.files[TAGS])


@pytest.mark.parametrize(
    ("inputs", "read"),
    [
        pytest.param(START, 0, id="nothing"),
        # gild and gild_, and their definition.
        pytest.param(EDITED, 3, id="formula"),
        pytest.param(edited("self_t.gild(luster)", "auto_linear"), 3, id="tangent"),
        pytest.param(replaced("luster=0.5", "luster=0.25"), 3, id="default"),
        pytest.param(replaced("float luster", "Scalar luster"), 3, id="type"),
        pytest.param(replaced("luster", "sheen"), 3, id="argument"),
        pytest.param(edited("[True, False]", "[True, True]"), 2, id="output differentiability"),
        pytest.param(
            edited("pivot: quench_lean(", "pivot: (", inputs=edited("CUDA:", "MPS:")),
            3,
            id="dispatch key",
        ),
        # gleam, gleam_, gleam.out and the two foreach functions.
        pytest.param(edited("gleam_slope(self)", "(self)"), 6, id="formula of a foreach reference"),
        pytest.param(without(DEFINITIONS, "gleam("), 5, id="definition deleted"),
        pytest.param(jets("jet"), 2, id="operator"),
        pytest.param(with_added(f"gild.k({JET[4:]}\n{_KERNEL}"), 4, id="overload"),
        pytest.param(
            with_added(
                "_foreach_gild(Tensor[] self, float luster=0.5) -> Tensor[]\n"
                f"  device_check: NoCheck\n{_EXPLICIT}"
            ),
            4,
            id="foreach function",
        ),
        # A definition that stands twice keeps the later formulas and has two numbers.
        pytest.param(
            with_added(definitions=["gild(Tensor self, float luster=0.5) -> Tensor\n  self: grad"]),
            4,
            id="definition of what has one",
        ),
        # ripple, ripple_ and ripple_copy.
        pytest.param(edited("ripple_back(grad", "ripple_to(grad"), 4, id="formula of a view"),
        pytest.param(
            with_added(
                definitions=[
                    "ripple_copy(Tensor self, int dim, int shift=1) -> Tensor\n  self: grad"
                ]
            ),
            5,
            id="definition of a view's copy",
        ),
        pytest.param(swapped(DEFINITIONS, "cleave", "ripple"), 0, id="definitions swapped"),
        pytest.param(swapped(NATIVES, "lull", "ripple"), 0, id="functions swapped"),
        pytest.param(
            edited("inlay_clear(", "(", inputs=edited("grad * luster", "grad")),
            3 + 4,
            id="both ends of a file",
        ),
        # temper has seven functions and two definitions, whose numbers go by the order.
        pytest.param(
            swapped(DEFINITIONS, "temper.Tensor", "temper.Scalar"), 9, id="overloads swapped"
        ),
        pytest.param(jets("temper_forward"), 2, id="op of the same name behind"),
        pytest.param(jets("temper_forward", first=True), 11, id="op of the same name before"),
        pytest.param(with_added(SHEEN), 6 + 1, id="delegate of another family"),
        pytest.param(edited("desc: ", "desc: In short, ", TAGS), 0, id="description of a tag"),
        pytest.param(with_overlay(""), 0, id="empty overlay"),
        pytest.param(with_overlay(f"- func: {JET}\n{_KERNEL}\n"), 1, id="overlay"),
        pytest.param(with_overlay(f"custom:\n- func: {JET}\n"), 1, id="overlay as a mapping"),
    ],
)
def test_edit_reads_the_families_that_it_touches(inputs: Inputs, read: int) -> None:
    walk = Walk(START)
    outcome = walk.go(inputs)
    assert outcome.is_incremental
    assert walk.counts["incremental afresh"] == 1
    assert outcome.counts["read"] == read
    assert walk.go(START).is_incremental


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(START.with_file(TAGS, f"{START.files[TAGS]}- tag: a\n  desc: b\n"), id="tag"),
        pytest.param(edited("desc: ", "desc: &a ", TAGS), id="anchor in tags"),
        pytest.param(edited("self: grad ", "self: &a grad "), id="anchor"),
        pytest.param(edited("self: grad ", "self: grads[7] "), id="mistake"),
        pytest.param(
            edited("  result: auto_element_wise\n", "  dispatch: {}\n"), id="mistake in matching"
        ),
        pytest.param(edited("self: grad ", 'self: "grad '), id="torn quote"),
        pytest.param(edited("- name", "---\n- name"), id="document marker"),
        pytest.param(
            with_added("jet_out_(Tensor(a!) self) -> Tensor(a!)"), id="name ending in out"
        ),
        pytest.param(with_added(f"foreach_{JET}"), id="name that begins with foreach"),
        pytest.param(edited("structured: True", "structured: False", NATIVES), id="bad delegate"),
        pytest.param(
            edited("  structured: True\n", "", NATIVES, with_added(SHEEN)), id="bad delegate"
        ),
        pytest.param(without(NATIVES, "gleam.out("), id="delegate gone"),
        pytest.param(without(NATIVES, "ripple_copy("), id="copy of a view gone"),
        pytest.param(without(NATIVES, "cleave("), id="function of a definition gone"),
        pytest.param(with_overlay("custom:\n- func: [\n"), id="torn overlay"),
    ],
)
def test_what_is_not_certain_is_loaded_whole(inputs: Inputs) -> None:
    walk = Walk(START)
    assert not walk.go(inputs).is_incremental
    assert walk.counts["incremental afresh"] == 0
    walk.go(START)


@pytest.mark.parametrize(("file", "words"), [(DEFINITIONS, "self: "), (NATIVES, "func: ")])
def test_edits_beside_an_anchor_are_loaded_whole(file: int, words: str) -> None:
    anchored = edited(words, f"{words}&a ", file)
    walk = Walk(anchored)
    assert not walk.go(edited("inlay_clear(", "(", inputs=anchored)).is_incremental
    assert not walk.go(START).is_incremental
    assert walk.go(EDITED).is_incremental


def test_ops_of_one_name_are_numbered_anew_when_definitions_change_places() -> None:
    walk = Walk(jets("temper_forward"))
    assert walk.go(jets("temper_forward", first=True)).is_incremental


def test_edit_after_a_mistake_is_of_the_last_good_inputs() -> None:
    walk = Walk(START)
    for _ in range(2):
        assert walk.go(edited("grad * luster", "grads[7]")).diagnostics
    outcome = walk.go(EDITED)
    assert outcome.is_incremental
    assert outcome.counts["read"] == 3
    assert walk.counts["incremental afresh"] == 1


@pytest.mark.parametrize(("names", "read"), [(("jet", "onyx"), 0), (("jet", "jet_"), 2)])
def test_overlays_that_change_places(names: Sequence[str], read: int) -> None:
    schemas = {"jet": "jet(Tensor self, Scalar a) -> Tensor", "onyx": JET.replace("jet", "onyx")}
    schemas["jet_"] = "jet_(Tensor(a!) self, Scalar a) -> Tensor(a!)"
    overlays = [f"- func: {schemas[name]}\n{_KERNEL}\n" for name in names]
    walk = Walk(START.with_file(TAGS, *overlays, START.files[TAGS]))
    outcome = walk.go(START.with_file(TAGS, *overlays[::-1], START.files[TAGS]))
    assert outcome.is_incremental
    assert outcome.counts["read"] == read
    assert walk.go(START).is_incremental


# ----------------------------------------------------------------- what says the same differently


def with_quotes(entry: str) -> str:
    """An entry with its schema in quotes."""
    schema = schema_of(entry)
    quote = '"' if '"' not in schema else "'"
    return entry.replace(schema, f"{quote}{schema}{quote}", 1)


@pytest.mark.parametrize("file", [DEFINITIONS, NATIVES])
@pytest.mark.parametrize(
    ("respell", "costs"),
    [
        pytest.param(
            lambda e: f"{e}\n# a comment\n\n# - another: [\n", False, id="comments between"
        ),
        pytest.param(lambda e: re.sub(r"(?m)^#.*\n|^\n", "", e), False, id="comments gone"),
        pytest.param(lambda e: e.replace("\n", "\n  # a comment\n", 1), True, id="comment inside"),
        pytest.param(lambda e: e.replace("\n", "\n\n", 1), True, id="blank line inside"),
        pytest.param(lambda e: with_keys(e, lambda keys: keys.reverse()), True, id="order of keys"),
        pytest.param(with_quotes, True, id="quotes"),
    ],
)
def test_other_words_for_the_same_leave_the_documents_as_they_are(
    file: int, respell: Callable[[str], str], costs: bool
) -> None:
    session = Session(START.dialect)
    documents = result_of(session.load(START.texts)).documents
    before, *parts = cut(START.files[file])
    for i, part in enumerate(parts):
        parts[i] = respell(part)
        outcome = session.load(START.with_file(file, joined([before, *parts])).texts)
        assert outcome.is_incremental
        assert result_of(outcome).documents == documents, part
        assert costs or not outcome.counts["read"]


# ------------------------------------------------------------------- states that are none, memory


class Kept(NamedTuple):
    """What a session leaves for the next: the state, and the lines of its documents."""

    state: bytes
    records: list[bytes]
    functions: list[bytes]


def kept_of(inputs: Inputs) -> Kept:
    session = Session(inputs.dialect)
    lines = session.load(inputs.texts).lines
    state = session.keep()
    assert lines is not None
    assert state is not None
    return Kept(state, lines.records, lines.functions + lines.generated)


def damaged() -> Iterator[Kept]:
    whole = kept_of(START)
    garbage = [b"", b"\xc1", b"garbage", b"{}", b"\x94\x90\x90\x90\x90", b"\xdd\xff\xff\xff\xff"]
    truncated = [whole.state[:length] for length in range(0, len(whole.state), 997)]
    no_text = whole.state.replace(b"gild", b"gi\xffd")
    for state in (*garbage, *truncated, no_text, whole.state + b"\0", whole.state[::-1]):
        yield whole._replace(state=state)
    for records in ([], whole.records[:-1], [*whole.records, b"{}"], whole.functions):
        yield whole._replace(records=records)
    for functions in ([], whole.functions[:20], whole.functions[:-1], [*whole.functions, b"{}"]):
        yield whole._replace(functions=functions)


def test_state_that_is_none_is_left_aside() -> None:
    expected = cold(EDITED)
    for kept in damaged():
        session = Session(EDITED.dialect)
        session.restore(*kept)
        outcome = session.load(EDITED.texts)
        assert not outcome.is_incremental
        assert result_of(outcome) == expected
        assert session.load(START.texts).is_incremental


@pytest.mark.parametrize(
    "other",
    [
        with_overlay(f"- func: {JET}\n{_KERNEL}\n"),
        edited("desc: ", "desc: &a ", TAGS),
        START.with_file(TAGS, f"{START.files[TAGS]}- tag: a\n  desc: b\n"),
        Inputs("2.15", (f"- name: {JET}\n  self: grad\n", f"- func: {JET}\n", START.files[-1])),
        Inputs("2.15", CATALOGUE_TEXTS),
    ],
    ids=["overlay", "anchor", "tags", "hardly anything", "the catalogue as it ships"],
)
def test_state_of_other_inputs_gives_the_same(other: Inputs) -> None:
    walk = Walk(other)
    walk.go(EDITED)
    walk.go(other)


@pytest.mark.parametrize(
    ("before", "after"),
    [("[pointwise]", "!!set {pointwise}"), ("'2001-12-14'", "2001-12-14"), ("a", "&a [*a]")],
)
@pytest.mark.parametrize("key", ["tags", "python_module"])
def test_values_of_an_overlay_differ_by_type_too(key: str, before: str, after: str) -> None:
    walk = Walk(START)
    for value in (before, after, before):
        walk.go(with_overlay(f"custom:\n- func: {JET}\n  {key}: {value}\n"))


@pytest.mark.thorough
def test_memory_does_not_grow_from_edit_to_edit() -> None:
    def most_after(edits: range) -> int:
        most = 0
        for i in edits:
            inputs = edited("grad * luster", f"grad * luster * {i}")
            texts = [text.replace("luster=0.5", f"luster={i}.5") for text in inputs.files]
            outcome = session.load(inputs._replace(files=tuple(texts)).texts)
            assert outcome.is_incremental
            if i % 20 == 0:
                gc.collect()
                most = max(most, tracemalloc.get_traced_memory()[0])
        return most

    tracemalloc.start()
    try:
        session = Session(START.dialect)
        session.load(START.texts)
        first = most_after(range(300))
        assert most_after(range(300, 600)) < first * 1.05
    finally:
        tracemalloc.stop()
