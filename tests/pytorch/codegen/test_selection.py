"""What is no file, among those that select operators and those that generators need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import locate
from derivload.pytorch.errors import UnexpectedTorchgenError
from support.out_dirs import posix

pytestmark = posix


@pytest.mark.parametrize("option", ["selected_op_list_path", "operators_yaml_path"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nothing"])
def test_what_is_no_file_is_refused_and_not_waited_for(
    tmp_path: Path, option: str, kind: str
) -> None:
    path = tmp_path / "selected.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    selection = Selection(**{option: str(path)})  # type: ignore[arg-type]
    with pytest.raises(OSError) as raised:
        selection.digest()
    assert raised.value.filename == str(path)


def test_a_pipe_among_what_generators_need_is_not_waited_for(tmp_path: Path) -> None:
    autograd = tmp_path / "tools" / "autograd"
    natives = tmp_path / "aten" / "src" / "ATen" / "native" / "native_functions.yaml"
    (autograd / "templates").mkdir(parents=True)
    (tmp_path / "torchgen").mkdir()
    for path in (tmp_path / "torchgen" / "gen.py", autograd / "gen_autograd.py"):
        path.touch()
    os.mkfifo(autograd / "deprecated.yaml")
    with pytest.raises(UnexpectedTorchgenError, match=r"deprecated\.yaml is not a file"):
        locate(str(natives))
