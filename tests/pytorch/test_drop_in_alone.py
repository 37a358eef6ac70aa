"""What stands in the place of a torchgen of a few lines: what it loads, holds, and leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import derivload.pytorch
from derivload.loading.errors import InputError, UsageError
from derivload.pytorch import drop_in, install
from derivload.pytorch.codegen.upstream import forget
from derivload.pytorch.drop_in import DropIn
from derivload.pytorch.importable import Torchgen, find_torchgen
from derivload.sources.additions import Additions
from support.tiny_torchgen import TinyTorchgen, definition, native

RESULTS: Final = "_GLOBAL_LOAD_DERIVATIVE_CACHE"
PARSED: Final = "_GLOBAL_PARSE_NATIVE_YAML_CACHE"


class Own(TinyTorchgen):
    """The tree, imported."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.paths = [str(path) for path in (self.derivatives, self.natives, self.tags)]

    @property
    def torchgen(self) -> Torchgen:
        return find_torchgen()

    def taken(self, drop_in: DropIn) -> Any:
        return drop_in.load_derivatives(self.torchgen, *self.paths)

    def names(self) -> list[str]:
        """The functions that torchgen remembers."""
        parsed = vars(self.torchgen.gen)[PARSED].get(str(self.natives))
        return [] if parsed is None else [str(f.func.name.name) for f in parsed.native_functions]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    made = Own(tmp_path / "tree")
    monkeypatch.syspath_prepend(str(made.root))
    forget()
    yield made
    forget()


def formulas(result: Any) -> dict[str, list[str]]:
    infos, keys = result
    assert keys == {"Default"}
    return {
        str(schema.name.name): [each.formula for each in by_key["Default"].derivatives]
        for schema, by_key in infos.items()
    }


