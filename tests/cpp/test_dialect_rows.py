"""The rows of releases: which row a version means, and which dispatch keys each release has."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import CPP_NAMES, DIALECTS, NEWEST, UnknownVersionError, find_dialect
from support.paths import REFERENCE


def test_the_rows_are_there_in_order_by_their_names() -> None:
    assert [*DIALECTS] == [f"2.{minor}" for minor in range(1, 16)]
    assert [row.version for row in DIALECTS.values()] == [*DIALECTS]
    assert DIALECTS["2.15"] is NEWEST
    assert NEWEST.cpp_names.keys() == CPP_NAMES - {"dimnameListT"}


@pytest.mark.parametrize(
    ("version", "row", "is_newer"),
    [
        (None, "2.15", False),
        ("2.15", "2.15", False),
        ("2.15.1+cu130", "2.15", False),
        (" v2.9.0", "2.9", False),
        ("2.04", "2.4", False),
        ("2.16.0a0", "2.15", True),
        ("2.100", "2.15", True),
        ("3.0", "2.15", True),
    ],
)
def test_a_version_means_the_row_of_its_release(
    version: str | None, row: str, is_newer: bool
) -> None:
    assert find_dialect(version) == (DIALECTS[row], is_newer)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("2.0.1", "torch 2.0 is older than 2.1, the first release that derivload knows"),
        ("1.99", "torch 1.99 is older than 2.1, the first release that derivload knows"),
        ("2", "`2` is not a torch version; write it as X.Y"),
        ("main", "`main` is not a torch version; write it as X.Y"),
    ],
)
def test_a_version_that_has_no_row_is_told(version: str, message: str) -> None:
    with pytest.raises(UnknownVersionError) as caught:
        find_dialect(version)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("optional", {"2.1": "c10::optional<{}>", "2.4": "::std::optional<{}>"}),
        ("nullopt_default", {"2.1": "c10::nullopt", "2.4": "::std::nullopt"}),
        ("formula_optional", {"2.1": "c10::optional", "2.5": "std::optional"}),
        ("formula_nullopt", {"2.1": "c10::nullopt", "2.5": "std::nullopt"}),
        ("formula_string_view", {"2.1": "c10::string_view", "2.6": "std::string_view"}),
    ],
)
def test_a_spelling_is_that_of_the_release(field: str, changes: dict[str, str]) -> None:
    """Those that formulas show are compared with torchgen in test_release_verdicts.py."""
    expected = ""
    for release, row in DIALECTS.items():
        expected = changes.get(release, expected)
        assert getattr(row, field) == expected, release


SINCE = {
    "optional_returns": "2.2",
    "saves_sym_numel": "2.2",
    "generated_keep_compliance": "2.2",
    "set_is_no_view": "2.3",
    "scatter_is_inverse": "2.3",
    "view_copies_have_own_derivatives": "2.3",
    "foreach_checks_argument_count": "2.4",
    "python_keywords_checked": "2.6",
    "core_composites_get_variants": "2.6",
    "mutable_before_inplace": "2.6",
    "const_ref_excludes_out": "2.7",
}
"""The release from which on a rule holds."""


def test_a_rule_holds_from_its_release_on() -> None:
    names = [*DIALECTS]
    for at, row in enumerate(DIALECTS.values()):
        for field, since in SINCE.items():
            assert getattr(row, field) is (at >= names.index(since)), (field, row.version)
        assert row.philox_is_seeded is (at < names.index("2.15"))
        assert row.grammar.spaces_in_defaults is (at >= names.index("2.5"))
        assert row.grammar.namespaces is (at >= names.index("2.7"))
        tags: tuple[str, ...] = ("pt2_compliant_tag",) if at else ()
        tags += ("out", "inplace") if at >= names.index("2.13") else ()
        assert row.implied_tags == tags


def test_each_release_has_the_names_that_its_torchgen_has() -> None:
    """`reference/rows.txt` has those that came with a release, and with `-` that went, by field.

    Whether they are torchgen's, test_release_verdicts.py asks torchgen.
    """
    recorded = (REFERENCE / "rows.txt").read_text("utf-8").split("\n\n")
    changes = {tuple(part.split()[:2]): part.split()[2:] for part in recorded}
    for field in dict.fromkeys(field for field, _ in changes):
        names: set[str] = set()
        for release, row in DIALECTS.items():
            for name in changes.pop((field, release), []):
                if name.startswith("-"):
                    names.remove(name.removeprefix("-"))
                else:
                    names.add(name)
            assert getattr(row, field) == names, (field, release)
    assert not changes
