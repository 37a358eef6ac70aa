"""Which warnings are wanted, by options: as ruff has it."""

from __future__ import annotations

import pytest

from derivload.wanted import EVERYTHING, WARNINGS, Wanted, want


def codes(**options: list[str]) -> list[str]:
    return sorted(want(**options).codes)  # type: ignore[arg-type]


def test_without_options_all_are_wanted() -> None:
    assert want() == EVERYTHING
    assert EVERYTHING.codes == WARNINGS


def test_only_what_is_selected_is_wanted() -> None:
    assert codes(select=["DL602", "dl604"]) == ["DL602", "DL604"]


def test_what_is_ignored_is_not_wanted() -> None:
    assert set(codes(ignore=["DL602"])) == WARNINGS - {"DL602"}


def test_a_beginning_stands_for_all_that_begin_so() -> None:
    assert codes(ignore=["DL6"]) == []
    assert set(codes(select=["DL6"])) == WARNINGS
    assert codes(select=["ALL"], ignore=["ALL"]) == []


def test_the_longer_name_decides() -> None:
    assert codes(select=["DL602"], ignore=["DL6"]) == ["DL602"]
    found = codes(ignore=["DL6", "DL602"], extend_select=["DL602", "DL606"])
    assert found == ["DL606"]


def test_what_extends_is_added() -> None:
    assert codes(select=["DL601"], extend_select=["DL602"]) == ["DL601", "DL602"]
    assert codes(select=["DL601", "DL602"], ignore=["DL601"], extend_ignore=["DL602"]) == []


def test_selecting_errors_alone_wants_no_warning() -> None:
    assert codes(select=["DL4"]) == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"select": ["DL6002"]}, "no rule has the code `DL6002`; did you mean `DL602`?"),
        ({"ignore": ["DL9"]}, "no rule has the code `DL9`"),
        ({"ignore": [""]}, "no rule has the code ``"),
        ({"ignore": ["DL405"]}, "`DL405` cannot be ignored: it is an error, which stops the load"),
        ({"extend_ignore": ["DL4"]}, "`DL4` cannot be ignored: it is an error"),
        ({"per_operator_ignore": {"add": ["DL405"]}}, "`DL405` cannot be ignored"),
        ({"per_file_ignore": {"a.yaml": ["DL40x"]}}, "no rule has the code `DL40x`"),
    ],
)
def test_a_name_that_means_nothing_is_refused(options: dict[str, list[str]], why: str) -> None:
    with pytest.raises(ValueError) as refused:
        want(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    ("pattern", "operator", "fits"),
    [
        ("npu_*", "npu_gelu", True),
        ("npu_gelu", "npu_gelu.out", True),
        ("npu_gelu.out", "npu_gelu.out", True),
        ("npu_gelu.out", "npu_gelu", False),
        ("quantized::*", "quantized::add.out", True),
        ("add", "quantized::add.out", True),
        ("*", "", False),
    ],
)
def test_what_is_ignored_for_operators(pattern: str, operator: str, fits: bool) -> None:
    wanted = want(per_operator_ignore={pattern: ["DL604"]})
    assert wanted.has("DL604", operator, "a.yaml") is not fits
    assert wanted.has("DL602", operator, "a.yaml")


def test_what_is_ignored_in_files() -> None:
    wanted: Wanted = want(per_file_ignore={"a.yaml": ["DL604"]})
    assert not wanted.has("DL604", "add", "a.yaml")
    assert wanted.has("DL604", "add", "b.yaml")
    assert wanted.has("DL602", "add", "a.yaml")
