"""Files that are rendered when they are asked for, where that fails."""

from __future__ import annotations

import contextlib
import errno
from types import SimpleNamespace
from typing import Any

import pytest

from derivload.pytorch.codegen.content import Content


def content_after(error: Exception) -> Content:
    """What gives the files of generators whose rendering raises an exception."""

    def file(name: str) -> bytes:
        raise error

    codegen: Any = SimpleNamespace(file=file)
    running: Any = contextlib.nullcontext()
    source: Any = None
    return Content(codegen, source, lambda: {"a.h": b"plain\n"}, running)


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "gone"), KeyError("x"), ValueError("x")])
def test_a_file_that_cannot_be_rendered_is_upstreams(error: Exception) -> None:
    assert content_after(error)("a.h") == b"plain\n"


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OSError, match="full"):
        content_after(OSError(errno.ENOSPC, "full"))("a.h")
