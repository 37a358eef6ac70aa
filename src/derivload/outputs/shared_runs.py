"""What containers share of a script's run: the names that it depends on, and what it left.

A record (`kept_runs.py`) is of one folder of one machine. Here, the places that differ between
containers are replaced by what they are: the current folder, the home, Python's own folders. What a
run depends on is two requests away:

1. The command leads to the names of everything that such a run depended on last. Their values, as
   they are here, make the second name.
2. That leads to the files which the run left, and to what it printed.

So a value that differs is a miss. The names are in the second name too, so those of another run
lead to nothing else.

Places are replaced only for PyTorch's own generators, whose files do not depend on where they are:
any other script may write a part of a path. If such a file has a place in its text, as depfiles
do, the run is shared only with containers in which that place is the same.

A run is not shared if it removed files, or depends on sizes and times of files, or left something
outside of the current folder and the folders that its command names.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tempfile

from derivload.identity import PACKAGE, python_digest, sha256, tool_digest
from derivload.outputs.digests import digest_of, digests_of_files
from derivload.outputs.kept_runs import (
    ABSENT,
    FOLDER,
    INPUT,
    NO_LINK,
    OUTPUT,
    VALUE,
    RecordLine,
    context,
    current,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MARK = "\1"
# What may follow the name of a folder: not more of that name.
_END_OF_NAME = r"(?![\w.-])"
_SCRIPT = ("tools", "setup_helpers", "generate_code.py")
_NAMES, _LEFT = b"names", b"left"
_DATA = b"data "
# What reading a pack that is not of our form may raise.
DAMAGED = (
    *(ValueError, LookupError, TypeError, AttributeError),
    # Of numbers that are too large, and of lists in lists in lists.
    *(ArithmeticError, RecursionError),
)
# What is not depended on, but a result; the context is in the name of the first pack.
_RESULTS = frozenset([OUTPUT, "printed", "context"])


class Places:
    """The folders that differ between containers. The longer ones are looked for first.

    With `is_fixed`, there are none: everything must be at the same place.
    """

    def __init__(self, *, is_fixed: bool) -> None:
        named = [os.getcwd(), sys.prefix, sys.base_prefix, os.path.dirname(PACKAGE)]
        named += [os.environ.get("HOME", ""), _temporary()]
        self.folders = [path.rstrip(os.sep) for path in named]
        first: dict[str, int] = {}
        for number, folder in enumerate(self.folders):
            if os.path.isabs(folder) and not is_fixed:
                first.setdefault(folder, number)
        self._by_length = sorted(first.items(), key=lambda item: -len(item[0]))

    def shared(self, path: str) -> str:
        """The path, with the name of a place in front if it is below one."""
        for folder, number in self._by_length:
            if path == folder or path.startswith(folder + os.sep):
                return f"{_MARK}{number}{path[len(folder) :]}"
        return path

    def own(self, path: str) -> str:
        """The path here for one that `shared` gave in another container. Raises ValueError."""
        if not path.startswith(_MARK):
            return path
        number, rest = path[1:2], path[2:]
        folder = self.folders[int(number)]
        if not folder or (rest and not rest.startswith(os.sep)):
            raise ValueError(path)
        return folder + rest

    def in_text(self, text: str) -> str:
        """A text with each place replaced; for digests only."""
        for folder, number in self._by_length:
            place = f"{_MARK}{number}{_MARK}"
            text = re.sub(re.escape(folder) + _END_OF_NAME, place, text)
        return text

    def named_in(self, data: Iterable[bytes]) -> list[int]:
        """The numbers of the places that stand in some bytes."""
        texts = list(data)
        return sorted(
            number
            for folder, number in self._by_length
            if any(os.fsencode(folder) in text for text in texts)
        )


def _temporary() -> str:
    """The folder for temporary files; "" where there is none that can be written to."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return ""


def is_of_pytorch(is_module: bool, target: str) -> bool:
    """Whether a command is one of PyTorch's own generators."""
    if is_module:
        return target.partition(".")[0] in ("torchgen", "tools")
    return os.path.normpath(target).split(os.sep)[-3:] == [*_SCRIPT]


def name_of_command(
    places: Places, is_module: bool, target: str, arguments: Sequence[str]
) -> bytes:
    """The name of the pack with the names that a command depends on."""
    told = [places.in_text(text) for text in ("-m" if is_module else "", target, *arguments)]
    parts = [context(places.in_text), *told]
    return _digest(b"run", tool_digest(), python_digest(), json.dumps(parts).encode())


def make_shared(
    places: Places, name: bytes, run: FinishedRun, allowed: Sequence[str]
) -> dict[bytes, dict[bytes, bytes]]:
    """The packs to share of a run, of which the record was made just now; none if it is not shared.

    `allowed` are the folders in which files may be. Raises OSError.
    """
    depends = [
        item for item in run.items if item.kind not in _RESULTS and item.name not in run.made
    ]
    if run.removed or any(item.kind == "status" and item.value != ABSENT for item in depends):
        return {}
    outputs = [item for item in run.items if item.kind == OUTPUT]
    if not all(is_allowed(path, allowed) for path in (*run.made, *(o.name for o in outputs))):
        return {}
    data = _read_outputs(outputs)
    if data is None:
        return {}
    printed = [(item.value, item.name) for item in run.items if item.kind == "printed"]
    bound = places.named_in([*data.values(), *(bytes.fromhex(text) for _, text in printed)])
    names = [(item.kind, _renamed(places.shared, item.kind, item.name)) for item in depends]
    values = [_shared_value(places, item.kind, item.name, item.value) for item in depends]
    left = {
        "outputs": [(places.shared(item.name), item.value) for item in outputs],
        "made": [places.shared(path) for path in run.made],
        "printed": printed,
    }
    second = _name_of_values(places, name, names, values, bound)
    return {
        name: {_NAMES: json.dumps({"names": names, "bound": bound}).encode()},
        second: {_LEFT: json.dumps(left).encode(), **data},
    }


