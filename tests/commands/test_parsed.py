"""What options come to, and the sentence for those that mean nothing together."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.outcome import RunResult, report, say_done, warning_lines
from derivload.diagnostics import Diagnostic
from derivload.loading.errors import InputError
from derivload.loading.warnings import NewWarnings
from derivload.outputs.files import WrittenFiles
from derivload.pytorch.errors import GeneratorError
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


# How a run ends


FOUND = Diagnostic("f.yaml", 4, 1, "DL602", "it is odd", "see it", severity="warning")
SHOWN = ["f.yaml:4:1: warning[DL602]: it is odd", "  help: see it"]


@pytest.mark.parametrize(
    ("shown", "new", "others", "told"),
    [
        (1, 1, 0, "1 warning"),
        (2, 2, 0, "2 warnings"),
        (1, 2, 0, "2 warnings, 1 of them shown; `derivload check` shows all"),
        (1, 1, 3, "1 warning, besides 3 from before; `derivload check` shows all"),
        (1, 4, 1, "4 warnings, 1 of them shown, besides 1 from before; `derivload check` shows al"),
    ],
)
def test_new_warnings_are_counted(shown: int, new: int, others: int, told: str) -> None:
    warnings = NewWarnings()._replace(diagnostics=(FOUND,) * shown, new=new, others=others)
    *lines, last = warning_lines(warnings)
    assert lines == SHOWN * shown
    assert last.startswith(f"derivload: {told}")
    assert warning_lines(warnings._replace(new=0)) == []


@pytest.mark.parametrize(
    ("written", "removed", "said"),
    [
        ([], [], "up to date"),
        (["a"], [], "wrote a"),
        (["a", "b"], ["c"], "wrote a, b; removed c"),
        ([], ["c", "d"], "removed c, d"),
    ],
)
def test_what_was_done_is_said(
    written: list[str], removed: list[str], said: str, capsys: Captured
) -> None:
    files = WrittenFiles(written, ["u"], removed)
    done = RunResult(
        *("cold", "a note", files, {"read": 7}, {"store": 0.5}),
        rules="",
        warnings=None,
        list_replaced=list,
        told="these files",
    )
    options = Namespace(
        command="emit", quiet=False, out_dir="o", stats=None, no_cache=True, verbose=False
    )
    say_done(done, options)
    expected = f"derivload: note: a note\nderivload: o: {said}\nderivload: these files\n"
    assert capsys.readouterr() == ("", expected)
    done.told, done.note, done.rules = "", "", "2.15"
    done.list_replaced = lambda: ["x by y"]
    options.quiet, options.stats = True, "text"
    say_done(done, options)
    assert capsys.readouterr() == (
        "",
        (
            "derivload: exit      cold\nderivload: rules     2.15\nderivload: replaced  x by y\n"
            f"derivload: written   {len(written)}\nderivload: unchanged 1\n"
            f"derivload: removed   {len(removed)}\nderivload: read      7\n"
            "derivload: store     500.0 ms\n"
        ),
    )
    options.stats = "json"
    say_done(done, options)
    assert capsys.readouterr() == (
        (
            '{"exit": "cold", "rules": "2.15", "replaced": ["x by y"], "counts": {"written": '
            f'{len(written)}, "unchanged": 1, "removed": {len(removed)}, "read": 7}}, '
            '"seconds": {"store": 0.5}}\n'
        ),
        "",
    )


def test_errors_are_reported_with_what_follows_of_them(capsys: Captured) -> None:
    error = Diagnostic("f.yaml", 4, 1, "DL410", "it is wrong", "right it")
    for count, word in ((1, "error"), (2, "errors")):
        assert report(InputError([error] * count), "; nothing was written") == 1
        *_, last = capsys.readouterr().err.splitlines()
        assert last == f"derivload: {count} {word}; nothing was written"
    assert report(GeneratorError("one\ntwo\n"), "; so it is") == 1
    assert capsys.readouterr().err == (
        "one\ntwo\nderivload: a generator of PyTorch failed; so it is\n"
    )
    with pytest.raises(KeyError):
        report(KeyError("x"), "")
