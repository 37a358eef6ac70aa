"""What `emit` says of a run, to the letter, but for times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivload.cli import main

Captured = pytest.CaptureFixture[str]
INPUTS = [
    *("--derivatives", "d.yaml", "--native-functions", "n.yaml", "--native-functions", "m.yaml"),
    *("--override", "--cache-dir", "c"),
]
COLD = [
    *("store", "inputs", "find", "import", "restore", "load", "render", "state", "keep", "write")
]
STORED = ["store", "inputs", "find", "write"]
NAMES = "differentiability.json, functions.json, manifest.json"
REPLACED = "wave: n.yaml:1, by m.yaml:1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, kernel in (("n.yaml", "wave"), ("m.yaml", "mine")):
        text = f"- func: wave(Tensor self) -> Tensor\n  dispatch:\n    CPU: {kernel}\n"
        Path(name).write_text(text)
    Path("d.yaml").write_text("- name: wave(Tensor self) -> Tensor\n  self: grad\n")
    Path("tags.yaml").write_text("- tag: core\n  desc: x\n")


def test_in_detail_it_says_what_it_takes_and_what_it_did(capsys: Captured) -> None:
    for out_dir, exit_, steps in (("o", "cold", COLD), ("p", "stored", STORED)):
        arguments = ["emit", *INPUTS, "--out-dir", out_dir, "--verbose", "--stats", "json"]
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert err.splitlines()[7:] == [
            *(f"derivload: input      {name}.yaml" for name in ("d", "n", "m", "tags")),
            "derivload: rules      those of torch of the newest release that is known",
            f"derivload: replaced   {REPLACED}",
            "derivload: cache      c",
            f"derivload: {out_dir}: wrote {NAMES}",
        ]
        found = json.loads(out)
        seconds = found.pop("seconds")
        assert [*seconds] == steps
        assert all(0 <= second < 100 for second in seconds.values())
        counts = {"read": 2, "reused": 0, "derived": 1, "matched": 1} if exit_ == "cold" else {}
        assert found == {
            "exit": exit_,
            "rules": "newest",
            "replaced": [REPLACED],
            "counts": {"written": 3, "unchanged": 0, "removed": 0, **counts},
        }


def test_for_a_person_figures_are_lines(capsys: Captured) -> None:
    assert main(["emit", *INPUTS[:4], "--no-cache", "--out-dir", "o"]) == 0
    assert capsys.readouterr() == ("", f"derivload: o: wrote {NAMES}\n")
    assert main(["emit", *INPUTS[:4], "--no-cache", "--out-dir", "o", "--stats"]) == 0
    out, err = capsys.readouterr()
    words = [line.removeprefix("derivload: ").split() for line in err.splitlines()]
    assert out == ""
    assert [" ".join(line) for line in words[:9]] == [
        *("o: up to date", "exit cold", "rules newest", "written 0", "unchanged 3", "removed 0"),
        *("read 2", "reused 0", "derived 1"),
    ]
    steps = ["store", "inputs", "import", "load", "render", "write"]
    assert [line[0] for line in words[10:]] == steps
    assert {line[2] for line in words[10:]} == {"ms"}


def test_a_stamp_ends_the_next_run_unless_there_is_to_be_no_cache(capsys: Captured) -> None:
    arguments = ["emit", *INPUTS, "--out-dir", "o", "--stats=json"]
    for exit_ in ("cold", "up-to-date"):
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)["exit"] == exit_
    without = ["emit", *INPUTS[:4], "--no-cache", "--out-dir", "n"]
    assert main(without) == 0
    assert [path.name for path in Path("n").iterdir() if path.name.startswith(".")] == []
    assert [path.name for path in Path("o").iterdir() if path.name.startswith(".")] != []


def test_a_tree_that_settings_name_is_looked_at_again(capsys: Captured) -> None:
    """The stamp knows of files that were not there."""
    Path("derivload.toml").write_text("derivatives = ['d.yaml']\nnative-functions = ['n.yaml']\n")
    Path("below").mkdir()
    arguments = ["emit", "--out-dir", "o", "--stats=json"]
    for exit_ in ("cold", "up-to-date"):
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["exit"] == exit_
        assert "derivload.toml" in err
    Path("derivload.toml").write_text(
        "derivatives = ['d.yaml']\nnative-functions = ['n.yaml', 'm.yaml']\noverride = true\n"
    )
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["exit"] != "up-to-date"
    Path("pyproject.toml").write_text("[tool.derivload]\n")
    Path("derivload.toml").unlink()
    assert main(arguments) == 2


def test_a_depfile_that_is_an_output_as_well_is_refused(capsys: Captured) -> None:
    arguments = ["emit", *INPUTS, "--out-dir", "o", "--depfile", "o/manifest.json"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("derivload: error: ")
    assert not Path("o/manifest.json").exists()
