"""The source of a torchgen as a tree has it, edited, and the rules that are found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from derivload.tree.rules import FoundRules, find_rules, read_pieces
from support.parsing import parse_once
from support.releases import Release
from support.torchgen_source import KNOWN, sources

MODEL: Final = "torchgen/model.py"
LOADER: Final = "autograd/load_derivatives.py"
GENERATION: Final = "torchgen/native_function_generation.py"
TYPES: Final = "torchgen/api/types/types.py"
AUTOGRAD: Final = "torchgen/api/autograd.py"
UTILS: Final = "torchgen/utils.py"
PIECES: Final = read_pieces(KNOWN.read_bytes())


Edit = Callable[[dict[str, str]], dict[str, str]]


@pytest.fixture(scope="module")
def newest(release: Release) -> Iterator[dict[str, str]]:
    """The source of the newest release; each text of it is parsed once."""
    with pytest.MonkeyPatch.context() as patched:
        parse_once(patched)
        yield sources(release("2.15.0"))


def rules(files: dict[str, str]) -> FoundRules:
    return find_rules(files, PIECES)


def edited(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in files[name]
    return {**files, name: files[name].replace(old, new, 1)}


def appended(files: dict[str, str], name: str, text: str) -> dict[str, str]:
    return {**files, name: files[name] + text}
