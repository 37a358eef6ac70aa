"""The generators run with what a backend adds, as on a tree that has it in its own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.codegen_files import done, generated, project, small_release
from support.codegen_project import Project

__all__ = ["done", "generated", "project", "small_release"]  # fixtures


pytestmark = pytest.mark.release


OWN = """\
- func: derivload_mine(Tensor self, int n=1) -> Tensor
  variants: function, method
  exposed: True
  dispatch:
    PrivateUse1: derivload_mine
"""
# The second argument of `hypot` is of no kind that PyTorch's own has.
REPLACED = """\
- func: hypot(Tensor self, Tensor other_side) -> Tensor
  structured_delegate: hypot.out
  variants: method, function
- func: hypot.out(Tensor self, Tensor other_side, *, Tensor(a!) out) -> Tensor(a!)
  structured: True
  structured_inherits: TensorIteratorBase
  dispatch:
    CPU, PrivateUse1: hypot_out
- func: hypot_(Tensor(a!) self, Tensor other_side) -> Tensor(a!)
  structured_delegate: hypot.out
  variants: method
"""
DERIVATIVE = """\
- name: derivload_mine(Tensor self, int n=1) -> Tensor
  self: grad * n
- name: hypot(Tensor self, Tensor other_side) -> Tensor
  self: grad * (self / result)
  other_side: grad * (other_side / result)
"""


class Backend:
    """The files of a backend, beside a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.natives = project.folder / "mine.yaml"
        self.derivatives = project.folder / "derivatives.yaml"
        self.natives.write_text(OWN + REPLACED, "utf-8")
        self.derivatives.write_text(DERIVATIVE, "utf-8")

    @property
    def options(self) -> list[str]:
        return [
            *("--derivatives", str(self.project.pytorch.derivatives)),
            *("--derivatives", str(self.derivatives), "--native-functions", str(self.natives)),
            *("--override", "--dispatch-key", "PrivateUse1", "--entry-key", "exposed"),
        ]

    def tell_pytorch(self) -> None:
        """Change the tree's own files as the options change what is loaded."""
        pytorch = self.project.pytorch
        model = pytorch.root / "torchgen" / "model.py"
        appended = "\ndispatch_keys.append(DispatchKey.PrivateUse1)\n"
        model.write_text(model.read_text("utf-8") + appended, "utf-8")
        replace_entries(pytorch.natives, self.natives.read_text("utf-8"), "func")
        replace_entries(pytorch.derivatives, self.derivatives.read_text("utf-8"), "name")


def replace_entries(path: Path, overlay: str, key: str) -> None:
    entries = ["- " + part for part in ("\n" + path.read_text("utf-8")).split("\n- ")[1:]]
    for part in overlay.replace("  exposed: True\n", "").split("\n- "):
        entry = "- " + part.removeprefix("- ").rstrip("\n")
        start = f"- {key}: {entry.partition(': ')[2].partition('(')[0]}("
        at = [i for i, old in enumerate(entries) if old.startswith(start)]
        if at:
            entries[at[0]] = entry
        else:
            entries.append(entry)
    path.write_text("\n".join(entries) + "\n", "utf-8")


def test_what_a_backend_adds_is_generated(project: Project) -> None:
    backend = Backend(project)
    assert project.run(*backend.options)["exit"] == "cold"
    formula = DERIVATIVE.replace("self: grad * n", "self: 2 * grad * n")
    backend.derivatives.write_text(formula, "utf-8")
    stats = project.run(*backend.options)
    assert stats["exit"] == "incremental"
    replaced = stats["replaced"]
    assert isinstance(replaced, list)
    assert [line.partition(":")[0] for line in replaced] == [
        "hypot",
        "hypot",
        "hypot.out",
        "hypot_",
    ]
    assert project.run(*backend.options)["exit"] == "up-to-date"
    backend.tell_pytorch()
    project.assert_same()


def test_upstreams_own_way_has_it_too(project: Project) -> None:
    """Its generators are edited, so everything is generated in both ways, and compared."""
    backend = Backend(project)
    trace = project.pytorch.autograd / "gen_trace_type.py"
    project.replace(trace, "num_shards=10", "num_shards=4")
    stats = project.run(*backend.options)
    assert stats["exit"] == "cold"
    backend.tell_pytorch()
    project.assert_same()


def test_what_another_backend_made_is_not_taken(project: Project) -> None:
    backend = Backend(project)
    project.run(*backend.options)
    without = [part for part in backend.options if part not in ("--override",)]
    failed = project.try_run(*without)
    assert failed.returncode == 1
    assert "DL304" in failed.stderr
    assert "--override" in failed.stderr
    assert project.run(*backend.options)["exit"] in ("stored", "up-to-date")
