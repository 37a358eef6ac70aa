"""Which arguments a view may have, by release (DL821)."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.commands.check.command import check
from derivload.loading.paths import find_files
from support.rule_examples import write

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
