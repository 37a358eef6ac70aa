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


def test_each_release_has_the_dispatch_keys_of_its_torchgen() -> None:
    """`reference/dispatch_keys.txt` has those that came with a release, and with `-` that went.

    Whether the rows have torchgen's, test_release_verdicts.py asks torchgen.
    """
    recorded = (REFERENCE / "dispatch_keys.txt").read_text("utf-8").split("\n\n")
    changes = {part.split()[0]: part.split()[1:] for part in recorded}
    keys: set[str] = set()
    for release, row in DIALECTS.items():
        for name in changes.pop(release, []):
            if name.startswith("-"):
                keys.remove(name.removeprefix("-"))
            else:
                keys.add(name)
        assert row.all_dispatch_keys == keys, release
    assert not changes
