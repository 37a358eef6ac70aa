"""What patterns, backward nodes and names of Python mean to `derivload show`."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cli import main
from support.shown_operators import DEFINITIONS, NATIVES

INPUTS = ["--derivatives", "d.yaml", "--native-functions", "n.yaml"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NATIVES)
    Path("d.yaml").write_text(DEFINITIONS)
    Path("tags.yaml").write_text("- tag: core\n  desc: x\n")


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("wave", ["wave"]),
        ("wave_", ["wave_"]),
        ("aten::wave", ["wave"]),
        ("b*", ["bend"]),
        ("*n*", ["many", "lone", "bend"]),
        ("BendBackward0", ["bend"]),
        ("torch.Tensor.bend_", ["bend_"]),
        ("torch.nn.through", ["through"]),
        ("lone.out", ["lone.out"]),
        ("lone(Tensor self) -> Tensor", ["lone"]),
    ],
)
@pytest.mark.parametrize("is_kept", [False, True])
def test_what_is_asked_for_is_shown(
    asked: str, titles: list[str], is_kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ["--cache-dir", "c"] if is_kept else ["--no-cache"]
    if is_kept:
        assert main(["emit", *INPUTS, *cache, "--out-dir", "o", "--quiet"]) == 0
    assert main(["show", *INPUTS, *cache, asked]) == 0
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line and line[0] not in " *"] == titles
    assert err == ""
