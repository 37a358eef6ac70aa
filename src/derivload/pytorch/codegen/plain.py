"""Upstream's own way: runs its generators whole, on the input files themselves.

derivload does this if it cannot be sure of its short cut, and to compare the short cut with it. The
functions of torchgen that something stands in for (`stand_ins.py`) have that here too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from derivload.identity import PACKAGE
from derivload.loading.paths import Files
from derivload.loading.reading import read_path
from derivload.loading.rules_of_tree import Rules
from derivload.pytorch.codegen.entry_points import parts_of, replaced
from derivload.pytorch.codegen.rendering import named_as_in_a_build
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import RAISED, GeneratorError, SelectionError
from derivload.pytorch.importable import Torchgen
from derivload.pytorch.objects import differentiability_infos
from derivload.pytorch.overlay_places import OverlayPlaces, place_told
from derivload.pytorch.parsing import Parser, joined

# The modules of a torchgen, and what stands in for some of their functions.
Imported = tuple[Modules, StandIns]


class LoadedDefinitions(NamedTuple):
    """What upstream's load_derivatives returns, as lines of differentiability.json.

    `derivatives` is the text of derivatives.yaml.
    """

    records: Sequence[bytes]
    used_dispatch_keys: Sequence[str]
    derivatives: str


def has_known_rules(files: Files) -> bool:
    """Whether derivload loads these files by the rules of their tree, because it knows them.

    Then upstream's generators get what derivload loads, and need not load it themselves.
    """
    is_laid_over = len(files.native_functions) > 1 or files.more_derivatives or files.additions.key
    rules = files.rules
    return files.tree is not None and isinstance(rules, Rules) and not (rules.why or is_laid_over)


def run_plain(
    upstream: Upstream,
    files: Files,
    selection: Selection,
    loaded: LoadedDefinitions | None = None,
    imported: Imported | None = None,
) -> dict[str, bytes]:
    """The bytes of all files that upstream's generators write, by name.

    `loaded` is what upstream's load_derivatives would return: then it does not run. `imported` are
    the modules of the torchgen, if no generator has run in them yet.

    Raises GeneratorError if a generator raises an exception, and SelectionError, which is one.
    """
    try:
        imported = imported or (Modules(upstream), StandIns(upstream))
        return _run(upstream, files, selection, loaded, imported)
    except SelectionError:
        raise
    except RAISED as error:
        said = _traceback(error)
        raise GeneratorError(said + place_told(error, files.native_functions[1:], said)) from error


def _run(
    upstream: Upstream,
    files: Files,
    selection: Selection,
    loaded: LoadedDefinitions | None,
    imported: Imported,
) -> dict[str, bytes]:
    modules, stand_ins = imported
    parts = parts_of(selection, modules)
    natives, *overlays = files.native_functions
    main = modules.generators["gen_autograd"]
    load = main.load_derivatives

    with tempfile.TemporaryDirectory() as out, ExitStack() as stack:
        derivatives = files.derivatives
        if files.more_derivatives:
            derivatives = _write_joined(files, stack.enter_context(tempfile.TemporaryDirectory()))

        own = (os.path.join(upstream.autograd, "derivatives.yaml"), natives, files.tags)
        made = None if loaded is None else _Made(modules, loaded)

        def load_derivatives(path: str, *others: str) -> object:
            if made is not None and (path, *others) == own:
                return made.result(natives, files.tags)
            return load(derivatives if path == own[0] else path, *others)

        stack.enter_context(named_as_in_a_build(modules.torchgen["utils"]))
        if not upstream.is_running:  # a script's own loader looks at what was replaced
            stack.enter_context(stand_ins)
        stack.enter_context(replaced(main, "load_derivatives", load_derivatives))
        if overlays or files.additions.entry_keys:
            # torchgen remembers parsed files by path. So the parsed overlays are seen as part of
            # native_functions.yaml when the generators read that path.
            torchgen = Torchgen(sys.modules[load.__module__], modules.torchgen["gen"])
            parsed = Parser(overlays, files.additions).parse(torchgen, natives, files.tags)
            contents = [Path(path).read_bytes() for path in files.native_functions]
            OverlayPlaces(natives, overlays, contents).put(parsed.native_functions)
        arguments = (natives, files.tags, out, upstream.autograd)
        if parts.python:
            main.gen_autograd_python(*arguments)
        if parts.autograd:
            main.gen_autograd(
                *arguments,
                operator_selector=parts.selector,
                disable_autograd=parts.disable_autograd,
            )
        if parts.annotated:
            modules.generators["gen_annotated_fn_args"].gen_annotated(*arguments)
        return contents_of(out)


class _Made:
    """What upstream's load_derivatives returns, made of what derivload loaded.

    It is always the same object, as upstream's is: one generator adds to it.
    """

    def __init__(self, modules: Modules, loaded: LoadedDefinitions) -> None:
        self._modules = modules
        self._loaded = loaded
        self._result: tuple[object, set[str]] | None = None

    def result(self, natives: str, tags: str) -> tuple[object, set[str]]:
        if self._result is None:
            parsed = self._modules.torchgen["gen"].parse_native_yaml(natives, tags)
            infos = differentiability_infos(
                [msgspec.json.decode(line) for line in self._loaded.records],
                {str(function.func): function for function in parsed.native_functions},
                derivatives=self._loaded.derivatives,
            )
            self._result = infos, set(self._loaded.used_dispatch_keys)
        return self._result


def _write_joined(files: Files, folder: str) -> str:
    """Write derivatives.yaml with its overlays laid over it as one file. Returns its path.

    Raises OSError.
    """
    loaded = []
    for name in (files.derivatives, *files.more_derivatives):
        content = read_path(name)
        if isinstance(content, OSError):
            raise content
        loaded.append(yaml.safe_load(content) or [])
    entries = joined(loaded, "name", files.additions)
    path = os.path.join(folder, "derivatives.yaml")
    with open(path, "wb") as file:
        file.write(b"".join(b"- " + msgspec.json.encode(entry) + b"\n" for entry in entries))
    return path


def contents_of(folder: str) -> dict[str, bytes]:
    """What the files below a folder hold, by name."""
    contents = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                contents[os.path.relpath(path, folder)] = file.read()
    return contents


def _traceback(error: BaseException) -> str:
    """The traceback as upstream would show it, without derivload's own frames."""
    import traceback

    told = traceback.TracebackException.from_exception(error)
    told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(PACKAGE)]
    return "".join(told.format())
