"""Nothing in the catalogue is without use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import derivload
from support.catalogue_features import DERIVATIVES, FEATURES, NATIVE_FUNCTIONS, TAGS


def entries(file: Path) -> list[str]:
    _, *parts = re.split(r"(?m)^(?=- )", file.read_text("utf-8"))
    return parts


def without(file: Path, index: int, folder: Path) -> Path:
    shorter = folder / file.name
    shorter.write_text("".join(e for i, e in enumerate(entries(file)) if i != index), "utf-8")
    return shorter


@pytest.mark.parametrize(
    ("file", "index"),
    [
        pytest.param(file, index, id=entry.splitlines()[0].partition("(")[0])
        for file in (DERIVATIVES, NATIVE_FUNCTIONS, TAGS)
        for index, entry in enumerate(entries(file))
        # What is generated has this tag, declared or not.
        if not entry.startswith("- tag: generated")
    ],
)
def test_without_an_entry_a_feature_is_missing_or_an_error_comes(
    file: Path, index: int, tmp_path: Path
) -> None:
    shorter = without(file, index, tmp_path)
    derivatives, natives, tags = (
        shorter if original == file else original
        for original in (DERIVATIVES, NATIVE_FUNCTIONS, TAGS)
    )
    try:
        definitions = derivload.load(derivatives, natives, tags)
    except derivload.InputError:
        return
    assert [name for name, shown in FEATURES.items() if not shown(definitions)]
