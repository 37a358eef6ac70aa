"""Files that are made of items, by a small file manager."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest

from derivload.pytorch.codegen.capture import EVERYTHING, Item, Output
from derivload.pytorch.codegen.rendering import items_by_shard, named_as_in_a_build, render

OUTPUT = Output("a.h", "./t/a.h", False, {"name": "mine"}, "native", 0, ("one", "two"))
SHARDED = msgspec.structs.replace(OUTPUT, shards=3)


def item(shard: int, **pieces: list[str]) -> Item:
    return Item("a()", "a", shard, pieces)


def test_items_are_divided_by_shard() -> None:
    items = [item(2), item(0), item(2, one=["x"])]
    assert items_by_shard(OUTPUT, items) == {EVERYTHING: items}
    assert items_by_shard(SHARDED, items) == {
        EVERYTHING: items,
        0: [items[1]],
        1: [],
        2: [items[0], items[2]],
    }


class FileManager:
    """Tells all that it is given."""

    def __init__(self, install_dir: str, template_dir: str, dry_run: bool) -> None:
        assert install_dir == template_dir
        assert not dry_run
        self.folder = Path(template_dir)

    def substitute_with_template(self, name: str, env: Any) -> str:
        script = Path(vars(sys.modules["__main__"])["__file__"])
        return f"{(self.folder / name).read_text('utf-8')} {name} {env()} {script}"


@pytest.fixture
def modules(tmp_path: Path) -> Any:
    utils: Any = ModuleType("torchgen.utils")
    utils.FileManager = FileManager
    utils.__file__ = str(tmp_path / "torchgen" / "utils.py")
    (tmp_path / "a.h").write_text("template", "utf-8")
    return SimpleNamespace(torchgen={"utils": utils})


def test_a_template_gets_the_pieces_of_all_items(modules: Any, tmp_path: Path) -> None:
    items = [item(0, one=["a", "b"]), item(1, one=["c"], two=["\u00e9"])]
    script = tmp_path / "tools" / "setup_helpers" / "generate_code.py"
    pieces = {"name": "mine", "one": ["a", "b", "c"], "two": ["\u00e9"]}
    path = str(tmp_path / "a.h")
    assert render(modules, OUTPUT, EVERYTHING, items, path).decode() == (
        f"template a.h {pieces} {script}"
    )
    shard = {"name": "mine", "one": [], "two": [], "shard_id": "_2"}
    assert render(modules, SHARDED, 2, [], path).decode() == f"template a.h {shard} {script}"
    shard["shard_id"] = "Everything"
    assert f" {shard} " in render(modules, SHARDED, EVERYTHING, [], path).decode()
    assert render(modules, OUTPUT, EVERYTHING, items, b"made").decode() == (
        f"made a.h {pieces} {script}"
    )


def test_the_main_module_keeps_its_name(modules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "mine.py", raising=False)
    with pytest.raises(ZeroDivisionError), named_as_in_a_build(modules.torchgen["utils"]):
        assert main.__file__ != "mine.py"
        1 / 0  # noqa: B018
    assert main.__file__ == "mine.py"


def test_the_main_module_of_an_interpreter_still_has_no_file(
    modules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = sys.modules["__main__"]
    monkeypatch.delattr(main, "__file__", raising=False)
    with named_as_in_a_build(modules.torchgen["utils"]):
        assert hasattr(main, "__file__")
    assert not hasattr(main, "__file__")
