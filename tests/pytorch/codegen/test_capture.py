"""What is kept of what generators pass to their file manager."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest

from derivload.pytorch.codegen.capture import (
    EVERYTHING,
    NATIVE,
    Captured,
    Item,
    Output,
    SchemaTexts,
    base_of,
    function_of,
    keys_of,
    make_file_manager,
)
from derivload.pytorch.errors import UnexpectedTorchgenError

OUTPUT: Final = Output("a/b.cpp", "./t", False, {}, "", 0, ())
SHARDED: Final = msgspec.structs.replace(OUTPUT, shards=2)


def test_files_have_names_by_shard() -> None:
    assert OUTPUT.file_name(EVERYTHING) == OUTPUT.file_name(1) == "a/b.cpp"
    names = {EVERYTHING: "a/bEverything.cpp", 0: "a/b_0.cpp", 1: "a/b_1.cpp"}
    for shard, name in names.items():
        assert SHARDED.file_name(shard) == name
        assert SHARDED.shard_of(name) == shard
    assert SHARDED.shard_of("other") == OUTPUT.shard_of("a/b.cpp") == EVERYTHING


@pytest.mark.parametrize(
    ("lists", "keys", "expected"),
    [
        ((), ("a",), True),
        (("a", "b"), ("a",), True),
        (("a", "b"), ("a", "b"), False),
        (("a", "b"), (), False),
        (("c",), (), True),
    ],
)
def test_whether_a_template_has_a_place_for_just_these_pieces(
    lists: tuple[str, ...], keys: tuple[str, ...], expected: bool
) -> None:
    output = msgspec.structs.replace(OUTPUT, lists=lists, keys=keys)
    assert output.has_keys_of("$a $d") is expected


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("$a ${b} ${,c} ${d,} ${,e,} $$f", "abcdef"),
        ("$1 ${2} $ a ${} \\$a", "a"),
        ("  $a_b2", ["a_b2"]),
        ("", ""),
    ],
)
def test_the_placeholders_of_a_template(template: str, keys: str | list[str]) -> None:
    assert keys_of(template) == {*keys}


class Schema:
    """As torchgen's, as far as it is asked here."""

    def __init__(self, base: str) -> None:
        self.name = SimpleNamespace(name=SimpleNamespace(base=base))
        self.told = 0

    def __str__(self) -> str:
        self.told += 1
        return f"{self.name.name.base}()"


def function(base: str) -> Any:
    return SimpleNamespace(func=Schema(base))


def test_the_text_of_a_schema_is_made_once() -> None:
    texts, schema = SchemaTexts(), Schema("gild")
    assert [texts.of(schema), texts.of(schema), texts.of(Schema("gild"))] == ["gild()"] * 3
    assert schema.told == 1
    texts.forget()
    assert texts.of(schema) == "gild()"
    assert schema.told == 2


def test_the_function_of_each_kind_of_item() -> None:
    own = function("gild")
    pair = SimpleNamespace(signature=None, function=own)
    assert function_of(own) is own
    assert function_of(SimpleNamespace(func=own)) is own
    assert function_of(("gild", [pair])) is own
    assert base_of(own.func) == "gild"


class FileManager:
    """Counts how often it is made."""

    made = 0
    asked = 0

    def __init__(self, install_dir: str, template_dir: str, dry_run: bool) -> None:
        FileManager.made += 1
        self.install_dir, self.template_dir, self.dry_run = install_dir, template_dir, dry_run

    def template_dir_for_comments(self) -> str:
        FileManager.asked += 1
        return f"<{self.template_dir}>"


