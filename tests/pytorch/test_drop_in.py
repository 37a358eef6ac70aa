"""What stands in the place of torchgen's functions, in this process, with a torchgen of two
operators: which results are held, and what is there when it has gone.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import pytest

import derivload.pytorch
from derivload.loading.errors import InputError, UsageError
from derivload.pytorch import drop_in, install
from derivload.pytorch.codegen.upstream import forget
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, find_torchgen
from derivload.pytorch.live_rules import find_live_rules
from support.parsing import parse_once
from support.releases import Release
from support.sampling import one_in
from support.sessions import StoreInMemory
from support.small_pytorch import OVERLAY, OVERLAY_DERIVATIVE, SmallPyTorch

pytestmark = pytest.mark.release

NAMES: Final = ("load_derivatives", "parse_native_yaml")
GEN: Final = ("_GLOBAL_PARSE_NATIVE_YAML_CACHE", "_GLOBAL_PARSE_TAGS_YAML_CACHE")
LOADER: Final = "_GLOBAL_LOAD_DERIVATIVE_CACHE"


class Torchgen(NamedTuple):
    """The imported modules, and files to load."""

    loader: ModuleType
    gen: ModuleType
    paths: list[Path]

    @property
    def arguments(self) -> list[str]:
        return [str(path) for path in self.paths]

    def load(self) -> Any:
        return self.loader.load_derivatives(*self.arguments)

    def parse(self) -> list[str]:
        """The names of the functions."""
        parsed = self.gen.parse_native_yaml(*self.arguments[1:])
        return [str(function.func.name) for function in parsed.native_functions]

    def kept(self) -> list[object]:
        """What torchgen keeps for the files."""
        found = {**vars(self.loader)[LOADER], **vars(self.gen)[GEN[0]]}
        wanted = (tuple(self.arguments[:2]), self.arguments[1])
        return [found[key] for key in wanted if key in found]

    def replaced(self) -> list[str]:
        """The functions that are ours, by the module that has them."""
        modules = {"gen": self.gen, "loader": self.loader, "main": sys.modules[_MAIN]}
        return sorted(
            f"{module}.{name}"
            for module, found in modules.items()
            for name in NAMES
            if isinstance(getattr(found, name, None), FunctionReplacement)
        )


_MAIN: Final = "torchgen.packaged.autograd.gen_autograd"
ALL: Final = [
    "gen.parse_native_yaml",
    *(f"{module}.{name}" for module in ("loader", "main") for name in NAMES),
]


@pytest.fixture(scope="module")
def imported(
    release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallPyTorch]:
    small = SmallPyTorch(release(newest), tmp_path_factory.mktemp("imported") / "pytorch")
    forget()
    with pytest.MonkeyPatch.context() as patched:
        parse_once(patched)
        patched.syspath_prepend(str(small.root))
        import_module(_MAIN)
        yield small
    forget()


@pytest.fixture
def torchgen(imported: SmallPyTorch, tmp_path: Path) -> Iterator[Torchgen]:
    natives = imported.native / "native_functions.yaml"
    paths = []
    for path in (imported.derivatives, natives, imported.native / "tags.yaml"):
        paths.append(tmp_path / path.name)
        paths[-1].write_bytes(path.read_bytes())
    loader = sys.modules["torchgen.packaged.autograd.load_derivatives"]
    made = Torchgen(loader, sys.modules["torchgen.gen"], paths)
    before = made.replaced()
    yield made
    assert made.replaced() == before == []


def replace(path: Path, old: str, new: str) -> None:
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_functions_are_replaced_and_put_back(torchgen: Torchgen) -> None:
    before = [vars(torchgen.loader)[NAMES[0]], vars(torchgen.gen)[NAMES[1]]]
    with install() as one:
        assert torchgen.replaced() == ALL
        assert vars(torchgen.loader)[NAMES[0]].original is before[0]
        assert install() is one
        other = install(use_cache=False)
        assert other is not one
        one.uninstall()
        assert install(use_cache=False) is other
        for arguments in ({"override": True}, {"torch_version": "2.14"}, {"sections": ["x"]}):
            newer = install(**arguments)
            assert newer is not other
            assert torchgen.replaced() == ALL
            other = newer
    other.uninstall()
    assert [vars(torchgen.loader)[NAMES[0]], vars(torchgen.gen)[NAMES[1]]] == before


def add_tag(torchgen: Torchgen) -> None:
    replace(torchgen.paths[2], "None.", "None.\n- tag: mine\n  desc: Some.")
    replace(torchgen.paths[1], "  dispatch:\n", "  tags: mine\n  dispatch:\n")


EDITS: Final[dict[str, Callable[[Torchgen], object]]] = {
    "a formula": lambda t: replace(t.paths[0], "grad * luster", "luster * grad"),
    "a comment": lambda t: t.paths[0].write_text("# x\n" + t.paths[0].read_text("utf-8")),
    "a function": lambda t: replace(t.paths[1], "gild\n", "gilded\n"),
    "a tag": add_tag,
}


@pytest.mark.parametrize("edit", one_in(2, EDITS))
def test_a_result_is_held_until_a_file_changes(edit: str, torchgen: Torchgen) -> None:
    with install():
        first = torchgen.load()
        assert torchgen.load() is first
        assert sorted(torchgen.parse()) == ["gild", "smelt"]
        functions = torchgen.gen.parse_native_yaml(*torchgen.arguments[1:])
        assert torchgen.gen.parse_native_yaml(*torchgen.arguments[1:]) is functions
        EDITS[edit](torchgen)
        second = torchgen.load()
        assert second is not first
        assert torchgen.load() is second
        again = torchgen.gen.parse_native_yaml(*torchgen.arguments[1:])
        assert (again is functions) == (edit in ("a formula", "a comment"))
        (schema, by_key), *_ = second[0].items()
        formula = by_key["Default"].derivatives[0].formula
        assert formula == ("luster * grad" if edit == "a formula" else "grad * luster")
        assert str(schema) == "gild(Tensor self, float luster) -> Tensor"


def test_nothing_of_ours_stays_behind(torchgen: Torchgen, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAY, "utf-8")
    plain = torchgen.paths[0].read_text("utf-8")
    torchgen.paths[0].write_text(f"{plain}\n{OVERLAY_DERIVATIVE}", "utf-8")
    with install([overlay]):
        infos, keys = torchgen.load()
        assert torchgen.parse() == ["gild", "smelt", "quench"]
        assert [str(schema.name) for schema in infos] == ["gild", "smelt", "quench"]
        assert keys == {"Default"}
        assert torchgen.kept() != []
    assert torchgen.kept() == []
    torchgen.paths[0].write_text(plain, "utf-8")
    assert torchgen.parse() == ["gild", "smelt"]
    own, _ = torchgen.load()
    with install():
        assert torchgen.load()[0] == own
        assert torchgen.load()[0] is not own


def test_mistakes_are_told(torchgen: Torchgen) -> None:
    replace(torchgen.paths[0], "self: grad * self", "slef: grad * self")
    with install(), pytest.raises(InputError) as raised:
        torchgen.load()
    assert f"{torchgen.paths[0]}:" in str(raised.value)
    with pytest.raises(UsageError):
        install(torch_version="1.13")
    for index, name in enumerate(("derivatives", "native", "tags")):
        paths: list[Any] = [*torchgen.arguments]
        paths[index] = 3
        with pytest.raises(UsageError, match=f"^`{name}_yaml_path` is the number 3: "):
            derivload.pytorch.load_derivatives(*paths)


def test_the_function_itself_holds_its_results(
    torchgen: Torchgen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drop_in, "_OF_THIS_PROCESS", {})
    load = derivload.pytorch.load_derivatives
    cache = tmp_path / "cache"
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(cache))
    apart = load(*torchgen.arguments, use_cache=False)
    assert not cache.exists()
    first = load(*torchgen.arguments)
    assert cache.exists()
    assert load(*torchgen.paths) is first
    assert load(*torchgen.arguments, use_cache=False) is apart
    assert load(*torchgen.arguments, torch_version="2.15") is not first
    assert load(*torchgen.arguments, torch_version="2.15")[0] == first[0] == apart[0]


def test_a_torchgen_of_other_rules_loads_for_itself(
    torchgen: Torchgen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prefix(name: str) -> str:
        return "Mine"

    monkeypatch.setattr(torchgen.loader, "_create_op_prefix", prefix)
    with install():
        infos, _ = torchgen.load()
    said = capsys.readouterr().err
    assert said.startswith("derivload: using torchgen's own load_derivatives: ")
    assert len(said.splitlines()) == 1
    assert {by_key["Default"].op for by_key in infos.values()} == {"Mine0", "Mine1"}
    load = derivload.pytorch.load_derivatives
    assert len(load(*torchgen.arguments)[0]) == 2
    for path, more in zip(torchgen.paths, (OVERLAY_DERIVATIVE, OVERLAY), strict=False):
        path.write_text(f"{path.read_text('utf-8')}\n{more}", "utf-8")
    assert len(load(*torchgen.arguments)[0]) == 3


# The rules of the torchgen that is imported


def test_the_rules_are_those_that_the_modules_have_now(
    torchgen: Torchgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_torchgen()
    store = StoreInMemory()
    rules = [find_live_rules(found, kept) for kept in (None, store, store)]
    assert {(one.key, one.release, one.fields, one.why) for one in rules} == {
        ("2.15", "2.15", "", "")
    }
    model: Any = import_module("torchgen.model")
    with monkeypatch.context() as patch:
        keys = [*model.dispatch_keys, model.DispatchKey.PrivateUse1]
        patch.setattr(model, "dispatch_keys", keys)
        extended = find_live_rules(found, store)
        assert "PrivateUse1" in extended.dialect.dispatch_keys
        assert "PrivateUse1" not in rules[0].dialect.dispatch_keys
        assert (extended.release, extended.why) == ("2.15", "")
        assert extended.key != rules[0].key
        assert extended.dialect.cpp_names == rules[0].dialect.cpp_names
    model.dispatch_keys.append(object())
    try:
        with pytest.raises(
            UnexpectedTorchgenError, match=r"^no table can be read from its object$"
        ):
            find_live_rules(found, store)
    finally:
        model.dispatch_keys.pop()


def replaced_in(torchgen: Torchgen) -> list[tuple[object, str, object]]:
    """What somebody may put in the place of a part of torchgen: where, under which name, what."""
    loader: Any = torchgen.loader
    argument: Any = import_module("torchgen.model").Argument
    utils: Any = import_module("torchgen.utils")

    def saved(*arguments: Any, **how: Any) -> Any:
        return loader.saved_variables(*arguments, **how)

    return [
        (loader, "_create_op_prefix", lambda name: name),
        (loader, "saved_variables", saved),
        (loader, "saved_variables", functools.wraps(loader.saved_variables)(saved)),
        (argument, "parse", staticmethod(lambda text: text)),
        (loader, "IDENT_REGEX", "(^|[^a-z_]){}($|[^a-z_])"),
        (loader, "GRAD_INDEX_REGEX", loader.GRAD_INDEX_REGEX.replace("\\d", "[0-9]")),
        (utils, "concatMap", utils.mapMaybe),
    ]


def test_rules_that_somebody_has_replaced_are_not_known(
    torchgen: Torchgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of the source does not hide it."""
    store = StoreInMemory()
    assert find_live_rules(find_torchgen(), store).why == ""
    for place, name, value in replaced_in(torchgen):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            with pytest.raises(UnexpectedTorchgenError, match=rf"\.{name} was replaced$"):
                find_live_rules(find_torchgen(), store)
    assert find_live_rules(find_torchgen(), store).why == ""


def test_a_source_that_is_not_there_or_not_a_releases_has_no_rules(
    torchgen: Torchgen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "autograd"
    folder.mkdir()
    monkeypatch.setattr(torchgen.loader, "__file__", str(folder / "load_derivatives.py"))
    with pytest.raises(UnexpectedTorchgenError, match=r"^the rules in its source are "):
        find_live_rules(find_torchgen(), None)
    (folder / "load_derivatives.py").symlink_to("none.py")
    (folder / "other.py").mkdir()
    with pytest.raises(UnexpectedTorchgenError, match=r" cannot be read: "):
        find_live_rules(find_torchgen(), None)
