"""Each text of Python is parsed once: to read the source of a torchgen is to parse it, mostly."""

from __future__ import annotations

import ast
import functools

import pytest

_PARSE = functools.cache(ast.parse)


def parse_once(patch: pytest.MonkeyPatch) -> None:
    """For what a test runs in this process; nobody changes the trees."""
    patch.setattr(ast, "parse", _PARSE)
