"""What the tests of check share."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.project import Project

INPUTS = [
    *("--derivatives", "derivatives.yaml"),
    *("--native-functions", "native_functions.yaml", "--tags", "tags.yaml"),
]


NATIVES = """\
- func: gild(Tensor self, Tensor leaf) -> Tensor
  dispatch:
    CPU: gild
"""


DERIVATIVES = """\
- name: gild(Tensor self, Tensor leaf) -> Tensor
  self: grad * leaf
  leaf: grad * self
"""


TAGS = "- tag: shiny\n  desc: It shines.\n"


WARNED = DERIVATIVES.replace("* self", "* slef")


MISTAKEN = DERIVATIVES.replace("grad * leaf", "grad * leaf.sizes()")


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    monkeypatch.chdir(tmp_path)
    made = Project(Path())
    made.write(DERIVATIVES, NATIVES, TAGS)
    return made
