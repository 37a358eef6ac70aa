"""A folder with settings, and runs of derivload there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest

from derivload.exit_status import BAD_USAGE
from support import forks
from support.child import child_environment
from support.fitting import assert_fits, read_fitting
from support.paths import CATALOGUE
from support.project import call

THREE = (
    'derivatives = "in/derivatives.yaml"\n'
    'native-functions = ["in/native_functions.yaml"]\n'
    'tags = "in/tags.yaml"\n'
)


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def exit(self) -> str:
        """Which exit `--stats=json` tells of."""
        return str(read_fitting(self.out, "stats")["exit"])


class Place:
    """A repository with the catalogue in the folder `in`, and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.folder.mkdir()
        (self.folder / ".git").mkdir()
        shutil.copytree(CATALOGUE, self.folder / "in")
        self._cache = folder / "cache"

    def write(self, text: str, path: str = "derivload.toml") -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, "utf-8")

    def run(self, *arguments: str, at: str = "") -> Done:
        """Run derivload in this process, as if in a folder of the place."""
        folder = self.folder / at
        folder.mkdir(parents=True, exist_ok=True)
        done = Done(*call(arguments, folder, DERIVLOAD_CACHE_DIR=str(self._cache)))
        return self._checked(done, arguments)

    def start(self, *arguments: str, at: str = "") -> Done:
        """The same in a process of its own."""
        (self.folder / at).mkdir(parents=True, exist_ok=True)
        env = child_environment(DERIVLOAD_CACHE_DIR=str(self._cache))
        done = forks.run(arguments, cwd=self.folder / at, env=env, encoding="utf-8", timeout=60)
        return self._checked(Done(done.returncode, done.stdout, done.stderr), arguments)

    def _checked(self, done: Done, arguments: Sequence[str]) -> Done:
        """What a run gave, if the settings that it has read fit their schema."""
        own = self.folder / "derivload.toml"
        is_read = done.status != BAD_USAGE and not {"--no-settings", "--help"} & {*arguments}
        if is_read and own.exists():
            assert_fits(tomllib.loads(own.read_text("utf-8")), "settings")
        return done

    def make_checkout(self, at: str = "") -> None:
        """Make a PyTorch checkout of the catalogue."""
        natives = self.folder / at / "aten" / "src" / "ATen" / "native"
        autograd = self.folder / at / "tools" / "autograd"
        for folder in (natives, autograd):
            folder.mkdir(parents=True)
        shutil.copy(CATALOGUE / "derivatives.yaml", autograd)
        shutil.copy(CATALOGUE / "native_functions.yaml", natives)
        shutil.copy(CATALOGUE / "tags.yaml", natives)
        self.write("2.15.0\n", f"{at or '.'}/version.txt")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
