"""What is told of entries and of backends' files, whole, and what functions they come to.

The cases and what is told stand in tests/reference/native; support/told.py says how to renew it.
"""

from __future__ import annotations

import pytest

from support.paths import REFERENCE
from support.told import Told, read_told, tell

CASES = [case for path in sorted((REFERENCE / "native").glob("*.txt")) for case in read_told(path)]


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_all_is_told_as_it_stands_in_the_reference(case: Told) -> None:
    assert tell(case) == case.told
