"""derivload says of each release what its own torchgen said, without a network to ask it again.

And what was recorded is enough: with any one value of any row of `cpp/dialect.py` corrupted, or
of a list of names beside the rules, derivload says something else.

After an edit to the catalogue or to a case, record anew: see release_verdicts.py.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from derivload.cli import main
from derivload.cpp.dialect import DIALECTS, NEWEST, Dialect
from derivload.derivatives import saved_variables
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.native.keys import KEYS
from derivload.pytorch.codegen.known import KNOWN
from derivload.pytorch.releases import release_of_rules
from derivload.sources.entries import read_source
from support.release_cases import (
    BASE_TYPES,
    CASES,
    DISPATCH_KEYS,
    MUTABLE_WITHOUT_OUT_VARIANT,
    NONE,
    SCALAR_TYPES,
    TURNED_AWAY,
    WITHOUT_OUT_VARIANT,
    Case,
    catalogue,
    left_out,
)
from support.release_verdicts import Documents, ask_torchgen, line, read_recorded, source_digests

RECORDED: Final = read_recorded()
VERDICTS: Final = {release: RECORDED.of(release) for release in DIALECTS}
Corruption = tuple[str, Any]
# How derivload fails with a value that is none.
FAILURES: Final = (AssertionError, LookupError, TypeError, ValueError)


@pytest.fixture(scope="module", autouse=True)
def _each_text_is_read_once() -> Iterator[None]:
    """For all releases: they differ in what they make of entries."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("derivload.engine.load.read_source", functools.cache(read_source))
        yield


def verdict(case: Case, dialect: Dialect) -> Documents | None:
    """What derivload makes of a case."""
    texts = Texts(
        Text("derivatives.yaml", case.derivatives),
        (Text("native_functions.yaml", case.natives),),
        Text("tags.yaml", case.tags),
    )
    loaded = load_texts(texts, dialect)
    if loaded.diagnostics:
        return None
    matched = loaded.load.matched
    differentiability = {
        "used_dispatch_keys": loaded.used_dispatch_keys,
        "functions": [record for _, record in loaded.records()],
    }
    functions = {
        "functions": [m.record for m in matched],
        "generated": [m.generated for m in matched if m.generated is not None],
    }
    return Documents(*(msgspec.json.encode(d).decode() for d in (differentiability, functions)))


def digest(case: Case, dialect: Dialect) -> str | None:
    documents = verdict(case, dialect)
    return None if documents is None else documents.digest


# ------------------------------------------------------------------------- what was recorded


@pytest.mark.parametrize("release", DIALECTS)
def test_the_catalogue_gives_what_that_torchgen_gave(release: str, tmp_path: Path) -> None:
    case = catalogue(release)
    derivatives, natives, tags = (tmp_path / name for name in ("d.yaml", "n.yaml", "t.yaml"))
    derivatives.write_text(case.derivatives, "utf-8")
    natives.write_text(case.natives, "utf-8")
    tags.write_text(case.tags, "utf-8")
    inputs = ["--derivatives", str(derivatives), "--native-functions", str(natives)]
    options = ["--tags", str(tags), "--torch-version", release, "--out-dir", str(tmp_path)]
    assert main(["emit", *inputs, *options]) == 0
    names = ("differentiability.json", "functions.json")
    documents = [json.loads((tmp_path / name).read_bytes()) for name in names]
    assert [document["torch_version"] for document in documents] == [release, release]
    assert Documents(*map(line, documents)).hashes == RECORDED.catalogue[release]


@pytest.mark.parametrize("release", DIALECTS)
def test_each_case_gives_what_that_torchgen_gave(release: str) -> None:
    recorded = VERDICTS[release]
    assert recorded.keys() == CASES.keys()
    found = {name: digest(case, DIALECTS[release]) for name, case in CASES.items()}
    assert {name: found[name] for name in found if found[name] != recorded[name]} == {}


