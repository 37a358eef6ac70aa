"""Overlays of an installation that take the place of entries, with keys that are passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.releases import Release
from support.with_torchgen import Run, run

__all__ = ["run"]  # fixtures

TAGS = "- tag: pointwise\n  desc: Some tag.\n- tag: pt2_compliant_tag\n  desc: Some tag.\n"
BASE = """\
- func: glaze(Tensor self, Tensor coat) -> Tensor
  variants: function, method
  dispatch:
    CPU: glaze
- func: polish(Tensor self) -> Tensor
  dispatch:
    CPU: polish
"""
OVERLAY = """\
- func: glaze(Tensor self, Tensor layer) -> Tensor
  variants: function, method
  exposed: True
  dispatch:
    CPU: glaze
"""
DERIVATIVES = """\
- name: glaze(Tensor self, Tensor layer) -> Tensor
  self: grad * layer
  layer: grad * self
"""


@pytest.mark.release
def test_an_installation_lays_overlays_over_as_the_command_does(
    newest: str, release: Release, run: Run, tmp_path: Path
) -> None:
    merged = OVERLAY.replace("  exposed: True\n", "") + BASE[BASE.index("- func: polish") :]
    named = {
        "derivatives": DERIVATIVES,
        "native": BASE,
        "tags": TAGS,
        "overlay": OVERLAY,
        "merged": merged,
    }
    paths = {name: tmp_path / f"{name}.yaml" for name in named}
    for name, text in named.items():
        paths[name].write_text(text, "utf-8")
    code = """
    derivatives, native, tags, overlay, merged = arguments
    loader, gen = import_module(LOADER), import_module("torchgen.gen")
    upstream, _ = loader.load_derivatives(derivatives, merged, tags)
    functions = gen.parse_native_yaml(merged, tags).native_functions
    with install(overlay, override=True, entry_keys=["expos*"]) as installed:
        assert install(overlay, override=True, entry_keys=["expos*"]) is installed
        infos, _ = loader.load_derivatives(derivatives, native, tags)
        ours = gen.parse_native_yaml(native, tags).native_functions
        print(len(infos), [str(f.func) for f in ours] == [str(f.func) for f in functions])
        print(list(map(str, infos)) == list(map(str, upstream)))
    """
    ended = run(release(newest), code, *paths.values())
    assert ended.stdout == "1 True\nTrue\n"
    assert ended.stderr == ""


SECTIONS = """\
supported:
- polish
custom_autograd:
- func: mine::shine(Tensor self) -> Tensor
vision:
- func: mine::peer(Tensor self) -> Tensor
"""
LIST = """\
- func: mine::shine(Tensor self) -> Tensor
- func: mine::peer(Tensor self) -> Tensor
"""


@pytest.mark.release
def test_an_installation_lays_sections_over(
    newest: str, release: Release, run: Run, tmp_path: Path
) -> None:
    named = {"native": BASE, "tags": TAGS, "overlay": SECTIONS, "merged": f"{BASE}\n{LIST}"}
    paths = {name: tmp_path / f"{name}.yaml" for name in named}
    for name, text in named.items():
        paths[name].write_text(text, "utf-8")
    code = """
    native, tags, overlay, merged = arguments
    gen = import_module("torchgen.gen")
    functions = gen.parse_native_yaml(merged, tags).native_functions
    with install(overlay, sections=["vision"]):
        ours = gen.parse_native_yaml(native, tags).native_functions
        print([str(f.func) for f in ours] == [str(f.func) for f in functions])
    """
    assert run(release(newest), code, *paths.values()).stdout == "True\n"
