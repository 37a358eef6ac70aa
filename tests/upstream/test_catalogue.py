"""The catalogue that ships with derivload: right, as torchgen judges it, and complete as a tour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import derivload
from derivload.cli import main
from derivload.outputs.documents import DifferentiabilityDocument, FunctionsDocument
from support.catalogue_features import DERIVATIVES, FEATURES, NATIVE_FUNCTIONS, TAGS, Definitions


@pytest.fixture(scope="module")
def catalogue() -> Definitions:
    return derivload.load(catalogue=True)


# What it is as a whole


def test_emit_with_no_inputs_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], catalogue: Definitions
) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    files = sorted(file.name for file in tmp_path.glob("[!.]*"))
    assert files == ["differentiability.json", "functions.json", "manifest.json"]
    assert capsys.readouterr() == ("", f"derivload: {tmp_path}: wrote {', '.join(files)}\n")
    first = msgspec.json.decode(
        (tmp_path / "differentiability.json").read_bytes(), type=DifferentiabilityDocument
    )
    second = msgspec.json.decode((tmp_path / "functions.json").read_bytes(), type=FunctionsDocument)
    assert catalogue == Definitions(
        torch_version=first.torch_version,
        used_dispatch_keys=first.used_dispatch_keys,
        differentiability=first.functions,
        functions=second.functions,
        generated=second.generated,
    )


@pytest.mark.release
def test_it_is_what_torchgen_makes_of_it(
    tmp_path: Path,
    newest: str,
    judge: Callable[..., Path],
    assert_same: Callable[[Path, Path], None],
) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    assert_same(tmp_path, judge(newest, [DERIVATIVES], [NATIVE_FUNCTIONS], TAGS))


# What it shows: each feature of the language that the documents can tell


@pytest.mark.parametrize("feature", FEATURES)
def test_it_shows(feature: str, catalogue: Definitions) -> None:
    assert FEATURES[feature](catalogue)
