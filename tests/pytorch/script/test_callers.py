"""Which files and modules are whose, and which modules of a script get something of derivload's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from derivload.identity import PACKAGE
from derivload.outputs.journal import Journal
from derivload.pytorch.script.callers import is_derivloads, is_standard
from derivload.pytorch.script.inside import Inside
from derivload.pytorch.script.watching import Watch

STANDARD = Path(os.__file__).parent


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (STANDARD / "os.py", True),
        (STANDARD / "json" / "decoder.py", True),
        (STANDARD / "site-packages" / "yaml" / "__init__.py", False),
        (STANDARD / "dist-packages" / "yaml" / "__init__.py", False),
        (f"{STANDARD}-mine/os.py", False),
        ("<frozen importlib._bootstrap>", True),
        ("<string>", False),
        (json.__file__, True),
        (__file__, False),
    ],
)
def test_what_is_of_the_standard_library(path: object, *, expected: bool) -> None:
    assert is_standard(str(path)) is expected


def test_what_is_derivloads() -> None:
    assert is_derivloads(f"{PACKAGE}/cli.py")
    assert not is_derivloads(f"{PACKAGE}-mine/cli.py")


CHANGED = """
    yaml torchgen.utils
    tools.autograd.load_derivatives torchgen.packaged.autograd.load_derivatives
    tools.autograd.gen_autograd torchgen.packaged.autograd.gen_autograd
""".split()
ANSWERED = """
    torchgen.gen_functionalization_type torchgen.gen_lazy_tensor
    tools.autograd.gen_annotated_fn_args torchgen.packaged.autograd.gen_annotated_fn_args
""".split()


def test_which_modules_get_something_of_ours(tmp_path: Path) -> None:
    inside = Inside(Watch(Journal(str(tmp_path))), "")
    for name in ("json", "torchgen", "torchgen.gen", "tools.autograd", *ANSWERED):
        assert inside.find_change(name) is None
    for name in CHANGED:
        assert inside.find_change(name) is not None
