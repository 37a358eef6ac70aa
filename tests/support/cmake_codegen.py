"""What the tests of cmake_codegen share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.child import without_derivload
from support.cmake_project import (
    Built,
    CMakeProject,
    Tools,
)
from support.small_pytorch import SmallPyTorch

CALL = "derivload_codegen_inputs(autograd CODEGEN PYTORCH_DIR pytorch OUTPUT_DIR autograd {})"


_COMPILER = """#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then : > "$2"; fi
  shift
done
"""


class PyTorchProject(CMakeProject):
    """A project that runs the generators of the PyTorch in its folder `pytorch`."""

    pytorch: SmallPyTorch

    @property
    def out(self) -> Path:
        return self.build_dir / "autograd"

    def configure(self, *options: str) -> Built:
        compiler = self.source.with_name("compiler")
        compiler.write_text(_COMPILER, "utf-8")
        compiler.chmod(0o755)
        return super().configure(
            f"-DCMAKE_CXX_COMPILER={compiler}",
            *("-DCMAKE_CXX_COMPILER_FORCED=ON", "-DCMAKE_CXX_COMPILER_ID_RUN=ON", *options),
        )

    @property
    def pristine(self) -> Path:
        """A copy of the source folder, from before all edits."""
        return self.source.with_name("pristine")

    def files(self) -> dict[str, tuple[bytes, int]]:
        """What is in the output folder, by name, with its time."""
        return {
            path.relative_to(self.out).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.out.rglob("*")
            if path.is_file() and not path.name.startswith(".derivload-stamp")
        }

    def contents(self) -> dict[str, bytes]:
        return {name: data for name, (data, _) in self.files().items()}

    def codegen(self, *options: str) -> dict[str, bytes]:
        """What `derivload codegen` itself writes with these options."""
        out = self.source / "generated"
        subprocess.run(
            [
                *(str(self.launcher), "codegen", "--pytorch", "pytorch", "--no-cache"),
                *("--out-dir", str(out), *options),
            ],
            cwd=self.source,
            env=self.environment,
            capture_output=True,
            check=True,
        )
        written = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
        return {name: path.read_bytes() for name, path in written.items()}


Make = Callable[[str, Path], PyTorchProject]


@pytest.fixture(scope="module")
def make(tools: Tools, launcher: Path) -> Make:
    """A project for a build tool, in a folder, without a list file and a PyTorch."""

    def project(generator: str, folder: Path) -> PyTorchProject:
        environment = without_derivload(DERIVLOAD_CACHE_DIR=str(folder / "cache"))
        folders = (folder / "source of é☃", folder / "build of é☃")
        return PyTorchProject(tools, generator, folders, environment, launcher)

    return project
