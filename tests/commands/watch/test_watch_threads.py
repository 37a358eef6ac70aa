"""A system that allows no more threads."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from derivload.commands.watch.events import Watches


@pytest.mark.skipif(sys.platform != "linux", reason="no other system refuses such a stack for sure")
def test_watches_that_cannot_be_started_are_an_os_error(tmp_path: Path) -> None:
    watches = Watches(lambda _: None)
    before = threading.stack_size(1 << 46)  # more than there are addresses
    try:
        with pytest.raises(OSError, match="thread"):
            watches.cover([str(tmp_path / "file")])
    finally:
        threading.stack_size(before)
    assert watches.cover([str(tmp_path / "file")])
    watches.close()
