"""What the tests of pipeline_rules share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.diagnostics import Diagnostic, Edit, Fix
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.outputs.edits import EditedText

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
    return load_texts(_texts(case, ()), DIALECTS[case.version]).diagnostics


def left_by(fix: Fix, case: Case) -> list[str]:
    """The codes of what is wrong with the texts of a case when a fix is applied to them."""
    found = load_texts(_texts(case, fix.edits), DIALECTS[case.version]).diagnostics
    return [diagnostic.code for diagnostic in found]


def _texts(case: Case, edits: Sequence[Edit]) -> Texts:
    def text(name: str, held: str) -> Text:
        own = [edit for edit in edits if edit.file == name]
        return Text(name, EditedText(held).apply(own))

    return Texts(
        text("derivatives.yaml", bare(case.derivatives) + DERIVATIVES),
        (text("native_functions.yaml", bare(case.natives) + NATIVES),),
        text("tags.yaml", bare(case.tags) + TAGS),
    )
