"""A revision of the git repository around the current folder, as a side of `derivload diff`.

The files that are the inputs now, by settings or as the PyTorch tree around, are taken as they were
at the revision; files outside of the repository are as they are. They are unpacked into a temporary
folder, the source of the tree's torchgen among them, for that decides which rules are followed.
"""

from __future__ import annotations

import argparse
import copy
import errno
import io
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from derivload.loading.errors import InputError, UsageError
from derivload.outputs.folders import is_plain

# The parts of a PyTorch, in a checkout and unpacked.
_TREE: Final = (
    *("version.txt", "torchgen", "packaged", "tools/autograd"),
    *("aten/src/ATen/native/native_functions.yaml", "aten/src/ATen/native/tags.yaml"),
)
# What is read of them: modules of Python, YAML, and the file that has the version.
_ENDINGS: Final = (b".py", b".yaml", b".yml", b".txt")
_PATHS: Final = ("derivatives", "native_functions", "backend_yaml")


_LINK: Final = b"120000"


class _TreeEntry(NamedTuple):
    """A file in a repository."""

    mode: bytes
    number: bytes
    name: str


class Revision:
    """A revision by its name, unpacked into a folder as far as it is needed."""

    def __init__(self, name: str, folder: str) -> None:
        """Find the revision. Raises UsageError where there is none."""
        self.name = name
        self.folder = folder
        try:
            self.root = _git("rev-parse", "--show-toplevel").decode().rstrip("\n")
            asked = ("--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            self._commit = _git("rev-parse", *asked).decode().strip()
        except FileNotFoundError:
            raise UsageError(_nothing(name, "there is no git to ask for a revision")) from None
        except subprocess.CalledProcessError:
            raise UsageError(_nothing(name, "no revision of git here has this name")) from None

    def unpacked(self, options: argparse.Namespace) -> argparse.Namespace:
        """The options of now, with the paths of the files as they were. Raises UsageError."""
        made = copy.copy(options)
        inside: list[str] = []
        for option in _PATHS:
            setattr(made, option, [self._moved(path, inside) for path in getattr(made, option)])
        if made.tags is not None:
            made.tags = self._moved(made.tags, inside)
        wanted = [*inside]
        if made.pytorch is not None:
            trees: list[str] = []
            made.pytorch = self._moved(made.pytorch, trees)
            wanted += [os.path.normpath(os.path.join(tree, p)) for tree in trees for p in _TREE]
        if not wanted:
            raise UsageError(f"none of the inputs is in the repository that {self.name} is of")
        self._unpack(wanted)
        for path in inside:
            if not os.path.isfile(os.path.join(self.folder, path)):
                raise UsageError(f"{self.name} has no {path}")
        return made

    def original(self, path: str) -> str:
        """How messages call a file that was unpacked."""
        return name_unpacked(path, self.folder, self.name)

    def _moved(self, path: str, inside: list[str]) -> str:
        """The path at which a file of now is unpacked; itself, if it is of no revision."""
        path = os.path.realpath(path)
        if not os.path.samefile(_repository_of(path), self.root):
            return path
        relative = os.path.relpath(path, os.path.realpath(self.root))
        inside.append(relative)
        return os.path.join(self.folder, relative)

    def _unpack(self, paths: Sequence[str]) -> None:
        """Write the files that a repository has at these paths. Raises OSError.

        Each is asked for by its number, so its name may be any. A name that leads out of the
        folder, which only a forged repository has, is passed over.
        """
        asked = ("-r", "-z", "--full-tree", self._commit, "--", *paths)
        entries = []
        for line in self._git("ls-tree", *asked).split(b"\0"):
            meta, _, name = line.partition(b"\t")
            if name.endswith(_ENDINGS):
                mode, kind, number = meta.split()
                entry = _TreeEntry(mode, number, os.fsdecode(name))
                if kind == b"blob" and is_plain(entry.name):
                    entries.append(entry)
        numbers = b"".join(b"%s\n" % entry.number for entry in entries)
        answer = io.BytesIO(self._git("cat-file", "--batch", given=numbers))
        for entry in entries:
            *_, kind, size = answer.readline().split()
            if kind != b"blob":
                raise self._error()
            self._write(entry, answer.read(int(size)))
            answer.read(1)  # the line end behind it

    def _write(self, entry: _TreeEntry, data: bytes) -> None:
        target = os.path.join(self.folder, *entry.name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if entry.mode != _LINK:
            with open(target, "wb") as file:
                file.write(data)
        elif is_plain(
            os.path.normpath(os.path.join(os.path.dirname(entry.name), os.fsdecode(data)))
        ):
            os.symlink(data, os.fsencode(target))

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        """What git prints of the revision. Raises OSError."""
        try:
            return _git(*arguments, given=given)
        except subprocess.CalledProcessError:
            raise self._error() from None

    def _error(self) -> OSError:
        return OSError(errno.EIO, f"git cannot read all of {self.name}: is its repository damaged?")


def name_unpacked(path: str, folder: str, name: str) -> str:
    """How to call a file of the folder into which something of this name was unpacked, as git does.

    A file that is not in the folder has its own name.
    """
    if not path.startswith(os.path.join(folder, "")):
        return path
    return f"{name}:{os.path.relpath(path, folder)}"


def _repository_of(path: str) -> str:
    """The nearest folder above a path that is a repository; a submodule is one of its own."""
    while not os.path.exists(os.path.join(path, ".git")):
        above = os.path.dirname(path)
        if above == path:
            return path
        path = above
    return path


def merge_base(one: str, other: str) -> str:
    """The revision that two have in common, as git has it for `ONE...OTHER`. Raises UsageError."""
    try:
        return _git("merge-base", "--end-of-options", one, other).decode().strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise UsageError(f"{one} and {other} have no revision of git in common") from None


@contextmanager
def renamed_errors(original: Callable[[str], str]) -> Iterator[None]:
    """Have errors call unpacked files by other names."""
    try:
        yield
    except InputError as error:
        raise InputError(
            [
                msgspec.structs.replace(diagnostic, file=original(diagnostic.file))
                for diagnostic in error.diagnostics
            ]
        ) from None


def _git(*arguments: str, given: bytes = b"") -> bytes:
    """What git prints. Raises FileNotFoundError without a git, and CalledProcessError."""
    done = subprocess.run(["git", *arguments], input=given, capture_output=True, check=True)
    return done.stdout


def _nothing(name: str, why: str) -> str:
    return f"{name} is no folder and no release such as 2.15, and {why}"