def test_the_catalogue_lacks_only_what_a_release_turns_away() -> None:
    for release in DIALECTS:
        recorded = VERDICTS[release]
        for name in TURNED_AWAY:
            assert (recorded[f"catalogue {name}"] is None) == (name in left_out(release))
    assert left_out(NEWEST.version) == []


def test_every_release_is_recorded() -> None:
    assert list(RECORDED.catalogue) == list(DIALECTS)
    assert list(DIALECTS) == [f"2.{minor}" for minor in range(1, 16)]
    assert DIALECTS["2.15"] is NEWEST


def test_torchgens_are_known_by_the_digests_that_were_recorded() -> None:
    sources = RECORDED.sources
    assert [release_of_rules(digests["rules"]) for digests in sources.values()] == [*sources]
    known = {digest.hex(): release for digest, release in KNOWN.items()}
    assert {digests["all"]: release for release, digests in sources.items()} == known


@pytest.mark.release
def test_torchgen_says_what_was_recorded(each_release: str, release: Callable[[str], Path]) -> None:
    number = each_release.removesuffix(".0")
    assert source_digests(release(each_release)) == RECORDED.sources[number]
    said = ask_torchgen(release(each_release), number)
    assert said.catalogue.hashes == RECORDED.catalogue[number]
    recorded = VERDICTS[number]
    assert said.cases.keys() == recorded.keys()
    for name, documents in said.cases.items():
        assert (documents and documents.digest) == recorded[name], name
    # A name that the cases do not have could be missing from a row, or too much in it.
    for kind, names in {
        "base types": BASE_TYPES,
        "scalar types": SCALAR_TYPES,
        "dispatch keys": DISPATCH_KEYS,
        "without out variant": WITHOUT_OUT_VARIANT,
        "mutable without": MUTABLE_WITHOUT_OUT_VARIANT,
    }.items():
        assert set(said.names[kind]) <= {*names}, kind
    # No case tells these: they are what `--dispatch-key` may name. CatchAll is another name of one.
    assert {*said.names["dispatch keys"], "CatchAll"} == DIALECTS[number].all_dispatch_keys


# ---------------------------------------------------------------------------- it is enough

# What may be asked for: torchgen is asked which these are, in test_torchgen_says_what_was_recorded.
ASKED: Final = "all_dispatch_keys"
# Spellings that have no cases of their own: they show in those of others.
SHOWN_BY_OTHERS: Final = ("cpp_names", "cpp_defaults")
# What may be added to a value that is a set or a mapping.
OTHERS: Final[dict[str, list[str]]] = {
    "cpp_types": [*BASE_TYPES, NONE],
    "unspelled_types": [*BASE_TYPES, NONE],
    "dispatch_keys": [*DISPATCH_KEYS, NONE],
    "structured_dispatch_keys": DISPATCH_KEYS,
    "scalar_types": [*SCALAR_TYPES, NONE],
    **{field: [] for field in SHOWN_BY_OTHERS},
    "implied_tags": ["pt2_compliant_tag", "out", "inplace"],
    "without_out_variant": [*WITHOUT_OUT_VARIANT, *MUTABLE_WITHOUT_OUT_VARIANT, "gilt"],
    "foreach_with_tensor_overload": [
        f"_foreach_{name}.Tensor" for name in ("add", "sub", "mul", "div", "gilt")
    ],
}


def corruptions(value: Any, others: list[Any]) -> Iterator[Corruption]:
    """A value with one thing in it changed, and what that is. `others` may be added or taken."""
    if isinstance(value, bool):
        yield "", not value
    elif isinstance(value, int):
        yield from (("", value - 1), ("", value + 1))
    elif isinstance(value, str):
        yield from (("", other) for other in {*others, f"{value}_"} - {value})
    elif isinstance(value, frozenset):
        yield from ((member, value - {member}) for member in value)
        yield from ((other, value | {other}) for other in others if other not in value)
    elif isinstance(value, Mapping):
        yield from _of_mapping(value, others)
    elif hasattr(value, "_replace"):
        yield from (
            (name, value._replace(**{name: changed}))
            for name in value._fields
            for _, changed in corruptions(getattr(value, name), [])
        )
    else:
        assert isinstance(value, tuple)
        yield from ((value[i], value[:i] + value[i + 1 :]) for i in range(len(value)))
        yield from ((other, (*value, other)) for other in others if other not in value)


