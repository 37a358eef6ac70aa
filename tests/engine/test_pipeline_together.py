"""All mistakes of a formula, a schema or an entry are told in one run, each at its place."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from support.rule_cases import CPU, DERIVATIVES, NATIVES, TAGS

SCHEMA = "f(Tensor self, Tensor other) -> Tensor"


def told(derivatives: str, natives: str = f"- func: {SCHEMA}\n{CPU}") -> list[str]:
    """The errors and warnings, each as its code and the words that are underlined."""
    texts = Texts(
        Text("derivatives.yaml", derivatives + DERIVATIVES),
        (Text("native_functions.yaml", natives + NATIVES.strip() + f"\n{CPU}"),),
        Text("tags.yaml", TAGS),
    )
    loaded = load_texts(texts, NEWEST)
    warnings = place_all(judge(lint(loaded.load), texts, has_errors=True).shown, texts)
    return [
        f"{d.code}@{d.column} {d.source_line[d.column - 1 :][: d.length]}"
        for d in sorted([*loaded.diagnostics, *warnings])
    ]


def formulas(*lines: str, schema: str = SCHEMA) -> str:
    return "".join([f"- name: {schema}\n", *(f"  {line}\n" for line in lines)])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["self: self.sizes() + other.sizes()", "other: grad"],
            ["DL420@13 .sizes()", "DL420@29 .sizes()"],
        ),
        (
            ["self: grads[1] + grads[2] + slef", "other: grad"],
            ["DL410@9 grads[1]", "DL410@20 grads[2]", "DL602@31 slef"],
        ),
        (
            ["self: grad.sizes()", "othr: other.sizes()"],
            ["DL420@13 .sizes()", "DL430@3 othr", "DL420@14 .sizes()"],
        ),
        (
            ["self: 1", "other: grad; + self.size(0)"],
            ["DL402@9 1", "DL612@14 ;", "DL420@22 .size(0)"],
        ),
        (
            ["self: grad", "other: grad", "result: self * other"],
            ["DL431@11 self", "DL431@18 other"],
        ),
        (
            ["self: grad.sizes()", "other: non_differentiable", "output_differentiability: True"],
            ["DL420@13 .sizes()", "DL403@29 True"],
        ),
    ],
)
def test_of_formulas(lines: list[str], expected: list[str]) -> None:
    assert told(formulas(*lines)) == expected


def test_of_a_definition_without_a_function() -> None:
    found = told(formulas("self: grad.sizes() (", "other: 1", schema="g(Tensor self) -> Tensor"))
    assert found == ["DL405@9 g", "DL420@13 .sizes()", "DL607@22 (", "DL402@10 1"]


def test_of_a_definition_whose_function_cannot_be_read() -> None:
    found = told(formulas("self: grad.sizes();"), f"- func: {SCHEMA}\n  colour: red\n")
    assert found == ["DL420@13 .sizes()", "DL612@21 ;", "DL006@3 colour"]


def test_of_a_schema_also_where_the_words_are_the_same() -> None:
    natives = "- func: f(Tenser self, Tenser other, Itn x) -> (Tenser, Tensor)\n"
    assert told("", natives) == [
        "DL104@11 Tenser",
        "DL104@24 Tenser",
        "DL104@38 Itn",
        "DL104@49 Tenser",
    ]


def test_of_the_keys_of_an_entry() -> None:
    natives = f"- func: {SCHEMA}\n  variants: methods\n  tags: [cor, x]\n  colour: red\n" + CPU
    assert told("", natives.replace("CPU", "CPU, GPU")) == [
        "DL202@13 methods",
        "DL205@10 cor",
        "DL205@15 x",
        "DL006@3 colour",
        "DL222@10 GPU",
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # Without its formula, there is nothing to make the forward formula from.
        (["slef: grad", "other: non_differentiable", "result: auto_element_wise"], "DL430@3 slef"),
        (["slef: grad", "result: auto_linear"], "DL430@3 slef"),
        # What is out of range is also in another way than the others.
        (["self: grad + grads[1]", "other: grad"], "DL410@16 grads[1]"),
        # An argument whose formula has a mistake is not forgotten.
        (["self: grad", "other: 1"], "DL402@10 1"),
        # A text that is not closed holds no names.
        (['self: f(grad, "a b)', "other: grad"], 'DL607@17 "a b)'),
        (["self: f(grad, \u201cslef\u201d)", "other: grad"], "DL614@17 \u201c DL614@22 \u201d"),
    ],
)
def test_what_follows_from_a_mistake_is_held_back(lines: list[str], expected: str) -> None:
    assert " ".join(told(formulas(*lines))) == expected


@pytest.mark.parametrize(
    "natives",
    [
        f"- func: {SCHEMA}\n  variants: methods\n  python_module: nn\n{CPU}",
        f"- func: {SCHEMA}\n  structured_delegat: f.out\n",
        "- func: rand_f(Tensor self) -> Tensor\n  tag: nondeterministic_seeded\n",
        "- func: rand_f(Tensor self) -> Tensor\n  tags: nondeterministic_seded\n",
        "- func: f_like(Tensor self) -> Tensor\n  dispach:\n    CPU: f\n",
        "- fnc: f(Tensor self) -> Tensor\n",
    ],
)
def test_one_slip_in_an_entry_is_one_mistake(natives: str) -> None:
    assert len(told("", natives)) == 1