class Capturing:
    """A manager that captures, for a tree in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "templates").mkdir()
        for name, text in (("a.h", "${ops} $name"), ("b.h", "$more $ops")):
            (root / "templates" / name).write_text(text, "utf-8")
        self.captured = Captured(str(root / "out"), SchemaTexts(), str(root))
        self.class_ = make_file_manager(FileManager, self.captured, len)
        FileManager.made = FileManager.asked = 0

    def manager(self, templates: str = "templates") -> Any:
        return self.class_(
            install_dir=str(self.root / "out"),
            template_dir=str(self.root / templates),
            dry_run=False,
        )

    def write(self, name: str, env: object, template: str = "") -> None:
        self.manager().write_with_template(name, template or name, lambda: env)

    def shard(self, name: str, items: list[Any], env: Callable[[Any], object], **more: Any) -> None:
        self.manager().write_sharded(
            name,
            items,
            **{
                "key_fn": lambda item: "k" * int(item.func.name.name.base[1:]),
                "env_callable": env,
                "num_shards": 3,
                "sharded_keys": {"ops", "more"},
                **more,
            },
        )


@pytest.fixture
def own(tmp_path: Path) -> Capturing:
    return Capturing(tmp_path)


def test_a_file_without_items_is_all_environment(own: Capturing) -> None:
    own.write("a.h", {"name": "x", "ops": ["y"]})
    assert own.captured.outputs == {
        "a.h": Output("a.h", "./templates/a.h", False, {"name": "x", "ops": ["y"]}, "", 0, ())
    }
    assert own.captured.items == {"a.h": []}
    with pytest.raises(UnexpectedTorchgenError, match=r"^b\.h has no environment$"):
        own.write("b.h", ["x"])


def test_what_is_an_output_itself_is_the_template_of_others(own: Capturing) -> None:
    own.manager("out/sub").write_with_template("a.h", "b.h", dict)
    own.manager("outer").write_with_template("b.h", "b.h", dict)
    outputs = own.captured.outputs
    assert (outputs["a.h"].template, outputs["a.h"].is_made) == (str(Path("sub", "b.h")), True)
    assert (outputs["b.h"].template, outputs["b.h"].is_made) == ("./outer/b.h", False)


def test_a_generator_that_is_called_item_by_item(own: Capturing) -> None:
    captured = own.captured
    with captured.split(NATIVE):
        for name in ("a.h", "b.h"):
            own.write(name, {"ops": [], "more": [], "name": "x"})
        for base in ("gild", "smelt"):
            with captured.item(f"{base}()", base):
                own.write("a.h", {"ops": [base], "more": ["m"], "name": "x"})
                own.write("b.h", {"ops": [], "more": [], "name": "x"})
    assert captured.outputs == {
        name: Output(
            name, f"./templates/{name}", False, {"name": "x"}, NATIVE, 0, keys, ("more", "ops")
        )
        for name, keys in (("a.h", ("ops",)), ("b.h", ("more", "ops")))
    }
    assert captured.items == {
        "a.h": [
            Item("gild()", "gild", EVERYTHING, {"ops": ["gild"]}),
            Item("smelt()", "smelt", EVERYTHING, {"ops": ["smelt"]}),
        ],
        "b.h": [],
    }


def test_what_cannot_be_put_together_is_refused(own: Capturing) -> None:
    with own.captured.split(NATIVE):
        own.write("a.h", {"ops": [], "name": "x"})
        with (
            own.captured.item("a()", "a"),
            pytest.raises(UnexpectedTorchgenError, match=r"^a\.h has an environment that differs"),
        ):
            own.write("a.h", {"ops": [], "name": "y"})
        with pytest.raises(UnexpectedTorchgenError, match=r"^a\.h has pieces that belong to no"):
            own.write("a.h", {"ops": ["z"], "name": "x"})
        with pytest.raises(UnexpectedTorchgenError, match=r"^a\.h is written twice$"):
            own.write("a.h", {"ops": []}, "b.h")
    own.write("b.h", {"ops": ["z"]})
    assert own.captured.outputs["b.h"].order == ""


def test_pieces_of_a_sharded_file_are_those_of_its_items(own: Capturing) -> None:
    items = [function("f1"), function("f5"), function("f3")]
    own.shard("TraceType.cpp", items, lambda item: {"ops": [str(item.func)]}, base_env={"x": "1"})
    captured = own.captured
    path = "./templates/TraceType.cpp"
    keys = ("more", "ops")
    assert captured.outputs["TraceType.cpp"] == Output(
        "TraceType.cpp", path, False, {"x": "1"}, NATIVE, 3, keys
    )
    assert captured.items["TraceType.cpp"] == [
        Item("f1()", "f1", 1, {"ops": ["f1()"]}),
        Item("f5()", "f5", 2, {"ops": ["f5()"]}),
        Item("f3()", "f3", 0, {"ops": ["f3()"]}),
    ]


ORDERS: Final = {
    "ADInplaceOrViewType.cpp": "sorted",
    "TraceType.cpp": "native",
    "VariableType.cpp": "sorted",
    "python_functions.cpp": "infos",
    "python_torch_functions.cpp": "native",
}


def test_the_orders_of_sharded_files(own: Capturing) -> None:
    for name in ORDERS:
        own.shard(name, [], lambda _: {})
    assert {name: output.order for name, output in own.captured.outputs.items()} == ORDERS
    assert {output.shards for output in own.captured.outputs.values()} == {3}


def test_files_that_are_sharded_in_another_way_are_refused(own: Capturing) -> None:
    unknown = r"{} is sharded in an unknown way$"
    with pytest.raises(UnexpectedTorchgenError, match=unknown.format("^Mine.cpp")):
        own.shard("Mine.cpp", [], lambda _: {})
    with pytest.raises(UnexpectedTorchgenError, match=unknown.format("^TraceType.cpp")):
        own.shard("TraceType.cpp", [], lambda _: {}, base_env={"ops": []})
    own.shard("TraceType.cpp", [], lambda _: {})
    with pytest.raises(UnexpectedTorchgenError, match=unknown.format("^TraceType.cpp")):
        own.shard("TraceType.cpp", [], lambda _: {})
    own.shard("python_functions.cpp", [function("f1")], lambda _: {"ops": [], "more": []})
    with pytest.raises(UnexpectedTorchgenError, match=r"^VariableType\.cpp has pieces for an"):
        own.shard("VariableType.cpp", [function("f1")], lambda _: {"ops": [], "x": []})


def test_a_manager_is_made_once_for_the_same_arguments(own: Capturing) -> None:
    one, other, third = own.manager(), own.manager(), own.manager("other")
    assert FileManager.made == 2
    assert vars(one) == vars(other)
    assert vars(third) != vars(one)
    assert [each.template_dir_for_comments() for each in (one, other, third)] == [
        f"<{own.root / name}>" for name in ("templates", "templates", "other")
    ]
    assert FileManager.asked == 2