def _of_mapping(value: Mapping[str, Any], others: list[str]) -> Iterator[Corruption]:
    for key, held in value.items():
        yield key, {k: v for k, v in value.items() if k != key}
        yield from ((key, {**value, key: changed}) for _, changed in corruptions(held, []))
    yield from ((key, {**value, key: f"at::{key}"}) for key in others if key not in value)


def corrupted_rows(row: Dialect) -> Iterator[tuple[str, str, Dialect]]:
    """A row with one value changed: the field, the name in it, and the row."""
    for field in row.__struct_fields__:
        if field == ASKED:
            continue
        value = getattr(row, field)
        others = OTHERS.get(field)
        if others is None and isinstance(value, frozenset):
            others = list(dict.fromkeys(filter(None, cases_of(field).values())))
        if others is None:
            others = [getattr(other, field) for other in DIALECTS.values()]
        for name, changed in corruptions(value, others):
            if not _is_of_no_effect(row, field, name):
                yield field, name, msgspec.structs.replace(row, **{field: changed})


def _is_of_no_effect(row: Dialect, field: str, name: str) -> bool:
    """Whether a name in a field changes nothing because of another field of the row."""
    if field == "structured_dispatch_keys":
        return name not in row.dispatch_keys
    if field == "cpp_types" and name in ("Tensor", "Scalar", "SymInt"):
        return True  # rules name the constants of these
    if field == "foreach_without_alpha":
        return not row.foreach_checks_argument_count
    return field == "unspelled_types" and name in row.cpp_types


# What told of a name in a field last time, and is asked first the next time: what shows in the
# cases of others shows in few of them.
_TOLD_BY: Final[dict[tuple[str, str], str]] = {}
_CATALOGUE: Final = "the catalogue"


def is_noticed(field: str, name: str, dialect: Dialect, release: str) -> bool:
    """Whether some case or the catalogue gives something else than was recorded."""
    about = cases_of(field)
    likely = _TOLD_BY.get((field, name))
    tellers = [*sorted(about, key=lambda case: about[case] != name), _CATALOGUE]
    for teller in sorted(tellers, key=lambda teller: teller != likely):
        if differs(teller, dialect, release):
            _TOLD_BY[field, name] = teller
            return True
    return False


def differs(teller: str, dialect: Dialect, release: str) -> bool:
    """Whether a case or the catalogue gives something else; to fail is something else too."""
    try:
        if teller != _CATALOGUE:
            return digest(CASES[teller], dialect) != VERDICTS[release][teller]
        documents = verdict(catalogue(release), dialect)
    except FAILURES:
        return True
    return documents is None or documents.hashes != RECORDED.catalogue[release]


@functools.cache
def cases_of(field: str) -> dict[str, str]:
    """The cases of a field, each with the name in it that it is for, if it is for one."""
    if field in SHOWN_BY_OTHERS:
        return dict.fromkeys(CASES, "")
    split = ((case, *case.partition(": ")[0].partition(" ")) for case in CASES)
    return {case: name for case, own, _, name in split if own == field}


@pytest.mark.parametrize("release", DIALECTS)
def test_a_row_holds_nothing_that_has_no_effect(release: str) -> None:
    """Nor anything that no case is for. What has no effect, no case could tell."""
    row = DIALECTS[release]
    assert row.structured_dispatch_keys <= row.dispatch_keys
    assert row.unspelled_types.isdisjoint(row.cpp_types)
    for field, names in OTHERS.items():
        if field in SHOWN_BY_OTHERS:
            continue
        assert {*getattr(row, field)} <= {*names}, field
    assert list(row.implied_tags) == [t for t in OTHERS["implied_tags"] if t in row.implied_tags]


