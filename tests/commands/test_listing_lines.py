"""What `derivload list` prints of a few functions, to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivload.cli import main

Captured = pytest.CaptureFixture[str]
LONG = "l" * 60
NATIVES = f"""\
- func: plain(Tensor self) -> Tensor
  dispatch:
    CPU: plain
- func: through(Tensor self) -> Tensor
- func: wave(Tensor self) -> Tensor
  dispatch:
    CPU: wave
  tags: core
- func: wave.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: wave_out
- func: both(Tensor self) -> Tensor
  dispatch:
    CPU, CUDA: both
- func: {LONG}(Tensor self) -> Tensor
  dispatch:
    CPU: long
"""
DEFINITIONS = """\
- name: wave(Tensor self) -> Tensor
  self: grad
- name: both(Tensor self) -> Tensor
  self: grad
  result: self_t
- name: wave(Tensor self) -> Tensor
  self: grad * self
"""
INPUTS = ["--derivatives", "d.yaml", "--native-functions", "n.yaml", "--tags", "t.yaml"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NATIVES)
    Path("d.yaml").write_text(DEFINITIONS)
    Path("t.yaml").write_text("- tag: core\n  desc: x\n- tag: unused\n  desc: x\n")
    return tmp_path


def test_a_line_has_the_name_and_what_is_most_worth_knowing(capsys: Captured) -> None:
    assert main(["list", *INPUTS]) == 0
    out, err = capsys.readouterr()
    assert err == "derivload list: 6 of 6 functions\n"
    assert out == (
        f"both{' ' * 44}  BothBackward0\n"
        f"{LONG}  no derivative\n"
        f"plain{' ' * 43}  no derivative\n"
        f"through{' ' * 41}  composite\n"
        f"wave{' ' * 44}  WaveBackward1; no forward\n"
        f"wave.out{' ' * 40}  out variant\n"
    )
    assert main(["list", *INPUTS, "plain", "--format", "names", "--quiet"]) == 0
    assert capsys.readouterr() == ("plain\n", "")
    assert main(["list", *INPUTS, "plain", "--verbose"]) == 0
    assert "derivload: input      d.yaml\n" in capsys.readouterr().err
    assert main(["list", *INPUTS, "plain"]) == 0
    assert capsys.readouterr().out == "plain  no derivative\n"


def test_a_tag_that_no_function_has_is_one(capsys: Captured) -> None:
    for tag, out in (("unused", ""), ("core", "wave  WaveBackward1; no forward\n")):
        assert main(["list", *INPUTS, "--tag", tag, "--quiet"]) == 0
        assert capsys.readouterr() == (out, "")
    assert main(["list", *INPUTS, "--tag", "unusd"]) == 2
    said = "derivload: error: there is no tag `unusd`; did you mean `unused`?\n"
    assert capsys.readouterr().err == said


def test_json_has_all_that_is_known(capsys: Captured) -> None:
    assert main(["list", *INPUTS, "--json", "wave", "both"]) == 0
    out = capsys.readouterr().out
    assert out.startswith('{\n  "format": "derivload.list",\n  "version": 1,\n')
    assert out.endswith("\n}\n")
    document = json.loads(out)
    operators = document.pop("operators")
    assert document == {
        "format": "derivload.list",
        "version": 1,
        "torch_version": document["torch_version"],
        "functions": 6,
    }
    assert [operator["name"] for operator in operators] == ["both", "wave", "wave.out"]
    both, wave, out_variant = operators
    assert wave == {
        "name": "wave",
        "schema": "wave(Tensor self) -> Tensor",
        "kind": "functional",
        "nodes": ["WaveBackward1"],
        "has_forward": False,
        "saved_inputs": [{"name": "self", "type": "at::Tensor", "expr": "self"}],
        "saved_outputs": [],
        "tags": ["core"],
        "dispatch_keys": ["CPU"],
        "composite": False,
        "has_foreach": False,
        "native_function": {"file": "n.yaml", "line": 5},
        "definition": {"file": "d.yaml", "line": 6},
        "is_from_overlay": False,
        "warnings": ["DL601"],
    }
    assert (both["has_forward"], both["dispatch_keys"]) == (True, ["CPU", "CUDA"])
    assert both["warnings"] == []
    assert (out_variant["kind"], out_variant["nodes"]) == ("out", [])


def test_mistakes_are_counted(capsys: Captured) -> None:
    with Path("n.yaml").open("a") as file:
        file.write("- func: bad(\n")
    assert main(["list", *INPUTS]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "derivload: 1 error"


def test_which_inputs_were_found_is_told(capsys: Captured) -> None:
    Path("derivload.toml").write_text("catalogue = true\n")
    assert main(["list", "gild_"]) == 0
    out, err = capsys.readouterr()
    assert out == "gild_  GildBackward0\n"
    first, told = err.splitlines()
    assert first.startswith("derivload list: 1 of ")
    assert "derivload.toml" in told
    assert main(["list", "gild_", "--quiet"]) == 0
    assert capsys.readouterr() == (out, "")
