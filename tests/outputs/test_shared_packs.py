"""The packs that a run leaves in one container, as another one reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.outputs import shared_runs
from derivload.outputs.digests import digest_of
from derivload.outputs.kept_runs import (
    ABSENT,
    FILE,
    FOLDER,
    INPUT,
    NO_LINK,
    OUTPUT,
    VALUE,
    RecordLine,
    current,
)
from derivload.outputs.shared_runs import (
    Depends,
    FinishedRun,
    Places,
    allowed_folders,
    make_shared,
    name_of_command,
    read_left,
    read_names,
)
from support.out_dirs import posix

pytestmark = posix
COMMAND = (False, "gen.py", ["--in", "in.txt"])
Packs = dict[bytes, dict[bytes, bytes]]
# What a run in one of our containers depends on: the kind, and the path in the folder.
DEPENDS = [
    *((INPUT, "in.txt"), (VALUE, "in.yaml"), ("kind", "in.txt"), ("kind", "none")),
    *(("link", "inner"), ("link", "in.txt"), ("listed", "folder"), ("modules", "folder\0a\0b")),
    ("status", "none"),
]


class Containers:
    """Containers, of which one is entered: its own folder is the current one, and its home."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._patch = patch

    def enter(self, name: str) -> Path:
        """Enter a container, which is made if need be; its folder."""
        home = self._root / name
        folder = home / f"work-{name}"
        if not folder.exists():
            (folder / "folder").mkdir(parents=True)
            (folder / "folder" / "a.py").touch()
            (folder / "in.txt").write_text("text")
            (folder / "in.yaml").write_text("- a: 1\n")
            (folder / "inner").symlink_to(folder / "in.txt")
        self._patch.chdir(folder)
        self._patch.setenv("HOME", str(home))
        self._patch.setenv("X_MODE", "1")
        self._patch.setattr("tempfile.tempdir", str(home / "temporary"))
        self.places = Places(is_fixed=False)
        return folder

    def run(self, folder: Path, texts: dict[str, bytes]) -> FinishedRun:
        """A run that leaves these files, by name."""
        made = list(dict.fromkeys(str((folder / name).parent) for name in texts))
        items = [RecordLine(kind, "", str(folder / name)) for kind, name in DEPENDS]
        items += [RecordLine("variable", "", "X_MODE"), RecordLine("terminal", "", "0")]
        for item in items:
            known = Path(item.name).read_bytes() if item.kind in (INPUT, VALUE) else b""
            item.value = current(item.kind, item.name, digest_of(known))
        items.append(RecordLine("context", "any", ""))
        # A folder that it made is no condition.
        items += [RecordLine("kind", FOLDER, path) for path in made]
        for name, data in texts.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
            items.append(RecordLine(OUTPUT, digest_of(data), str(folder / name)))
        items.append(RecordLine("printed", "1", b"done".hex()))
        return FinishedRun(items, made, [])

    def share(self, run: FinishedRun) -> Packs:
        name = name_of_command(self.places, *COMMAND)
        return make_shared(self.places, name, run, allowed_folders([]))

    def look_up(self, packs: Packs) -> Depends:
        name = name_of_command(self.places, *COMMAND)
        return read_names(self.places, name, packs[name])


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Containers:
    return Containers(tmp_path, monkeypatch)


def test_another_container_reads_what_a_run_left(containers: Containers) -> None:
    run = containers.run(containers.enter("one"), {"out/a": b"one", "out/b": b""})
    packs = containers.share(run)
    assert len(packs) == 2
    folder = containers.enter("two")
    depends = containers.look_up(packs)
    assert depends.name in packs
    expected = [(kind, str(folder / name)) for kind, name in DEPENDS]
    found = [(item.kind, item.name) for item in depends.items]
    assert found == [*expected, ("variable", "X_MODE"), ("terminal", "0")]
    values = {(item.kind, Path(item.name).name): item.value for item in depends.items}
    assert values[INPUT, "in.txt"] == digest_of(b"text")
    assert values["kind", "in.txt"] == FILE and values["kind", "none"] == ABSENT
    assert values["link", "in.txt"] == NO_LINK
    assert values["link", "inner"] == digest_of(os.fsencode(folder / "in.txt"))
    left = read_left(containers.places, packs[depends.name], allowed_folders([]))
    assert left.files == {str(folder / "out/a"): b"one", str(folder / "out/b"): b""}
    assert left.folders == [str(folder / "out")]
    assert [item.render() for item in left.items()] == [
        f"kind {FOLDER} - {folder / 'out'}",
        f"{OUTPUT} {digest_of(b'one')} - {folder / 'out/a'}",
        f"{OUTPUT} {digest_of(b'')} - {folder / 'out/b'}",
        f"printed 1 - {b'done'.hex()}",
    ]
    assert json.loads(packs[depends.name][b"left"])["printed"] == [["1", b"done".hex()]]


def relink(to: str) -> None:
    Path("inner").unlink()
    Path("inner").symlink_to(to)


