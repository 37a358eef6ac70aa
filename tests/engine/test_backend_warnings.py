"""Which derivatives of composite functions are warned of, where a backend may have kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.commands.check.command import check
from derivload.cpp.dialect import NEWEST
from derivload.engine.judging import NO_BACKEND, Backend, judge
from derivload.engine.lint import lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.loading.paths import find_files

TAGS = Text("tags.yaml", "- tag: shiny\n  desc: It shines.\n")
BASE = "- func: f(Tensor self) -> Tensor\n"
OVERLAY = "- func: g(Tensor self) -> Tensor\n"
# Composite, and said to be: torchgen refuses a table that says no more than what is implied.
SAID = f"{OVERLAY}  dispatch:\n    CompositeImplicitAutograd: g_symint\n"
NAMED = Backend(is_named=True)


def warned(natives: list[str], backend: Backend = NO_BACKEND) -> list[str]:
    """The operators that DL604 is told of; `f` and `g` are defined, as far as there are such."""
    names = [name for name in "fg" if f": {name}(" in "".join(natives)]
    definitions = "".join(f"- name: {n}(Tensor self) -> Tensor\n  self: grad\n" for n in names)
    overlays = tuple(Text(f"native{i}.yaml", text) for i, text in enumerate(natives))
    texts = Texts(Text("derivatives.yaml", definitions), overlays, TAGS)
    loaded = load_texts(texts, NEWEST)
    assert not loaded.diagnostics
    judged = judge(lint(loaded.load), texts, backend=backend)
    assert all(told.code == "DL604" for told in judged.shown)
    return [told.operator for told in judged.shown]


@pytest.mark.parametrize(
    ("natives", "backend", "expected"),
    [
        # PyTorch's own tree: nobody else registers kernels.
        ([BASE], NO_BACKEND, ["f"]),
        ([BASE + SAID], NO_BACKEND, ["f", "g"]),
        # With a backend of which no more is known, any of its operators may have a kernel.
        ([BASE], NAMED, []),
        ([BASE, OVERLAY], NO_BACKEND, []),
        ([BASE, OVERLAY], NAMED, []),
        # But not one that the overlay itself says is composite.
        ([BASE, SAID], NO_BACKEND, ["g"]),
        ([BASE, SAID], NAMED, ["g"]),
        # Where the backend's kernels are known, those of PyTorch's operators are.
        ([BASE, OVERLAY], Backend(True, frozenset()), ["f"]),
        ([BASE, SAID], Backend(True, frozenset({"f", "g"})), []),
        ([BASE, SAID], Backend(True, frozenset({"f"})), ["g"]),
    ],
)
def test_who_has_a_kernel(natives: list[str], backend: Backend, expected: list[str]) -> None:
    assert warned(natives, backend) == expected


def test_the_operators_that_a_backend_registers_are_known_by_its_file(tmp_path: Path) -> None:
    texts = {
        "derivatives.yaml": "".join(
            f"- name: {name}(Tensor self) -> Tensor\n  self: grad\n" for name in ("f", "h.x")
        ),
        "natives.yaml": BASE + BASE.replace(" f(", " h.x("),
        "overlay.yaml": OVERLAY,
        "tags.yaml": TAGS.text,
        "backend.yaml": "backend: XLA\ncpp_namespace: x\nsupported:\n  - h.x\n  - h.x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    paths = {name.removesuffix(".yaml"): str(tmp_path / name) for name in texts}
    files = find_files(paths["derivatives"], [paths["natives"], paths["overlay"]], paths["tags"])
    files.backends = (paths["backend"],)
    found = [(d.code, d.file, d.line) for d in check(files).diagnostics]
    assert found == [("DL621", paths["backend"], 5), ("DL604", paths["derivatives"], 1)]


def test_definitions_apart_from_the_tree_are_those_of_a_backend(tmp_path: Path) -> None:
    packaged = tmp_path / "torchgen" / "packaged"
    texts = {
        "autograd/derivatives.yaml": "- name: f(Tensor self) -> Tensor\n  self: grad\n",
        "ATen/native/native_functions.yaml": BASE,
        "ATen/native/tags.yaml": TAGS.text,
    }
    for name, text in texts.items():
        (packaged / name).parent.mkdir(parents=True, exist_ok=True)
        (packaged / name).write_text(text, "utf-8")
    own = str(packaged / "autograd" / "derivatives.yaml")
    for derivatives, expected in ((None, ["DL604"]), (own, [])):
        files = find_files(derivatives, pytorch=str(tmp_path), torch_version="2.15")
        assert [d.code for d in check(files).diagnostics] == expected
    elsewhere = tmp_path / "derivatives.yaml"
    elsewhere.write_text(texts["autograd/derivatives.yaml"], "utf-8")
    native = str(packaged / "ATen" / "native" / "native_functions.yaml")
    for path, expected in ((own, ["DL604"]), (str(elsewhere), [])):
        files = find_files(path, [native], torch_version="2.15")
        assert [d.code for d in check(files).diagnostics] == expected


def test_files_of_no_tree_are_of_one_author(tmp_path: Path) -> None:
    for name, text in (
        ("d.yaml", "- name: f(Tensor self) -> Tensor\n  self: grad\n"),
        ("n.yaml", BASE),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "tags.yaml").write_text(TAGS.text, "utf-8")
    files = find_files(str(tmp_path / "d.yaml"), [str(tmp_path / "n.yaml")], torch_version="2.15")
    assert [d.code for d in check(files).diagnostics] == ["DL604"]


@pytest.mark.parametrize(
    "registered",
    [
        "backend: XLA\ncpp_namespace: x\nsuported:\n- f\n",
        "backend XLA\nsupported:\n- f\n",
        "backend: NPU\nquant:\n- {fnuc: f}\n",
        None,
    ],
)
def test_what_a_file_with_mistakes_may_register_is_not_known(
    registered: str | None, tmp_path: Path
) -> None:
    texts = {
        "native_functions.yaml": BASE,
        "derivatives.yaml": "- name: f(Tensor self) -> Tensor\n  self: grad\n",
        "tags.yaml": TAGS.text,
        "backend.yaml": registered,
    }
    for name, text in texts.items():
        if text is not None:
            (tmp_path / name).write_text(text, "utf-8")
    native, own, tags, backend = (str(tmp_path / name) for name in texts)
    files = find_files(own, [native], tags)
    files.backends = (backend,)
    found = check(files).diagnostics
    assert found
    assert "DL604" not in {one.code for one in found}
