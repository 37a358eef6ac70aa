"""How generators are called for some functions: each of these generators only tells what it got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from derivload.pytorch.codegen.capture import EVERYTHING, Captured, Item, SchemaTexts
from derivload.pytorch.codegen.entry_points import (
    Catalogue,
    ChosenGenerators,
    make_functions,
    parts_of,
    replaced,
    run_generators,
)
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.errors import SelectionError, UnexpectedTorchgenError


class SelectiveBuilder:
    """Tells how it was made."""

    @staticmethod
    def get_nop_selector() -> str:
        return "all"

    @staticmethod
    def from_yaml_path(path: str) -> str:
        if "no\n" in Path(path).read_text("utf-8"):
            raise KeyError("no  operators\nat all")
        return f"of {Path(path).name}"

    @staticmethod
    def from_legacy_op_registration_allow_list(names: set[str], root: bool, train: bool) -> Any:
        return sorted(names), root, train


SELECTING: Any = SimpleNamespace(selector=SimpleNamespace(SelectiveBuilder=SelectiveBuilder))


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        ("all", (True, True, True)),
        ("libtorch", (True, False, False)),
        ("pybindings", (False, True, False)),
        ("python", (False, False, True)),
    ],
)
def test_a_subset_has_its_generators(subset: str, expected: tuple[bool, ...]) -> None:
    for disable in (False, True):
        parts = parts_of(Selection(subset, disable), SELECTING)
        assert parts == (*expected, "all", disable)
        assert parts.disable_autograd is disable


def test_operators_are_selected_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("[aten::a.out, aten::b, aten::a]")
    of_list = Selection(selected_op_list_path=str(path))
    assert parts_of(of_list, SELECTING).selector == (["aten::a", "aten::b"], True, True)
    of_model = Selection(operators_yaml_path=str(path))
    assert parts_of(of_model, SELECTING).selector == "of some.yaml"
    path.write_text("no\n")
    with pytest.raises(SelectionError) as raised:
        parts_of(of_model, SELECTING)
    said = f"error: {path} does not select operators: 'no operators\\nat all'"
    assert raised.value.summary == said
    path.write_text("3\n")
    with pytest.raises(SelectionError, match=r"^$") as raised:
        parts_of(of_list, SELECTING)
    assert raised.value.summary.startswith(f"error: {path} does not select operators: ")
    path.unlink()
    for selection in (of_list, of_model):
        with pytest.raises(FileNotFoundError):
            parts_of(selection, SELECTING)


class Schema:
    """As torchgen's, as far as it is asked here."""

    def __init__(self, base: str) -> None:
        self.name = SimpleNamespace(name=Name(base))

    def __str__(self) -> str:
        return f"{self.name.name.base}()"


class Name:
    def __init__(self, base: str) -> None:
        self.base = base.removesuffix("_")
        self._text = base

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._text)


def function(base: str) -> Any:
    return SimpleNamespace(func=Schema(base))


class FileManager:
    def __init__(self, install_dir: str, template_dir: str, dry_run: bool) -> None:
        self.install_dir, self.template_dir = install_dir, template_dir


BINDINGS: Final = (
    "create_python_bindings",
    "create_python_return_type_bindings",
    "create_python_return_type_bindings_header",
)


