"""Files in the place of one another, and files that a folder lacks, are told of in a sentence."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import derivload
from derivload.cli import main
from support.paths import CATALOGUE, CHECKOUT, PACKAGED

NAMES = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")


def given(*names: str) -> list[str]:
    options = ("--derivatives", "--native-functions", "--tags")
    paths = [str(CATALOGUE / name) for name in names]
    return [word for pair in zip(options, paths, strict=True) for word in pair]


@pytest.mark.parametrize("names", [*itertools.product(NAMES, repeat=3)])
@pytest.mark.parametrize("command", [["check"], ["emit", "--out-dir"]], ids=["check", "emit"])
def test_each_file_that_is_another_is_named(
    names: tuple[str, ...],
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = [str(tmp_path)] if command[1:] else []
    status = main([*command, *out, *given(*names), "--no-cache"])
    printed, err = capsys.readouterr()
    wrong = [(is_, as_) for is_, as_ in zip(names, NAMES, strict=True) if is_ != as_]
    if not wrong:
        assert status == 0
        return
    assert (status, printed) == (2, "")
    assert len(err.splitlines()) == 1
    for is_, as_ in wrong:
        assert f"{CATALOGUE / is_}, given as {as_}, has the entries of a {is_}" in err


def test_an_overlay_and_the_api_are_told_of_too() -> None:
    paths = {name: CATALOGUE / name for name in NAMES}
    natives = [paths["native_functions.yaml"], paths["derivatives.yaml"]]
    with pytest.raises(derivload.UsageError, match="has the entries of a derivatives"):
        derivload.load(paths["derivatives.yaml"], natives)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]\n",
        "- nam: abs(Tensor self) -> Tensor\n",
        "- name: abs(Tensor self) -> Tensor\n  func: not_differentiable\n",
        "- func: f(Tensor self) -> Tensor\n- name: g\n",
        "- tag: a\n- func: b\n",
    ],
)
def test_in_doubt_it_is_what_it_has_to_be(text: str, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(text, "utf-8")
    try:
        derivload.load(tmp_path / "d.yaml", CATALOGUE / "native_functions.yaml")
    except derivload.InputError as error:
        assert error.diagnostics


@pytest.mark.parametrize("files", [CHECKOUT, PACKAGED])
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_the_file_that_a_tree_lacks_is_named(
    files: tuple[str, ...], missing: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in files[:missing] + files[missing + 1 :]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("[]\n", "utf-8")
    assert main(["check", "--pytorch", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    name = files[missing].removeprefix("torchgen/")
    assert f"{name} does not exist in {tmp_path}" in err


def test_what_is_no_folder_and_what_is_no_pytorch_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    for name, said in (
        ("none", "none does not exist"),
        ("file", "file is no folder"),
        ("", "neither tools/autograd/derivatives.yaml nor torchgen/packaged/autograd"),
    ):
        assert main(["check", "--pytorch", str(tmp_path / name)]) == 2
        assert said in capsys.readouterr().err
