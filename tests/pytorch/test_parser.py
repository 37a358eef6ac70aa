"""What a torchgen is given to parse, and what it remembers of it; its parser is a few lines."""

from __future__ import annotations

import gc
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from derivload.loading.errors import InputError
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, Torchgen
from derivload.pytorch.parsing import Parser, joined, takes_entries
from derivload.sources.additions import Additions

NATIVES = "_GLOBAL_PARSE_NATIVE_YAML_CACHE"
TAGS = "_GLOBAL_PARSE_TAGS_YAML_CACHE"


class LineLoader(yaml.SafeLoader):
    """As torchgen's, which notes lines."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping with its line."""
        return {**super().construct_mapping(node, deep), "__line__": node.start_mark.line + 1}


class Parsing:
    """A torchgen whose parser notes what it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Any] = []
        self.cleared = 0
        gen: Any = ModuleType("torchgen.gen")
        gen.LineLoader = LineLoader
        vars(gen).update({NATIVES: {}, TAGS: {}})
        gen.parse_native_yaml = self.parse_native_yaml
        gen.parse_tags_yaml = lambda path: path
        self.gen = gen
        self.torchgen = Torchgen(ModuleType("loader"), self.gen)
        for name, text in (("natives", "- func: a()\n- func: b()\n"), ("tags", "[]\n")):
            (folder / name).write_text(text, "utf-8")
        self.paths = (str(folder / "natives"), str(folder / "tags"))

    def parse_native_yaml(
        self, path: str, tags: str, *more: Any, loaded_yaml: Any = None, **named: Any
    ) -> Any:
        self.told.append((loaded_yaml, more, named, gc.isenabled(), [*vars(self.gen)[TAGS]]))
        entries = loaded_yaml or []
        vars(self.gen)[TAGS][tags] = {"core"}
        functions = [SimpleNamespace(func=each["func"], loc=each["__line__"]) for each in entries]
        made = SimpleNamespace(native_functions=functions)
        vars(self.gen)[NATIVES][path] = made
        return made

    def overlay(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)

    def parse(self, parser: Parser, *more: Any, **named: Any) -> Any:
        return parser.parse(self.torchgen, *self.paths, *more, **named)


@pytest.fixture
def own(tmp_path: Path) -> Parsing:
    return Parsing(tmp_path)


def functions(parsed: Any) -> list[tuple[str, int]]:
    return [(function.func, function.loc) for function in parsed.native_functions]


def test_a_result_is_held_until_a_file_changes(own: Parsing) -> None:
    parser = Parser([])
    first = own.parse(parser, 1, x=2)
    assert functions(first) == [("a()", 1), ("b()", 2)]
    assert own.told == [([{"func": "a()", "__line__": 1}, {"func": "b()", "__line__": 2}],
                         (1,), {"x": 2}, False, [])]  # fmt: skip
    assert gc.isenabled()
    assert own.parse(parser) is first
    (own.folder / "tags").write_text("[ ]\n")
    second = own.parse(parser)
    assert second is not first
    assert own.told[-1][4] == []  # what it remembered of the tags is gone
    (own.folder / "natives").write_text("- func: c()\n")
    assert functions(own.parse(parser)) == [("c()", 1)]
    vars(own.gen)[NATIVES].clear()  # somebody has cleared it
    own.parse(parser)
    assert len(own.told) == 4
    other = Parsing(own.folder)
    other.parse(parser)
    assert len(other.told) == 1


def test_a_memory_that_is_a_cache_is_cleared(own: Parsing) -> None:
    cleared: list[int] = []
    own.gen.parse_tags_yaml = SimpleNamespace(cache_clear=lambda: cleared.append(1))
    own.parse(Parser([]))
    own.parse(Parser([]))
    assert cleared == [1, 1]


def test_only_what_is_ours_is_forgotten(own: Parsing) -> None:
    for is_replaced in (True, False):
        parser = Parser([])
        own.parse(parser)
        kept = vars(own.gen)[NATIVES]
        if is_replaced:
            kept[own.paths[0]] = "theirs"
        parser.forget()
        assert kept == ({own.paths[0]: "theirs"} if is_replaced else {})
        parser.forget()
    del vars(own.gen)[NATIVES]
    with pytest.raises(UnexpectedTorchgenError) as raised:
        own.parse(Parser([]))
    assert str(raised.value) == f"torchgen.gen has no {NATIVES}"


def test_overlays_are_laid_over(own: Parsing) -> None:
    one = own.overlay("one", "# x\n- func: c()\n")
    two = own.overlay("two", "custom:\n- func: d()\n  mine: 1\nother:\n- func: e()\nempty:\n")
    additions = Additions((), ["mine"], override=False, sections=["other", "empty"])
    parser = Parser([one, two], additions)
    parsed = own.parse(parser)
    assert functions(parsed) == [("a()", 1), ("b()", 2), ("c()", 4), ("d()", 6), ("e()", 9)]
    assert "mine" not in own.told[0][0][3]
    contents = [Path(path).read_bytes() for path in (own.paths[0], one, two, own.paths[1])]
    by_schema: Any = parser.functions(own.torchgen, *own.paths, contents)
    assert [*by_schema] == ["a()", "b()", "c()", "d()", "e()"]
    assert by_schema["d()"] is parsed.native_functions[3]
    (own.folder / "two").write_text("")
    assert len(own.parse(parser).native_functions) == 3
    (own.folder / "two").write_text("- 3\n")
    with pytest.raises(InputError, match="two:1"):
        own.parse(parser)


def test_an_entry_of_an_overlay_may_take_the_place_of_another(own: Parsing) -> None:
    path = own.overlay("one", "- func: a()\n  x: 1\n")
    for override, lines in ((True, [3, 2]), (False, [1, 2, 3])):
        parser = Parser([path], Additions((), (), override=override, sections=()))
        assert [line for _, line in functions(own.parse(parser))] == lines
        files: list[list[dict[str, object]]] = [[{"func": "a() -> b"}], [{"func": "a() -> c"}]]
        additions = Additions((), (), override=override, sections=())
        assert len(joined(files, "func", additions)) == (1 if override else 2)


def test_what_torchgen_says_of_a_line_is_told_of_its_file(own: Parsing) -> None:
    path = own.overlay("one", "- func: c()\n")

    def fail(*_: Any, loaded_yaml: Any = None, **__: Any) -> Any:
        raise AssertionError(f"in {own.paths[0]}:{loaded_yaml[-1]['__line__']}: wrong")

    own.gen.parse_native_yaml = fail
    with pytest.raises(AssertionError, match=rf"^in {path}:1: wrong$"):
        own.parse(Parser([path]))


def test_a_parser_of_somebody_else_is_called_as_it_is(own: Parsing) -> None:
    own.gen.parse_native_yaml = lambda path, tags, *more, **named: (path, tags, more, named)
    assert takes_entries(own.torchgen) is False
    found: Any = own.parse(Parser([]), 1, x=2)
    assert found == (*own.paths, (1,), {"x": 2})
    with pytest.raises(UnexpectedTorchgenError) as raised:
        own.parse(Parser([own.overlay("one", "[]")]))
    said = "its parse_native_yaml is somebody else's, and takes no overlays"
    assert str(raised.value) == said
    with pytest.raises(UnexpectedTorchgenError):
        Parser(["x"]).functions(own.torchgen, *own.paths, [])
    own.gen.parse_native_yaml = 3
    assert takes_entries(own.torchgen) is False


def test_a_replacement_of_ours_is_looked_through(own: Parsing) -> None:
    def ours(path: str, tags: str) -> None:
        """Nothing that is called."""

    own.gen.parse_native_yaml = FunctionReplacement("p", own.gen.parse_native_yaml, ours)
    assert takes_entries(own.torchgen) is True
    assert len(own.parse(Parser([])).native_functions) == 2


def test_entries_that_are_given_are_parsed_as_they_are(own: Parsing) -> None:
    given = [{"func": "z()", "__line__": 7}]
    assert functions(own.parse(Parser(["none"]), loaded_yaml=given)) == [("z()", 7)]
    assert own.told[0][0] is given
