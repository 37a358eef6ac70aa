"""The stamp beside the outputs: which run it is looked for, and which it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.cli import main
from support.paths import CATALOGUE

Emit = Callable[..., tuple[int, str]]


@pytest.fixture
def emit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Emit:
    """Emit the catalogue, in a folder of its own: the exit status, and what is said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        files = [
            *("--derivatives", str(CATALOGUE / "derivatives.yaml")),
            *("--native-functions", str(CATALOGUE / "native_functions.yaml")),
        ]
        status = main(["emit", *files, *arguments])
        output, errors = capsys.readouterr()
        return status, output + errors

    return run


@pytest.mark.parametrize(
    "given",
    [
        ["--out-dir", "out"],
        ["--out-dir=out"],
        ["--out-dir", "other", "--out-dir", "out"],
        ["--out-dir=other", "--out-dir", "out"],
        ["--out-dir", "other", "--out-dir=out"],
        ["--out-dir", "out", "--quiet"],
        ["--out-dir=out", "--quiet"],
    ],
    ids=" ".join,
)
def test_it_is_looked_for_in_the_out_dir_however_that_is_given(
    given: list[str], emit: Emit, tmp_path: Path
) -> None:
    status, text = emit(*given, "--stats=json")
    assert (status, json.loads(text.splitlines()[0])["exit"]) == (0, "cold")
    assert (tmp_path / "out" / ".derivload-stamp").exists()
    status, text = emit(*given, "--stats=json")
    assert (status, json.loads(text.splitlines()[0])["exit"]) == (0, "up-to-date")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("given", [["--out-dir"], ["--out-dir="]], ids=" ".join)
def test_an_out_dir_without_a_name_is_wrong_usage(given: list[str], emit: Emit) -> None:
    assert emit("--out-dir", "out")[0] == 0
    try:
        status, _ = emit(*given)
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2


@pytest.mark.parametrize(
    "cache",
    [["--cache-dir", "cache"], ["--cache-dir=cache"], ["--stats"], ["--stats=json"]],
    ids=" ".join,
)
def test_it_answers_whatever_is_said_of_the_cache(cache: list[str], emit: Emit) -> None:
    assert emit("--out-dir", "out")[0] == 0
    assert "up to date" in emit(*cache, "--out-dir", "out")[1]
    assert "up to date" in emit("--out-dir", "out", *cache)[1]


@pytest.mark.parametrize(
    "cache", [["--cache-dir", "cache"], ["--cache-dir=cache"], ["--stats"]], ids=" ".join
)
def test_it_answers_no_other_option(cache: list[str], emit: Emit) -> None:
    """Of all that stands around an option of the cache, nothing is passed over."""
    assert emit("--out-dir", "out")[0] == 0
    assert "up to date" not in emit(*cache, "--shards", "2", "--out-dir", "out")[1]
    assert "up to date" in emit("--shards", "2", "--out-dir", "out")[1]
    assert "up to date" not in emit(*cache, "--shards", "3", "--out-dir", "out")[1]
    assert "up to date" not in emit("--shards", "2", *cache, "--out-dir", "out")[1]


def test_it_counts_what_it_looked_at(emit: Emit) -> None:
    emit("--shards", "2", "--out-dir", "out")
    stats = json.loads(emit("--shards", "2", "--out-dir", "out", "--stats=json")[1].splitlines()[0])
    assert stats["counts"] == {"inputs": 3, "outputs": 4}


def test_what_an_ended_run_left_is_removed_though_nothing_changed(
    emit: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    assert emit("--out-dir", "out")[0] == 0
    left = Path("out") / ".derivload-0123456789ab.tmp"
    left.mkdir(mode=0o700)
    assert emit("--out-dir", "out")[0] == 0
    assert not left.exists()
