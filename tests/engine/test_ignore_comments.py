"""Comments that suppress warnings: where they count, and what is said of those that do nothing."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts

NATIVES = "- func: f(Tensor self) -> Tensor\n  dispatch:\n    CPU: f\n"
TAGS = Text("tags.yaml", "- tag: shiny\n  desc: It shines.\n")
NAME = "- name: f(Tensor self) -> Tensor"
FIRST = f"{NAME}  # derivload: ignore[DL602]\n"


def judged(derivatives: str, natives: str = NATIVES) -> tuple[list[Diagnostic], list[str]]:
    """The warnings that are shown, and the reasons of those that are suppressed."""
    texts = Texts(Text("derivatives.yaml", derivatives), (Text("natives.yaml", natives),), TAGS)
    loaded = load_texts(texts, NEWEST)
    found = judge(lint(loaded.load), texts, has_errors=bool(loaded.diagnostics))
    return place_all(found.shown, texts), [told.reason for told in found.suppressed]


def told(derivatives: str, natives: str = NATIVES) -> list[str]:
    return [f"{d.line}:{d.column} {d.code} {d.message}" for d in judged(derivatives, natives)[0]]


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST}  self: grad * slef\n",
        f"{NAME}  # derivload: ignore[DL602] it is a macro\n  self: grad * slef\n",
        f"{NAME}\n  self: grad * slef  # derivload: ignore[DL602]\n",
        f"{NAME}\n  self: grad * slef  # derivload: ignore[DL6]\n",
        f"{NAME}\n  self: grad * slef #derivload:ignore[ dl602 ,DL602 ]\n",
        f"{NAME}\n  self: |  # derivload: ignore[DL602]\n    grad *\n    slef\n",
        f"{NAME}\n  self: grad *\n    slef  # derivload: ignore[DL602]\n",
        f'{NAME}\n  self: "grad * slef"  # derivload: ignore[DL602]\n',
        f"{NAME}\n  dispatch:\n    Default:\n      self: grad * slef # derivload: ignore[DL602]\n",
        f"# a comment\n\n{NAME}\n\n  # more\n  self: grad * slef # derivload: ignore[DL602]\n",
        # As one file that has to be read whole: the anchor is in another entry.
        (
            f"{NAME}\n  self: &a grad * slef # derivload: ignore[DL602]\n"
            "- name: g(Tensor self) -> Tensor # derivload: ignore[DL602]\n  self: *a\n"
        ),
    ],
)
def test_a_comment_beside_a_warning_suppresses_it(text: str) -> None:
    assert told(text, NATIVES + NATIVES.replace(" f(", " g(")) == []


def test_the_reason_is_kept() -> None:
    _, reasons = judged(f"{NAME}\n  self: slef  # derivload: ignore[DL602] it is a macro\n")
    assert reasons == ["it is a macro"]


def test_a_native_function_has_comments_too() -> None:
    twice = "- func: f(Tensor self, int x) -> Tensor{}\n  dispatch:\n    CUDA: g\n"
    definition = f"{NAME}\n  self: grad\n"
    (found,) = told(definition, NATIVES + twice.format(""))
    assert " DL605 " in found
    assert told(definition, NATIVES + twice.format("  # derivload: ignore[DL605]")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Of another formula, of another rule.
        (
            f"{NAME}\n  self: slef\n  result: self_t # derivload: ignore[DL602]\n",
            ["2:9 DL602 `slef`", "3:18 DL608 there is no `DL602` here to ignore"],
        ),
        (
            f"{NAME}\n  self: slef # derivload: ignore[DL604]\n",
            ["2:9 DL602 `slef`", "2:14 DL608 there is no `DL604` here to ignore"],
        ),
        # One of two has no effect.
        (
            f"{NAME}\n  self: slef # derivload: ignore[DL602, DL607]\n",
            ["2:14 DL608 there is no `DL607` here to ignore"],
        ),
        # Nothing to ignore by these names.
        (
            f"{NAME}\n  self: grad # derivload: ignore[DL6002]\n",
            ["2:14 DL608 no rule has the code `DL6002`; did you mean `DL602`?"],
        ),
        (
            f"{NAME}\n  self: grad # derivload: ignore[DL405]\n",
            ["2:14 DL608 `DL405` cannot be ignored: it is an error, which stops the load"],
        ),
        (
            f"{NAME}\n  self: grad # derivload: ignore\n",
            ["2:14 DL608 this comment names no rule to ignore"],
        ),
        # In a line of its own.
        (
            f"# derivload: ignore[DL602]\n{NAME}\n  self: slef\n",
            ["1:1 DL608 this comment is beside no entry and no formula", "3:9 DL602 `slef`"],
        ),
        (
            f"{NAME}\n  # derivload: ignore[DL602]\n  self: slef\n",
            ["2:3 DL608 there is no `DL602` here to ignore", "3:9 DL602 `slef`"],
        ),
        # No comment, but a part of a formula.
        (
            f'{NAME}\n  self: "slef /* # derivload: ignore[DL602] */"\n',
            ["2:10 DL602 `slef`"],
        ),
        (
            f"{NAME}\n  self: |\n    slef /* # derivload: ignore[DL602] */\n",
            ["3:5 DL602 `slef`"],
        ),
    ],
)
def test_a_comment_that_suppresses_nothing_is_told(text: str, expected: list[str]) -> None:
    found = told(text)
    assert len(found) == len(expected), found
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_of_a_file_that_is_read_whole_each_comment_is_told_once() -> None:
    entry = "- name: {}(Tensor self) -> Tensor\n  self: {}grad # derivload: ignore[DL602]\n"
    text = entry.format("f", "&a ") + entry.format("g", "") + entry.format("h", "")
    natives = NATIVES + NATIVES.replace(" f(", " g(") + NATIVES.replace(" f(", " h(")
    assert [one.partition(" ")[0] for one in told(text, natives)] == ["2:17", "4:14", "6:14"]
    texts = Texts(Text("derivatives.yaml", text), (Text("natives.yaml", natives),), TAGS)
    assert len(judge(lint(load_texts(texts, NEWEST).load), texts).shown) == 3


def test_where_there_are_errors_no_comment_is_told_to_be_superfluous() -> None:
    text = f"{NAME}\n  self: grad * self.sizes() # derivload: ignore[DL602]\n"
    assert told(text) == []