@pytest.mark.parametrize("release", DIALECTS)
def test_a_corrupted_row_is_noticed(release: str, seed: int, thinning: int) -> None:
    corrupted = [*corrupted_rows(DIALECTS[release])]
    unnoticed = [
        f"{field} {name}: {getattr(row, field)}"
        for field, name, row in random.Random(seed).sample(corrupted, len(corrupted) // thinning)
        if field != "version" and not is_noticed(field, name, row, release)
    ]
    assert not unnoticed
    fields = {field for field, _, _ in corrupted}
    idle = set() if DIALECTS[release].foreach_checks_argument_count else {"foreach_without_alpha"}
    assert fields | idle | {ASKED} == {*Dialect.__struct_fields__}


# Lists of names beside the rules, which hold for every release: the module, and the name there.
# The cases have that name for a field, unless another is given.
LISTS: Final = (
    ("derivatives.forward", "_TENSOR_LISTS"),
    ("native.checks", "_NAMED_FROM"),
    ("native.checks", "_STORAGE_INPLACE"),
    ("native.dispatch", "COMPOSITES"),
    ("native.dispatch", "_ABSTRACT_UNLESS"),
    ("native.dispatch", "_MAX_KERNEL_NAMESPACES"),
    ("native.dispatch", "_UFUNC_KEYS", "dispatch._UFUNC_KEYS"),
    ("native.extras", "_DTYPE_CLASSES"),
    ("native.extras", "_UFUNC_KEYS", "extras._UFUNC_KEYS"),
    ("native.function", "_RESIZING", "_STORAGE_INPLACE"),
    ("native.generation", "_INHERITED_TAGS"),
    ("native.invariants", "_NOT_SEEDED"),
    ("native.reader", "_DEVICE_CHECKS"),
    ("schema.function_schema", "_OPTIONS"),
    ("schema.names", "_AUGMENTED_ASSIGNMENTS"),
)


@pytest.mark.parametrize("list_", LISTS, ids=lambda list_: ".".join(list_[:2]))
def test_a_corrupted_list_is_noticed(
    list_: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, field = (*list_, list_[1])[:3]
    place = import_module(f"derivload.{module}")
    mentioned = list(dict.fromkeys(filter(None, cases_of(field).values())))
    value = getattr(place, name)
    if isinstance(value, frozenset):
        assert value <= {*mentioned}
    unnoticed = []
    for member, changed in corruptions(value, mentioned):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, changed)
            if not is_noticed_by_some(field, str(member)):
                unnoticed.append(f"{member}: {changed}")
    assert not unnoticed


def test_a_corrupted_row_of_the_keys_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    unnoticed = []
    for key, (types, told) in list(KEYS.items()):
        for type_ in types:
            monkeypatch.setitem(KEYS, key, (tuple(t for t in types if t is not type_), told))
            if not is_noticed_by_some("KEYS", key):
                unnoticed.append(f"{key}: {type_}")
        monkeypatch.delitem(KEYS, key)
        if not is_noticed_by_some("KEYS", key):
            unnoticed.append(key)
        monkeypatch.undo()
    assert not unnoticed


def test_a_corrupted_row_of_what_is_saved_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for release, row in DIALECTS.items():
        rows = saved_variables.replacements(row)
        unnoticed = []
        for i, replacement in enumerate(rows):
            for name, changed in corruptions(replacement, []):
                corrupted = (*rows[:i], changed, *rows[i + 1 :])
                monkeypatch.setattr(saved_variables, "replacements", lambda _, rows=corrupted: rows)
                if not is_noticed("replacements", replacement.expression, row, release):
                    unnoticed.append(f"{name}: {changed}")
                monkeypatch.undo()
        assert not unnoticed


def is_noticed_by_some(field: str, name: str) -> bool:
    """Whether the oldest or the newest release tells what was done to a list."""
    return any(is_noticed(field, name, DIALECTS[r], r) for r in (NEWEST.version, "2.1"))
