"""What derivload this is: the digest that every key of the store and every stamp carries.

It covers the bytes of derivload's own modules, wherever they are installed, so that no result of
another version, or of a checkout before an edit to it, is ever taken for one of this. It covers
which PyYAML there is too, which reads what derivload's own reader leaves to it. Paths and times do
not count.

Such a digest is right only if what runs is that source. It may not be: a compiled form can be of
other source (`modules.py`), and a module may be edited when it is imported already. Both show in
the times at which files changed. A command that cannot be certain starts again, with nothing
compiled (`start_again_if_unsure`); in a process that cannot, the digest is like no other, so that
nothing is found by it, or found again.

Imports only what the fastest exit of `emit` needs anyway.
"""

from __future__ import annotations

import os
import sys

from derivload.modules import (
    TICK,
    changed_at,
    doubtful_form,
    modules_below,
    read_file,
    recompile,
    remove,
)
from derivload.version import STARTED, __version__

try:  # hashlib's own; importing that loads what nobody asks for here
    from _hashlib import openssl_sha256
except ImportError:  # a Python without OpenSSL
    from hashlib import sha256 as openssl_sha256

sha256 = openssl_sha256
PACKAGE = os.path.dirname(os.path.abspath(__file__))
# What changed later may have been imported before or after: a file's clock is behind by a tick.
_UNTIL = STARTED - TICK
_scans: list[_Scan] = []


def tool_digest() -> bytes:
    """The sha256 of all modules of the package, by name and content (about 3 ms), and of PyYAML.

    They are read once in a process: what runs in it is what they were then. Where that is not
    certain, it is a number that never comes again.
    """
    return _scan().digest


def tool_files() -> list[str]:
    """The paths of these modules, or of the archive that they stand in."""
    return sorted(path for _, path in _modules() if os.path.isfile(path))


def python_digest() -> bytes:
    """A digest of what decides, besides its source, what Python makes of PyTorch's code: which
    Python it is, whether assertions hold, what a warning does, what a site has it do first.
    """
    flags = sys.flags
    parts = [
        sys.version,
        flags.optimize,
        flags.bytes_warning,
        getattr(flags, "int_max_str_digits", 0),
        sys.warnoptions,
    ]
    digest = sha256(repr(parts).encode("utf-8", "surrogateescape"))
    for name in ("sitecustomize", "usercustomize"):
        path = getattr(sys.modules.get(name), "__file__", None)
        found = None if path is None else read_file(path)
        digest.update(b"\0" if found is None else sha256(found[0]).digest())
    return digest.digest()


def is_as_it_began() -> bool:
    """Whether derivload is still what `tool_digest` says, and was in between.

    What it made may be kept only then: a module that was imported meanwhile may be of an edit.
    """
    modules = _modules()
    edited = [path for _, path in modules if _is_edited(path)]
    for path in edited:
        recompile(path)
    return _scan().is_certain and not edited and _scan().names == {name for name, _ in modules}


def start_again_if_unsure() -> None:
    """Run the command of this process anew, from source alone, if what runs may not be the source.

    Nothing may have been done yet.
    """
    if _scan().is_certain or sys.pycache_prefix == os.devnull or not sys.executable:
        return
    command = [sys.executable, "-X", f"pycache_prefix={os.devnull}", *sys.orig_argv[1:]]
    if os.name == "nt":  # where exec lets whoever started us go on at once
        import subprocess

        sys.exit(subprocess.call(command))
    os.execv(sys.executable, command)


def _scan() -> _Scan:
    if not _scans:
        _scans.append(_Scan())
    return _scans[0]


class _Scan:
    """A look at the package: its digest, the names of the modules that it covers, and whether
    what runs is certain to be these.
    """

    __slots__ = ("digest", "is_certain", "names")

    def __init__(self) -> None:
        self.is_certain = True
        self.names: set[str] = set()
        installed = _installed_at()
        digest = sha256()
        for name, path in sorted(_modules()):
            self.names.add(name)
            found = read_file(path)
            if found is None:  # gone since, or never a file
                continue
            data, status = found
            digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
            digest.update(data)
            if changed_at(status) > _UNTIL:
                self.is_certain = False
            # What is as it was installed was compiled once.
            if status.st_mtime_ns > installed and name.endswith(".py"):
                self._check(name, path, status)
        digest.update(_yaml())
        self.digest = digest.digest() if self.is_certain else os.urandom(32)

    def _check(self, name: str, path: str, status: os.stat_result) -> None:
        """Check that what Python has of a module, or will have, is its source."""
        doubtful = doubtful_form(path, status)
        if doubtful is None:
            return
        module = f"derivload.{name[:-3].replace('/', '.')}".removesuffix(".__init__")
        if not remove(doubtful) or module in sys.modules:
            self.is_certain = False


def _modules() -> list[tuple[str, str]]:
    """The files that Python can import as a part of the package, each its name and its path."""
    try:
        return list(modules_below(PACKAGE))
    except NotADirectoryError:  # they stand in an archive, which is one file
        return [("", str(getattr(sys.modules[__name__].__loader__, "archive", PACKAGE)))]


def _is_edited(path: str) -> bool:
    """Whether a module changed since this process began."""
    try:
        return changed_at(os.stat(path)) > _UNTIL
    except OSError:  # what is gone now, or never was a file, is told by its name
        return False


def _installed_at() -> int:
    """When the last file of a wheel was put beside the package; 0 where none was."""
    name = f"derivload-{__version__}.dist-info"
    try:
        return os.stat(os.path.join(os.path.dirname(PACKAGE), name, "RECORD")).st_mtime_ns
    except OSError:
        return 0


def _yaml() -> bytes:
    """What tells the PyYAML that is imported here from others: its version, and its parser."""
    for folder in sys.path:
        package = os.path.join(folder, "yaml")
        found = read_file(os.path.join(package, "__init__.py"))
        if found is not None:
            parsers = [name for name in os.listdir(package) if name.startswith("_yaml.")]
            return found[0] + "\0".join(sorted(parsers)).encode()
    return b""
