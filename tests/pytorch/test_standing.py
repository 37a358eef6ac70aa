"""Functions of ours in the place of functions of `os`."""

from __future__ import annotations

import os
from typing import Any

from derivload.pytorch.standing import replace_in_os


def _sets() -> list[set[Any]]:
    return [os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks]


def test_a_replacement_can_do_what_the_original_can_until_it_is_undone() -> None:
    original, before = os.stat, [{*able} for able in _sets()]

    def replacement(path: Any) -> os.stat_result:
        return original(path)

    undo = replace_in_os("stat", replacement)
    try:
        assert os.stat is replacement
        assert [replacement in able for able in _sets()] == [original in able for able in before]
    finally:
        undo()
    assert os.stat is original
    assert _sets() == before
