"""PyTorch's own generators: where they are, what they are made of, and how they are imported.

They come from the checkout or the torchgen that the user points at, and run unmodified in this
process. Which they are is told by the digest of their source, never by a version.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import cache_from_source
from types import ModuleType
from typing import Final, NamedTuple

from derivload.pytorch.errors import RAISED, UnexpectedTorchgenError

_CHECKOUT: Final = ("aten", "src", "ATen", "native", "native_functions.yaml")
_PACKAGED: Final = ("torchgen", "packaged", "ATen", "native", "native_functions.yaml")
# The generators' modules, and what the bridge puts something else in the place of, or calls.
GENERATORS: Final = (
    "gen_annotated_fn_args",
    "gen_autograd",
    "gen_autograd_functions",
    "gen_inplace_or_view_type",
    "gen_python_functions",
    "gen_trace_type",
    "gen_variable_factories",
    "gen_variable_type",
    "gen_view_funcs",
)
_SINCE_2_3: Final = "gen_view_funcs"


class Upstream(NamedTuple):
    """Where PyTorch's generators are: `root` is what Python's path needs, `package` theirs."""

    root: str
    package: str
    autograd: str

    @property
    def templates(self) -> str:
        """The folder of the templates."""
        return os.path.join(self.autograd, "templates")

    @property
    def deprecated(self) -> str:
        """The path of deprecated.yaml."""
        return os.path.join(self.autograd, "deprecated.yaml")


def locate(native_functions: str) -> Upstream:
    """The generators that belong to PyTorch's own native_functions.yaml, found by its path.

    Raises UnexpectedTorchgenError where they are not beside it.
    """
    parts = os.path.abspath(native_functions).split(os.sep)
    for suffix, package in (
        (_CHECKOUT, "tools.autograd"),
        (_PACKAGED, "torchgen.packaged.autograd"),
    ):
        if tuple(parts[-len(suffix) :]) == suffix:
            root = os.sep.join(parts[: -len(suffix)]) or os.sep
            found = Upstream(root, package, os.path.join(root, *package.split(".")))
            missing = [path for path in _needed(found) if not os.path.exists(path)]
            if missing:
                raise UnexpectedTorchgenError(f"there is no {missing[0]}")
            return found
    raise UnexpectedTorchgenError(f"{native_functions} is not where PyTorch has it")


def _needed(upstream: Upstream) -> Iterator[str]:
    yield os.path.join(upstream.root, "torchgen", "gen.py")
    yield os.path.join(upstream.autograd, "gen_autograd.py")
    yield upstream.templates
    yield upstream.deprecated


class Sources:
    """The files that the generators are made of, with their digests: source and templates.

    `files` are paths with the sha256 of their bytes in hex. `digest` covers the source, by name
    and content: the same wherever it is, in a checkout as in a wheel. `templates` covers those.
    """

    def __init__(self, upstream: Upstream) -> None:
        """Read them. Raises OSError."""
        self.files: list[tuple[str, str]] = []
        self.digest = self._read(_code(upstream))
        self.templates = self._read(_templates(upstream))

    def _read(self, named: Iterable[tuple[str, str]]) -> bytes:
        digest = hashlib.sha256()
        for name, path in sorted(named):
            with open(path, "rb") as file:
                own = hashlib.sha256(file.read())
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + own.digest())
            self.files.append((path, own.hexdigest()))
        return digest.digest()


def _code(upstream: Upstream) -> Iterator[tuple[str, str]]:
    torchgen = os.path.join(upstream.root, "torchgen")
    for folder, folders, names in os.walk(torchgen):
        if folder == torchgen and "packaged" in folders:
            folders.remove("packaged")
        inside = os.path.relpath(folder, upstream.root).replace(os.sep, "/")
        for name in names:
            if name.endswith(".py"):
                yield f"{inside}/{name}", os.path.join(folder, name)
    for name in os.listdir(upstream.autograd):
        if name.endswith(".py"):
            yield f"autograd/{name}", os.path.join(upstream.autograd, name)


def _templates(upstream: Upstream) -> Iterator[tuple[str, str]]:
    for name in os.listdir(upstream.templates):
        path = os.path.join(upstream.templates, name)
        if os.path.isfile(path):
            yield name, path


class Modules:
    """The modules of one torchgen, imported.

    Another one that was imported before is forgotten, so that a process can go on when its
    source is edited.
    """

    def __init__(self, upstream: Upstream) -> None:
        """Import them. Raises UnexpectedTorchgenError when one is missing or cannot be imported."""
        forget()
        self._package = upstream.package
        sys.path.insert(0, upstream.root)
        before = sys.pycache_prefix
        if not forget_bytecode([path for _, path in _code(upstream)]):
            sys.pycache_prefix = os.devnull
        try:
            self.torchgen = {
                name: self._import(f"torchgen.{name}")
                for name in ("gen", "model", "native_function_generation", "utils")
            }
            self.selector = self._import("torchgen.selective_build.selector")
            self.generators = {
                name: self._import(f"{upstream.package}.{name}")
                for name in GENERATORS
                if name != _SINCE_2_3
                or os.path.exists(os.path.join(upstream.autograd, f"{name}.py"))
            }
        finally:
            sys.path.remove(upstream.root)
            sys.pycache_prefix = before

    def _import(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except RAISED as error:
            raise UnexpectedTorchgenError(f"{name} cannot be imported: {error}") from error


def forget_bytecode(paths: Iterable[str]) -> bool:
    """Remove the compiled form of each source file that may be of another source; whether there
    is none left.

    Python tells that by the size of the source and the second in which it was modified, so that
    two edits in one second may be one to it. What was compiled after the file last changed is
    right.
    """
    is_forgotten = True
    for path in paths:
        try:
            compiled = cache_from_source(path)
            is_right = _changed_at(compiled) > _changed_at(path)
        except (OSError, NotImplementedError):  # there is none
            continue
        if not is_right:
            try:
                os.unlink(compiled)
            except OSError:
                is_forgotten = False
    return is_forgotten


def _changed_at(path: str) -> int:
    """When a file last changed, in nanoseconds: on Windows, that its content did."""
    status = os.stat(path)
    return status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns


def forget() -> None:
    """Forget every module of a torchgen, and of the tools of a checkout."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("torchgen", "tools"):
            del sys.modules[name]
    importlib.invalidate_caches()
