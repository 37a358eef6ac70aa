"""Old signatures beside a tree's generators, and all that these refuse of what was loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.diagnostics import Diagnostic
from derivload.loading.deprecated import find_deprecated
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.loading.warnings import find_refused

NATIVES = """\
- func: gild(Tensor self, Tensor leaf, *, Scalar alpha=1) -> Tensor
  dispatch:
    CPU: gild
- func: gild_(Tensor(a!) self, Tensor leaf, *, Scalar alpha=1) -> Tensor(a!)
  dispatch:
    CPU: gild_
"""
DEFINITIONS = "- name: gild(Tensor self, Tensor leaf, *, Scalar alpha=1) -> Tensor\n  self: grad\n"
FITS = """\
- name: gild(Tensor self, Scalar alpha, Tensor leaf) -> Tensor
  aten: gild(self, leaf, alpha)
"""
UNFIT = """\
- name: gild_(Tensor(a!) self, Tensor leaf) -> Tensor(a!)
  aten: gild_(leaf, self)
"""
NOWHERE = "- name: none(Tensor self) -> Tensor\r\n  aten: none(self)\r\n"


def found(tmp_path: Path, text: str | bytes | None, natives: str = NATIVES) -> list[Diagnostic]:
    files = Files("d", ["n"], "t", None)
    if text is not None:
        files.deprecated = str(tmp_path / "deprecated.yaml")
        Path(files.deprecated).write_bytes(text.encode() if isinstance(text, str) else text)
    request = Request(files, [DEFINITIONS.encode(), natives.encode(), b"[]"])
    make_linted = load_inputs(request).outcome.make_linted
    assert make_linted is not None
    return find_deprecated(request, make_linted())


@pytest.mark.parametrize("text", [None, "", "[]\n", FITS, f"# x\n{FITS}\n{FITS}", b"\xff\n"])
def test_old_signatures_that_fit_are_right(tmp_path: Path, text: str | bytes | None) -> None:
    assert found(tmp_path, text) == []


def test_each_that_fits_none_is_told_with_its_place(tmp_path: Path) -> None:
    path = str(tmp_path / "deprecated.yaml")
    assert found(tmp_path, f"{FITS}\n{UNFIT}{NOWHERE}") == [
        Diagnostic(
            *(path, line, 9, "DL839", f"there is no function that `{call}` calls"),
            source_line=f"  aten: {call}",
            length=len(call),
        )
        for line, call in ((5, "gild_(leaf, self)"), (7, "none(self)"))
    ]
    # Two may fit, and a function that has no Python bindings is none.
    twice = NATIVES + (
        "- func: gild.again(Tensor self, Tensor leaf, *, Scalar alpha=2) -> Tensor\n"
        "  dispatch:\n    CPU: gild\n"
    )
    (both,) = found(tmp_path, FITS, twice)
    assert both.message == "`gild(self, leaf, alpha)` calls `gild` and `gild.again`"
    # Python has no bindings of this one.
    hidden = "add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor"
    old = FITS.replace("gild", "add").replace("Scalar alpha, Tensor leaf", "Scalar leaf")
    old = old.replace("leaf, alpha)", "leaf)")
    for name, codes in (("add.Scalar", ["DL839"]), ("add.Other", [])):
        entry = f"- func: {hidden.replace('add.Scalar', name)}\n  dispatch:\n    CPU: x\n"
        assert [one.code for one in found(tmp_path, old, NATIVES + entry)] == codes


def test_what_generators_refuse_is_sorted_by_place(tmp_path: Path) -> None:
    files = Files("d", ["n"], "t", None)
    files.deprecated = str(tmp_path / "a.yaml")
    Path(files.deprecated).write_text(UNFIT)
    natives = NATIVES + "- func: out_of(Tensor requires_grad) -> Tensor\n"
    apart = DEFINITIONS.replace("grad\n", "grad * slef\n")  # of which there is only a warning
    refused = find_refused(Request(files, [apart.encode(), natives.encode(), b"[]"]))
    assert [(one.file, one.line, one.code) for one in refused] == [
        (files.deprecated, 2, "DL839"),
        ("n", 7, "DL835"),
    ]
