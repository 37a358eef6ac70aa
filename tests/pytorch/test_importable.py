"""Which torchgen is found, where functions are replaced in it, and put back: one of a few lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from derivload.loading.errors import UsageError
from derivload.pytorch import install, load_derivatives
from derivload.pytorch.codegen.upstream import forget
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, find_loaders, find_torchgen

LOADER: Final = "def load_derivatives(*paths):\n    return 'own', paths\n"
GEN: Final = "def parse_native_yaml(*paths):\n    return 'own', paths\n"
CHECKOUT: Final = "tools.autograd.load_derivatives"
PACKAGED: Final = "torchgen.packaged.autograd.load_derivatives"
USER: Final = "from torchgen.gen import parse_native_yaml\n"


class Tree:
    """Modules that can be imported."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, name: str, text: str) -> None:
        path = self.root.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def found(self) -> list[str]:
        """The names of the loaders."""
        return [each.loader.__name__ for each in find_loaders()]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield Tree(tmp_path)
    forget()


def test_without_a_torchgen_nothing_is_found(tree: Tree) -> None:
    tree.add(CHECKOUT, LOADER)
    for _ in range(2):
        assert tree.found() == []
        with pytest.raises(UnexpectedTorchgenError) as raised:
            find_torchgen()
        assert str(raised.value) == f"{PACKAGED} cannot be imported"
        with pytest.raises(UnexpectedTorchgenError):
            install()
        with pytest.raises(UnexpectedTorchgenError):
            load_derivatives("d", "n", "t")
        tree.add("torchgen.gen", "import none_of_that\n")


@pytest.mark.parametrize(
    ("texts", "imported", "names"),
    [
        ({PACKAGED: LOADER}, [], [PACKAGED]),
        ({CHECKOUT: LOADER}, [], [CHECKOUT]),
        ({CHECKOUT: LOADER, PACKAGED: LOADER}, [], [CHECKOUT, PACKAGED]),
        ({CHECKOUT: LOADER, PACKAGED: LOADER}, [PACKAGED], [PACKAGED, CHECKOUT]),
        ({CHECKOUT: LOADER, PACKAGED: LOADER}, [CHECKOUT], [CHECKOUT, PACKAGED]),
        ({CHECKOUT: "", PACKAGED: LOADER}, [], [PACKAGED]),
        ({CHECKOUT: "import none_of_that\n"}, [], []),
        ({"tools.autograd.other": LOADER, PACKAGED: LOADER}, [], [PACKAGED]),
    ],
)
def test_loaders_are_found_in_their_order(
    texts: dict[str, str], imported: list[str], names: list[str], tree: Tree
) -> None:
    for name, text in {"torchgen.gen": GEN, **texts}.items():
        tree.add(name, text)
    for name in imported:
        import_module(name)
    assert tree.found() == names
    # Now all of them are imported.
    assert tree.found() == sorted(names)
    if names:
        assert find_torchgen().loader is sys.modules[min(names)]
        assert find_torchgen().gen is sys.modules["torchgen.gen"]


def test_the_tools_of_another_project_have_no_loader(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.add("torchgen.gen", GEN)
    tree.add(PACKAGED, LOADER)
    other = Tree(tmp_path / "other")
    other.add(CHECKOUT, LOADER)
    monkeypatch.syspath_prepend(str(other.root))
    assert tree.found() == [PACKAGED]
    # What a checkout's build has imported is its own.
    loader: Any = ModuleType(CHECKOUT)
    loader.load_derivatives = print
    monkeypatch.setitem(sys.modules, CHECKOUT, loader)
    assert tree.found() == [CHECKOUT, PACKAGED]


class Installed:
    """A torchgen with both loaders, a module that uses it, and what each of them has."""

    def __init__(self, tree: Tree) -> None:
        for name, text in (("torchgen.gen", GEN), (CHECKOUT, LOADER), (PACKAGED, LOADER)):
            tree.add(name, text)
        tree.add("torchgen.user", USER)
        tree.add("torchgen.late", USER)
        self.user = import_module("torchgen.user")
        self.before = self.functions()

    def functions(self) -> list[Any]:
        loaders = [import_module(name) for name in (CHECKOUT, PACKAGED)]
        users = [self.user, sys.modules["torchgen.gen"]]
        return [module.load_derivatives for module in loaders] + [
            module.parse_native_yaml for module in users
        ]

    def are_replaced(self) -> bool:
        functions = self.functions()
        assert functions[2] is functions[3] is import_module("torchgen.late").parse_native_yaml
        is_ours = {isinstance(function, FunctionReplacement) for function in functions}
        if is_ours == {True}:
            assert [function.original for function in functions] == self.before
        else:
            assert functions == self.before
        return is_ours == {True}


@pytest.fixture
def installed(tree: Tree) -> Installed:
    return Installed(tree)


def test_functions_are_replaced_wherever_they_are_and_put_back(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "no module", object())
    assert not installed.are_replaced()
    with install() as one:
        assert installed.are_replaced()
        functions = installed.functions()
        assert install() is one
        assert installed.functions() == functions
    assert not installed.are_replaced()
    one.uninstall()
    assert install() is not one
    install().uninstall()
    assert not installed.are_replaced()


def test_a_call_with_other_arguments_replaces_an_installation(
    installed: Installed, tmp_path: Path
) -> None:
    every = [install()]
    for arguments in (
        {"use_cache": False},
        {"torch_version": "2.14"},
        {"override": True},
        {"entry_keys": ["a"]},
        {"sections": ["a"]},
        {"native_functions": "n.yaml"},
        {"native_functions": [tmp_path / "n.yaml"]},
    ):
        now: Any = install(**arguments)
        assert install(**arguments) is now
        assert installed.are_replaced()
        assert {f._function.func.__self__ for f in installed.functions()} == {now._drop_in}
        every[-1].uninstall()
        assert install(**arguments) is now
        every.append(now)
    assert len({one._settings for one in every}) == len(every)
    with install() as now:
        assert now._settings == every[0]._settings
        assert now._drop_in._use_cache is True
    assert not installed.are_replaced()


def test_overlays_are_found_from_another_folder(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with install(["n.yaml"], use_cache=False) as one:
        (tmp_path / "sub").mkdir()
        monkeypatch.chdir(tmp_path / "sub")
        assert one._drop_in._overlays == (str(tmp_path / "n.yaml"),)
        assert install(tmp_path / "n.yaml", use_cache=False) is one
        assert not one._drop_in._use_cache


def test_what_cannot_be_followed_replaces_nothing(installed: Installed) -> None:
    wrong: list[dict[str, Any]] = [
        {"torch_version": "1.13"},
        {"torch_version": 2.15},
        {"native_functions": [3]},
        {"entry_keys": "a"},
        {"sections": [3]},
    ]
    for arguments in wrong:
        (name,) = arguments
        said = "older than" if arguments[name] == "1.13" else rf"^`{name}[`\[]"
        with pytest.raises(UsageError, match=said):
            install(**arguments)
        assert not installed.are_replaced()
    with install() as one:
        with pytest.raises(UsageError, match=r"`native_functions\[0\]` is the number 3"):
            install([3])  # type: ignore[list-item]
        assert install() is one
        assert installed.are_replaced()
