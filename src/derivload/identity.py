"""The identity of this derivload: a digest that is part of every key of the store and every stamp.

The digest covers the bytes of derivload's own modules, wherever they are installed. So a result
of another version, or of a checkout before an edit, is never used. It also covers which PyYAML is
installed, which reads whatever derivload's own reader leaves to it. Paths and times do not count.

The digest is right only if the code that runs is the source that was read. There are two ways in
which it may not be: a compiled file can come from other source (`modules.py`), and a module can be
edited after it was imported. Both show in the times at which files changed. If a command cannot be
certain, it starts again without compiled files (`start_again_if_unsure`). In a process that cannot
start again, the digest is a random number, so nothing stored is found by it, now or later.

A run need not read the source if the state of its files (`tool_state`), which changes with every
edit, is one that a digest was kept for: in a stamp, or in the store.

This module imports only what the fastest exit of `emit` needs anyway.
"""

from __future__ import annotations

import os
import sys

from derivload.modules import (
    TICK,
    changed_at,
    doubtful_form,
    file_status,
    is_settled,
    looks_of,
    modules_below,
    read_file,
    recompile,
    remove,
)
from derivload.version import STARTED, __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

try:  # what hashlib uses; importing hashlib itself loads more than is needed here
    from _hashlib import openssl_sha256
except ImportError:  # a Python without OpenSSL
    from hashlib import sha256 as openssl_sha256

sha256 = openssl_sha256
PACKAGE = os.path.dirname(os.path.abspath(__file__))
_BELOW = os.path.join(PACKAGE, "")
# A file that changed later than this may have been imported before or after the change. We
# subtract a tick because the clock of files is behind by up to one.
_UNTIL = STARTED - TICK
_DATA = "tree/known.json"
_SECOND = 1_000_000_000
_scans: list[_Scan] = []


def tool_digest() -> bytes:
    """The sha256 of all modules of the package, by name and content, and of PyYAML's identity.

    It takes about 5 ms, and is computed once in a process, unless it was learned: the modules that
    run are as they were then. If that is not certain, it is a random number.
    """
    return _scan().digest()


def tool_state() -> str:
    """The state of the files that `tool_digest` covers, in hex, which takes a third of the time.

    The digest is the same as long as the state is: it has the time at which each file changed,
    which nobody can set. "" where that may not show every edit: too soon after one, on a system
    other than Linux, or on a file system that is not on a disk of this machine, or may come from
    an image that was made with times of its maker's choice.
    """
    return _scan().state()


def learn_digest(look_up: Callable[[str], bytes | None]) -> None:
    """Have `tool_digest` give what was kept for the state of the files, unless it is known already.

    `look_up` returns that digest, or None. It is not called if there is no state.
    """
    _scan().learn(look_up)


def tool_files() -> list[str]:
    """The paths of the modules that `tool_digest` covers, or of the archive that has them."""
    return sorted(path for _, path in _modules() if os.path.isfile(path))


def python_digest() -> bytes:
    """A digest of everything but the source that decides how PyTorch's Python code behaves.

    That is: the version of Python, whether it checks assertions, what it does on a warning, and
    the code that a site has it run at start (`sitecustomize` and `usercustomize`).
    """
    flags = sys.flags
    parts = [
        sys.version,
        flags.optimize,
        flags.bytes_warning,
        getattr(flags, "int_max_str_digits", 0),
        sys.warnoptions,
    ]
    digest = sha256(repr(parts).encode())
    for name in ("sitecustomize", "usercustomize"):
        path = getattr(sys.modules.get(name), "__file__", None)
        found = None if path is None else read_file(path)
        digest.update(b"\0" if found is None else sha256(found[0]).digest())
    return digest.digest()


def is_as_it_began(*, is_alone: bool = False) -> bool:
    """Whether derivload is the same as when `tool_digest` was computed, and was all the time.

    Results may be kept only if so: a module imported in between may be an edited one. Compiled
    files of edited modules are removed. `is_alone` says that no other process took part in making
    the results: then the modules that this one has imported are all that matters.
    """
    imported = _imported() if is_alone else None
    modules = _modules() if imported is None else imported
    edited = [path for _, path in modules if _is_edited(path)]
    for path in edited:
        recompile(path)
    if not _scan().is_certain or edited:
        return False
    names = {name for name, _ in modules}
    return names <= _scan().names if modules is imported else names == _scan().names


def start_again_if_unsure() -> None:
    """Start this process's command again, without compiled files, if its code may be stale.

    Call it before anything else is done.
    """
    if _scan().is_certain or sys.pycache_prefix == os.devnull or not sys.executable:
        return
    command = [sys.executable, "-X", f"pycache_prefix={os.devnull}", *sys.orig_argv[1:]]
    if os.name == "nt":  # there, exec lets the process that started us go on at once
        import subprocess

        sys.exit(subprocess.call(command))
    os.execv(sys.executable, command)


def _scan() -> _Scan:
    if not _scans:
        _scans.append(_Scan())
    return _scans[0]


