"""How `derivload show` calls views, and what was generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.cli import main

NATIVES = """\
- func: look(Tensor(a) self) -> Tensor(a)
  dispatch:
    CPU: look
- func: look_(Tensor(a!) self) -> Tensor(a!)
  dispatch:
    CPU: look_
  tags: inplace_view
- func: look_copy(Tensor self) -> Tensor
  dispatch:
    CompositeExplicitAutogradNonFunctional: look_copy
  tags: view_copy
- func: pump_(Tensor(a!) self, Tensor other) -> Tensor(a!)
  dispatch:
    CPU: pump_
  autogen: pump, pump.out
"""
SHOWN = """\
look

  view           look(Tensor(a) self) -> Tensor(a)
  in-place view  look_(Tensor(a!) self) -> Tensor(a!)
  view copy      look_copy(Tensor self) -> Tensor

  no derivative  look, look_ and look_copy: d.yaml has no entry for it

  functions
    look         function; abstract
                 kernels CPU
                 n.yaml:1
    look_        function; abstract; tags inplace_view
                 kernels CPU
                 n.yaml:4
    look_copy    function; abstract; tags view_copy
                 kernels CompositeExplicitAutogradNonFunctional
                 n.yaml:8
"""


def test_views_and_their_copies_are_called_so_and_so_is_what_was_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(NATIVES)
    Path("d.yaml").write_text("[]\n")
    Path("e.yaml").write_text("[]\n")
    tags = "".join(f"- tag: {tag}\n  desc: x\n" for tag in ("inplace_view", "view_copy"))
    Path("tags.yaml").write_text(tags)
    inputs = ["--derivatives", "d.yaml", "--native-functions", "n.yaml", "--no-cache"]
    assert main(["show", *inputs, "look"]) == 0
    assert capsys.readouterr() == (SHOWN, "")
    assert main(["show", *inputs, "--derivatives", "e.yaml", "look"]) == 0
    reason = "none of d.yaml, e.yaml has an entry for it"
    assert f"  no derivative  look, look_ and look_copy: {reason}\n" in capsys.readouterr().out
    assert main(["show", *inputs, "pump"]) == 0
    out = capsys.readouterr().out
    assert "pump(Tensor self, Tensor other) -> Tensor  generated\n" in out
    assert " pump: generated from pump_, which has no derivatives\n" in out
    assert " generated from pump_, n.yaml:12\n" in out
