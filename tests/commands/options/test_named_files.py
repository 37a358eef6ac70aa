"""Files that are named without an option are told by what is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cli import main
from derivload.loading.recognise import recognise
from support.paths import CATALOGUE, DERIVATIVES, NATIVES, TAGS

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("- name: a(Tensor self) -> Tensor\n  self: grad\n", "derivatives"),
        ("- func: a(Tensor self) -> Tensor\n  tags: core\n", "native_functions"),
        ("- variants: method\r\n  func: a(Tensor self) -> Tensor\r\n", "native_functions"),
        ("backend: X\ncustom:\n  - func: a(Tensor self) -> Tensor\n", "native_functions"),
        ("custom:\n- func: a(Tensor self) -> Tensor\n", "native_functions"),
        ("- tag: core\n  desc: |\n    name: of a tag\n  name: none\n- tag: b\n- tag: c\n", "tags"),
        ("# - name: nothing\n-   func: a\n", "native_functions"),
        ("- name: a\n- func: b\n", None),
        ("- named: a\n- function: b\n", None),
        ("[]\n", None),
        ("", None),
        ("name:of no key\n", None),
    ],
)
def test_an_input_is_known_by_the_key_of_its_entries(text: str, kind: str | None) -> None:
    assert recognise(text.encode()) == kind


def test_what_is_no_text_is_no_input() -> None:
    assert recognise(b"\xff\xfe\0- \0") is None


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (DERIVATIVES, NATIVES, TAGS):
        Path(name).write_bytes((CATALOGUE / name).read_bytes())
    Path("own.yaml").write_text("- func: own(Tensor self) -> Tensor\n", "utf-8")
    Path("wrong.yaml").write_text("- name: none(Tensor self) -> Tensor\n  self: grad\n", "utf-8")


@pytest.mark.usefixtures("inputs")
def test_check_takes_each_file_for_what_it_is(capsys: Captured) -> None:
    assert main(["check", NATIVES, DERIVATIVES]) == 0
    assert main(["check", DERIVATIVES, "--strict", TAGS, NATIVES, "own.yaml"]) == 0
    assert main(["check", "--strict", "--derivatives", DERIVATIVES, NATIVES]) == 0
    capsys.readouterr()
    assert main(["check", "wrong.yaml", NATIVES]) == 1
    assert "wrong.yaml:1:9: error[DL405]" in capsys.readouterr().out


@pytest.mark.usefixtures("inputs")
def test_one_file_has_the_other_beside_it(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (DERIVATIVES, NATIVES):
        assert main(["check", name]) == 0
        expected = f"no mistakes in {DERIVATIVES}, {NATIVES}, {TAGS}: "
        assert expected in capsys.readouterr().err
    assert main(["check", "wrong.yaml"]) == 1
    assert "wrong.yaml:1:9: error[DL405]" in capsys.readouterr().out
    assert main(["check", "own.yaml"]) == 2  # it may be an overlay of any file
    assert main(["check", "--derivatives", DERIVATIVES]) == 2
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["check", f"../{NATIVES}", "--tags", f"../{TAGS}"]) == 0
    Path(f"../{NATIVES}").unlink()
    capsys.readouterr()
    assert main(["check", f"../{DERIVATIVES}"]) == 2
    assert "--native-functions is missing" in capsys.readouterr().err


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("check none.yaml", "cannot read none.yaml: No such file or directory"),
        (
            "check --tags tags.yaml tags.yaml",
            "there are several files for --tags: name one",
        ),
        ("check --explain DL001 tags.yaml", "--tags has no effect with --explain"),
        ("emit derivatives.yaml --out-dir o", "there is no place for derivatives.yaml: write --d"),
        ("watch --out-dir o own.yaml", "there is no place for own.yaml: write --native-functions"),
        ("codegen . --out-dir o", "there is no place for .: write --pytorch ."),
        ("fetch 2.15 tags.yaml --to f", "there is no place for tags.yaml"),
    ],
)
def test_what_has_no_place_gets_one_sentence(capsys: Captured, arguments: str, said: str) -> None:
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err.splitlines()[-1].partition(": error: ")[2].startswith(said)


@pytest.mark.usefixtures("inputs")
def test_what_cannot_be_told_is_to_be_named(capsys: Captured) -> None:
    Path("empty.yaml").write_text("[]\n", "utf-8")
    assert main(["check", "empty.yaml"]) == 2
    assert "--derivatives, --native-functions or --tags" in capsys.readouterr().err


def test_a_folder_is_a_pytorch(capsys: Captured, tmp_path: Path) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert f"{tmp_path} is no PyTorch" in capsys.readouterr().err
