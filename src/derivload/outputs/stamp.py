"""The stamp: a file beside the outputs that tells the next run if there is nothing to do.

It holds digests of derivload itself, of the arguments, of each input and output, and of its own
lines. The next run reads and hashes all of these again, apart from derivload's own files if their
state is the same as then (`identity.tool_state`). So it notices an output that was edited by hand
as well as an input that changed. A stamp that is damaged, or was written by another version, is
ignored. The stamp only tells whether there is nothing to do, never what to write.

`emit` has one stamp, and each subset of `codegen` has its own, so they can share a folder. An
output is recorded by its name inside the folder. `codegen` removes files by that name, so a name
that leads out of the folder is ignored, in case somebody else wrote it into the stamp.

This module imports only what hashing needs, because builds often run derivload with nothing to do.
"""

from __future__ import annotations

import os

from derivload.identity import python_digest, tool_digest, tool_state
from derivload.outputs.digests import (
    digest_of,
    digest_of_names,
    digest_of_variable,
    have_digests,
    names_like,
    sealed,
    unsealed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    Guess = Callable[[Sequence[str], str], Sequence[str]]

    class SearchSeen(Protocol):
        """What searches saw that a run depends on."""

        folder: str
        there: list[str]
        passed: list[tuple[str, bytes]]

    class RunOrigin(Protocol):
        """What decided the options that a command line does not name."""

        added: Sequence[str]

        @property
        def search(self) -> SearchSeen:
            """What was searched for."""


_NAME = ".derivload-stamp"
_FORMAT = "derivload-stamp 3"
_SEPARATOR = "\0"
# Arguments that do not change what a run writes.
_WITH_VALUE = (
    *("--cache-dir", "--color", "--remote-cache", "--remote-cache-mode", "--remote-cache-limit"),
    "--remote-cache-upload-limit",
)
_WITHOUT_EFFECT = (*_WITH_VALUE, "--no-cache", "--stats", "--quiet", "--verbose")


class UpToDate:
    """There is nothing to do.

    It has the folder, the note for the user, which inputs were looked at if no option named them,
    the arguments that settings stand for, and the numbers of files.
    """

    __slots__ = ("added", "inputs", "note", "out_dir", "outputs", "told")

    def __init__(
        self, out_dir: str, said: dict[str, str], added: Sequence[str], inputs: int, outputs: int
    ) -> None:
        self.out_dir = out_dir
        self.note = said.get("note", "")
        self.told = said.get("told", "")
        self.added = added
        self.inputs = inputs
        self.outputs = outputs


class Record:
    """What a run read and wrote, for its stamp.

    - `tool`: derivload's digest when the run began. If derivload is edited during the run, the
      next run must notice.
    - `inputs`: their paths, as the run used them, and the sha256 of their bytes.
    - `outputs`: their names inside the folder, and the sha256 of their bytes.
    - `beside`: outputs elsewhere, such as the depfile: their paths and sha256.
    - `absent`: paths that did not exist, but would have been inputs.
    - `listed`: patterns of names in a folder, and the names found.
    - `variables`: environment variables, and digests of their values.
    - `python`: Python's digest, if it affects the outputs; else empty.
    - `note`: a line that the user is told at each run.
    - `told`: a line that says which inputs were looked at, if no option named them.
    - `origin`: what decided that, and the other options that the command line does not name.
    - `shown`: the ids of the warnings that were shown, by this run or before.
    """

    __slots__ = (
        *("absent", "beside", "inputs", "listed", "note", "origin", "outputs", "python", "shown"),
        *("told", "tool", "variables"),
    )

    def __init__(
        self,
        tool: bytes,
        *,
        inputs: Sequence[tuple[str, str]],
        absent: Sequence[str],
        outputs: Sequence[tuple[str, str]],
        beside: Sequence[tuple[str, str]],
        note: str,
        listed: Sequence[tuple[str, Sequence[str]]] = (),
        variables: Sequence[tuple[str, str]] = (),
        python: bytes = b"",
        shown: Sequence[str] = (),
        told: str = "",
        origin: RunOrigin | None = None,
    ) -> None:
        self.beside = beside
        self.tool = tool
        self.inputs = inputs
        self.absent = absent
        self.listed = listed
        self.variables = variables
        self.python = python
        self.outputs = outputs
        self.note = note
        self.shown = shown
        self.told = told
        self.origin = origin


def render_stamp(arguments: Sequence[str], record: Record) -> bytes:
    """The bytes of the stamp of a successful run.

    b"" if a path contains a line end: that is not a valid stamp, so the next run does its work.
    """
    lines = [
        _FORMAT,
        f"tool {record.tool.hex()} {tool_state() if record.tool == tool_digest() else ''}",
        f"arguments {_arguments_digest(arguments)}",
        f"note {record.note}",
        *([f"told {record.told}"] if record.told else []),
        *_origin_lines(record.origin),
        *(f"input {digest} {path}" for path, digest in record.inputs),
        *(f"absent {path}" for path in record.absent),
        *([f"python {record.python.hex()}"] if record.python else []),
        *(f"variable {digest} {name}" for name, digest in record.variables),
        *(f"listed {digest_of_names(names)} {pattern}" for pattern, names in record.listed),
        *(f"output {digest} {name}" for name, digest in record.outputs),
        *(f"beside {digest} {path}" for path, digest in record.beside),
        *([f"shown {' '.join(record.shown)}"] if record.shown else []),
    ]
    return sealed(lines)


def _origin_lines(origin: RunOrigin | None) -> list[str]:
    if origin is None:
        return []
    search = origin.search
    return [
        *([f"folder {search.folder}"] if search.folder else []),
        *([f"added {_SEPARATOR.join(origin.added)}"] if origin.added else []),
        *(f"there {path}" for path in search.there),
        *(f"passed {digest_of(data)} {path}" for path, data in search.passed),
    ]


def stamp_name(subset: str | None = None) -> str:
    """The name of the stamp of `emit`, or of a subset of `codegen`."""
    return _NAME if subset is None else f"{_NAME}-{subset}"


def read_stamp(arguments: Sequence[str], guess: Guess) -> UpToDate | None:
    """Tell whether the run with these arguments has nothing to do. None if it may have work.

    The arguments begin with the command. `guess` tells what an option that they leave out may be
    by settings. A stamp records what they were, so a wrong guess finds no stamp that holds.
    """
    named = _option(arguments, "--out-dir")
    for out_dir in guess(arguments, "out-dir") if named is None else [named]:
        for stamp in _stamp_names(arguments, guess):
            try:
                if not _is_left_over(out_dir) and (found := _read(out_dir, stamp, arguments)):
                    return found
            except (OSError, ValueError):
                continue
    return None


def _stamp_names(arguments: Sequence[str], guess: Guess) -> list[str]:
    """The names that the stamp of these arguments may have."""
    if arguments[0] == "emit":
        return [stamp_name()]
    subset = _option(arguments, "--subset")
    if subset is not None:
        return [stamp_name(subset)]
    return [stamp_name(subset) for subset in ("all", *guess(arguments, "subset"))]


def _is_left_over(out_dir: str) -> bool:
    """Whether a run that was ended left its hidden folder: only a run that writes removes it."""
    names = [name for name in os.listdir(out_dir) if name.endswith(".tmp")]
    if not names:
        return False
    from derivload.outputs.staging import is_hidden_folder

    return any(map(is_hidden_folder, names))


def read_outputs(path: str) -> list[tuple[str, str]]:
    """The outputs recorded in a stamp, as pairs of sha256 and name; empty without a valid stamp."""
    try:
        lines = unsealed(path, _FORMAT)
    except (OSError, ValueError):
        return []
    named = (line.split(" ", 2) for line in lines)
    return [(word[1], word[2]) for word in named if word[0] == "output" and len(word) > 2]


def read_shown(out_dir: str) -> set[str]:
    """The ids of the warnings that any stamp in a folder says were shown."""
    shown: set[str] = set()
    try:
        names = [name for name in os.listdir(out_dir) if name.startswith(_NAME)]
    except OSError:
        return shown
    for name in names:
        try:
            lines = unsealed(os.path.join(out_dir, name), _FORMAT)
        except (OSError, ValueError):
            continue
        for line in lines:
            if line.startswith("shown "):
                shown.update(line.split(" ")[1:])
    return shown


def _read(out_dir: str, stamp: str, arguments: Sequence[str]) -> UpToDate | None:
    lines = unsealed(os.path.join(out_dir, stamp), _FORMAT)
    if not lines:
        return None
    said: dict[str, str] = {}
    expected: dict[str, dict[str, str]] = {"input": {}, "passed": {}, "output": {}, "beside": {}}
    for line in lines:
        what, _, rest = line.partition(" ")
        if what in expected:
            digest, _, path = rest.partition(" ")
            expected[what][os.path.join(out_dir, path) if what == "output" else path] = digest
        elif what in ("note", "told", "added"):
            said[what] = rest
        elif not _holds(what, rest, arguments):
            return None
    # The inputs come first: they are smaller than the outputs, and more likely to have changed.
    if not all(map(have_digests, expected.values())):
        return None
    added = said["added"].split(_SEPARATOR) if "added" in said else []
    if _option([*added, *arguments], "--out-dir") != out_dir:
        return None
    inputs, _, *outputs = map(len, expected.values())
    return UpToDate(out_dir, said, added, inputs, sum(outputs))


def _holds(what: str, rest: str, arguments: Sequence[str]) -> bool:
    """Whether a line of the stamp still holds. `_read` itself checks inputs and outputs."""
    if what == "tool":
        digest, _, state = rest.partition(" ")
        return state == tool_state() != "" or digest == tool_digest().hex()
    if what == "arguments":
        return rest == _arguments_digest(arguments)
    if what == "python":
        return rest == python_digest().hex()
    digest, _, name = rest.partition(" ")
    if what == "listed":
        return digest == digest_of_names(names_like(name))
    if what == "variable":
        return digest == digest_of_variable(name)
    if what == "folder":
        return rest == os.getcwd()
    if what == "shown":
        return True
    return what in ("absent", "there") and os.path.exists(rest) == (what == "there")


def _option(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option; the last one if it is given several times; None if it is not."""
    found = None
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            found = arguments[i + 1]
        elif argument.startswith(f"{name}="):
            found = argument[len(name) + 1 :]
    return found or None


def _arguments_digest(arguments: Sequence[str]) -> str:
    kept = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument.partition("=")[0] in _WITHOUT_EFFECT:
            skip = argument in _WITH_VALUE
        else:
            kept.append(argument)
    return digest_of("\0".join(kept).encode("utf-8", "surrogateescape"))