class FinishedRun:
    """A run that ended well.

    `items` is its record, `made` are the folders that it made, `removed` the files that it removed.
    """

    def __init__(
        self, items: Sequence[RecordLine], made: Sequence[str], removed: Sequence[str]
    ) -> None:
        self.items = items
        self.made = made
        self.removed = removed


def _read_outputs(outputs: Iterable[RecordLine]) -> dict[bytes, bytes] | None:
    """The bytes of outputs, by digest; None if one cannot be shared. Raises OSError."""
    found = {}
    for item in outputs:
        mode = os.lstat(item.name).st_mode
        if not stat.S_ISREG(mode) or mode & 0o111:
            return None
        with open(item.name, "rb") as file:
            data = file.read()
        if digest_of(data) != item.value:  # it was edited meanwhile
            return None
        found[_DATA + item.value.encode()] = data
    return found


class Depends:
    """What a command depends on, with the values of now; `name` is that of the second pack."""

    def __init__(self, items: list[RecordLine], name: bytes) -> None:
        self.items = items
        self.name = name


def read_names(places: Places, name: bytes, values: Mapping[bytes, bytes]) -> Depends:
    """What the first pack says. Raises one of DAMAGED."""
    told = json.loads(values[_NAMES])
    names = [(str(kind), str(text)) for kind, text in told["names"]]
    bound = [int(number) for number in told["bound"]]
    items = [RecordLine(kind, "", _renamed(places.own, kind, text)) for kind, text in names]
    digests = digests_of_files(item.name for item in items if item.kind in (INPUT, VALUE))
    for item in items:
        item.value = current(item.kind, item.name, digests.get(item.name, ""))
    shared = [_shared_value(places, item.kind, item.name, item.value) for item in items]
    return Depends(items, _name_of_values(places, name, names, shared, bound))


class Left:
    """What a run left: the folders and files, by path, and what it printed."""

    def __init__(
        self, folders: list[str], files: dict[str, bytes], printed: list[RecordLine]
    ) -> None:
        self.folders = folders
        self.files = files
        self.printed = printed

    def items(self) -> list[RecordLine]:
        """The lines of a record."""
        return [
            *(RecordLine("kind", FOLDER, path) for path in self.folders),
            *(RecordLine(OUTPUT, digest_of(data), path) for path, data in self.files.items()),
            *self.printed,
        ]


def read_left(places: Places, values: Mapping[bytes, bytes], allowed: Sequence[str]) -> Left:
    """What the second pack says. Raises one of DAMAGED, also if a path is not in `allowed`."""
    told = json.loads(values[_LEFT])
    folders = [places.own(str(path)) for path in told["made"]]
    files = {}
    for path, digest in told["outputs"]:
        data = values[_DATA + str(digest).encode()]
        if digest_of(data) != digest:
            raise ValueError(path)
        files[places.own(str(path))] = data
    # Whoever may write to the server must not be able to write anywhere, by no link either.
    real = [os.path.realpath(folder) for folder in allowed]
    for path in (*folders, *files):
        if not is_allowed(path, allowed) or not is_allowed(os.path.realpath(path), real):
            raise ValueError(path)
    printed = [RecordLine("printed", str(int(where)), str(text)) for where, text in told["printed"]]
    for item in printed:
        bytes.fromhex(item.name)
    return Left(folders, files, printed)


def allowed_folders(arguments: Iterable[str]) -> list[str]:
    """The folders in which a shared run may leave files.

    They are the current folder, and what the arguments name: themselves, and behind a `=`.
    """
    named = [part for text in arguments for part in (text, text.partition("=")[2]) if part]
    inside = [os.getcwd(), *(os.path.abspath(text) for text in named if os.sep in text)]
    return [folder for folder in inside if os.path.dirname(folder) != folder]


def is_allowed(path: str, allowed: Iterable[str]) -> bool:
    """Whether a path is one of these folders or files, or in one of them."""
    if not os.path.isabs(path) or os.path.normpath(path) != path or not path.isprintable():
        return False
    return any(path == folder or path.startswith(folder + os.sep) for folder in allowed)


def _renamed(rename: Callable[[str], str], kind: str, name: str) -> str:
    """The name of a line with its path renamed, by `Places.shared` or `Places.own`."""
    if kind in ("variable", "terminal"):
        return name
    path, null, rest = name.partition("\0")
    return rename(path) + null + rest


def _shared_value(places: Places, kind: str, name: str, value: str) -> str:
    """The value of something, with the places in it replaced: that of a link is where it leads."""
    if kind != "link" or value == NO_LINK:
        return value
    try:
        return places.shared(os.readlink(name))
    except OSError:
        return value


def _name_of_values(
    places: Places,
    name: bytes,
    names: Sequence[tuple[str, str]],
    values: Sequence[str],
    bound: Sequence[int],
) -> bytes:
    there = [(number, places.folders[number]) for number in bound]
    told = json.dumps([[*zip(names, values, strict=True)], there])
    return _digest(b"left", name, told.encode())


def _digest(*parts: bytes) -> bytes:
    return sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).digest()
