"""All that is told of small definitions: each mistake with its place, help and fixes, and the info.

The cases and what is told stand in tests/reference/derivatives; support/told.py says how to renew
it.
"""

from __future__ import annotations

import pytest

from support.paths import REFERENCE
from support.told import Told, read_told, tell

CASES = [
    case for path in sorted((REFERENCE / "derivatives").glob("*.txt")) for case in read_told(path)
]


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_all_that_is_told(case: Told) -> None:
    assert tell(case) == case.told
