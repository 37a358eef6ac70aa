"""`derivload.load` with all that it takes, in each way in which it finds what it returns."""

from __future__ import annotations

from pathlib import Path

import pytest

import derivload
from derivload.loading import definitions
from derivload.store.store import Store
from support.warned_inputs import NATIVES, RIGHT, TAGS, WARNED

OVERLAY = """\
mine:
- func: x::sheen(Tensor self) -> Tensor
  dispatch:
    PrivateUse1: sheen
  gen_x: 1
"""
MORE = "- name: sheen(Tensor self) -> Tensor\n  self: grad\n"
BACKEND = "backend: XLA\ncpp_namespace: x\nsupported:\n- {}\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths by the names of the files."""
    texts = {
        "d.yaml": RIGHT,
        "n.yaml": NATIVES,
        "tags.yaml": TAGS,
        "o.yaml": OVERLAY,
        "m.yaml": MORE,
        "b.yaml": BACKEND.format("gild"),
        "w.yaml": BACKEND.format("none"),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    return {name: str(tmp_path / name) for name in texts}


def test_what_a_backend_adds_is_loaded(files: dict[str, str]) -> None:
    loaded = derivload.load(
        [files["d.yaml"], files["m.yaml"]],
        [files["n.yaml"], files["o.yaml"]],
        dispatch_keys=["PrivateUse1"],
        entry_keys=["gen_*"],
        sections=["mine"],
        backend_yaml=files["b.yaml"],
    )
    plain = derivload.load(files["d.yaml"], files["n.yaml"], files["tags.yaml"])
    names = [
        [each.schema.partition("(")[0] for each in found.functions] for found in (loaded, plain)
    ]
    assert names == [["gild", "plain", "sheen"], ["gild", "plain"]]
    assert len(loaded.differentiability) == len(plain.differentiability) + 1
    with pytest.raises(derivload.InputError, match="none"):
        derivload.load(files["d.yaml"], files["n.yaml"], backend_yaml=[files["w.yaml"]])
    with pytest.raises(derivload.UsageError, match="`override` is about overlays"):
        derivload.load(files["d.yaml"], files["n.yaml"], override=True)


def test_definitions_are_the_same_from_a_cache(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    opened: list[Store] = []

    def open_store(folder: str) -> Store:
        opened.append(Store(folder))
        return opened[-1]

    monkeypatch.setattr(definitions, "open_store", open_store)
    for text in (RIGHT, RIGHT, WARNED):
        Path(files["d.yaml"]).write_text(text, "utf-8")
        inputs = (files["d.yaml"], files["n.yaml"])
        assert derivload.load(*inputs, cache_dir=cache) == derivload.load(*inputs)
    (tmp_path / "no folder").touch()
    with pytest.warns(UserWarning, match="going on without the cache: ") as told:
        derivload.load(*inputs, cache_dir=tmp_path / "no folder")
    assert told[0].filename == __file__
    assert [store._reader for store in opened] == [None] * 3, "each is closed again"