class Tree:
    """Modules of generators that tell how they are called, in `told`."""

    def __init__(self, folder: Path) -> None:
        self.told: list[Any] = []
        self.folder = folder
        self.generators = {
            name: ModuleType(name)
            for name in (
                *("gen_autograd", "gen_python_functions", "gen_annotated_fn_args"),
                *("gen_variable_factories", "gen_trace_type"),
            )
        }
        utils: Any = ModuleType("utils")
        utils.FileManager, utils.string_stable_hash = FileManager, len
        self.torchgen = {"utils": utils}
        for module in self.generators.values():
            vars(module)["parse_native_yaml"] = self.own
        main: Any = self.generators["gen_autograd"]
        main.load_derivatives = main.parse_tags_yaml = main.FileManager = self.own
        main.gen_autograd_functions_lib = self.by("infos")
        main.gen_view_funcs = self.by("views")
        main.gen_variable_factories = self.by("factories")
        main.gen_autograd, main.gen_autograd_python = self.autograd, self.python
        python: Any = self.generators["gen_python_functions"]
        for name in BINDINGS:
            setattr(python, name, self.by(name))
        python.load_deprecated_signatures = self.deprecated
        annotated: Any = self.generators["gen_annotated_fn_args"]
        annotated.gen_annotated = self.annotated
        self.captured = Captured(str(folder / "out"), SchemaTexts(), str(folder))

    def own(self, *_: object) -> Any:
        raise AssertionError("it was not replaced")

    def write(self, name: str, ops: list[str]) -> None:
        main: Any = self.generators["gen_autograd"]
        manager = main.FileManager(
            install_dir=str(self.folder / "out"), template_dir=str(self.folder), dry_run=False
        )
        manager.write_with_template(name, "t.h", lambda: {"ops": ops})

    def by(self, name: str) -> Any:
        def generate(*arguments: Any, **how: Any) -> None:
            items = [*arguments[1]] if name != "factories" else self.natives()
            self.told.append((name, len(items), arguments[2:], how))
            self.write(f"{name}.h", [f"{name} of {len(items)}"] * bool(items))

        return generate

    def natives(self) -> list[Any]:
        module: Any = self.generators["gen_variable_factories"]
        return list(module.parse_native_yaml("n", "t").native_functions)

    def autograd(self, *arguments: Any, **how: Any) -> None:
        main: Any = self.generators["gen_autograd"]
        self.told.append(("autograd", *arguments, how))
        infos, keys = main.load_derivatives(1, 2, 3)
        self.told.append((sorted(keys), sorted(main.parse_tags_yaml("tags"))))
        main.gen_autograd_functions_lib("out", infos, "more")
        views = [SimpleNamespace(func=each) for each in self.natives()]
        main.gen_view_funcs("out", views, "more")
        main.gen_variable_factories("out", "n", "t")

    def python(self, *arguments: Any) -> None:
        python: Any = self.generators["gen_python_functions"]
        self.told.append(("python", *arguments))
        pairs = [SimpleNamespace(function=each) for each in self.natives()]
        pairs += pairs[:1]
        for name in BINDINGS:
            is_meant = lambda f: f.func.name.name.base != "smelt"  # noqa: E731
            getattr(python, name)("fm", pairs, is_meant, "module", method=True)
        self.told.append(python.load_deprecated_signatures(pairs, "none.yaml", method=False))

    def annotated(self, *arguments: Any) -> None:
        self.told.append(("annotated", *arguments))

    def deprecated(self, pairs: list[Any], path: str, **how: Any) -> Any:
        return len(pairs), Path(path).name, Path(path).read_text("utf-8"), how


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    (tmp_path / "t.h").write_text("$ops")
    made = Tree(tmp_path)
    before = [dict(vars(module)) for module in made.generators.values()]
    yield made
    assert [dict(vars(module)) for module in made.generators.values()] == before


def run(tree: Tree, autograd: bool = False, python: bool = False, annotated: bool = False) -> None:
    functions = [function("gild"), function("smelt"), function("gild_")]
    infos = {functions[0].func: {"Default": 1}, functions[1].func: {}}
    catalogue = Catalogue(
        functions, infos, frozenset({"Default", "A"}), frozenset({"core"}), [("a(x)", "b(x)")]
    )
    parts = ChosenGenerators(autograd, python, annotated, "some", True)
    modules: Any = tree
    run_generators(Upstream("r", "p", "autograd"), modules, catalogue, parts, tree.captured)


def test_only_generators_that_were_chosen_run(tree: Tree) -> None:
    arguments = ("native_functions.yaml", "tags.yaml", tree.captured.out, "autograd")
    run(tree)
    run(tree, annotated=True)
    assert tree.told == [("annotated", *arguments)]
    tree.told.clear()
    run(tree, autograd=True, python=True, annotated=True)
    called = [told for told in tree.told if told[1:2] == arguments[:1]]
    how = {"operator_selector": "some", "disable_autograd": True}
    assert called == [
        ("python", *arguments),
        ("autograd", *arguments, how),
        ("annotated", *arguments),
    ]


