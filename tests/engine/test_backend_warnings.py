"""Which derivatives of composite functions are warned of, where a backend may have kernels."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.judging import NO_BACKEND, Backend, judge
from derivload.engine.lint import lint
from derivload.engine.load import Text, Texts, load_texts

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
