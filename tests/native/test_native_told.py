"""What is told of entries and of backends' files, whole, and what functions they come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.paths import REFERENCE
from support.told_cases import compare

FILES = sorted(path.name for path in (REFERENCE / "native").glob("*.txt"))


@pytest.mark.parametrize("name", FILES)
def test_all_is_told_as_it_stands_in_the_reference(name: str, tmp_path: Path) -> None:
    """The texts are in `reference/native`; a failure says where a renewed file was written."""
    compare(f"native/{name}", tmp_path)
