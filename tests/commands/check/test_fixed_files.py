"""How `check --fix` writes a file that is hard to write."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.commands.check.fixed_files import write_fixed
from support.bad_disks import fill, small_disk
from support.child import child_environment

__all__ = ["small_disk"]  # a fixture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made of what Linux has")


def test_a_full_disk_leaves_a_file_of_two_names_as_it_was(small_disk: Path) -> None:
    path, other = small_disk / "fixed.yaml", small_disk / "other.yaml"
    before = b"before\n" * 700
    path.write_bytes(before)
    os.link(path, other)
    fill(small_disk)
    with pytest.raises(OSError) as raised:
        write_fixed(str(path), before, b"after\n" * 700_000)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    assert other.read_bytes() == before and path.samefile(other)
    write_fixed(str(path), before, b"after\n")
    assert other.read_bytes() == b"after\n"


SCRIPT = """
import sys
from derivload.commands.check.fixed_files import write_fixed
try:
    write_fixed(sys.argv[1], b"before", b"after")
except OSError as error:
    sys.exit(f"{error.filename}: {error.strerror}")
"""


@pytest.mark.parametrize("is_own", [True, False])
def test_what_we_may_not_write_is_not_replaced(tmp_path: Path, is_own: bool) -> None:
    """Not even where we may write to its folder: it is read-only, or somebody else's."""
    path = tmp_path / "fixed.yaml"
    path.write_bytes(b"before")
    path.chmod(0o444 if is_own else 0o644)
    tmp_path.chmod(0o777)
    # Root may write everything, unless it gives that up.
    command = [sys.executable, "-c", SCRIPT, str(path)]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("there is no setpriv")
        command = [setpriv, "--bounding-set", "-all", "--inh-caps", "-all", *command]
        if not is_own:
            os.chown(path, 65534, 65534)
    elif not is_own:
        pytest.skip("only root can give files away")
    done = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == f"{path}: Permission denied\n"
    assert path.read_bytes() == b"before"
