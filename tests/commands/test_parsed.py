"""What options come to, and the sentence for those that mean nothing together."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from derivload.cli import main
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.project import Project, copy_catalogue

Captured = pytest.CaptureFixture[str]
NAMED = f"--derivatives {DERIVATIVES} --native-functions {NATIVES}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(arguments: str) -> int:
    return main(shlex.split(arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "emit --out-dir o --catalogue --no-tree-code",
            "--no-tree-code is about the code of a tree: name one with --pytorch",
        ),
        (
            "check",
            (
                "nothing names the inputs, and there is no PyTorch tree around this folder: write"
                " --pytorch DIR, or --derivatives FILE and --native-functions FILE, here or in"
                " derivload.toml; or --catalogue for the examples that ship with derivload"
            ),
        ),
        (
            "verify --catalogue",
            "verify needs a torchgen to compare with: write --pytorch DIR",
        ),
        (
            "verify --pytorch x --no-tree-code",
            "--no-tree-code leaves nothing to compare with: verify runs the tree's code",
        ),
        (
            "verify --pytorch x --torch-version 2.15",
            "verify follows the rules of the tree: leave out --torch-version",
        ),
        (
            "codegen --out-dir o",
            "--pytorch is missing: the generators are PyTorch's own, and this folder is in no tree",
        ),
        (
            "codegen --out-dir o --pytorch x --no-tree-code",
            "--no-tree-code leaves no generators: they are code of the tree",
        ),
        (
            "watch --codegen --out-dir o --pytorch x --shards 2",
            "--shards is only for documents: PyTorch's generators choose their shards",
        ),
        ("cache prune", "cache prune needs --max-size SIZE, --older-than AGE or both"),
    ],
)
def test_what_means_nothing_is_told_in_a_sentence(
    arguments: str, said: str, capsys: Captured
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr() == ("", f"derivload: error: {said}\n")


@pytest.mark.parametrize(
    ("names", "here"),
    [
        ((DERIVATIVES,), DERIVATIVES),
        ((NATIVES,), NATIVES),
        ((DERIVATIVES, NATIVES), f"{DERIVATIVES} and {NATIVES}"),
    ],
)
def test_files_of_this_folder_are_pointed_at(
    names: tuple[str, ...], here: str, folder: Path, capsys: Captured
) -> None:
    for name in names:
        (folder / name).touch()
    assert run("check") == 2
    assert capsys.readouterr().err == (
        f"derivload: error: nothing names the inputs: for {here} of this folder, write {NAMED}\n"
    )


def test_in_detail_all_that_is_taken_is_said(folder: Path, capsys: Captured) -> None:
    copy_catalogue(folder)
    (folder / "own.yaml").write_text(
        "- func: gild(Tensor self, float luster=0.25) -> Tensor\n  variants: function, method\n"
        "  dispatch:\n    CPU, CUDA: gild\n"
    )
    options = f"{NAMED} --native-functions own.yaml --override --verbose --cache-dir kept"
    assert run(f"emit {options} --out-dir o") == 0
    lines = capsys.readouterr().err.splitlines()
    begun = next(i for i, line in enumerate(lines) if " input " in line)
    replaced = "derivload: replaced   "
    assert lines[begun:-1] == [
        *(f"derivload: input      {name}" for name in (DERIVATIVES, NATIVES, "own.yaml", TAGS)),
        "derivload: rules      those of torch of the newest release that is known",
        *(line for line in lines if line.startswith(replaced)),
        "derivload: cache      kept",
    ]
    assert sum(line.startswith(replaced) for line in lines) == 1
    assert run(f"show {options} --torch-version 2.14 gild") == 0
    assert "derivload: rules      those of torch 2.14\n" in capsys.readouterr().err
    assert run(f"show {NAMED} gild") == 0
    assert capsys.readouterr().err == ""


def test_warnings_are_wanted_by_rule_operator_and_file(folder: Path, capsys: Captured) -> None:
    project = Project(Path())
    project.edit("self: grad * luster", "self: grad * lustre")
    settings = folder / "derivload.toml"

    def found(more: str = "", text: str = "") -> int:
        settings.write_text(text)
        assert run(f"check {NAMED} --format json {more}") == 0
        told = json.loads(capsys.readouterr().out)["diagnostics"]
        return sum(diagnostic["code"] == "DL602" for diagnostic in told)

    assert found() == 1
    assert found("--ignore DL602") == found("--extend-ignore DL6") == 0
    assert found("--select DL601") == 0
    assert found("--select DL601 --extend-select DL602") == 1
    assert found(text="[per-operator-ignore]\ngild = ['DL602']\n") == 0
    assert found(text="[per-operator-ignore]\ngleam = ['DL602']\n") == 1
    for pattern, count in ((DERIVATIVES, 0), ("*.yaml", 0), (NATIVES, 1), ("none", 1)):
        assert found(text=f"[per-file-ignore]\n'{pattern}' = ['DL602']\n") == count, pattern
    settings.write_text("[per-file-ignore]\nnone = ['DL999']\n")
    assert run(f"check {NAMED}") == 2
    assert "DL999" in capsys.readouterr().err
