"""The record of a script's run, by which the next one sees that there is nothing to do.

A record says what a run was seen to depend on, each with its value, and which files it left
behind. If all of it is still so, running the script again would do what it did: nothing is run.
`commands/run/` writes records, and takes only one that holds at the end of its own run.

A file is told by its sha256. Reading 80 MB for that would take longer than all else, so a file
counts as unread when its status (size, both times, number) is the one that was noted with the
digest. The time of the last change of a file's status cannot be set by anybody, and a status is
noted only when it is clearly older than the note: a later edit gets another time. Where a system
has no such time (Windows), no status is noted, and files are read.

Imports nothing but what hashing needs: this is the exit that builds take hundreds of times.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from derivload.identity import python_digest, tool_digest
from derivload.modules import CLEARLY, is_folder
from derivload.outputs.digests import (
    digest_of,
    digest_of_variable,
    digests_of_files,
    sealed,
    unsealed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FORMAT = "derivload-run 1"
# Nanoseconds. Some file systems note times in steps of two seconds.
_SECOND = 1_000_000_000
_COARSE = 2 * _SECOND
_NO_SIGN = "-"
NO_LINK = "none"
ABSENT, FILE, FOLDER, OTHER = "absent", "file", "folder", "other"
INPUT, VALUE, OUTPUT = "input", "value", "output"
_FILES = (INPUT, VALUE, OUTPUT)
# What decides how Python runs, whatever a script asks for.
_ALWAYS = ("LANG", "LANGUAGE", "TZ")
_ALWAYS_LIKE = ("PYTHON", "LC_")


class RecordLine:
    """One line of a record: what kind of thing, its value, and its name.

    `kind` is INPUT, VALUE (a YAML file of which only the value counts), OUTPUT, "kind", "link",
    "status", "listed", "modules", "variable", "terminal", "context" or "printed". `sign` is the
    status of a file.
    """

    __slots__ = ("kind", "name", "sign", "value")

    def __init__(self, kind: str, value: str, name: str, sign: str = _NO_SIGN) -> None:
        self.kind = kind
        self.value = value
        self.name = name
        self.sign = sign

    def render(self) -> str:
        """The line."""
        return f"{self.kind} {self.value} {self.sign} {self.name}"


class RecordCheck:
    """How a record compares with what is there.

    `differing` is what is not as it says, `stale` whether a file has another status and the same
    bytes.
    """

    __slots__ = ("differing", "is_stale")

    def __init__(self, differing: list[RecordLine], is_stale: bool) -> None:
        self.differing = differing
        self.is_stale = is_stale


def run_key(is_module: bool, target: str, arguments: Sequence[str]) -> str:
    """The name of the record of a command in this folder."""
    parts = (os.getcwd(), "-m" if is_module else "", target, *arguments)
    return digest_of("\0".join(parts).encode("utf-8", "surrogateescape"))


def context(told: Callable[[str], str] = str) -> str:
    """A digest of everything that a run depends on without asking: derivload, Python, the locale,
    the mask of new files. `told` is applied to the text of it.
    """
    mask = os.umask(0o22)
    os.umask(mask)
    always = [
        (name, value)
        for name, value in sorted(os.environ.items())
        if name in _ALWAYS or name.startswith(_ALWAYS_LIKE)
    ]
    xoptions = sorted((name, value) for name, value in sys._xoptions.items())
    parts = (sys.executable, sys.prefix, sys.path[1:], tuple(sys.flags), xoptions, mask, always)
    data = told(repr(parts)).encode()
    return digest_of(data + tool_digest() + python_digest())


def render_record(items: Iterable[RecordLine]) -> bytes:
    """The bytes of a record; b"", which is none, if a name has a line end in it."""
    return sealed([FORMAT, *(item.render() for item in items)])


def read_record(path: str) -> list[RecordLine]:
    """The items of a record; none if there is no record, or it is damaged."""
    try:
        lines = unsealed(path, FORMAT)
    except (OSError, ValueError):
        return []
    items = []
    for line in lines:
        kind, value, sign, name = line.split(" ", 3)
        items.append(RecordLine(kind, value, name, sign))
    return items


def check(items: Iterable[RecordLine]) -> RecordCheck:
    """Compare a record with what is there. The signs of its files become those of now."""
    doubtful: list[RecordLine] = []
    differing: list[RecordLine] = []
    for item in items:
        if item.kind in _FILES:
            if item.sign == _NO_SIGN or _sign_of(item.name) != item.sign:
                doubtful.append(item)
        elif item.value != current(item.kind, item.name, item.value):
            differing.append(item)
    signs = {item.name: sign_of_settled(item.name) for item in doubtful}
    digests = digests_of_files(item.name for item in doubtful)
    for item in doubtful:
        if digests[item.name] != item.value:
            differing.append(item)
        item.sign = signs[item.name]
    return RecordCheck(differing, any(sign != _NO_SIGN for sign in signs.values()))


def current(kind: str, name: str, value: str = "") -> str:
    """The value that something has now; `value` for what has none of its own, such as a note."""
    if kind == "kind":
        return kind_of(name)
    if kind == "link":
        return link_of(name)
    if kind == "status":
        return _sign_of(name)
    if kind == "listed":
        return digest_of_folder(name)
    if kind == "modules":
        return digest_of_modules(name)
    if kind == "variable":
        return digest_of_variable(name) if name else digest_of_environment()
    if kind == "terminal":
        return str(os.isatty(int(name)))
    if kind == "context":
        return context()
    return value


def kind_of(path: str) -> str:
    """What is there: ABSENT, FILE, FOLDER or OTHER."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return ABSENT
    if stat.S_ISREG(mode):
        return FILE
    return FOLDER if stat.S_ISDIR(mode) else OTHER


def link_of(path: str) -> str:
    """A digest of where a link leads; NO_LINK for anything else, or nothing."""
    try:
        return digest_of(os.readlink(path).encode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return NO_LINK


def digest_of_folder(path: str) -> str:
    """A digest of the names in a folder, and of what kind each is."""
    try:
        with os.scandir(path) as entries:
            names = sorted(f"{entry.name}\0{is_folder(entry)}" for entry in entries)
    except OSError:
        return ABSENT
    return digest_of("\0".join(names).encode("utf-8", "surrogateescape"))


def digest_of_modules(name: str) -> str:
    """A digest of what Python may take in a folder for modules of some names.

    `name` is the folder and the modules, with NULs in between.
    """
    folder, *modules = name.split("\0")
    wanted = frozenset(modules)
    try:
        names = os.listdir(folder)
    except OSError:
        return ABSENT
    found = sorted(name for name in names if name.partition(".")[0] in wanted)
    return digest_of("\0".join(found).encode("utf-8", "surrogateescape"))


def digest_of_environment() -> str:
    """A digest of all environment variables."""
    return digest_of(repr(sorted(os.environ.items())).encode())


def sign_of_settled(path: str) -> str:
    """The sign of a file that is clearly older than now: an edit to it will show in the sign."""
    if os.name == "nt":
        return _NO_SIGN
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return _NO_SIGN
    latest = max(status.st_mtime_ns, status.st_ctime_ns)
    needed = CLEARLY if status.st_ctime_ns % _SECOND else _COARSE
    return _sign(status) if latest + needed < time.time_ns() else _NO_SIGN


def _sign_of(path: str) -> str:
    try:
        return _sign(os.stat(path))
    except (OSError, ValueError):
        return ABSENT


def _sign(status: os.stat_result) -> str:
    return f"{status.st_size}.{status.st_mtime_ns}.{status.st_ctime_ns}.{status.st_ino}"
