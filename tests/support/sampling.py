"""Of cases that are like each other a plain run takes some; CI and `--long` take all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def one_in(count: int, cases: Iterable[Any]) -> list[ParameterSet]:
    """Parameters of which the first of so many, and so on, are of a plain run."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=pytest.mark.thorough if number % count else (),
        )
        for number, case in enumerate(cases)
    ]
