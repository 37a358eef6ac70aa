"""The rules of a tree: what of its source decides them, and how the store has them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from derivload.cpp.dialect import DIALECTS, NEWEST
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import (
    Rules,
    TreeSource,
    _read,
    _read_module,
    find_rules,
    job_release,
    key_of_additions,
    release_key,
    rules_with,
)
from derivload.sources.additions import Additions
from derivload.tree.rules import Fields

KNOWN = Rules("2.15", "2.15", "", "", "torchgen.gen torchgen.model")
UNKNOWN = Rules(f"source {'a1' * 32}", "2.15", "not as in 2.15: torchgen.gen", "", "torchgen.gen")


@pytest.fixture
def source(tmp_path: Path) -> TreeSource:
    made = TreeSource(TreePlace(str(tmp_path), str(tmp_path), str(tmp_path)))
    made.digest = b"\xa1" * 32
    return made


@pytest.mark.parametrize("rules", [KNOWN, UNKNOWN])
def test_what_was_put_there_is_read(rules: Rules, source: TreeSource) -> None:
    found = _read(rules.render(), source)
    assert found is not None
    assert found.render() == rules.render()


@pytest.mark.parametrize(
    "kept",
    [
        *(b"", b"\n\n\n\n", b"2.15\n2.15\n\n", b"2.15\n2.15\n\n\n\n\n"),
        *(b"9.99\n9.99\n\n\n", b"2.14\n2.15\n\n\n", b'2.15\n2.15\n\n{"a": 1}\n'),
        *(b"2.15\n2.15\nnot known\n\n", b"source x\n2.15\nnot known\n\n"),
        b"source " + b"a2" * 32 + b"\n2.15\nnot known\n\n",
        b"source " + b"a1" * 32 + b"\n2.15\nnot known\n{}\n",
    ],
)
def test_anything_else_is_none(kept: bytes, source: TreeSource) -> None:
    assert _read(kept, source) is None


def files_of(tree: Path | None = None, version: str | None = None) -> Files:
    files = Files("", [""], "", version)
    if tree is not None:
        (tree / "torchgen").mkdir(exist_ok=True)
        (tree / "autograd").mkdir(exist_ok=True)
        files.tree = TreePlace(str(tree), str(tree / "torchgen"), str(tree / "autograd"))
    return files


def test_without_a_tree_the_version_decides() -> None:
    for version, release in (("2.15", "2.15"), ("2.15.1+cpu", "2.15"), (None, "newest")):
        assert release_key(version) == release
        files = files_of(version=version)
        rules = find_rules(files, None)
        assert (rules.key, rules.release, rules.why, rules.told) == (release, release, "", release)
        assert (rules.note, rules.paths) == ("", [])
        assert job_release(files) == release
        assert find_rules(files, None) is rules
    assert find_rules(files_of(version="2.4"), None).dialect is DIALECTS["2.4"]


def test_a_tree_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    (tmp_path / "autograd").rmdir()
    rules = find_rules(files, None)
    why = f"{tmp_path}/autograd cannot be read: No such file or directory"
    assert rules.why == why
    assert rules.key == f"unreadable {why}"
    assert not rules.may_be_kept, "the key does not stand for what is in the other folder"
    assert rules.dialect is NEWEST
    assert rules.told == f"the tree's own code: {why}"
    assert rules.note == f"the tree's own torchgen computed this: {why}"
    rules.remark = "everything was loaded"
    assert rules.note == f"the tree's own torchgen computed this: {why}; everything was loaded"
    assert job_release(files) == "the tree's own"
    files.may_run_tree = False
    with pytest.raises(UsageError) as raised:
        find_rules(files, None)
    assert str(raised.value) == (
        f"the rules of {tmp_path} are not known ({why}), and --no-tree-code forbids to run its own"
        " code"
    )


def test_what_is_read_of_a_tree(tmp_path: Path) -> None:
    place = files_of(tmp_path).tree
    assert place is not None
    for name in ("torchgen/model.py", "torchgen/api/__init__.py", "torchgen/api/cpp.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for name in ("torchgen/packaged/x.py", "autograd/load_derivatives.py", "torchgen/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    source = TreeSource(place)
    names = [
        "autograd/load_derivatives.py",
        *("torchgen/api/__init__.py", "torchgen/api/cpp.py", "torchgen/model.py"),
    ]
    assert [(name, data.decode()) for name, _, data in source.files] == [(n, n) for n in names]
    for modules, noted, folders in (
        ("", names, ["autograd", "torchgen/api", "torchgen"]),
        (
            "torchgen.api torchgen.model torchgen.none",
            [names[1], names[3]],
            ["torchgen/api", "torchgen"],
        ),
    ):
        files = files_of(tmp_path)
        source.note(files, modules)
        assert files.consulted == [(str(tmp_path / name), name.encode()) for name in noted]
        assert [pattern for pattern, _ in files.listed] == [
            f"{tmp_path}/{folder}/*" for folder in folders
        ]
    before = source.digest
    for name in ("torchgen/model.py", "torchgen/api/cpp.py"):
        (tmp_path / name).write_text("x" * len(name))
        assert TreeSource(place).digest != before
        (tmp_path / name).write_text(name)
    assert TreeSource(place).digest == before
    (tmp_path / "torchgen" / "model.py").rename(tmp_path / "torchgen" / "modem.py")
    assert TreeSource(place).digest != before


def test_an_edit_right_after_another_is_read(tmp_path: Path) -> None:
    """The file may look the same: of one size, and changed in the same moment of the clock."""
    module = tmp_path / "model.py"
    for number in range(50):
        for text in (f"x = {number:03}", f"y = {number:03}"):
            module.write_text(text)
            os.utime(module, (1e9, 1e9))
            assert _read_module(str(module)) == text.encode()


def test_source_that_is_not_of_python_is_the_trees_own_affair(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    (tmp_path / "torchgen" / "model.py").write_bytes(b"# -*- coding: latin-1 -*-\n# \xe9\n")
    (tmp_path / "autograd" / "load_derivatives.py").write_text("")
    assert find_rules(files, None).why == "there is no module torchgen.api.cpp"
    for name in ("fast.so", "only.pyc"):
        files = files_of(tmp_path)
        (tmp_path / "torchgen" / name).touch()
        assert find_rules(files, None).why == f"torchgen/{name} has no source"
        (tmp_path / "torchgen" / name).unlink()


def test_tables_of_a_tree_are_in_its_rules() -> None:
    row = DIALECTS["2.15"]
    own = Fields(**{name: getattr(row, name) for name in Fields.__struct_fields__})
    tables = msgspec.structs.replace(own, dispatch_keys=frozenset({"CPU", "Mine"}))
    rules = rules_with("2.15", tables, "torchgen.model")
    assert rules.told == "2.15 with tables of the tree"
    assert rules.dialect.dispatch_keys == frozenset({"CPU", "Mine"})
    assert rules.key.startswith("2.15 ")
    assert rules.key != rules_with("2.15", own).key
    turned = msgspec.structs.replace(own, cpp_types=dict(reversed(own.cpp_types.items())))
    assert rules_with("2.15", turned).key == rules_with("2.15", own).key
    assert rules_with("2.15", None, "x").render() == b"2.15\n2.15\n\n\nx"
    assert rules_with("2.15", None).render() == Rules("2.15", "2.15").render()
    assert Rules("a", "2.15", "why").render() == b"a\n2.15\nwhy\n\n"


def test_what_a_backend_adds_is_in_keys() -> None:
    files = files_of()
    plain = key_of_additions(files)
    files.backends = ("a",)
    backend = key_of_additions(files)
    files.backends, files.more_derivatives = (), ("a",)
    overlay = key_of_additions(files)
    files.additions = Additions(dispatch_keys=("Mine",))
    assert len({plain, backend, overlay, key_of_additions(files)}) == 4
    assert plain == files_of().additions.key
