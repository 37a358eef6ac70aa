"""What a run says that it wrote."""

from __future__ import annotations

import pytest

from derivload.commands.outcome import _listed


@pytest.mark.parametrize(
    ("count", "is_whole", "said"),
    [
        (1, False, "f0"),
        (5, False, "f0, f1, f2, f3, f4"),
        (6, False, "6 files: f0, f1, f2 and 3 more"),
        (6, True, "f0, f1, f2, f3, f4, f5"),
    ],
)
def test_of_many_files_the_first_are_named_unless_all_are_wanted(
    count: int, is_whole: bool, said: str
) -> None:
    assert _listed([f"f{number}" for number in range(count)], is_whole) == said