def test_generators_are_called_item_by_item(tree: Tree) -> None:
    run(tree, autograd=True)
    _, loaded, *told = tree.told
    assert loaded == (["A", "Default"], ["core"])
    assert told == [
        *[("infos", count, ("more",), {}) for count in (0, 1, 1)],
        *[("views", count, ("more",), {}) for count in (0, 1, 1, 1)],
        *[("factories", count, ("t",), {}) for count in (0, 1, 1, 1)],
    ]
    captured = tree.captured
    names = ("gild", "smelt", "gild_")
    for name, order, count in (("infos", "infos", 2), ("views", "sorted", 3)):
        assert captured.outputs[f"{name}.h"].order == order
        assert captured.items[f"{name}.h"] == [
            Item(f"{base.removesuffix('_')}()", base.removesuffix("_"), EVERYTHING,
                 {"ops": [f"{name} of 1"]})
            for base in names[:count]
        ]  # fmt: skip
    assert captured.outputs["factories.h"].order == "native"
    assert [item.base for item in captured.items["factories.h"]] == ["gild", "smelt", "gild"]


def test_only_what_may_be_a_factory_is_given_to_its_generator(tree: Tree) -> None:
    factories: Any = tree.generators["gen_variable_factories"]
    factories.is_factory_function = lambda f: str(f.func) == "smelt()"
    run(tree, autograd=True)
    del factories.is_factory_function
    assert [item.base for item in tree.captured.items["factories.h"]] == ["smelt"]


def test_bindings_are_made_by_name(tree: Tree) -> None:
    run(tree, python=True)
    _, *told, deprecated = tree.told
    assert [(name, count, how) for name, count, _, how in told] == [
        (name, count, {"method": True}) for name in BINDINGS for count in (0, 2, 1)
    ]
    assert {rest[1] for _, _, rest, _ in told} == {"module"}
    for name in BINDINGS:
        assert tree.captured.outputs[f"{name}.h"].order == "names"
        assert tree.captured.items[f"{name}.h"] == [
            Item("gild", "gild", EVERYTHING, {"ops": [f"{name} of 2"]}),
            Item("gild_", "gild", EVERYTHING, {"ops": [f"{name} of 1"]}),
        ]
    text = '[{"name":"a(x)","aten":"b(x)"}]'
    assert deprecated == (4, "deprecated.yaml", text, {"method": False})


def test_a_generator_that_fails_leaves_everything_as_it_was(tree: Tree) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    main: Any = tree.generators["gen_autograd"]
    own, main.gen_autograd_functions_lib = main.gen_autograd_functions_lib, fail
    with pytest.raises(ZeroDivisionError):
        run(tree, autograd=True)
    main.gen_autograd_functions_lib = own


def test_a_name_is_replaced_for_a_while() -> None:
    module: Any = ModuleType("m")
    module.name = 1
    with suppress(ZeroDivisionError), replaced(module, "name", 2):
        assert module.name == 2
        1 / 0  # noqa: B018
    assert module.name == 1


def parsing(parsed: list[Any], told: list[Any]) -> Any:
    """Modules of a torchgen that parses to these, and makes an out variant for each group."""

    def parse(entries: Any, tags: Any, ignored: Any, path: str, **how: Any) -> Any:
        told.append((entries, tags, ignored, path, how))
        return SimpleNamespace(native_functions=parsed)

    def group(functions: list[str]) -> dict[str, dict[str, str]]:
        groups: dict[str, dict[str, str]] = {}
        for each in functions:
            groups.setdefault(each[0], {})[each] = each
        return groups

    def add(functions: list[str], indices: Any) -> None:
        indices["CPU"]["x"] = 1
        assert indices["CPU"] == {"x": 1}
        functions.append(f"{functions[0]}.out of {len(functions)}")

    generation = SimpleNamespace(
        pre_group_native_functions=group, add_generated_native_functions=add
    )
    gen = SimpleNamespace(parse_native_yaml_struct=parse)
    return SimpleNamespace(torchgen={"gen": gen, "native_function_generation": generation})


def test_functions_come_with_those_that_are_generated_for_their_group() -> None:
    told: list[Any] = []
    modules = parsing(["a1", "b1", "a2"], told)
    entries: list[dict[str, object]] = [{"func": "a1"}, {"func": "b1"}, {"func": "a2"}]
    assert make_functions(modules, entries, ["core"], "n.yaml") == [
        ("a1", ["a1.out of 2"]),
        ("b1", ["b1.out of 1"]),
        ("a2", []),
    ]
    given = [{**entry, "__line__": 0} for entry in entries]
    assert told == [(given, {"core"}, None, "n.yaml", {"skip_native_fns_gen": True})]
    with pytest.raises(UnexpectedTorchgenError, match=r"^its parser does not make one function"):
        make_functions(modules, entries[1:], [], "n.yaml")
