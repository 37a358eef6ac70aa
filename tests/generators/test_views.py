"""What the generators refuse of views, by release, and of variants of a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.commands.check.command import check
from derivload.commands.check.pages import Example
from derivload.loading.paths import find_files
from support.rule_examples import found_in, write

VIEW = """
- func: select(Tensor(a) self, {0}) -> Tensor(a){1}
  dispatch:
    CPU: select
- func: select_copy(Tensor self, {0}) -> Tensor{1}
  dispatch:
    CompositeExplicitAutogradNonFunctional: select_copy
  tags: view_copy
  autogen: select_copy.out
"""


@pytest.mark.parametrize(
    ("argument", "returned", "refused"),
    [
        ("int[] x", "", []),
        ("bool x", "", []),
        ("Tensor? x=None", "", ["2.1", "2.2"]),
        ("str x", "", ["2.1", "2.2", "2.3", "2.15"]),
        ("float[] x", "", ["2.1", "2.2", "2.3", "2.15"]),
        ("Tensor[] x", "", ["2.1", "2.2", "2.3", "2.15"]),
        # A list of views is made anew since 2.3 only.
        ("int[] x", "[]", []),
        ("Scalar x", "[]", ["2.3", "2.15"]),
    ],
)
def test_arguments_that_a_release_refuses(
    argument: str, returned: str, refused: list[str], tmp_path: Path
) -> None:
    write(tmp_path, {"native_functions": VIEW.format(argument, returned)})
    derivatives, natives, tags = (
        str(tmp_path / f"{name}.yaml") for name in ("derivatives", "native_functions", "tags")
    )
    found = {}
    for release in ("2.1", "2.2", "2.3", "2.15"):
        files = find_files(derivatives, [natives], tags, release)
        found[release] = [d.code for d in check(files, codegen_rules=True).diagnostics]
    assert found == {release: ["DL821"] * (release in refused) for release in found}


def test_the_base_of_a_view_comes_first(tmp_path: Path) -> None:
    text = VIEW.format("int at", "").replace("Tensor(a) self, int at", "int at, Tensor(a) self")
    text = text.replace("(Tensor self, int at)", "(int at, Tensor self)")
    found = found_in(tmp_path, {"native_functions": text}, codegen_rules=True)
    assert [d.code for d in found] == ["DL820"]


@pytest.mark.parametrize(("name", "refused"), [("gild", "gild"), ("_make_dual", "_make_dual_")])
def test_a_variant_of_what_is_written_by_hand_is_checked_itself(
    name: str, refused: str, tmp_path: Path
) -> None:
    """Its functional variant is not, so a mistake is told of this one."""
    kernel = "\n  dispatch:\n    CPU: f\n"
    natives = f"- func: {name}(Tensor self) -> Tensor{kernel}"
    natives += f"- func: {name}_(Tensor(a!) self) -> Tensor(a!){kernel}"
    formulas = f"- name: {name}(Tensor self) -> Tensor\n  self: grad\n  result: self_p.sgn()\n"
    example: Example = {"native_functions": natives, "derivatives": formulas}
    (found,) = found_in(tmp_path, example, codegen_rules=True)
    assert (found.code, found.message.split("`")[1]) == ("DL808", refused)
