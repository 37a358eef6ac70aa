"""Which backward nodes differ between definitions and a torch, on nodes that are written down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from derivload.loading.errors import UsageError
from derivload.pytorch.compiled import (
    CannotImportTorchError,
    CompiledNodes,
    Node,
    compare,
    list_nodes,
)

NODE: Final = Node("abs(Tensor self) -> Tensor", {"self": "at::Tensor", "hidden": "at::Stream"})


@pytest.mark.parametrize(
    ("saved", "problem"),
    [
        (("self",), None),
        (("self", "hidden"), None),  # what torch does not have to show, it may
        ((), "torch does not save self"),
        (("self", "b", "a"), "torch also saves a, b"),
        (("b",), "torch does not save self; torch also saves b"),
    ],
)
def test_what_a_node_saves(saved: tuple[str, ...], problem: str | None) -> None:
    found = compare({"AbsBackward0": NODE}, CompiledNodes("2", {"AbsBackward0": frozenset(saved)}))
    assert [(d.node, d.schema, d.problem) for d in found] == (
        [] if problem is None else [("AbsBackward0", NODE.schema, problem)]
    )


def test_nodes_of_one_side_alone() -> None:
    saved = {"B": frozenset[str](), "A": frozenset[str](), "CopySlices": frozenset[str]()}
    found = compare({"AbsBackward0": NODE}, CompiledNodes("2", saved))
    assert [(d.node, d.schema, d.problem) for d in found] == [
        ("AbsBackward0", NODE.schema, "torch has no such node"),
        ("A", None, "no definition has this node"),
        ("B", None, "no definition has this node"),
    ]


@pytest.mark.parametrize(
    "name",
    """AccumulateGrad CopyBackwards CopySlices DelayedError Error NotImplemented SendRpcBackward
    UndefinedGrad UndefinedGradBackward""".split(),
)
def test_nodes_that_no_build_generates(name: str) -> None:
    assert compare({}, CompiledNodes("2", {name: frozenset()})) == []


SHOWN: Final = """
bool|at::Tensor|::std::optional<at::Tensor>|c10::List<::std::optional<at::Tensor>>
at::TensorList|::std::vector<at::Tensor>|at::ArrayRef<at::Scalar>|at::IntArrayRef
at::OptionalIntArrayRef|c10::SymIntArrayRef|::std::optional<c10::SymIntArrayRef>|at::Scalar
c10::SymInt|double|int64_t|c10::string_view|::std::string_view|::std::optional<double>
c10::optional<at::Scalar>|::std::optional<c10::SymInt>|::std::optional<int64_t>
::std::optional<c10::string_view>
"""


@pytest.mark.parametrize("cpp_type", SHOWN.strip().replace("\n", "|").split("|"))
def test_types_that_torch_shows(cpp_type: str) -> None:
    assert Node("", {"a": cpp_type}).shown() == {"a"}


@pytest.mark.parametrize("cpp_type", ["at::Stream", "at::Generator", "mine::Tensor", "at::Layout"])
def test_types_that_torch_does_not_show(cpp_type: str) -> None:
    assert Node("", {"a": cpp_type}).shown() == frozenset()


def python_that(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_what_a_python_answers(tmp_path: Path) -> None:
    answer = 'echo said; echo; echo \'["2.15.1", {"A": ["self"], "B": []}]\''
    assert list_nodes(python_that(tmp_path, answer)) == CompiledNodes(
        "2.15.1", {"A": frozenset({"self"}), "B": frozenset()}
    )
    warns = 'test "$PYTHONWARNINGS" = ignore && echo \'["2", {}]\''
    assert list_nodes(python_that(tmp_path, warns)) == CompiledNodes("2", {})


@pytest.mark.parametrize(
    "answer", ["", "echo 3", "echo '[1]'", "echo '[1, 2]'", "echo '[1, {\"a\": 2}]'"]
)
def test_what_does_not_answer_as_a_python(answer: str, tmp_path: Path) -> None:
    python = python_that(tmp_path, answer)
    with pytest.raises(UsageError) as raised:
        list_nodes(python)
    assert str(raised.value) == f"{python} is not a Python: it does not answer as one"


def test_why_torch_cannot_be_imported(tmp_path: Path) -> None:
    for text, said in (
        ("echo first >&2; printf 'last \\377\\n\\n' >&2; exit 1", "last \ufffd"),
        ("exit 7", "exit status 7"),
    ):
        with pytest.raises(CannotImportTorchError) as raised:
            list_nodes(python_that(tmp_path, text))
        assert str(raised.value) == said
    with pytest.raises(UsageError, match=r"^cannot run none/python: No such"):
        list_nodes("none/python")


def test_nodes_are_classes_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text(
        "__version__ = '2.15'\nclass F:\n    class A:\n        _saved_x = y = 1\n    b = 2\n"
        "    __doc__ = __dict__ = __weakref__ = None\nclass _C: _functions = F\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert list_nodes(sys.executable) == CompiledNodes("2.15", {"A": frozenset({"x"})})
