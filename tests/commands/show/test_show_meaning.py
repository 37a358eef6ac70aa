"""Which functions a query means, what is suggested instead, and what a tree's own code says."""

from __future__ import annotations

import json

import pytest

from derivload.commands.show.own_code import find_in, render_records
from derivload.commands.show.query import read_queries, read_query, unknown
from derivload.diagnostics import Diagnostic
from derivload.engine.outcome import Outcome
from derivload.loading.inputs import load_alone
from derivload.loading.paths import find_files
from derivload.loading.request import Request


@pytest.fixture(scope="module")
def loaded() -> Outcome:
    """The examples that ship with derivload."""
    return load_alone(Request(find_files(catalogue=True)).inputs)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("gild", "gild gild.out gild_"),
        ("gild_", "gild_"),
        ("gild.out", "gild.out"),
        ("aten::gild.out", "gild.out"),
        ("atelier::gild", ""),
        ("burnish", "burnish"),
        ("atelier::burnish", "burnish"),
        ("aten::burnish", ""),
        ("aten::burn*", ""),
        ("temper.S*", "temper.Scalar temper.Scalar_out"),
        ("gild.out(Tensor self, float luster, *, Tensor(a!) out) -> Tensor(a!)", ""),
        ("", ""),
    ],
)
def test_a_query_means_functions(loaded: Outcome, asked: str, meant: str) -> None:
    query = read_query(asked)
    found = {f.name.text for f in loaded.load.natives if query.means(f)}
    assert found == set(meant.split())


def test_a_schema_means_its_function_and_a_node_those_that_make_it(loaded: Outcome) -> None:
    (gild,) = (f for f in loaded.load.natives if f.name.text == "gild")
    for text in (
        gild.schema.text,
        f"aten::{gild.schema.text}",
        gild.schema.text.replace(" ", "  "),
    ):
        query = read_query(text)
        assert [f.name.text for f in loaded.load.natives if query.means(f)] == ["gild"]
        assert query.means_schema(gild.schema.text)
        assert not query.means_schema("gild(Tensor self) -> Tensor")
        assert (query.pattern, query.family) == (None, "gild")
    assert not read_query(f"atelier::{gild.schema.text}").means(gild)
    for text in ("GildBackward0", "GildBackward", "G*Backward0"):
        query = read_query(text)
        assert query.means(gild, {"GildBackward0"})
        assert query.means_schema(gild.schema.text, {"GildBackward0"})
        assert not query.means(gild)
        assert not query.means_schema(gild.schema.text)
        assert query.family is None


@pytest.mark.parametrize(
    ("asked", "schemas"),
    [
        ("gild", "gild gild_ gild.out"),
        ("aten::gild", "gild gild_ gild.out"),
        ("gild_", "gild_"),
        ("gild.out", "gild.out"),
        ("other::gi*t", "gild.out"),
        ("gilt", ""),
    ],
)
def test_a_query_means_schemas(asked: str, schemas: str) -> None:
    query = read_query(asked)
    names = ["gild", "gild_", "gild.out"]
    assert [
        n for n in names if query.means_schema(f"{n}(Tensor self) -> Tensor")
    ] == schemas.split()


def test_a_family_is_known_of_what_is_a_name() -> None:
    for text in ("gild_", "aten::gild.out", "gild(Tensor self, float x=0.5) -> Tensor"):
        assert read_query(text).family == "gild"
    for text in ("gi*", ""):
        assert read_query(text).family is None
    assert [each.text for each in read_queries("torch.linalg.svd")][:2] == [
        "linalg_svd",
        "linalg.svd",
    ]


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("temperr", "`temper`"),
        ("TEMPER", "`temper` or `temper_`"),
        ("temperr.Scalar", "`temper`"),
        ("temper.Foo", "`temper.out`, `temper.Tensor`, `temper.Scalar` or `temper.Scalar_out`"),
        ("torch.temper.Tensor(Tensor x)", "`temper.Tensor`"),
        ("torch.temper.Foo(Tensor x)", "`temper`"),
        ("torch.facett.copy", "`facet_copy` or `facet`"),
        ("gleam(Tensor x) -> Tensor", "`gleam(Tensor self) -> Tensor`"),
        ("atelier::burnishh", "`burnish`"),
        ("nowhere::burnishh", "`burnish`"),
        ("aten::burnishh", None),
        ("zzzqqq", None),
    ],
)
def test_the_nearest_names_are_suggested(
    loaded: Outcome, asked: str, suggested: str | None
) -> None:
    rest = "nor one with a name like it" if suggested is None else suggested
    told = unknown(read_query(asked), loaded.load.natives)
    assert told.startswith(f"there is no operator `{asked}`")
    assert told.endswith(f", {rest}" if suggested is None else f"; did you mean {suggested}?")


def test_a_trees_own_code_has_the_last_word(loaded: Outcome) -> None:
    lines = loaded.make_lines()
    for asked in ("gild", "GildBackward0"):
        groups, records = find_in(lines, loaded, read_queries(asked))
        assert (len(groups), records) == (1, None)
    assert find_in(lines, loaded, read_queries("gildd")) == ([], None)
    # It gives something else for one function.
    other = lines._replace(
        records=[line.replace(b"GildBackward0", b"GiltBackward0") for line in lines.records],
        functions=[line.replace(b"GildBackward0", b"GiltBackward0") for line in lines.functions],
    )
    assert find_in(other, loaded, read_queries("gleam"))[1] is None
    groups, records = find_in(other, loaded, read_queries("gild"))
    assert groups == []
    assert records is not None
    by_node = find_in(other, loaded, read_queries("GiltBackward0"))
    assert by_node[0] == []
    assert by_node[1] is not None
    assert find_in(other, loaded, read_queries("GildBackward0"))[1] is None
    shown = [*render_records(records)]
    assert shown[:2] == ["{", ' "schema": "gild(Tensor self, float luster=0.5) -> Tensor",']
    decoded = [json.loads(line) for some in (records.records, records.functions) for line in some]
    assert {each["schema"].partition("(")[0] for each in decoded} == {"gild", "gild_", "gild.out"}
    assert "\n".join(shown).replace("\n", "").count('"GiltBackward0"') >= 2


def test_where_our_own_load_has_mistakes_the_records_are_all_there_is(loaded: Outcome) -> None:
    refused = loaded._replace(mistakes=[Diagnostic("f.yaml", 1, 1, "DL410", "x", "y")], whole=None)
    lines = loaded.make_lines()
    assert find_in(lines, refused, read_queries("gild"))[1] is not None