CHANGES: dict[str, Callable[[], object]] = {
    "an input": lambda: Path("in.txt").write_text("texts"),
    "a value": lambda: Path("in.yaml").write_text("- a: 2\n"),
    "a kind": lambda: Path("none").mkdir(),
    "a link": lambda: relink("in.txt"),
    "no link": lambda: Path("inner").unlink(),
    "a listing": lambda: Path("folder/other").touch(),
    "a module": lambda: Path("folder/a.py").rename("folder/b.py"),
    "a variable": lambda: os.environ.update(X_MODE="2"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_where_anything_else_holds_nothing_is_found(change: str, containers: Containers) -> None:
    packs = containers.share(containers.run(containers.enter("one"), {"out/a": b"one"}))
    containers.enter("two")
    CHANGES[change]()
    assert containers.look_up(packs).name not in packs


def test_what_names_a_place_is_for_the_same_place_alone(containers: Containers) -> None:
    one = containers.enter("one")
    for texts in ({"out/a": b"", "out/b": os.fsencode(one)}, {"out/a": b"x" + os.fsencode(one)}):
        packs = containers.share(containers.run(one, texts))
        name, _ = packs
        told = json.loads(packs[name][b"names"])
        assert told["bound"] == [0, 4]  # the home is above it
        assert containers.look_up(packs).name in packs
        containers.enter("two")
        assert containers.look_up(packs).name not in packs
        containers.enter("one")
    run = containers.run(one, {"out/a": b""})
    run.items = [*run.items, RecordLine("printed", "1", os.fsencode(one).hex())]
    packs = containers.share(run)
    containers.enter("two")
    assert containers.look_up(packs).name not in packs


def test_a_run_that_removed_something_or_looked_at_times_is_not_shared(
    containers: Containers,
) -> None:
    folder = containers.enter("one")
    run = containers.run(folder, {"out/a": b"one"})
    assert containers.share(run)
    for line in (RecordLine("status", "1.2.3.4", str(folder / "in.txt")),):
        assert containers.share(FinishedRun([*run.items, line], run.made, [])) == {}
        # It is not a condition if the run made it.
        assert containers.share(FinishedRun([*run.items, line], [*run.made, line.name], []))
    assert containers.share(FinishedRun(run.items, run.made, ["x"])) == {}


def test_a_run_that_left_what_is_elsewhere_is_not_shared(containers: Containers) -> None:
    folder = containers.enter("one")
    run = containers.run(folder, {"out/a": b"one"})
    outside = str(folder.parent / "outside")
    Path(outside).write_bytes(b"one")
    assert containers.share(FinishedRun(run.items, [*run.made, outside], [])) == {}
    output = RecordLine(OUTPUT, digest_of(b"one"), outside)
    assert containers.share(FinishedRun([*run.items, output], run.made, [])) == {}


def make_executable(path: Path) -> None:
    path.chmod(0o654)


def make_link(path: Path) -> None:
    path.rename(path.with_name("c"))
    path.symlink_to("c")


def edit(path: Path) -> None:
    path.write_bytes(b"two")


@pytest.mark.parametrize("change", [make_executable, make_link, edit])
def test_an_output_that_is_more_than_its_bytes_is_not_shared(
    change: Callable[[Path], None], containers: Containers
) -> None:
    folder = containers.enter("one")
    run = containers.run(folder, {"out/a": b"one", "out/b": b"b"})
    change(folder / "out" / "a")
    assert containers.share(run) == {}


def test_each_command_has_a_name_of_its_own(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(folder: Path) -> list[bytes]:
        commands: list[tuple[bool, str, list[str]]] = [
            *((False, "a", []), (True, "a", []), (False, "a", ["b"]), (False, "a", ["b", "c"])),
            *((False, "a", ["b c"]), (False, "-m", ["a"]), (False, "a", [f"--out={folder}/b"])),
        ]
        return [name_of_command(containers.places, *command) for command in commands]

    one = names(containers.enter("one"))
    assert len({*one}) == len(one)
    assert {len(name) for name in one} == {32}
    two = names(folder := containers.enter("two"))
    assert two == one
    containers.places = Places(is_fixed=True)
    assert names(folder)[-1] != one[-1]
    for digest in ("tool_digest", "python_digest"):
        monkeypatch.setattr(shared_runs, digest, lambda: b"other")
        other = names(folder)
        assert not {*other} & {*two}
        two = other


def test_without_a_home_nothing_is_below_it(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = containers.enter("one")
    monkeypatch.setenv("HOME", "")
    places = Places(is_fixed=False)
    assert places.shared(str(folder.parent / "x")) == str(folder.parent / "x")
    with pytest.raises(ValueError, match=r"x$"):
        places.own("\x014/x")
    monkeypatch.setenv("HOME", "relative")
    assert Places(is_fixed=False).shared("relative/x") == "relative/x"
    monkeypatch.setenv("HOME", f"{folder.parent}/")
    places = Places(is_fixed=False)
    assert places.shared(str(folder.parent / "x")) == "\x014/x"
    assert places.shared(f"{folder}/x") == "\x010/x"
    assert places.own("\x010/x") == f"{folder}/x"
    assert places.own("\x014") == str(folder.parent)
    assert places.shared(f"{folder.parent}/temporary") == "\x015"
