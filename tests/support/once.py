"""What is made once in a session, for all files.

A fixture that several files import is one fixture in each of them, whatever its scope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

_MADE = pytest.StashKey[dict[str, Any]]()


def made_once(request: pytest.FixtureRequest, name: str, make: Callable[[], Any]) -> Any:
    """What is kept under this name; it is made the first time."""
    made = request.session.stash.setdefault(_MADE, {})
    if name not in made:
        made[name] = make()
    return made[name]
