"""What may stand at a place of an entry: where `|` is, in these texts."""

from __future__ import annotations

import pytest

from derivload.editing.completing import Completion, File, Known, complete
from derivload.editing.documents import TextSpot
from derivload.editing.formulas import Names, Value
from derivload.editing.meanings import (
    DEFINITION_KEYS,
    NATIVE_KEYS,
    TAG_KEYS,
    meaning_of_dispatch_key,
)
from derivload.editing.outline import outline

KNOWN = Known(
    names=Names(
        [Value("self", "Tensor", ""), Value("n", "int", "")], [Value("result", "Tensor", "")]
    ),
    without_derivative=lambda: ["jet(Tensor self) -> Tensor", "joust(Tensor self) -> Tensor"],
    operators=lambda: ["jet", "jet.out", "onyx.out", "jet_copy"],
    helpers=lambda: ["sum_to", "self_sum", "sum_to"],
    tags={"core": "It is core.", "cored": "It is cored."},
    dispatch_keys=["Meta", "CPU"],
    autograd_keys=["AutogradXLA", "AutogradCUDA"],
)
JET = "- name: jet(Tensor self, int n) -> Tensor\n"
FUNC = "- func: jet(Tensor self) -> Tensor\n"


def completed(file: File, text: str, known: Known = KNOWN) -> Completion:
    """What may stand at `|`."""
    before, _, behind = text.partition("|")
    lines = before.split("\n")
    spot = TextSpot(len(lines) - 1, len(lines[-1]))
    return complete(file, outline((before + behind).split("\n")), spot, known)


