"""The rules of a tree, as the store has them: what is not as it was put there is a miss."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.loading.paths import TreePlace
from derivload.loading.rules_of_tree import Rules, TreeSource, _read

KNOWN = Rules("2.15", "2.15", "", "", "torchgen.gen torchgen.model")
UNKNOWN = Rules(f"source {'a1' * 32}", "2.15", "not as in 2.15: torchgen.gen", "", "torchgen.gen")


@pytest.fixture
def source(tmp_path: Path) -> TreeSource:
    made = TreeSource(TreePlace(str(tmp_path), str(tmp_path), str(tmp_path)))
    made.digest = b"\xa1" * 32
    return made


@pytest.mark.parametrize("rules", [KNOWN, UNKNOWN])
def test_what_was_put_there_is_read(rules: Rules, source: TreeSource) -> None:
    found = _read(rules.render(), source)
    assert found is not None
    assert found.render() == rules.render()


@pytest.mark.parametrize(
    "kept",
    [
        *(b"", b"\n\n\n\n", b"2.15\n2.15\n\n", b"2.15\n2.15\n\n\n\n\n"),
        *(b"9.99\n9.99\n\n\n", b"2.14\n2.15\n\n\n", b'2.15\n2.15\n\n{"a": 1}\n'),
        *(b"2.15\n2.15\nnot known\n\n", b"source x\n2.15\nnot known\n\n"),
        b"source " + b"a2" * 32 + b"\n2.15\nnot known\n\n",
        b"source " + b"a1" * 32 + b"\n2.15\nnot known\n{}\n",
    ],
)
def test_anything_else_is_none(kept: bytes, source: TreeSource) -> None:
    assert _read(kept, source) is None
