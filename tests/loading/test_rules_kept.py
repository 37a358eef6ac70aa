"""The rules of a tree from a store, from this process, and from the table of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.loading import rules_of_tree
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules, TreeSource, _read_module, find_rules
from derivload.tree.sources import SOURCES
from support.sessions import StoreInMemory

WHY = "there is no module torchgen.api.cpp"


class PushingStore(StoreInMemory):
    """A store that remembers what was to be sent to a remote cache."""

    def __init__(self) -> None:
        super().__init__()
        self.pushed: list[bytes] = []

    def push(self, name: bytes, values: object) -> None:
        assert values == {name: self.values[name]}
        self.pushed.append(name)


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, Rules]:
    """What this process knows: nothing yet."""
    known: dict[bytes, Rules] = {}
    monkeypatch.setattr(rules_of_tree, "_of_this_process", known)
    monkeypatch.setattr(rules_of_tree, "_contents", {})
    monkeypatch.setattr(rules_of_tree, "is_as_it_began", lambda: True)
    return known


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with a torchgen that is none."""
    for name in ("torchgen/model.py", "autograd/load_derivatives.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def files_of(tree: Path, version: str | None = None) -> Files:
    files = Files("", [""], "", version)
    files.tree = TreePlace(str(tree), str(tree / "torchgen"), str(tree / "autograd"))
    return files


def source_of(tree: Path) -> TreeSource:
    place = files_of(tree).tree
    assert place is not None
    return TreeSource(place)


def test_a_source_is_read_once_in_a_process_and_kept(
    tree: Path, process: dict[bytes, Rules]
) -> None:
    store = PushingStore()
    files = files_of(tree)
    rules = find_rules(files, store)
    assert (rules.why, rules.is_of_release) == (WHY, False)
    assert rules.key == f"source {source_of(tree).digest.hex()}"
    assert rules.paths == [f"{tree}/autograd/load_derivatives.py", f"{tree}/torchgen/model.py"]
    assert sorted(path for path, _ in files.consulted) == rules.paths
    ((key, value),) = store.values.items()
    assert (value, store.pushed) == (rules.render(), [key])
    (kept,) = process.values()
    assert find_rules(files_of(tree), None).render() == rules.render()
    assert process == {key: kept}
    find_rules(files_of(tree, "2.9.1"), store)
    assert len(store.values) == len(process) == 2
    (tree / "torchgen" / "model.py").write_text("x = 2\n")
    assert find_rules(files_of(tree), store).key != rules.key
    assert len(store.values) == len(store.pushed) == len(process) == 3


def test_what_the_store_has_is_not_read_again(tree: Path, process: dict[bytes, Rules]) -> None:
    store = PushingStore()
    find_rules(files_of(tree), store)
    ((key, value),) = store.values.items()
    store.pushed.clear()
    process.clear()
    store.values[key] = value.replace(WHY.encode(), b"another reason")
    assert find_rules(files_of(tree), store).why == "another reason"
    assert store.pushed == []
    process.clear()
    store.values[key] = b"damaged"
    assert find_rules(files_of(tree), store).why == WHY
    assert store.values == {key: value}
    assert store.pushed == [key]
    process.clear()
    assert find_rules(files_of(tree), None).why == WHY


def test_nothing_is_sent_after_an_edit_of_derivload(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_of_tree, "is_as_it_began", lambda: False)
    store = PushingStore()
    find_rules(files_of(tree), store)
    assert len(store.values) == 1 and store.pushed == []


def test_the_source_of_a_release_has_its_rules(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PushingStore()
    monkeypatch.setitem(SOURCES, source_of(tree).digest, "2.9")
    for version in ("2.9.1", None):
        rules = find_rules(files_of(tree, version), store)
        assert (rules.key, rules.release, rules.why) == ("2.9", "2.9", "")
        assert rules.is_of_release
        assert rules.dialect.version == "2.9"
    # One that says that it is of another release is none of either.
    rules = find_rules(files_of(tree, "2.8.0"), None)
    assert (rules.why, rules.is_of_release) == (WHY, False)
    assert store.values == {}


def test_names_of_any_bytes_are_in_the_digest(tree: Path) -> None:
    digests = {source_of(tree).digest}
    for name in ("\udcff.py", "\udcfe.py"):
        (tree / "torchgen" / name).touch()
        digests.add(source_of(tree).digest)
    assert len(digests) == 3


def test_a_module_that_is_certain_to_be_the_same_is_not_read_again(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tree / "torchgen" / "model.py"
    monkeypatch.setattr(rules_of_tree, "is_settled", lambda status, now: True)
    first = _read_module(str(path))
    assert first == b"x = 1\n"
    assert _read_module(str(path)) is first
    path.write_text("x = 22\n")
    assert _read_module(str(path)) == b"x = 22\n"
    monkeypatch.setattr(rules_of_tree, "is_settled", lambda status, now: False)
    path.write_text("x = 333\n")
    third = _read_module(str(path))
    assert third == b"x = 333\n"
    assert _read_module(str(path)) is not third
    with pytest.raises(FileNotFoundError):
        _read_module(str(tree / "none.py"))
    with pytest.raises(IsADirectoryError):
        _read_module(str(tree))
