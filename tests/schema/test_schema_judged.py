"""Random schemas, and torchgen's own parser as the judge of what they say.

One process of torchgen answers for thousands of schemas, and for each pair whether they are
variants of one operator. `--long` asks fifty times as many.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivload.cpp.dialect import DIALECTS, NEWEST, Dialect
from derivload.diagnostics import Invalid
from derivload.schema.function_schema import spell
from derivload.schema.reader import SchemaReader
from derivload.schema.signature import Signatures, signatures
from support.judged_schemas import OPTIONS, PARTS, Judge, said, torchgen

LONGER = 50


def reader(dialect: Dialect = NEWEST) -> SchemaReader:
    return SchemaReader(frozenset(dialect.cpp_types) | dialect.unspelled_types, dialect.grammar)


class Operator(NamedTuple):
    """What the variants of one operator are made of: arguments without annotations."""

    base: str
    overload: str
    before: tuple[str, ...]
    has_self: bool
    after: tuple[str, ...]
    keywords: tuple[str, ...]
    options: bool
    returns: int

    def spell(
        self, suffix: str, own: str | None, more: list[str], out: list[str], returns: list[str]
    ) -> str:
        overload = "".join(filter(None, [self.overload, "_out" if out and self.overload else ""]))
        overload = overload or ("out" if out else "")
        positional = [*self.before, *([own] if own else []), *self.after, *more]
        keywords = [*self.keywords, *([OPTIONS] if self.options and not out else []), *out]
        arguments = positional + (["*", *keywords] if keywords else [])
        returned = returns[0] if len(returns) == 1 else f"({', '.join(returns)})"
        dotted = f".{overload}" if overload else ""
        return f"{self.base}{suffix}{dotted}({', '.join(arguments)}) -> {returned}"

    def variants(self) -> list[str]:
        own = "Tensor self" if self.has_self else None
        letters = "abcdefgh"[: self.returns]
        written = [f"Tensor({letter}!)" for letter in letters]
        out = [f"{type_} out{i}" for i, type_ in enumerate(written)]
        plain = ["Tensor"] * self.returns
        texts = [
            self.spell("", own, [], [], plain),
            self.spell("", own, [], [], [f"Tensor r{i}" for i in range(self.returns)]),
            self.spell("_functional", own, ["Tensor m"], [], [*plain, "Tensor"]),
            self.spell("_copy", own, [], [], plain),
        ]
        if self.returns:
            texts.append(self.spell("", own, [], out, written))
        if not self.options:
            texts.append(self.spell("", own, ["Tensor(x!) m"], [], plain))
        if own:
            texts.append(self.spell("", "Tensor(z) self", [], [], ["Tensor(z)"]))
            texts.append(self.spell("", "Tensor(z -> *) self", [], [], ["Tensor(z)[]"]))
        if own and not self.options:
            texts.append(self.spell("_", "Tensor(a!) self", [], [], ["Tensor(a!)"]))
            texts.append(self.spell("_", "Tensor(a!)[] self", [], [], []))
        return texts


TYPES = st.builds(
    lambda base, suffix: base + suffix,
    st.sampled_from(
        "Tensor Tensor Tensor int SymInt float bool str Scalar ScalarType Generator".split()
    ),
    st.sampled_from(["", "", "", "?", "[]", "[2]", "[]?", "?[]", "[1]?"]),
)
DEFAULTS = st.sampled_from(
    ["", "", "", "=0", "=-1", "=0.5", "=None", "=[]", "=[0,1]", "=True", "=Mean", "='a'", "=long"]
)


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    def arguments(names: str) -> tuple[str, ...]:
        chosen = draw(st.lists(st.sampled_from(names.split()), unique=True, max_size=3))
        return tuple(f"{draw(TYPES)} {name}{draw(DEFAULTS)}" for name in chosen)

    has_self = draw(st.booleans())
    return Operator(
        base=draw(
            st.sampled_from(
                ["melt", "_melt", "melt_scatter", "melt_inverse", "a::melt", "bernoulli"]
            )
        ),
        overload=draw(st.sampled_from(["", "", "Tensor", "some", "p"])),
        before=arguments("x y") if has_self else (),
        has_self=has_self,
        after=arguments("p dim dtype"),
        keywords=arguments("generator q r"),
        options=draw(st.booleans()),
        returns=draw(st.integers(0, 3)),
    )


@st.composite
def families(draw: st.DrawFn) -> list[str]:
    """Some variants of one operator, and such with one or two edits."""
    variants = draw(operators()).variants()
    chosen = draw(st.lists(st.sampled_from(variants), min_size=1, max_size=4))
    return [draw(_edited(text)) if draw(st.integers(0, 2)) else text for text in chosen]


REWRITES: list[Callable[[str], str]] = [
    lambda text: text.replace("-> (", "-> ").removesuffix(")"),
    lambda text: text.replace("-> ", "-> (") + ")",
    lambda text: text.replace(", *", ""),
    lambda text: text.replace("(", "(*, ", 1),
    lambda text: text.replace("!", ""),
    lambda text: text.replace("a!", "b!", 1),
    lambda text: text.replace("(Tensor(a!), Tensor(b!)", "(Tensor(b!), Tensor(a!)"),
    lambda text: text.replace("(", "_(", 1),
    lambda text: text.replace(", ", ",", 1),
]


@st.composite
def _edited(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(1, 2))):
        if not draw(st.integers(0, 3)):
            text = draw(st.sampled_from(REWRITES))(text)
            continue
        at = draw(st.integers(0, len(text)))
        if draw(st.booleans()):
            # At the borders of words, for most edits within words are just other names.
            borders = [i for i, c in enumerate(text) if not c.isalnum()]
            at = draw(st.sampled_from([0, *borders, len(text)]))
        cut = draw(st.sampled_from([0, 0, 1, 2, len("Tensor")]))
        text = text[:at] + draw(st.sampled_from(["", *PARTS])) + text[at + cut :]
    return text


@given(operators())
def test_reading_keeps_the_text(operator: Operator) -> None:
    for text in operator.variants():
        try:
            schema = reader().schema(text)
        except Invalid:
            continue
        assert schema.text == text
        assert spell(schema.name.text, schema.arguments, schema.returns) == text


@given(operators())
def test_a_reader_that_has_read_others_reads_the_same(operator: Operator) -> None:
    used = reader()
    for text in operator.variants() * 2:
        try:
            expected = reader().schema(text)
        except Invalid as invalid:
            with pytest.raises(Invalid) as caught:
                used.schema(text)
            assert str(caught.value) == str(invalid)
        else:
            assert used.schema(text) == expected


# ------------------------------------------------------------------------------------- the judge


class Trial:
    """Compares reader and judge, schema by schema, and pair by pair of those that both accept."""

    def __init__(self, dialect: Dialect, judge: Judge) -> None:
        self._dialect = dialect
        self._reader = reader(dialect)
        self._judge = judge
        self.asked = self.accepted = 0
        self.pairs: list[set[tuple[str, str]]] = [set(), set(), set()]

    def family(self, texts: list[str]) -> None:
        both = [keys for text in texts if (keys := self._one(text)) is not None]
        for (one, own), (other, others) in pairwise(both):
            ours = [a == b for a, b in zip(one, other, strict=True)]
            theirs = [a == b for a, b in zip(own, others, strict=True)]
            assert ours == theirs, texts

    def _one(self, text: str) -> tuple[Signatures, list[str]] | None:
        self.asked += 1
        answer = self._judge(text)
        try:
            schema = self._reader.schema(text)
        except Invalid as invalid:
            assert "error" in answer, f"{text!r} is turned away: {invalid.message}"
            return None
        assert "error" not in answer, f"{text!r} is accepted, but: {answer['error']}"
        theirs = answer.pop("signatures")
        assert said(schema) == answer, text
        self.accepted += 1
        if theirs is None:
            return None
        ours = signatures(schema, scatter_is_inverse=self._dialect.scatter_is_inverse)
        for pairs, pair in zip(self.pairs, zip(ours, theirs, strict=True), strict=True):
            pairs.add(pair)
        return ours, theirs


@pytest.mark.release
def test_torchgen_reads_schemas_alike(
    request: pytest.FixtureRequest,
    outer_release: str,
    release: Callable[[str], Path],
    thinning: int,
) -> None:
    longer = bool(request.config.getoption("--long", default=False))
    with torchgen(release(outer_release)) as judge:
        trial = Trial(DIALECTS[outer_release.rpartition(".")[0]], judge)

        @settings(
            max_examples=1500 * (LONGER if longer else 1) // thinning,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(families())
        def compare(texts: list[str]) -> None:
            trial.family(texts)

        compare()
    assert trial.asked > 2000 / thinning
    assert trial.accepted > 700 / thinning
    for pairs in trial.pairs:
        # Over all that was read: one key of ours for one signature of theirs.
        assert (
            len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})
        )
