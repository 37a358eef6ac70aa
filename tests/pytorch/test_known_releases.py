"""What is known of each release's source by its digest, as it was when all of them were compared.

A plain run has one release. `script/test --all-releases` computes all digests again; after an edit
to a table, and that run, the digest here may follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.pytorch.codegen import known as of_codegen
from derivload.pytorch.codegen.stand_in_table import STAND_INS
from derivload.pytorch.releases import _RELEASES
from derivload.pytorch.script import known as of_scripts
from derivload.tree.sources import SOURCES

TABLES: Final[dict[str, tuple[Mapping[str, str] | Mapping[bytes, str], str]]] = {
    "the rules": (_RELEASES, "303a81071d888cc1"),
    "the source of torchgen": (SOURCES, "f9dcdb86d6f7bbba"),
    "the generators": (of_codegen.KNOWN, "1d36a475f0a60142"),
    "torchgen.gen": (of_scripts.KNOWN, "97d1b76807a81c2d"),
}


@pytest.mark.parametrize("what", TABLES)
def test_no_digest_is_another_than_what_was_compared(what: str) -> None:
    table, recorded = TABLES[what]
    assert [*table.values()] == [*DIALECTS]
    rows = sorted(f"{key!r} {release}" for key, release in table.items())
    assert hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16] == recorded


def test_nothing_stands_in_for_another_function_than_what_was_compared() -> None:
    rows = [
        f"{name} {sorted(digests)}" for each in STAND_INS for name, digests in each.needs.items()
    ]
    assert hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16] == "7f30f48fbfb51d9e"
