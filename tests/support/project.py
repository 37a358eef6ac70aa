"""A folder with the three files of inputs, to be edited, and runs of derivload on them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from derivload.cli import main
from support import forks
from support.child import child_environment
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, TAGS


class Ran(NamedTuple):
    """How a run ended, and what it said."""

    status: int
    out: str
    err: str


class Project:
    """A copy of the catalogue, and what derivload makes of it.

    The files are named as the folder is: `Project(Path())` has them in the current folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.cache = folder / "cache"
        self.overlays: list[Path] = []
        self._files = {name: folder / name for name in FILES}
        copy_catalogue(folder)

    def __getitem__(self, name: str) -> Path:
        """One of the three files, by the name that it has in the catalogue."""
        return self._files[name]

    @property
    def derivatives(self) -> Path:
        return self[DERIVATIVES]

    @property
    def natives(self) -> Path:
        return self[NATIVES]

    @property
    def options(self) -> list[str]:
        """The options that name the files."""
        natives = [self.natives, *self.overlays]
        return [
            *("--derivatives", str(self.derivatives)),
            *(word for path in natives for word in ("--native-functions", str(path))),
            *("--tags", str(self[TAGS])),
        ]

    # What is edited

    def write(self, *texts: str) -> None:
        """Give the files other texts, the first of them one each."""
        for path, text in zip(self._files.values(), texts, strict=False):
            path.write_text(text, "utf-8")

    def edit(self, old: str, new: str, name: str = DERIVATIVES) -> None:
        replace_in(self[name], old, new)

    def append(self, name: str, text: str) -> None:
        self[name].write_text(self[name].read_text("utf-8") + text, "utf-8")

    def prepend(self, name: str, text: str) -> None:
        self[name].write_text(text + self[name].read_text("utf-8"), "utf-8")

    def rename(self, name: str, other: str) -> None:
        self._files[name] = self[name].rename(self.folder / other)

    # What is run

    def call(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """Run derivload in this process."""
        return call(arguments, stdin=stdin)

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> Ran:
        """Run derivload in the folder, in a process of its own."""
        done = forks.run(
            arguments,
            cwd=self.folder,
            env=child_environment(**variables),
            stdin=stdin,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def emit(self, *more: str) -> Ran:
        return self.call("emit", *self.options, "--out-dir", str(self.out), *more)

    def check(self, *more: str) -> Ran:
        return self.call("check", *self.options, *more)

    def found(self) -> list[dict[str, Any]]:
        """What `check` finds."""
        return [dict(d) for d in json.loads(self.check("--format", "json").out)["diagnostics"]]

    def places(self) -> list[tuple[str, str, int]]:
        return [(d["code"], d["file"], d["line"]) for d in self.found()]

    # What was written

    def documents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.out.glob("[!.]*"))}

    def identities(self) -> dict[str, tuple[int, int]]:
        """What tells a file that was written again from one that was not."""
        return {
            path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in sorted(self.out.glob("[!.]*"))
        }


def call(
    arguments: Sequence[str], folder: Path | None = None, *, stdin: bytes = b"", **variables: str
) -> Ran:
    """Run derivload in this process; as in a folder and with environment variables, if named."""
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2)
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        if folder is not None:
            patch.chdir(folder)
        for name, value in variables.items():
            patch.setenv(name, value)
        status = main(arguments)
    return Ran(status, *(text.buffer.getvalue().decode() for text in (out, err)))


def copy_catalogue(folder: Path) -> Path:
    """Put the three files into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(CATALOGUE / name, folder / name)
    return folder


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace the first of a text that has to be there."""
    text = path.read_text("utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), "utf-8")
