"""Random edits of inputs, each of which an incremental load has to follow."""

from __future__ import annotations

import re
from random import Random

from support.session_entries import (
    NAMED,
    Parts,
    any_file,
    everywhere,
    insert,
    native_file,
    pick,
    schema_of,
    stem,
    with_entry,
    with_keys,
    with_parts,
)
from support.session_operators import (
    TEMPLATES,
    add_operator,
    any_name,
    change_autogen,
    name_a_key_again,
    take_kernels_away,
)
from support.sessions import DEFINITIONS, NATIVES, RELEASES, TAGS, Edit, Inputs, cut

FORMULA = re.compile(
    r"(?m)^( {2,6}(?!name|output_diff|dispatch)[a-z_0-9]+(?:, [a-z_0-9]+)*: )([^\s|>\"'\[].*)$"
)


_FORMULAS = [
    *("slef * {}", "hammered(grad)", "apply({}, hammered)", "({}", "self.dtype() + {}"),
    *("{} + 0", "({})", "{} * grad", "2 * {}", "{} + self", "{} + result", "grad", "grads[0]"),
    *("self_t", "self_p + {}", "auto_linear", "auto_element_wise", "non_differentiable"),
    *("{} + self.sizes()", "{}.sum(self.sym_sizes())", 'not_implemented("{}")', "grad + grads[1]"),
]


def change_formula(random: Random, inputs: Inputs) -> Inputs:
    text = inputs.files[DEFINITIONS]
    found = list(FORMULA.finditer(text))
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
    match = NAMED.match(pick(random, inputs, NATIVES, ": _foreach_"))
    other = NAMED.match(pick(random, inputs, DEFINITIONS))
    if match is None or other is None:
        return inputs
    old = match[1].removesuffix("_")
    new = random.choice([f"_foreach_{other[1]}", f"{old}x"]).removesuffix("_")
    return everywhere(inputs, lambda e: re.sub(rf"\b{old}(?=_?[.(]|_?$|,)", new, e))


def delete_entry(random: Random, inputs: Inputs) -> Inputs:
    file = any_file(random, inputs)
    return with_entry(random, inputs, file, lambda e: "")


def delete_operator(random: Random, inputs: Inputs) -> Inputs:
    chosen = pick(random, inputs, native_file(random, inputs))
    return everywhere(inputs, lambda e: "" if stem(e) == stem(chosen) else e)


def delete_overload(random: Random, inputs: Inputs) -> Inputs:
    """Delete a definition with the functions of its name and overload."""
    match = NAMED.match(pick(random, inputs, DEFINITIONS))
    if match is None:
        return inputs
    overload = match[2] or ""

    def change(entry: str) -> str:
        found = NAMED.match(entry)
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


_IGNORED = "DL602 DL604 DL607 DL601 DL605 DL6 DL405 DL999".split()


def add_ignore_comment(random: Random, inputs: Inputs) -> Inputs:
    """Add a comment that asks to ignore rules at the end of a line, or take all of one away."""
    codes = ", ".join(random.sample(_IGNORED, random.randrange(1, 3)))

    def change(entry: str) -> str:
        lines = entry.splitlines()
        i = random.randrange(len(lines))
        if " # derivload" in entry and random.randrange(2):
            return re.sub(r" # derivload.*", "", entry)
        lines[i] += f" # derivload: ignore[{codes}] because"
        return "".join(f"{line}\n" for line in lines)

    return with_entry(random, inputs, any_file(random, inputs), change)


def add_comment(random: Random, inputs: Inputs) -> Inputs:
    comment = random.choice(["\n", "# c\n", "\n\n# - c: [\n\n", "  # c\n", "   \n", "# \u00e9\n"])

    def change(parts: Parts) -> None:
        i = random.randrange(len(parts))
        lines = parts[i].splitlines(keepends=True)
        lines.insert(random.choice([len(lines), 1 + random.randrange(len(lines))]), comment)
        parts[i] = "".join(lines)

    return with_parts(inputs, any_file(random, inputs), change)


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


def repeat_key(random: Random, inputs: Inputs) -> Inputs:
    """Write a line of an entry twice, perhaps with a change."""

    def change(entry: str) -> str:
        lines = entry.split("\n")
        at = random.randrange(len(lines))
        again = lines[at].replace("- ", "  ", 1)
        lines.insert(at + 1, again.replace("self", "slef") if random.randrange(2) else again)
        return "\n".join(lines)

    return with_entry(random, inputs, random.choice([DEFINITIONS, NATIVES]), change)


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
        natives, _ = random.choice(TEMPLATES)
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
_KEYS = "aelsx_ ()[]{}:,.-#'\"|>&*!%@\n\t+0é"


def type_somewhere(random: Random, inputs: Inputs) -> Inputs:
    """What an editor has between two keys: a line that is half typed, or a character too many."""
    file = any_file(random, inputs)
    text = inputs.files[file]
    at = random.randrange(len(text) + 1)
    end = random.choice([at, at, at + 1, text.find("\n", at)])
    typed = "".join(random.choices(_KEYS, k=random.choice([0, 1, 1, 2])))
    return inputs.with_file(file, text[:at] + typed + text[max(at, end) :])


COMMON: list[Edit] = [
    *(change_formula, change_formula, change_type_or_default, rename_argument, rename_foreach),
    *(put_formulas_under_keys, change_output_differentiability, delegate_elsewhere),
    *(delete_entry, delete_overload, delete_operator, duplicate_entry),
    *(duplicate_under_another_name, move_entry, swap_entries, reverse_entries, add_operator),
    *(add_comment, add_ignore_comment, take_kernels_away, name_a_key_again),
    *(reorder_keys, quote_value),
]


EDITS: list[Edit] = [
    *COMMON,
    *(add_operator, add_operator, shuffle_entries, break_entry, break_entry, edit_tags),
    *(edit_tags, switch_release, edit_overlays, edit_overlays, change_autogen),
    *(type_somewhere, type_somewhere, repeat_key, repeat_key),
]
