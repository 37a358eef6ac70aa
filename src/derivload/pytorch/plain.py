"""Upstream's own path: its generators as they are, on the files as they are.

What derivload runs where it cannot vouch for its short cut, and what it compares the short cut
with.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from derivload.commands.paths import Files
from derivload.pytorch.errors import GeneratorError
from derivload.pytorch.generation import replaced
from derivload.pytorch.rendering import named_as_in_a_build
from derivload.pytorch.selection import Selection
from derivload.pytorch.upstream import Modules, Upstream


def run_plain(
    upstream: Upstream, files: Files, selection: Selection, entries: list[Mapping[str, object]]
) -> dict[str, bytes]:
    """The bytes of all files that upstream's generators write, by name.

    `entries` are those of native_functions.yaml and its overlays; upstream is given them where
    there are overlays, which it does not know. Raises GeneratorError.
    """
    try:
        return _run(upstream, files, selection, entries)
    except Exception as error:
        raise GeneratorError(_traceback(error)) from error


def _run(
    upstream: Upstream, files: Files, selection: Selection, entries: list[Mapping[str, object]]
) -> dict[str, bytes]:
    modules = Modules(upstream)
    parts = selection.parts(modules)
    natives, tags = files.native_functions[0], files.tags
    generators = modules.generators
    with tempfile.TemporaryDirectory() as out, ExitStack() as stack:
        stack.enter_context(named_as_in_a_build(modules.torchgen["utils"]))
        load = generators["gen_autograd"].load_derivatives
        stack.enter_context(
            replaced(
                generators["gen_autograd"],
                "load_derivatives",
                lambda _, natives, tags: load(files.derivatives, natives, tags),
            )
        )
        if len(files.native_functions) > 1:
            # Upstream's parser keeps what it was given for a path.
            loaded = [{**entry, "__line__": 0} for entry in entries]
            _parse(modules, natives, tags, loaded)
        arguments = (natives, tags, out, upstream.autograd)
        if parts.python:
            generators["gen_autograd"].gen_autograd_python(*arguments)
        if parts.autograd:
            generators["gen_autograd"].gen_autograd(
                *arguments,
                operator_selector=parts.selector,
                disable_autograd=parts.disable_autograd,
            )
        if parts.annotated:
            generators["gen_annotated_fn_args"].gen_annotated(*arguments)
        return _contents(out)


def _parse(modules: Modules, natives: str, tags: str, entries: list[Any]) -> None:
    modules.torchgen["gen"].parse_native_yaml(natives, tags, loaded_yaml=entries)


def _contents(folder: str) -> dict[str, bytes]:
    contents = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                contents[os.path.relpath(path, folder)] = file.read()
    return contents


def _traceback(error: Exception) -> str:
    """The traceback as upstream would show it: without our own frames."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(own):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))
