"""Upstream's own way: runs its generators whole, on the input files themselves.

derivload does this if it cannot be sure of its short cut, and to compare the short cut with it. The
functions of torchgen that something stands in for (`stand_ins.py`) have that here too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from contextlib import ExitStack
from pathlib import Path

import msgspec
import yaml

from derivload.identity import PACKAGE
from derivload.loading.paths import Files
from derivload.loading.reading import read_path
from derivload.pytorch.codegen.entry_points import parts_of, replaced
from derivload.pytorch.codegen.rendering import named_as_in_a_build
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import RAISED, GeneratorError, SelectionError
from derivload.pytorch.importable import Torchgen
from derivload.pytorch.overlay_places import OverlayPlaces, place_told
from derivload.pytorch.parsing import Parser, joined


def run_plain(upstream: Upstream, files: Files, selection: Selection) -> dict[str, bytes]:
    """The bytes of all files that upstream's generators write, by name.

    Raises GeneratorError if a generator raises an exception, and SelectionError, which is one.
    """
    try:
        return _run(upstream, files, selection)
    except SelectionError:
        raise
    except RAISED as error:
        said = _traceback(error)
        raise GeneratorError(said + place_told(error, files.native_functions[1:], said)) from error


def _run(upstream: Upstream, files: Files, selection: Selection) -> dict[str, bytes]:
    modules = Modules(upstream)
    parts = parts_of(selection, modules)
    natives, *overlays = files.native_functions
    main = modules.generators["gen_autograd"]
    load = main.load_derivatives

    with tempfile.TemporaryDirectory() as out, ExitStack() as stack:
        derivatives = files.derivatives
        if files.more_derivatives:
            derivatives = _write_joined(files, stack.enter_context(tempfile.TemporaryDirectory()))

        def load_derivatives(_: str, *others: str) -> object:
            return load(derivatives, *others)

        stack.enter_context(named_as_in_a_build(modules.torchgen["utils"]))
        if not upstream.is_running:  # a script's own loader looks at what was replaced
            stack.enter_context(StandIns(upstream))
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
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(PACKAGE):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))
