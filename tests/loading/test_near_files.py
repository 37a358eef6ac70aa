"""Which file a path may mean that leads to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cli import main
from derivload.loading.near_files import near_paths

NAMED = [
    *("--derivatives", "inputs/derivativs.yaml", "--native-functions", "inputs/2.15.0/tags.yaml"),
    *("--tags", "inputs/tags.yaml"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("derivatives.yaml", "derivatives.txt", "tags.yaml"):
        (tmp_path / "inputs" / "2.15.0").mkdir(parents=True, exist_ok=True)
        (tmp_path / "inputs" / name).write_text("", "utf-8")
        (tmp_path / "inputs" / "2.15.0" / name).write_text("", "utf-8")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("inputs/derivativs.yaml", ["inputs/derivatives.yaml"]),
        ("inputs/tag.yaml", ["inputs/tags.yaml"]),
        ("input/derivatives.yaml", ["inputs/derivatives.yaml"]),
        ("inputs/2.15.1/tags.yaml", ["inputs/2.15.0/tags.yaml"]),
        ("input/2.15.0/tags.yaml", ["inputs/2.15.0/tags.yaml"]),
        ("input/other.yaml", []),
        ("inputs/derivatives.yml", []),
        ("nothing.yaml", []),
        ("", []),
    ],
)
def test_the_name_beside_it_that_is_most_like_it(path: str, meant: list[str]) -> None:
    assert near_paths(path) == meant


def test_a_folder_has_no_extension() -> None:
    assert near_paths("inputs/2.15", is_folder=True) == ["inputs/2.15.0"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "inputs/derivativs.yaml"], "did you mean `inputs/derivatives.yaml`?"),
        (["check", "--pytorch", "inputs/2.15"], "did you mean `inputs/2.15.0`?"),
        (["run", "inputs/tag.yaml"], "did you mean `inputs/tags.yaml`?"),
        (["check", *NAMED], "did you mean `inputs/derivatives.yaml`?"),
    ],
)
def test_commands_ask(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with_usage = 0
    try:
        with_usage = main(arguments)
    except SystemExit as error:
        with_usage = int(error.code or 0)
    assert with_usage in (1, 2)
    out, err = capsys.readouterr()
    assert told in out + err
