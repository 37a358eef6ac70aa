"""A project with a small PyTorch, and runs of its generators."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from derivload.commands.verify.files import differing_files
from derivload.loading.own_code.process import start_torchgen
from derivload.loading.own_code.session import generate_whole
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.pytorch.codegen.plain import contents_of
from derivload.pytorch.codegen.upstream import forget
from support.fitting import read_fitting
from support.paths import REFERENCE
from support.project import call, replace_in
from support.pytorch_entries import PyTorch

GENERATORS = REFERENCE / "run_generators.py"


OWN = (".derivload-stamp", ".derivwatch")


ABS = ("  self: grad * self.sgn()\n", "  self: self.sgn() * grad\n")


class CodegenProject:
    """A PyTorch, what derivload made of it, and what upstream makes of it."""

    def __init__(self, pytorch: PyTorch, folder: Path) -> None:
        self.pytorch = pytorch
        self.folder = folder
        self.out = folder / "out"
        self.cache = folder / "cache"

    def run(self, *options: str) -> dict[str, object]:
        """Run derivload; its stats."""
        done = self.try_run("--stats=json", *options)
        assert done.returncode == 0, done.stderr
        return dict(read_fitting(done.stdout, "stats"))

    def try_run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run derivload in this process, which takes half the time."""
        command = self.command(*options)
        try:
            return subprocess.CompletedProcess(command, *call(command[3:]))
        finally:
            forget()

    def command(self, *options: str) -> list[str]:
        return [
            *(sys.executable, "-m", "derivload", "codegen"),
            *("--pytorch", str(self.pytorch.root), "--out-dir", str(self.out)),
            *(() if "--no-cache" in options else ("--cache-dir", str(self.cache))),
            *options,
        ]

    def upstream(self, *options: str) -> dict[str, bytes]:
        """What upstream's own run writes: as `derivload verify` has it run, where it has these
        options.
        """
        out = self.folder / "upstream"
        if not options:
            return generate(self.pytorch.root, out)
        shutil.rmtree(out, ignore_errors=True)
        done = self.try_upstream(out, *options)
        assert done.returncode == 0, done.stderr
        return contents(out)

    def try_upstream(self, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(GENERATORS), str(self.pytorch.root), str(out), *options]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    def assert_same(self, *options: str) -> None:
        """All files are upstream's, none is missing, and none is there besides."""
        assert_same(contents(self.out), self.upstream(*options))

    def edit(
        self, edit: Callable[[PyTorch, random.Random], str], random_: random.Random
    ) -> tuple[str, dict[str, object] | None]:
        """Edit, and run derivload: what was edited, and the stats.

        No stats for an edit that upstream turns away. It is taken back, once it is certain that
        derivload did so, too: the loader with a diagnostic, a generator in upstream's words.
        """
        root, undo = self.pytorch.root, self.folder / "undo"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root, undo, symlinks=True, ignore=ignored)
        what = edit(self.pytorch, random_)
        ran = self.try_run("--stats=json")
        if ran.returncode == 0:
            shutil.rmtree(undo)
            return what, read_fitting(ran.stdout, "stats")
        refused = self.try_upstream(self.folder / "refused")
        assert refused.returncode != 0, ran.stderr
        *said, summary = ran.stderr.splitlines()
        if summary == "derivload: a generator of PyTorch failed; nothing was written":
            # What stands before the exception is the traceback, which begins elsewhere.
            assert refused.stderr.splitlines()[-1] == said[-1]
        else:
            assert summary == "derivload: 1 error; nothing was written"
        shutil.rmtree(root)
        undo.rename(root)
        return what, None

    def replace(self, path: Path, old: str, new: str) -> None:
        replace_in(path, old, new)


def generate(root: Path, out: Path) -> dict[str, bytes]:
    """What the generators of a tree write to a folder, as `derivload verify` has them run.

    What is there before is removed.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    request = Request(find_files(pytorch=str(root)))
    with closing(start_torchgen(request.files, request.rules)) as torchgen:
        generate_whole(torchgen, request.files, request.inputs.texts, str(out))
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    """What the files below a folder hold, by name, without those that derivload has for itself."""
    found = contents_of(str(folder))
    return {name: data for name, data in found.items() if not Path(name).name.startswith(OWN)}


def assert_same(made: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """The files are those that are expected, by the comparison of `derivload verify`."""
    differences = differing_files(made, expected)
    assert not differences, "\n".join(differences)
