"""What the tests of pipeline_rules share."""

from __future__ import annotations

import re
from typing import NamedTuple

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts

# Behind the texts of each case stand these, which are right.
NATIVES = "- func: base(Tensor self) -> Tensor\n"


DERIVATIVES = "- name: base(Tensor self) -> Tensor\n  self: grad\n"


TAGS = "".join(
    f"- tag: {tag}\n  desc: Some tag.\n"
    for tag in ("core", "inplace_view", "view_copy", "nondeterministic_seeded", "generated")
)


CPU = "  dispatch:\n    CPU: f\n"


class Case(NamedTuple):
    code: str
    natives: str = ""
    derivatives: str = ""
    tags: str = ""
    version: str = NEWEST.version


def in_formulas(code: str, schema: str, formulas: str) -> Case:
    """A derivative of an operator that is right; `schema` may have marks."""
    return Case(code, f"- func: {bare(schema)}\n", f"- name: {schema}\n{formulas}")


def bare(marked: str) -> str:
    return re.sub("[«»]", "", marked)


def load(case: Case) -> list[Diagnostic]:
    texts = Texts(
        Text("derivatives.yaml", bare(case.derivatives) + DERIVATIVES),
        (Text("native_functions.yaml", bare(case.natives) + NATIVES),),
        Text("tags.yaml", bare(case.tags) + TAGS),
    )
    return load_texts(texts, DIALECTS[case.version]).diagnostics
