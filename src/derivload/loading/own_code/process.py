"""The child process in which a tree's own torchgen runs, and what it answers.

It is started before it is needed (`starting.py`), and imports torchgen while we go on. It ends when
we close its stdin, or end ourselves.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.loading.errors import TreeCodeError
from derivload.loading.own_code.starting import end_process, send, start_process
from derivload.loading.trace import NOTHING, OF_THE_SYSTEM, Trace, is_watched, without_root

if TYPE_CHECKING:
    import subprocess

    from derivload.loading.paths import Files
    from derivload.loading.rules_of_tree import Rules

_FILES: Final = ("derivatives", "native", "tags")
# What is there says nothing that lasts.
_PASSING: Final = ("/dev/", "/proc/", "/sys/")
_NAMES: Final = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")


def backend_name(index: int) -> str:
    """What torchgen's messages call a backend's file, by its index."""
    return f"backend_{index}.yaml"


class TreeAnswer(msgspec.Struct, frozen=True, gc=False):
    """torchgen's results for some files: the records of the documents, in its order.

    For each record, `bases` has the base name of its function, and `origins` the number of the
    record that its formulas come from: itself, or the one that it is a copy of. For each function,
    `cpp_names` has the name that functions are sorted by, and `function_bases` the base name.
    `read` is what it has read so far besides the files of its jobs, its own modules among that. The
    process tells the paths of files and of folders.
    """

    used_dispatch_keys: tuple[str, ...]
    records: list[DifferentiabilityRecord]
    bases: list[str]
    origins: list[int]
    functions: list[FunctionRecord]
    cpp_names: list[str]
    function_bases: list[str]
    generated: list[DifferentiabilityRecord]
    read: Trace = NOTHING


class RefusedError(Exception):
    """The tree's torchgen raised an exception for some files; the text is its traceback.

    `folder` is where these files were.
    """

    def __init__(self, text: str, folder: str) -> None:
        super().__init__(text)
        self.folder = folder


def start_torchgen(
    files: Files, rules: Rules, process: subprocess.Popen[str] | None = None
) -> OwnTorchgen:
    """Start the torchgen of the tree that files are of, if it is not started as `process`.

    Raises OSError.
    """
    assert files.tree is not None
    return OwnTorchgen(process or start_process(files, rules), files.tree.root)


class OwnTorchgen:
    """The torchgen of a tree, in a process of its own that `start_process` has started.

    `is_lost` tells that it answers no more: it cannot be imported, or its process ended. `read` is
    what it had read when it answered last.
    """

    def __init__(self, process: subprocess.Popen[str], root: str) -> None:
        """`root` is the folder of the tree."""
        self.is_lost = False
        self.read = NOTHING
        self._process = process
        self._root = root
        # Why it cannot be imported, "" if it can, None as long as the process has not said.
        self._import_error: str | None = None

    def run(self, texts: Sequence[str], backends: Sequence[str] = ()) -> TreeAnswer:
        """Its results for the texts of the three files: derivatives, native functions, tags.

        `backends` are the texts of files that say what backends register. They are checked.

        Raises RefusedError, and TreeCodeError if the process does not answer.
        """
        with tempfile.TemporaryDirectory(prefix="derivload-") as folder:
            paths = [os.path.join(folder, name) for name in _NAMES]
            for path, text in zip(paths, texts, strict=True):
                _write(path, text)
            also = [os.path.join(folder, backend_name(index)) for index in range(len(backends))]
            for path, text in zip(also, backends, strict=True):
                _write(path, text)
            out = os.path.join(folder, "answer.json")
            self._ask(paths, {"out": out, "backends": os.pathsep.join(also)}, folder)
            with open(out, "rb") as file:
                answer = file.read()
            try:
                found = msgspec.json.decode(answer, type=TreeAnswer)
            except msgspec.DecodeError as error:
                raise TreeCodeError(
                    f"the tree's own torchgen gives what documents cannot hold: {error}"
                ) from None
        self.read = _watched(found.read, self._root)
        return msgspec.structs.replace(found, read=self.read)

    def generate(self, paths: Sequence[str], autograd: str, out: str) -> None:
        """Have its generators write their files to the folder `out`, which exists.

        `paths` are of the three files, and `autograd` is the folder of the generators. Raises
        RefusedError, and TreeCodeError if the process does not answer.
        """
        self._ask(paths, {"autograd": autograd, "folder": out}, out)

    def _ask(self, paths: Sequence[str], wanted: dict[str, str], folder: str) -> None:
        """Send a job, and wait for the answer; `folder` is for the RefusedError."""
        self._check_import()
        send(self._process, {**dict(zip(_FILES, paths, strict=True)), **wanted})
        refused = self._receive()
        if refused:
            raise RefusedError(refused, folder)

    def close(self) -> None:
        """End it."""
        end_process(self._process)

    def _check_import(self) -> None:
        if self._import_error is None:
            self._import_error = self._receive().rstrip()
        if self._import_error:
            self.is_lost = True
            raise TreeCodeError(
                f"the tree's own torchgen cannot be imported:\n{self._import_error}"
            )

    def _receive(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return str(json.loads(line))
        except ValueError:
            self.is_lost = True
            raise TreeCodeError(
                f"the process of the tree's own torchgen ended: {self._process.wait()}"
            ) from None


def _write(path: str, text: str) -> None:
    with open(path, "wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))


def _watched(read: Trace, root: str) -> Trace:
    """The trace of what the process tells."""

    def counts(path: str) -> bool:
        return is_watched(path, root) and not path.startswith(_PASSING)

    files = [path for path in read.files if counts(path) and not os.path.isdir(path)]
    folders = [path for path in read.folders if counts(path) and os.path.isdir(path)]
    return Trace(
        frozenset(without_root(path, root) for path in files),
        frozenset(without_root(os.path.join(path, "*"), root) for path in folders),
        read.variables - OF_THE_SYSTEM,
    )
