"""Where the generators of a tree are, the digests of what they read, and their modules, on trees
of a few small files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from derivload.loading.trace import NOTHING, Trace
from derivload.pytorch.codegen.upstream import (
    GENERATORS,
    IMPORTED,
    Modules,
    Sources,
    Upstream,
    forget,
    locate,
)
from derivload.pytorch.errors import UnexpectedTorchgenError

MODEL = """
class DispatchKey:
    @staticmethod
    def parse(name):
        if name == "Gem":
            raise AssertionError("no gems")
        return name

dispatch_keys = ["CPU"]
"""
UTILS = """
from functools import lru_cache

read = []

@lru_cache
def _read_template(path):
    read.append(path)
"""


NAMES = """
    gen_annotated_fn_args gen_autograd gen_autograd_functions gen_inplace_or_view_type
    gen_python_functions gen_trace_type gen_variable_factories gen_variable_type gen_view_funcs
""".split()


def make_tree(root: Path, *, is_checkout: bool = True) -> Upstream:
    """A torchgen of empty modules, and what it gives."""
    package = "tools.autograd" if is_checkout else "torchgen.packaged.autograd"
    autograd = root.joinpath(*package.split("."))
    natives = root / ("aten/src" if is_checkout else "torchgen/packaged") / "ATen" / "native"
    for folder in (root / "torchgen" / "selective_build", autograd / "templates", natives):
        folder.mkdir(parents=True)
    for name in ("gen", "native_function_generation", "selective_build/selector"):
        (root / "torchgen" / f"{name}.py").write_text(f"NAME = {name!r}\n")
    for folder in (root / "torchgen", autograd, autograd.parent):
        (folder / "__init__.py").touch()
    (root / "torchgen" / "model.py").write_text(MODEL)
    (root / "torchgen" / "utils.py").write_text(UTILS)
    for name in GENERATORS:
        (autograd / f"{name}.py").write_text("import beside\n")
    (root / "beside.py").touch()
    for name in ("a.h", "b.cpp"):
        (autograd / "templates" / name).write_text(f"{name}\n")
    (autograd / "deprecated.yaml").write_text("[]\n")
    return locate(str(natives / "native_functions.yaml"))


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Upstream]:
    forget()
    yield make_tree(tmp_path / "tree")
    forget()
    sys.modules.pop("beside", None)


def test_generators_are_found_by_the_place_of_the_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_checkout, package in ((True, "tools.autograd"), (False, "torchgen.packaged.autograd")):
        root = tmp_path / package
        found = make_tree(root, is_checkout=is_checkout)
        autograd = root.joinpath(*package.split("."))
        assert found == Upstream(str(root), package, str(autograd))
        assert found[3:] == (False, (), "", False)
        assert found.templates == str(autograd / "templates")
        assert found.deprecated == str(autograd / "deprecated.yaml")
        monkeypatch.chdir(root)
        inside = "aten/src" if is_checkout else "torchgen/packaged"
        assert locate(f"{inside}/ATen/native/native_functions.yaml") == found


def test_generators_that_are_not_whole_are_refused(tree: Upstream) -> None:
    natives = str(Path(tree.root, "aten/src/ATen/native/native_functions.yaml"))
    for path in (f"{tree.root}/torchgen/gen.py", f"{tree.autograd}/gen_autograd.py"):
        Path(path).rename(f"{path}.gone")
        with pytest.raises(UnexpectedTorchgenError) as raised:
            locate(natives)
        assert str(raised.value) == f"{path} does not exist"
        Path(f"{path}.gone").rename(path)
    assert locate(natives) == tree
    for other in (natives.replace("native_functions", "natives"), natives.replace("ATen", "aten")):
        with pytest.raises(UnexpectedTorchgenError, match="is not at its place in a PyTorch tree"):
            locate(other)


def digest_of(text: bytes) -> str:
    return sha256(text).hexdigest()


def test_sources_are_the_code_and_the_templates(tree: Upstream) -> None:
    sources = Sources(tree)
    torchgen = Path(tree.root, "torchgen")
    expected = {
        *map(str, [*torchgen.rglob("*.py"), *Path(tree.autograd).glob("*.py")]),
    }
    assert {*sources.code} == expected
    assert sources.by_template == {
        f"{tree.templates}/{name}": digest_of(f"{name}\n".encode()) for name in ("a.h", "b.cpp")
    }
    assert {*dict(sources.files)} == expected | sources.by_template.keys()
    assert dict(sources.files)[f"{torchgen}/utils.py"] == digest_of(UTILS.encode())
    assert (sources.absent, sources.listed, sources.variables) == ([], [], [])


def test_what_each_digest_depends_on(tree: Upstream, tmp_path: Path) -> None:
    before = Sources(tree)

    def found() -> list[bool]:
        now = Sources(tree)
        return [now.digest != before.digest, now.templates != before.templates]

    assert found() == [False, False]
    moved = Sources(make_tree(tmp_path / "moved"))
    assert (moved.digest, moved.templates) == (before.digest, before.templates)
    wheel = Sources(make_tree(tmp_path / "wheel", is_checkout=False))
    assert (wheel.digest, wheel.templates) == (before.digest, before.templates)
    Path(tree.autograd, "notes.txt").touch()
    Path(tree.templates, "a.gone").symlink_to("nowhere")
    assert found() == [False, False]
    Path(tree.templates, "c\udcff.h").touch()
    assert found() == [False, True]
    Path(tree.autograd, "more.py").touch()
    assert found() == [True, True]


def test_modules_that_no_wheel_has_make_no_other_torchgen(tree: Upstream) -> None:
    before = Sources(tree)
    torchgen = Path(tree.root, "torchgen")
    for name in ("_studies/train.py", "_studies/deep/__init__.py", "_studies/deep/data.py"):
        (torchgen / name).parent.mkdir(exist_ok=True)
        (torchgen / name).touch()
    now = Sources(tree)
    assert now.of_packages == before.of_packages
    assert now.digest != before.digest  # they may be imported
    (torchgen / "_studies" / "__init__.py").touch()
    assert Sources(tree).of_packages != before.of_packages
    (torchgen / "_studies" / "__init__.py").unlink()
    (torchgen / "utils.py").write_text("# edited\n", "utf-8")
    edited = Sources(tree).of_packages
    assert edited != before.of_packages
    (torchgen / "__init__.py").unlink()
    assert Sources(tree).of_packages not in (edited, before.of_packages)


def test_the_trace_is_read_besides(tree: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.delenv("NONE", raising=False)
    trace = Trace(
        frozenset({"./beside.py", "./none.py", "/none"}),
        frozenset({"./tools/*", "./none/*"}),
        frozenset({"MINE", "NONE"}),
    )
    sources = Sources(tree, trace)
    plain = Sources(tree)
    assert sources.files == [*plain.files, (f"{tree.root}/beside.py", digest_of(b""))]
    assert sources.absent == ["/none", f"{tree.root}/none.py"]
    inside = ["__init__.py", "autograd"]
    assert sources.listed == [(f"{tree.root}/none/*", []), (f"{tree.root}/tools/*", inside)]
    assert [name for name, _ in sources.variables] == ["MINE", "NONE"]
    assert sources.traced != plain.traced
    assert (sources.digest, sources.templates) == (plain.digest, plain.templates)
    seen = {sources.traced}
    for change in (
        lambda: Path(tree.root, "beside.py").write_text("#"),
        lambda: Path(tree.root, "none.py").touch(),
        lambda: Path(tree.root, "tools", "more").touch(),
        lambda: monkeypatch.setenv("MINE", "2"),
        lambda: monkeypatch.setenv("NONE", ""),
    ):
        change()
        sources.look(tree, trace)
        assert sources.traced == Sources(tree, trace).traced
        seen.add(sources.traced)
    assert len(seen) == 6
    sources.look(tree, NOTHING)
    assert (sources.files, sources.traced) == (plain.files, plain.traced)
    assert (sources.absent, sources.listed, sources.variables) == ([], [], [])
    assert Sources(tree, Trace(frozenset({"./other.py"}))).traced != plain.traced


def test_modules_are_those_of_the_tree(
    tree: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torchgen", "tools"):
        (tmp_path / "other" / name).mkdir(parents=True)
        (tmp_path / "other" / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    before = [*sys.path]
    modules = Modules(tree)
    assert sys.path == before
    assert sorted(modules.torchgen) == ["gen", "model", "native_function_generation", "utils"]
    assert vars(modules.torchgen["gen"])["NAME"] == "gen"
    assert vars(modules.selector)["NAME"] == "selective_build/selector"
    assert [*modules.generators] == NAMES == [*GENERATORS]
    assert modules.generators["gen_autograd"].__name__ == "tools.autograd.gen_autograd"
    again = Modules(tree._replace(is_running=True))
    assert again.torchgen == modules.torchgen
    assert Modules(tree).torchgen["gen"] is not modules.torchgen["gen"]
    Path(tree.autograd, "gen_view_funcs.py").unlink()
    assert sorted(Modules(tree).generators) == sorted({*GENERATORS} - {"gen_view_funcs"})


def test_a_module_that_cannot_be_imported_is_told(tree: Upstream) -> None:
    path, before = Path(tree.autograd, "gen_trace_type.py"), [*sys.path]
    name = "tools.autograd.gen_trace_type cannot be imported: "
    for text, said in (("1 / 0", "division by zero"), ("raise SystemExit('end')", "end")):
        path.write_text(text)
        with pytest.raises(UnexpectedTorchgenError) as raised:
            Modules(tree)
        assert str(raised.value) == name + said
    assert sys.path == before


def test_dispatch_keys_are_added_once(tree: Upstream) -> None:
    modules = Modules(tree._replace(dispatch_keys=("Mine", "CPU", "Mine")))
    assert vars(modules.torchgen["model"])["dispatch_keys"] == ["CPU", "Mine"]
    with pytest.raises(UnexpectedTorchgenError, match=r"^it takes no dispatch keys: no gems$"):
        Modules(tree._replace(dispatch_keys=("Gem",)))


def test_templates_are_forgotten(tree: Upstream) -> None:
    modules = Modules(tree)
    utils: Any = modules.torchgen["utils"]
    for _ in range(2):
        utils._read_template("a")
        utils._read_template("a")
        modules.forget_templates()
    assert utils.read == ["a", "a"]
    del utils._read_template
    modules.forget_templates()


def test_what_a_tree_imported_is_forgotten(tree: Upstream) -> None:
    Modules(tree)
    assert "beside" in sys.modules
    forget()
    assert "beside" in sys.modules  # nobody has told that it is of the tree
    Modules(tree)
    IMPORTED.update({"beside", "toolsmith"})
    forget()
    left = {name for name in sys.modules if name.split(".")[0] in ("torchgen", "tools", "beside")}
    assert left == set()
    assert {*IMPORTED} == set()