def labels(file: File, text: str, known: Known = KNOWN) -> list[str]:
    return [item.label for item in completed(file, text, known).items]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        # Keys of the entry.
        ("derivatives", f"{JET}  se|", ["self"]),
        (
            "derivatives",
            f"{JET}  |",
            ["self", "n", "result", "dispatch", "output_differentiability"],
        ),
        ("derivatives", f"{JET}  self: grad\n  |\n  n: 1", ["result", "dispatch", "output_di…"]),
        ("native_functions", f"{FUNC}  vari|", ["variants"]),
        ("native_functions", f"{FUNC}  VARI|", ["variants"]),
        ("native_functions", f"{FUNC}  variants: method\n  vari|", []),
        ("tags", "- tag: core\n  d|", ["desc"]),
        ("tags", "- |", ["tag", "desc"]),
        # Keys below another one.
        ("derivatives", f"{JET}  dispatch:\n    |", ["Default", "AutogradCUDA", "AutogradXLA"]),
        ("derivatives", f"{JET}  dispatch:\n    Default:\n      s|", ["self"]),
        (
            "derivatives",
            f"{JET}  dispatch:\n    Default:\n      self: grad\n    |",
            ["AutogradCUDA", "AutogradXLA"],
        ),
        ("derivatives", f"{JET}  dispatch:\n    Default:\n      self: grad\n  n|", ["n"]),
        ("native_functions", f"{FUNC}  dispatch:\n    |", ["CPU", "Meta"]),
        ("native_functions", f"{FUNC}  dispatch:\n    CPU: jet\n    |", ["Meta"]),
        ("native_functions", f"{FUNC}  dispatch:\n    CPU: jet\n  tag|", ["tags"]),
        # Values.
        ("derivatives", "- name: jo|", ["joust(Tensor self) -> Tensor"]),
        ("derivatives", f"{JET}  self: su|", ["sum_to"]),
        ("derivatives", f"{JET}  self: sel|", ["self", "self_sum"]),
        ("derivatives", f"{JET}  result: sel|", ["self", "self_p", "self_t", "self_sum"]),
        ("derivatives", f"{JET}  self: gra|", ["grad", "grad_input_mask"]),
        ("derivatives", f"{JET}  self: 'grad *\n    n + se|'", ["self", "self_sum"]),
        ("derivatives", f"{JET}  output_differentiability: [|]", ["True", "False"]),
        ("derivatives", f"{JET}  output_differentiability: [True, f|]", ["False"]),
        ("derivatives", f"{JET}  dispatch: |", []),
        ("native_functions", f"{FUNC}  tags: cored|", ["cored"]),
        ("native_functions", f"{FUNC}  tags: [core, core|]", ["core", "cored"]),
        ("native_functions", f"{FUNC}  structured_delegate: |", ["jet.out", "onyx.out"]),
        ("native_functions", f"{FUNC}  autogen: jet|", ["jet.out"]),
        ("native_functions", f"{FUNC}  device_check: |", ["NoCheck"]),
        ("native_functions", f"{FUNC}  variants: m|", ["method"]),
        ("native_functions", f"{FUNC}  dispatch:\n    CPU: |", []),
        ("native_functions", f"{FUNC}  cpp_no_default_args: |", []),
        ("tags", "- tag: |", []),
    ],
)
def test_what_may_stand_there(file: File, text: str, expected: list[str]) -> None:
    found = labels(file, text)
    if expected and expected[-1].endswith("…"):
        found[-1] = found[-1][: len(expected[-1]) - 1] + "…"
    assert found == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "derivatives",
            f"{JET}  sel|",
            ("self: ", "argument", "the gradient of argument self: Tensor"),
        ),
        (
            "derivatives",
            f"{JET}  res|",
            ("result: ", "output", "the tangent of output result: Tensor"),
        ),
        ("derivatives", f"{JET}  disp|", ("dispatch: ", "key", DEFINITION_KEYS["dispatch"])),
        ("native_functions", f"{FUNC}  vari|", ("variants: ", "key", NATIVE_KEYS["variants"])),
        ("tags", "- tag: core\n  des|", ("desc: ", "key", TAG_KEYS["desc"])),
        (
            "native_functions",
            f"{FUNC}  dispatch:\n    Met|",
            ("Meta: ", "value", meaning_of_dispatch_key("Meta")),
        ),
        (
            "derivatives",
            "- name: joust|",
            ("joust(Tensor self) -> Tensor", "operator", "it has no derivative yet"),
        ),
        (
            "derivatives",
            f"{JET}  self: sum|",
            ("sum_to", "function", "a function that formulas call"),
        ),
        ("derivatives", f"{JET}  self: n|", ("n", "argument", "argument: int")),
        (
            "derivatives",
            f"{JET}  self: grad_i|",
            ("grad_input_mask", "value", "which inputs need a gradient"),
        ),
        ("derivatives", f"{JET}  output_differentiability: tr|", ("True", "value", "")),
        ("native_functions", f"{FUNC}  tags: core|", ("core", "tag", "It is core.")),
        ("native_functions", f"{FUNC}  autogen: onyx|", ("onyx.out", "operator", "")),
        ("native_functions", f"{FUNC}  device_check: No|", ("NoCheck", "value", "")),
    ],
)
def test_what_is_put_there_and_said_of_it(
    file: File, text: str, expected: tuple[str, str, str]
) -> None:
    item = completed(file, text).items[0]
    assert (item.text, item.kind, item.about) == expected
    # It takes the place of what was typed.
    line = text.partition("|")[0].split("\n")[-1]
    assert line[item.start :].isidentifier()
    assert not line[: item.start].endswith(tuple("abcdefghijklmnopqrstuvwxyz_"))


def test_a_schema_takes_the_place_of_all_that_is_typed_of_it() -> None:
    text = "- name:  jet(Tensor self|"
    (item,) = completed("derivatives", text).items
    assert (item.label, item.start) == ("jet(Tensor self) -> Tensor", 9)


def test_of_an_entry_whose_schema_is_wrong_the_keys_are_known() -> None:
    nothing = Known()
    assert labels("derivatives", "- name: jet(\n  |", nothing) == [
        *("dispatch", "output_differentiability"),
    ]
    assert labels("derivatives", f"{JET}  self: gra|", nothing) == []
    assert labels("derivatives", "- name: |", nothing) == []
    assert labels("native_functions", f"{FUNC}  tags: |", nothing) == []
    assert labels("native_functions", f"{FUNC}  autogen: |", nothing) == []


@pytest.mark.parametrize(
    ("count", "shown", "is_cut"), [(99, 99, False), (100, 100, False), (101, 100, True)]
)
def test_no_more_than_100_are_shown(count: int, shown: int, is_cut: bool) -> None:
    known = Known(tags={f"t{number}": "" for number in range(count)})
    found = completed("native_functions", f"{FUNC}  tags: |", known)
    assert (len(found.items), found.is_cut) == (shown, is_cut)


def test_within_a_key_the_keys_that_it_may_be_are_proposed() -> None:
    assert labels("native_functions", f"{FUNC}  var|iants: method") == ["variants"]
    assert labels("native_functions", f"{FUNC}  variants|: method") == ["variants"]
