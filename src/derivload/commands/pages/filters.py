"""The filters of the page, with how many functions pass each at first."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from derivload.commands.pages.table import Table

FILTERS: Final = {
    "no-derivative": ("no derivative", "autograd can do nothing with it"),
    "no-forward": ("no forward formula", "it has a backward formula alone"),
    "forward": ("has forward formula", "forward-mode differentiation works"),
    "saves-input": ("saves an input", "its backward node keeps a whole input alive"),
    "saves-tensor": ("saves a whole tensor", "its backward node keeps an input or an output alive"),
    "composite": ("composite", "it calls other operators, through which autograd sees"),
    "foreach": ("has foreach", "a foreach function applies it to each tensor"),
    "from-overlay": ("from my overlay", "an overlay declares or defines it"),
    "has-warnings": ("has warnings", "derivload check warns of it"),
}
"""Each filter without a value: its label, and what it means. They are those of `list`, and one."""


class FilterGroup(NamedTuple):
    """The values of a filter: its name in addresses, its label, and each value with its count."""

    name: str
    label: str
    values: list[tuple[str, int]]


def filter_groups(table: Table) -> list[FilterGroup]:
    """The groups of filters, each with what the functions have of it, the most frequent first."""
    flags = Counter(
        name for bits in table.flags for at, name in enumerate(table.flag_names) if bits >> at & 1
    )
    changed = [("changed", len(table.changes))] if table.comparisons else []
    kinds = Counter(table.kinds[at] for at in table.kind)
    modules = Counter(table.modules[at] for at in table.module)
    tags = Counter(table.tags[at][0] for number in table.tag for at in table.tag_sets[number])
    keys = Counter(table.keys[at][0] for number in table.key for at in table.key_sets[number])
    return [
        FilterGroup("is", "Derivatives", [*((n, flags[n]) for n in FILTERS), *changed]),
        FilterGroup("kind", "Kind", _sorted(kinds)),
        FilterGroup("module", "Python module", _sorted(modules)),
        FilterGroup("tag", "Tag", _sorted(tags)),
        FilterGroup("key", "Dispatch key", _sorted(keys)),
    ]


def _sorted(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