def edited(path: str | Path, old: str, new: str) -> None:
    text = Path(path).read_text("utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), "utf-8")


PLAIN: Final = {name: [f"grad_of_{name}(grad)"] for name in ("gild", "smelt", "quench")}


def test_a_result_is_held_for_its_files_and_its_torchgen(own: Own) -> None:
    one = DropIn((), "2.15", use_cache=False)
    first = own.taken(one)
    assert formulas(first) == PLAIN
    assert own.taken(one) is first
    assert own.taken(DropIn((), "2.15", use_cache=False)) is not first
    edited(own.derivatives, "grad_of_gild(grad)", "grad")
    second = own.taken(one)
    assert formulas(second) == {**PLAIN, "gild": ["grad"]}
    assert own.taken(one) is second
    another = own.derivatives.with_name("more.yaml")
    another.write_text(definition("gild", "grad * 2"), "utf-8")
    other = one.load_derivatives(own.torchgen, str(another), *own.paths[1:])
    assert formulas(other) == {"gild": ["grad * 2"]}
    assert own.taken(one) is second
    torchgen = own.torchgen
    packaged = torchgen._replace(loader=sys.modules["torchgen.gen"])
    assert one.load_derivatives(packaged, *own.paths) is not second


def test_what_torchgen_parsed_before_an_edit_is_not_used(own: Own) -> None:
    own.torchgen.gen.parse_native_yaml(*own.paths[1:])
    with own.natives.open("a") as natives, own.derivatives.open("a") as derivatives:
        natives.write(f"\n{native('temper')}")
        derivatives.write(f"\n{definition('temper', 'grad')}")
    infos, _ = own.taken(DropIn((), "2.15", use_cache=False))
    (function,) = [i["Default"].func for s, i in infos.items() if str(s.name.name) == "temper"]
    parsed = own.torchgen.gen.parse_native_yaml(*own.paths[1:]).native_functions
    assert any(each is function for each in parsed)


def test_nothing_stays_where_torchgen_remembers(own: Own) -> None:
    one = DropIn((), "2.15", use_cache=False)
    parsed: object = one.parse_native_yaml(own.torchgen, *own.paths[1:])
    assert own.names() == [*PLAIN]
    assert one.parse_native_yaml(own.torchgen, *own.paths[1:], None) is parsed
    first = own.taken(one)
    results: dict[Any, Any] = vars(own.torchgen.loader)[RESULTS]
    results[own.paths[0], own.paths[1]] = first
    results["other"] = 1
    one.forget()
    assert results == {"other": 1}
    assert own.names() == []
    assert own.taken(one) is not first
    del vars(own.torchgen.loader)[RESULTS]
    one.forget()


def test_the_end_of_an_installation_leaves_nothing_there(
    own: Own, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(tmp_path / "cache"))
    with install(torch_version="2.15", use_cache=False):
        loader = own.torchgen.loader
        first = loader.load_derivatives(*own.paths)
        assert loader.load_derivatives(*own.paths) is first
        assert own.names() == [*PLAIN]
    assert own.names() == []
    assert loader.load_derivatives.__module__ == loader.__name__
    assert not (tmp_path / "cache").exists()
    # A cache that cannot be used is none.
    (tmp_path / "cache").touch()
    with install(torch_version="2.15"):
        assert formulas(loader.load_derivatives(*own.paths)) == PLAIN


def test_overlays_are_laid_over_what_is_parsed_and_loaded(own: Own, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    text = f"mine:\n{native('gild')}{native('temper', '  gen_x: 1')}"
    overlay.write_text(text.replace("CPU: gild", "CPU: gilded"), "utf-8")
    edited(
        own.derivatives, definition("smelt", "grad_of_smelt(grad)"), definition("temper", "grad")
    )
    additions = Additions((), ["gen_*"], override=True, sections=["mine"])
    one = DropIn([str(overlay)], "2.15", additions, use_cache=False)
    found = formulas(own.taken(one))
    assert found == {"gild": PLAIN["gild"], "temper": ["grad"], "quench": PLAIN["quench"]}
    assert sorted(own.names()) == ["gild", "quench", "smelt", "temper"]
    parsed: Any = one.parse_native_yaml(own.torchgen, *own.paths[1:])
    assert len(parsed.native_functions) == 4


def test_another_torchgen_loads_for_itself(
    own: Own, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its source is that of no release."""
    one = DropIn((), None, use_cache=False)
    own.torchgen.gen.parse_native_yaml(*own.paths[1:])
    vars(own.torchgen.loader)[RESULTS][own.paths[0], own.paths[1]] = "old"
    edited(own.natives, "func: smelt", "func: melt")
    edited(own.derivatives, "name: smelt", "name: melt")
    first = own.taken(one)
    said = capsys.readouterr().err
    assert said.startswith("derivload: using torchgen's own load_derivatives: ")
    assert said.count("\n") == 1
    assert sorted(str(schema).partition("(")[0] for schema in first[0]) == [
        "gild",
        "melt",
        "quench",
    ]
    assert vars(own.torchgen.loader)[RESULTS] == {}
    assert "melt" in own.names()
    assert own.taken(one) is first
    assert capsys.readouterr().err == ""


def test_mistakes_and_versions_are_told(own: Own) -> None:
    edited(own.derivatives, "self: grad_of_gild", "slef: grad_of_gild")
    with pytest.raises(InputError, match="slef"):
        own.taken(DropIn((), "2.15", use_cache=False))
    for version in ("1.13", "newest"):
        with pytest.raises(UsageError, match=version):
            DropIn((), version, use_cache=False)
    with pytest.raises(UsageError, match="`torch_version` is the number 2"):
        DropIn((), 2, use_cache=False)  # type: ignore[arg-type]


def test_the_function_of_a_process_holds_a_result_for_each_way_to_ask(
    own: Own, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drop_in, "_OF_THIS_PROCESS", {})
    load: Any = derivload.pytorch.load_derivatives
    cache = tmp_path / "cache"
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(cache))
    apart = load(*own.paths, torch_version="2.15", use_cache=False)
    assert not cache.exists()
    kept = load(*map(Path, own.paths), torch_version="2.15")
    assert cache.exists()
    assert formulas(kept) == formulas(apart) == PLAIN
    assert load(*own.paths, torch_version="2.15") is kept is not apart
    assert load(*own.paths, torch_version="2.14") is not kept
    assert load(*own.paths, torch_version="2.15", use_cache=False) is apart
    for index, name in enumerate(("derivatives", "native", "tags")):
        paths: list[Any] = [*own.paths]
        paths[index] = 3
        with pytest.raises(UsageError, match=f"^`{name}_yaml_path` is the number 3: "):
            load(*paths)
    with pytest.raises(UsageError, match="`torch_version` is the number 2"):
        load(*own.paths, torch_version=2)
