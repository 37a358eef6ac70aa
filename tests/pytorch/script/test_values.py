"""Which YAML files of a script are known to be read by their values alone, and when lines count."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from derivload.outputs.journal import Journal
from derivload.pytorch.script.values import watch_yaml
from derivload.pytorch.script.watching import Watch


class Noting(Watch):
    """A watch that tells what it was told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Journal(str(folder)))
        self.told: list[tuple[str, str]] = []

    def note_parsed(self, path: str) -> None:
        self.told.append(("parsed", Path(path).name))

    def note_lines_used(self, path: str) -> None:
        self.told.append(("lines", Path(path).name))


class LineLoader(yaml.SafeLoader):
    """As torchgen's, which notes lines."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping with its line."""
        return {**super().construct_mapping(node, deep), "__line__": node.start_mark.line + 1}


LineLoader.__module__ = "torchgen.gen"


class OtherLoader(LineLoader):
    """Somebody else's."""


OtherLoader.__module__ = "other"


@pytest.fixture
def watch(tmp_path: Path) -> Noting:
    (tmp_path / "a.yaml").write_text("- func: f\n  with: [{more: 1}]\n", "utf-8")
    return Noting(tmp_path)


@pytest.fixture
def watched(watch: Noting) -> ModuleType:
    """PyYAML, watched, without a change to that of the tests."""
    module = ModuleType("yaml")
    vars(module).update({name: getattr(yaml, name) for name in ("load", "safe_load", "SafeLoader")})
    watch_yaml(watch, module)
    return module


PARSED = [("parsed", "a.yaml")]


@pytest.mark.parametrize(
    ("loader", "told"),
    [
        (yaml.SafeLoader, PARSED),
        (yaml.FullLoader, PARSED),
        (yaml.BaseLoader, PARSED),
        (yaml.Loader, PARSED),
        (yaml.CSafeLoader, PARSED),
        (yaml.CFullLoader, PARSED),
        (LineLoader, PARSED),
        (OtherLoader, []),
        (type("SafeLoader", (yaml.SafeLoader,), {"__module__": "other"}), []),
        (type("LineLoader", (LineLoader,), {"__module__": "other"}), []),
        (type("LineLoader", (LineLoader,), {"__module__": "__main__"}), PARSED),
        (type("AnyLoader", (LineLoader,), {"__module__": "torchgen.gen"}), []),
    ],
)
def test_a_loader_that_takes_values_alone(
    loader: Any, told: list[tuple[str, str]], watch: Noting, watched: ModuleType, tmp_path: Path
) -> None:
    with (tmp_path / "a.yaml").open() as file:
        assert watched.load(file, loader)[0]["func"] == "f"
    assert watch.told == told


def test_a_file_is_read_whole_once(watch: Noting, watched: ModuleType, tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open() as file:
        watched.safe_load(file)
        file.seek(0)
        watched.safe_load(file)
        assert watch.told == PARSED
    with (tmp_path / "a.yaml").open() as file:
        file.readline()
        watched.safe_load(file)
    watched.safe_load("a: 1")
    watched.safe_load(b"a: 1")
    with watch.unwatched(), (tmp_path / "a.yaml").open() as file:
        watched.safe_load(file)
    assert watch.told == PARSED


@pytest.mark.parametrize(
    ("use", "counts"),
    [
        (str, True),
        (repr, True),
        (lambda line: f"{line}", True),
        (lambda line: f"{line:3d}", True),
        (lambda line: line + 1, True),
        (lambda line: 1 + line, True),
        (lambda line: line - 1, True),
        (lambda line: 1 - line, True),
        (lambda line: line * 2, True),
        (lambda line: 2 * line, True),
        (lambda line: line // 1, True),
        (lambda line: line % 2, True),
        (lambda line: divmod(line, 2), True),
        (lambda line: line / 2, True),
        (float, True),
        (lambda line: line < 1, True),
        (lambda line: line <= 1, True),
        (lambda line: line > 1, True),
        (lambda line: line >= 1, True),
        (lambda line: line == 1, False),
        (hash, False),
        (lambda line: {line: 1}, False),
    ],
)
def test_a_line_tells_when_it_goes_into_something(
    use: Callable[[Any], object],
    counts: bool,
    watch: Noting,
    watched: ModuleType,
    tmp_path: Path,
) -> None:
    with (tmp_path / "a.yaml").open() as file:
        (entry,) = watched.load(file, LineLoader)
    for line, number in ((entry["__line__"], 1), (entry["with"][0]["__line__"], 2)):
        watch.told.clear()
        assert use(line) == use(number)
        assert {*watch.told} == ({("lines", "a.yaml")} if counts else set())


def test_a_line_of_bytes_is_of_the_file_that_is_read_just_now(
    watch: Noting, watched: ModuleType
) -> None:
    with watch.reading_values("b.yaml"):
        (entry,) = watched.load(b"- a: 1", LineLoader)
    assert str(entry["__line__"]) == "1"
    assert {*watch.told} == {("lines", "b.yaml")}
    assert type(watched.load(b"- a: 1", LineLoader)[0]["__line__"]) is int


def test_a_line_is_copied_as_a_number(watch: Noting, watched: ModuleType, tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open() as file:
        line = watched.load(file, LineLoader)[0]["__line__"]
    for made in (copy.copy(line), pickle.loads(pickle.dumps(line))):
        assert (made, type(made)) == (1, int)
    assert watch.told == PARSED