class _Scan:
    """The package, as it is when first looked at: its modules, their state and their digest.

    `is_certain` tells that the code that runs is certain to be these modules.
    """

    __slots__ = ("_digest", "_files", "_state", "is_certain", "names")

    def __init__(self) -> None:
        self.is_certain = True
        self.names: set[str] = set()
        self._digest = b""
        self._state: str | None = None
        self._files: list[tuple[str, str, os.stat_result]] = []
        installed = _installed_at()
        for name, path in sorted(_modules()):
            self.names.add(name)
            status = file_status(path)
            if status is None:  # removed meanwhile, or never a file
                continue
            self._files.append((name, path, status))
            if changed_at(status) > _UNTIL:
                self.is_certain = False
            # Only modules changed after the installation: the others were compiled just once.
            if status.st_mtime_ns > installed and name.endswith(".py"):
                self._check(name, path, status)

    def digest(self) -> bytes:
        """The digest of the modules and of PyYAML; a random number if it is not certain."""
        if not self._digest:
            digest = self._read()
            self._digest = digest if self.is_certain else os.urandom(32)
        return self._digest

    def _read(self) -> bytes:
        digest = sha256()
        for name, path, _ in self._files:
            found = read_file(path)
            if found is None:
                continue
            data, status = found
            digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
            digest.update(data)
            if changed_at(status) > _UNTIL:
                self.is_certain = False
        digest.update(_yaml())
        return digest.digest()

    def learn(self, look_up: Callable[[str], bytes | None]) -> None:
        """See `learn_digest`."""
        state = self.state()
        found = look_up(state) if state and not self._digest else None
        if found is not None and len(found) == sha256().digest_size:
            self._digest = found

    def state(self) -> str:
        """See `tool_state`."""
        if sys.platform != "linux" or not self.is_certain:
            return ""
        if self._state is None:
            self._state = self._digest_of_looks()
        return self._state

    def _digest_of_looks(self) -> str:
        lines = []
        for name, _, status in self._files:
            # File systems on no disk have no major number: the network's, whose status may be old.
            if not is_settled(status, _UNTIL) or not os.major(status.st_dev):
                return ""
            # Two images of a disk can have other files with the same times and inodes, if whoever
            # made them set all times. Such times are whole seconds.
            if not status.st_ctime_ns % _SECOND:
                return ""
            lines.append(f"{name}\0{looks_of(status)}")
        digest = sha256("\n".join(lines).encode("utf-8", "surrogateescape"))
        digest.update(_yaml())
        return digest.hexdigest()

    def _check(self, name: str, path: str, status: os.stat_result) -> None:
        """Check that the module Python has imported, or will import, is compiled from its source.

        A doubtful compiled file is removed. `is_certain` becomes False if it cannot be removed, or
        the module is imported already.
        """
        doubtful = doubtful_form(path, status)
        if doubtful is None:
            return
        module = f"derivload.{name[:-3].replace('/', '.')}".removesuffix(".__init__")
        if not remove(doubtful) or module in sys.modules:
            self.is_certain = False


def _modules() -> list[tuple[str, str]]:
    """The files that Python can import as a part of the package, each with name and path.

    With them goes the one file of data that decides what is loaded.
    """
    try:
        return [*modules_below(PACKAGE), (_DATA, os.path.join(PACKAGE, *_DATA.split("/")))]
    except NotADirectoryError:  # the package is in an archive, which is one file
        return [("", str(getattr(sys.modules[__name__].__loader__, "archive", PACKAGE)))]


def _imported() -> list[tuple[str, str]] | None:
    """Those of `_modules` that this process has imported, and the data.

    None if one of them is no file below the package's folder.
    """
    if not os.path.isdir(PACKAGE):  # it is in an archive
        return None
    found = [(_DATA, os.path.join(PACKAGE, *_DATA.split("/")))]
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "derivload":
            path = getattr(module, "__file__", None) or ""
            if not path.startswith(_BELOW):
                return None
            found.append((path[len(_BELOW) :].replace(os.sep, "/"), path))
    return found


def _is_edited(path: str) -> bool:
    """Whether a module changed since this process began."""
    try:
        return changed_at(os.stat(path)) > _UNTIL
    except OSError:  # a file that is gone shows in the names of the modules
        return False


def _installed_at() -> int:
    """When the package was installed from a wheel: the time of its RECORD, in nanoseconds.

    RECORD is the last file to be installed. 0 if the package does not come from a wheel.
    """
    name = f"derivload-{__version__}.dist-info"
    try:
        return os.stat(os.path.join(os.path.dirname(PACKAGE), name, "RECORD")).st_mtime_ns
    except OSError:
        return 0


def _yaml() -> bytes:
    """Bytes that identify the PyYAML imported here: its `__init__.py` and its compiled parsers.

    Empty if there is no PyYAML.
    """
    for folder in sys.path:
        package = os.path.join(folder, "yaml")
        found = read_file(os.path.join(package, "__init__.py"))
        if found is not None:
            parsers = [name for name in os.listdir(package) if name.startswith("_yaml.")]
            return found[0] + "\0".join(sorted(parsers)).encode()
    return b""
