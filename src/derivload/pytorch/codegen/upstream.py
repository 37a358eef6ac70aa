"""Finds PyTorch's own generators, reads their source for a digest, and imports them.

They come from the checkout or torchgen that the user names, and run unmodified in this process. We
recognize them by the digest of their source, never by a version.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Final, NamedTuple

from derivload.loading.trace import NOTHING, Trace, with_root
from derivload.modules import is_module, modules_below, read_file
from derivload.outputs.digests import digest_of_variable, names_like
from derivload.pytorch.errors import RAISED, UnexpectedTorchgenError

_CHECKOUT: Final = ("aten", "src", "ATen", "native", "native_functions.yaml")
_PACKAGED: Final = ("torchgen", "packaged", "ATen", "native", "native_functions.yaml")
# The modules of the generators that we call, or in which we replace functions.
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
# The modules of the tree, or of the user, that were imported while PyTorch's code ran.
IMPORTED: Final[set[str]] = set()


class Upstream(NamedTuple):
    """Where PyTorch's generators are.

    `root` is the folder for Python's path, `package` the generators' package, and `autograd` the
    folder of that package. `is_running` tells that a script has
    imported them in this process: those modules are taken as they are. `dispatch_keys` are those
    that a backend adds to torchgen's, and `additions` stands for all that it adds, in keys.
    `is_known` tells that their source is that of a release.
    """

    root: str
    package: str
    autograd: str
    is_running: bool = False
    dispatch_keys: tuple[str, ...] = ()
    additions: str = ""
    is_known: bool = False

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

    Raises UnexpectedTorchgenError if they are not beside it.
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
                raise UnexpectedTorchgenError(f"{missing[0]} does not exist")
            if not os.path.isfile(found.deprecated):  # the generators would wait for a pipe
                raise UnexpectedTorchgenError(f"{found.deprecated} is not a file")
            return found
    raise UnexpectedTorchgenError(f"{native_functions} is not at its place in a PyTorch tree")


def _needed(upstream: Upstream) -> Iterator[str]:
    yield os.path.join(upstream.root, "torchgen", "gen.py")
    yield os.path.join(upstream.autograd, "gen_autograd.py")
    yield upstream.templates
    yield upstream.deprecated


class Sources:
    """Everything that the generators read: source and templates (the listed files), and the trace.

    - `files`: paths, and the sha256 of their bytes in hex.
    - `absent`: paths that do not exist, but would be read.
    - `listed`: patterns, and the names that match.
    - `variables`: environment variables, and digests of their values.
    - `digest`: a digest of the source, by name and content. It does not depend on the place.
    - `of_packages`: the same without the modules in folders that are no packages. A checkout has
      such modules, and a wheel has not: so with the same source both have the same digest.
    - `code`: the paths of the source.
    - `templates`: a digest of the templates.
    - `by_template`: the sha256 of each template in hex, by its path.
    - `traced`: a digest of everything in the trace.
    """

    def __init__(self, upstream: Upstream, trace: Trace = NOTHING) -> None:
        """Read them. `trace` lists what the generators read besides. Raises OSError."""
        self.files: list[tuple[str, str]] = []
        code = sorted(_code(upstream))
        self.digest = self._read(code)
        self.code = [path for path, _ in self.files]
        self.of_packages = self._digest_of(_in_packages(code))
        self.templates = self._read(_templates(upstream))
        self._by_list = len(self.files)
        self.by_template = dict(self.files[len(self.code) :])
        self.look(upstream, trace)

    def look(self, upstream: Upstream, trace: Trace) -> None:
        """Read everything in the trace, as it is now. Raises OSError."""
        del self.files[self._by_list :]
        self.absent: list[str] = []
        self.listed: list[tuple[str, list[str]]] = []
        self.variables: list[tuple[str, str]] = []
        named = [(name, with_root(name, upstream.root)) for name in trace.files]
        files = self._read(named)
        there = {path for path, _ in self.files}
        self.absent = sorted(path for _, path in named if path not in there)
        for name in sorted(trace.folders):
            pattern = with_root(name, upstream.root)
            self.listed.append((pattern, names_like(pattern)))
        self.variables = [(name, digest_of_variable(name)) for name in sorted(trace.variables)]
        rest = repr(([names for _, names in self.listed], self.variables))
        told = files + rest.encode("utf-8", "surrogateescape") + trace.render()
        self.traced = hashlib.sha256(told).digest()

    def _read(self, named: Iterable[tuple[str, str]]) -> bytes:
        named = sorted(named)
        for _, path in named:
            found = read_file(path)
            if found is not None:  # else a link of an editor that leads nowhere, or just removed
                self.files.append((path, hashlib.sha256(found[0]).hexdigest()))
        return self._digest_of(named)

    def _digest_of(self, named: Iterable[tuple[str, str]]) -> bytes:
        """A digest of files that were read, by name and content; `named` are in order."""
        known = dict(self.files)
        digest = hashlib.sha256()
        for name, path in named:
            if path in known:
                content = bytes.fromhex(known[path])
                digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + content)
        return digest.digest()


def _code(upstream: Upstream) -> Iterator[tuple[str, str]]:
    torchgen = os.path.join(upstream.root, "torchgen")
    yield from modules_below(torchgen, "torchgen/", without="packaged")
    for name in os.listdir(upstream.autograd):
        if is_module(name):
            yield f"autograd/{name}", os.path.join(upstream.autograd, name)


def _in_packages(code: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The modules of which each folder, from the first part of the name on, is a package."""
    packages = {name.rpartition("/")[0] for name, _ in code if name.endswith("/__init__.py")}

    def is_in_packages(name: str) -> bool:
        parts = name.split("/")
        return packages.issuperset("/".join(parts[:end]) for end in range(1, len(parts)))

    return [(name, path) for name, path in code if is_in_packages(name)]


def _templates(upstream: Upstream) -> Iterator[tuple[str, str]]:
    for name in os.listdir(upstream.templates):
        yield name, os.path.join(upstream.templates, name)


class Modules:
    """The modules of one torchgen, imported.

    Modules that were imported before are forgotten first. So a process can go on after an edit to
    the source.
    """

    def __init__(self, upstream: Upstream) -> None:
        """Import them. Raises UnexpectedTorchgenError if one is missing or cannot be imported."""
        if not upstream.is_running:
            forget()
        sys.path.insert(0, upstream.root)
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
        self._add_dispatch_keys(upstream.dispatch_keys)

    def forget_templates(self) -> None:
        """Make torchgen forget the templates that it has read.

        If a generator asks for one, it is then read again, which shows that it did.
        """
        read = getattr(self.torchgen["utils"], "_read_template", None)
        getattr(read, "cache_clear", _nothing)()

    def _add_dispatch_keys(self, names: Sequence[str]) -> None:
        """Add them to torchgen's list, as a backend does. These modules are only for this job."""
        model = self.torchgen["model"]
        try:
            for name in names:
                key = model.DispatchKey.parse(name)
                if key not in model.dispatch_keys:
                    model.dispatch_keys.append(key)
        except RAISED as error:
            raise UnexpectedTorchgenError(f"it takes no dispatch keys: {error}") from error

    def _import(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except RAISED as error:
            raise UnexpectedTorchgenError(f"{name} cannot be imported: {error}") from error


def _nothing() -> None:
    pass


def forget() -> None:
    """Make Python forget the modules of a torchgen and of a checkout's `tools`.

    It also forgets the modules that these imported, except Python's own and installed ones.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] in ("torchgen", "tools") or name in IMPORTED:
            del sys.modules[name]
    IMPORTED.clear()
    importlib.invalidate_caches()
