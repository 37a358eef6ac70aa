"""Which files the options mean: of a tree, beside one another, or as they are named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from derivload.loading.errors import UsageError
from derivload.loading.origin import Origin
from derivload.loading.paths import Files, find_files, spell_option
from derivload.loading.settings.search import Search
from support.paths import CATALOGUE, CHECKOUT, PACKAGED


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str, text: str = "") -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, "utf-8")


def refused(*arguments: Any, **named: Any) -> str:
    with pytest.raises(UsageError) as raised:
        find_files(*arguments, **named)
    return str(raised.value)


# Named one by one


def test_files_are_those_that_are_named() -> None:
    files = find_files("d", ["n", "o"], "t", "2.9")
    assert (files.derivatives, files.native_functions, files.tags) == ("d", ("n", "o"), "t")
    assert (files.version, files.tree, files.deprecated, files.folder) == ("2.9", None, None, "")
    assert (files.of_tree, files.is_defined_apart, files.may_run_tree) == ((), False, True)
    assert (files.consulted, files.absent, files.listed) == ([], [], [])
    files.more_derivatives, files.backends = ("m",), ("b",)
    assert files.paths == ("d", "m", "n", "o", "t", "b")
    make("d", "m", text="x")
    held = files.read()
    assert held[:2] == [b"x", b"x"] and all(isinstance(each, OSError) for each in held[2:])


def test_without_tags_those_beside_the_first_file_are_taken() -> None:
    make("a/tags.yaml", "b/n")
    assert find_files("d", ["a/n", "b/n"]).tags == "a/tags.yaml"
    assert refused("d", ["b/n", "a/n"]) == (
        "--tags is missing, and there is no tags.yaml beside b/n"
    )
    assert refused("d", ["c/n"]) == (
        "--tags is missing, and there is no tags.yaml beside c/n, which does not exist either"
    )


def test_what_names_too_little_is_told_as_it_is_spelled() -> None:
    assert refused() == (
        "nothing names the inputs: give --pytorch DIR, or --derivatives FILE and "
        "--native-functions FILE, or --catalogue for the examples that ship with derivload"
    )
    together = "is missing: name the files together, or give --pytorch DIR"
    assert refused("d") == f"--native-functions {together}"
    assert refused(None, ["n"]) == refused(tags="t") == f"--derivatives {together}"
    assert refused("d", spell=lambda name, value: f"<{name}{value}>") == (
        "<native_functions> is missing: name the files together, or give <pytorchDIR>"
    )
    assert spell_option("a_b_c", "X") == "--a-b-c X"
    assert spell_option("a") == "--a"


def test_the_catalogue_names_all_by_itself() -> None:
    files = find_files(catalogue=True, torch_version="2.9")
    names = [
        str(CATALOGUE / f"{name}.yaml") for name in ("derivatives", "native_functions", "tags")
    ]
    assert [*files.paths] == [*files.of_tree] == names
    assert (files.folder, files.version) == (str(CATALOGUE), "2.9")
    others = {"pytorch": "p", "derivatives": "d", "native_functions": ["n"], "tags": "t"}
    for name, value in others.items():
        option = spell_option(name)
        assert refused(catalogue=True, **{name: value}) == (
            f"--catalogue names all inputs by itself: leave out {option}, or --catalogue"
        )


@pytest.mark.parametrize("tree", [CHECKOUT, PACKAGED])
def test_definitions_from_elsewhere_are_defined_apart(tree: tuple[str, str, str]) -> None:
    own, native, _ = (f"p/{name}" for name in tree)
    make("d", *(f"p/{name}" for name in tree[1:]))
    assert not find_files("d", [native]).is_defined_apart  # there are no others
    make(own)
    assert find_files("d", [native]).is_defined_apart
    assert find_files("d", [str(Path.cwd() / native)]).is_defined_apart
    assert not find_files(own, [native]).is_defined_apart
    Path("link").symlink_to(own)
    assert not find_files("link", [native]).is_defined_apart
    make("n", "tags.yaml")
    assert not find_files("d", ["n", native]).is_defined_apart


# A tree


def test_a_tree_has_its_files_in_one_of_two_layouts() -> None:
    for tree in (PACKAGED, CHECKOUT):  # a checkout goes first
        make(*(f"p/{name}" for name in tree), "p/version.txt", text="2.9.1\n")
        files = find_files(pytorch="p")
        assert [*files.paths] == [*files.of_tree] == [f"p/{name}" for name in tree]
        assert (files.folder, files.version, files.tree) == ("p", "2.9.1", None)
        assert files.consulted == [("p/version.txt", b"2.9.1\n")]
        assert files.absent == ([] if tree is CHECKOUT else [f"p/{name}" for name in CHECKOUT])
    assert not files.is_defined_apart and files.deprecated is None


@pytest.mark.parametrize("at", ["p", "p/torchgen", "p/torch"])
def test_an_installed_tree_is_found_from_its_folders(at: str) -> None:
    make(*(f"p/{name}" for name in PACKAGED), "p/torch/a.py")
    make("p/version.txt", text="2.9")
    files = find_files(pytorch=at)
    assert [os.path.relpath(path) for path in files.paths] == [f"p/{name}" for name in PACKAGED]
    assert (files.version, files.folder) == ("2.9", at)


def test_what_is_named_beside_a_tree_is_laid_over_it_or_takes_its_place() -> None:
    make(*(f"p/{name}" for name in CHECKOUT), "p/tools/autograd/deprecated.yaml")
    files = find_files("d", ["o"], "t", "2.9", "p")
    assert files.paths == ("d", f"p/{CHECKOUT[1]}", "o", "t")
    assert files.of_tree == tuple(f"p/{name}" for name in CHECKOUT)
    assert files.is_defined_apart
    assert files.deprecated == "p/tools/autograd/deprecated.yaml"
    # The version is not looked for, and the rules are those of the version.
    assert (files.version, files.tree, files.consulted, files.listed) == ("2.9", None, [], [])


@pytest.mark.parametrize(
    ("tree", "autograd"),
    [(CHECKOUT, "p/tools/autograd"), (PACKAGED, "p/torchgen/packaged/autograd")],
)
def test_the_source_of_a_tree_is_found_if_it_is_there(tree: tuple[str, ...], autograd: str) -> None:
    make(*(f"p/{name}" for name in tree))
    assert refused(pytorch="p") == "p does not say which PyTorch it is: give --torch-version X.Y"
    make("p/torchgen/gen.py")
    assert "does not say" in refused(pytorch="p")
    make(f"{autograd}/load_derivatives.py")
    found = find_files(pytorch="p").tree
    assert found is not None
    assert (found.torchgen, found.autograd) == ("p/torchgen", autograd)
    assert found.root == str(Path.cwd() / "p")
    assert find_files(pytorch="p", torch_version="2.9").tree is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("__version__ = '2.9.0a0+X'\n", "2.9.0a0+X"),
        ('debug = 1\n__version__: str = "2.9"\n', "2.9"),
        ("__version__ = ''\n__version__ = '2.9'\n", None),
        ("__version__\nversion = '2.9'\n", None),
        ("__versions__ = '2.9'", None),
        ("", None),
    ],
)
def test_the_version_that_an_installed_torch_assigns(text: str, version: str | None) -> None:
    make(*(f"p/{name}" for name in CHECKOUT))
    make("p/torch/version.py", text=text)
    make("p/version.txt", text=" \n")  # it says nothing
    if version is None:
        assert "does not say which PyTorch it is" in refused(pytorch="p")
        make("p/torch-2.8.1.dist-info/METADATA")
        files = find_files(pytorch="p")
        assert files.version == "2.8.1"
        assert files.listed == [("p/torch*-info", ["torch-2.8.1.dist-info"])]
        assert [path for path, _ in files.consulted][2:] == ["p/torch-2.8.1.dist-info/METADATA"]
    else:
        files = find_files(pytorch="p")
        assert (files.version, files.listed) == (version, [])
    assert files.consulted[:2] == [
        ("p/version.txt", b" \n"),
        ("p/torch/version.py", text.encode()),
    ]


def test_a_tree_of_several_versions_is_refused() -> None:
    make(*(f"p/{name}" for name in CHECKOUT))
    for version in ("2.8.0", "2.9.0"):
        make(f"p/torch-{version}.dist-info/NOTES")
    assert refused(pytorch="p") == (
        "p says that it is several PyTorches (torch-2.8.0.dist-info, torch-2.9.0.dist-info): "
        "give --torch-version X.Y"
    )
    files = find_files(pytorch="p", torch_version="2.8")
    assert files.absent == []


def test_what_was_looked_for_in_vain_is_noted() -> None:
    make(*(f"p/{name}" for name in CHECKOUT), "p/torchgen/gen.py")
    make("p/tools/autograd/load_derivatives.py", "p/torch-2.8.0.dist-info/RECORD")
    files = find_files(pytorch="p")
    names = ("version.txt", "torch/version.py", "torch-2.8.0.dist-info/METADATA")
    assert files.absent == [f"p/{name}" for name in names]
    assert files.version == "2.8.0"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_tree_that_lacks_a_file_says_which(kept: int) -> None:
    lacking = [name for name in CHECKOUT if name != CHECKOUT[kept]]
    make(f"p/{CHECKOUT[kept]}")
    whole = "this PyTorch is not whole"
    assert refused(pytorch="p") == f"{' and '.join(lacking)} do not exist in p: {whole}"
    make(f"p/{lacking[0]}")
    assert refused(pytorch="p") == f"{lacking[1]} does not exist in p: {whole}"


def test_a_packaged_tree_that_lacks_a_file_says_which() -> None:
    make(*(f"p/{name}" for name in PACKAGED[1:]))
    name = PACKAGED[0].removeprefix("torchgen/")
    assert refused(pytorch="p") == (
        f"{name} does not exist in p/torchgen: this PyTorch is not whole"
    )


def test_a_folder_that_is_no_tree_is_told() -> None:
    make("file", "empty/other", "pytorch/a")
    inside = "name a folder with a PyTorch in it"
    assert refused(pytorch="file") == f"file is no folder: {inside}"
    assert refused(pytorch="nowhere") == f"nowhere does not exist: {inside}"
    assert refused(pytorch="pytorhc") == "pytorhc does not exist; did you mean `pytorch`?"
    make("torch-2.9/a")
    assert refused(pytorch="torch-2.8") == "torch-2.8 does not exist; did you mean `torch-2.9`?"
    assert refused(pytorch="empty") == (
        "empty is no PyTorch: neither tools/autograd/derivatives.yaml nor "
        "torchgen/packaged/autograd/derivatives.yaml exists in it; name a checkout, a folder with "
        "an installed or unpacked torchgen, or one that `derivload fetch` made"
    )


# What is told


def test_many_files_are_not_all_named() -> None:
    files = find_files("d", ["a", "b", "c", "e"], "t")
    assert files.named == "d, a, b, c, e, t"
    files.backends = ("b1",)
    assert files.named == "d, a, b, c, e, t, b1"
    files.backends = ("b1", "b2")
    assert files.named == "d, a, b, c, e, t and 2 more"


def test_what_decided_is_noted() -> None:
    files = Files("d", ["n"], "t", None)
    assert files.told == ""
    search = Search()
    search.absent = ["/here/derivload.toml"]
    origin = Origin(search)
    files.note_origin(origin)
    assert (files.told, files.consulted) == ("", [])
    assert files.absent == ["/here/derivload.toml"]
    origin.how = "around this folder"
    origin.settings = ("/s", b"x")
    files.note_origin(origin)
    assert files.told == "looked at d, n, t, around this folder"
    assert files.consulted == [("/s", b"x")]
