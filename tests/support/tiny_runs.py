"""Runs of the generators of `tiny_torchgen.py`, in this process, with a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from derivload.pytorch.codegen import generators
from derivload.pytorch.codegen.generators import Generators
from derivload.pytorch.codegen.job import Made
from derivload.pytorch.codegen.plain import run_plain
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import forget
from support.tiny_torchgen import TinyTorchgen


class Stored(dict[bytes, bytes]):
    """A store in memory, with a remote cache if it pushes."""

    put = dict.__setitem__
    pushes = False

    def __init__(self, remote: dict[bytes, Any] | None = None) -> None:
        super().__init__()
        self.remote = {} if remote is None else remote

    def pull(self, key: bytes) -> Any:
        return self.remote.get(key)

    def push(self, key: bytes, values: Any) -> None:
        self.remote[key] = dict(values)


class Tiny(TinyTorchgen):
    """The tree, and runs of its generators."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.store: Any = Stored()
        self.selection: Selection | None = None
        self.changes: dict[str, Any] = {}
        self.jobs: int | None = 1

    def new(self) -> Generators:
        """Generators as a process has them when it begins."""
        job = self.job(self.selection, **self.changes).with_kept_trace(self.store)
        return Generators(job, self.store, self.jobs)

    def make(self, one: Generators | None = None, **how: Any) -> Made:
        files = self.files()
        return (one or self.new()).make(files, *self.load(files), **how)

    def run(self, one: Generators | None = None) -> tuple[str, dict[str, bytes]]:
        """Make the files, and settle; how they were made, and their bytes."""
        one = one or self.new()
        made = self.make(one)
        contents = {name: data for name, data, _ in made.contents([*made.files])}
        one.written({name: sha256(data).hexdigest() for name, data in contents.items()})
        assert one.settle(b"inputs", made.note)
        return made.exit, contents

    def plain(self) -> dict[str, bytes]:
        try:
            return run_plain(self.upstream, self.files(), self.selection or Selection())
        finally:
            forget()

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def generator(self, name: str) -> Path:
        return self.autograd / f"{name}.py"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    yield Tiny(tmp_path / "tree")
    forget()


@pytest.fixture
def known(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Its generators are known: nothing is compared."""
    monkeypatch.setattr(generators, "KNOWN", {tiny.job().sources.of_packages: "2.15"})
    return tiny
