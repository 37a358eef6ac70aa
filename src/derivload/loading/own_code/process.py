"""The child process in which a tree's own torchgen runs, and what it answers.

It starts before it is needed, and imports torchgen while we go on. It ends when we close its
stdin, or end ourselves.
"""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.loading.errors import TreeCodeError
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from derivload.modules import forget_compiled

_CHECKOUT: Final = "tools.autograd.load_derivatives"
_PACKAGED: Final = "torchgen.packaged.autograd.load_derivatives"
_NAMES: Final = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")


def backend_name(index: int) -> str:
    """What torchgen's messages call a backend's file, by its index."""
    return f"backend_{index}.yaml"


class TreeAnswer(msgspec.Struct, frozen=True, gc=False):
    """What torchgen makes of some files: the records of the documents, in its order.

    Of each record, `bases` has the base name of its function, and `origins` which record it has
    its formulas from, itself or one that it is a copy of. Of each function, `cpp_names` has the
    name that they are sorted by, and `function_bases` the base name.
    """

    used_dispatch_keys: tuple[str, ...]
    records: list[DifferentiabilityRecord]
    bases: list[str]
    origins: list[int]
    functions: list[FunctionRecord]
    cpp_names: list[str]
    function_bases: list[str]
    generated: list[DifferentiabilityRecord]


class RefusedError(Exception):
    """The tree's torchgen raised an exception for some files; the text is its traceback.

    `folder` is where these files were.
    """

    def __init__(self, text: str, folder: str) -> None:
        super().__init__(text)
        self.folder = folder


def start_torchgen(files: Files, rules: Rules) -> OwnTorchgen:
    """Start the torchgen of the tree that files are of. Raises OSError."""
    assert files.tree is not None
    assert files.may_run_tree
    return OwnTorchgen(files.tree, rules.paths, files.additions.dispatch_keys)


class OwnTorchgen:
    """The torchgen of a tree, in a process of its own. `paths` are its modules' files, and
    `dispatch_keys` those that a backend adds to its list.
    """

    def __init__(
        self, place: TreePlace, paths: Sequence[str], dispatch_keys: Sequence[str] = ()
    ) -> None:
        """Start it. Raises OSError."""
        source = pkgutil.get_data(__package__ or "", "child.py")
        assert source is not None
        options = [] if forget_compiled(paths) else ["-X", f"pycache_prefix={os.devnull}"]
        self._process = subprocess.Popen(
            [sys.executable, *options, "-c", source.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Sets have the same order each time, so that the same comes of the same.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            text=True,
            encoding="utf-8",
        )
        self._has_answered = False
        is_checkout = Path(place.autograd).parent.name == "tools"
        loader = _CHECKOUT if is_checkout else _PACKAGED
        torchgen = str(Path(place.torchgen).absolute())
        keys = " ".join(dispatch_keys)
        self._send(
            {"root": place.root, "torchgen": torchgen, "loader": loader, "dispatch_keys": keys}
        )

    def run(self, texts: Sequence[str], backends: Sequence[str] = ()) -> TreeAnswer:
        """What it makes of the texts of the three files: derivatives, native functions, tags.

        `backends` are the texts of files that say what backends register. They are checked.

        Raises RefusedError, and TreeCodeError where it cannot be asked.
        """
        self._check_import()
        with tempfile.TemporaryDirectory(prefix="derivload-") as folder:
            paths = [Path(folder, name) for name in _NAMES]
            for path, text in zip(paths, texts, strict=True):
                path.write_text(text, "utf-8", "surrogatepass", newline="\n")
            out = Path(folder, "answer.json")
            also = [Path(folder, backend_name(index)) for index in range(len(backends))]
            for path, text in zip(also, backends, strict=True):
                path.write_text(text, "utf-8", "surrogatepass", newline="\n")
            keys = ("derivatives", "native", "tags", "out", "backends")
            joined = os.pathsep.join(map(str, also))
            self._send(dict(zip(keys, [*map(str, [*paths, out]), joined], strict=True)))
            refused = self._receive()
            if refused:
                raise RefusedError(refused, folder)
            try:
                return msgspec.json.decode(out.read_bytes(), type=TreeAnswer)
            except msgspec.DecodeError as error:
                raise TreeCodeError(
                    f"the tree's own torchgen gives what documents cannot hold: {error}"
                ) from None

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _check_import(self) -> None:
        if self._has_answered:
            return
        text = self._receive()
        if text:
            raise TreeCodeError(f"the tree's own torchgen cannot be imported:\n{text.rstrip()}")
        self._has_answered = True

    def _send(self, job: dict[str, str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # it has ended, which shows when it is to answer

    def _receive(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return str(json.loads(line))
        except ValueError:
            raise TreeCodeError(
                f"the process of the tree's own torchgen ended: {self._process.wait()}"
            ) from None
