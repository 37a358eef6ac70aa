"""derivwatch follows overlays of derivatives.yaml that take the place of its entries."""

from __future__ import annotations

from pathlib import Path

from support.derivwatch import Inputs, watching
from support.watch_runs import inputs

__all__ = ["inputs"]  # fixtures

OVERLAY = "- name: gild(Tensor self, float luster=0.5) -> Tensor\n  self: {}(grad, luster)\n"


def test_an_overlay_is_watched(inputs: Inputs, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAY.format("mine"), "utf-8")
    for watch in watching(inputs, tmp_path / "out", "--derivatives", str(overlay), "--override"):
        assert str(overlay) in watch.events[0]["inputs"]
        assert b"mine(grad, luster)" in (watch.out / "differentiability.json").read_bytes()
        overlay.write_text(OVERLAY.format("theirs"), "utf-8")
        changed = watch.expect("reloaded")["difference"]["changed"]
        assert "gild" in [function["name"] for function in changed]
        assert b"theirs(grad, luster)" in (watch.out / "differentiability.json").read_bytes()
