"""Which files and modules are whose, and which modules of a script get something of derivload's."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from derivload.identity import PACKAGE
from derivload.outputs.journal import Journal
from derivload.pytorch.script.callers import (
    asks_for_kind,
    is_about_links,
    is_adding_option,
    is_derivloads,
    is_importing,
    is_installed,
    is_not_scripts,
    is_standard,
    makes_folders,
)
from derivload.pytorch.script.inside import Inside
from derivload.pytorch.script.watching import Watch

STANDARD = Path(os.__file__).parent


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (STANDARD / "os.py", True),
        (STANDARD / "json" / "decoder.py", True),
        (STANDARD / "site-packages" / "yaml" / "__init__.py", False),
        (STANDARD / "dist-packages" / "yaml" / "__init__.py", False),
        (f"{STANDARD}-mine/os.py", False),
        ("<frozen importlib._bootstrap>", True),
        ("<string>", False),
        (json.__file__, True),
        (__file__, False),
    ],
)
def test_what_is_of_the_standard_library(path: object, *, expected: bool) -> None:
    assert is_standard(str(path)) is expected


class Asked:
    """A path that notes from which frames it was asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.found: list[str] = []

    def __fspath__(self) -> str:
        frame = sys._getframe(1)
        for question in (asks_for_kind, is_about_links, makes_folders, is_not_scripts):
            if question(frame) and question.__name__ not in self.found:
                self.found.append(question.__name__)
        return self._path


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (os.path.exists, ["asks_for_kind"]),
        (os.path.isfile, ["asks_for_kind"]),
        (os.path.islink, ["asks_for_kind"]),
        (os.path.lexists, ["asks_for_kind"]),
        (os.path.ismount, ["asks_for_kind"]),
        (os.path.getsize, []),
        (os.path.getmtime, []),
        (os.path.realpath, ["asks_for_kind", "is_about_links"]),
        (partial(os.path.realpath, strict=True), ["asks_for_kind"]),
        (partial(os.makedirs, exist_ok=True), ["asks_for_kind", "makes_folders"]),
        (os.stat, []),
        (os.listdir, []),
    ],
)
def test_what_the_standard_library_looks_at_a_path_for(
    ask: Callable[[Any], object], found: list[str], tmp_path: Path
) -> None:
    path = Asked(str(tmp_path))
    ask(path)
    assert sorted(path.found) == found


def test_the_width_of_a_help_that_nobody_asked_for() -> None:
    found = []

    class Formatter(argparse.HelpFormatter):
        def __init__(self, prog: str) -> None:
            super().__init__(prog)
            frame = sys._getframe(1)
            found.append(is_adding_option(frame))

    parser = argparse.ArgumentParser(formatter_class=Formatter)
    parser.add_argument("--a")
    parser.format_help()
    *first, last = found
    assert first
    assert all(first)
    assert not last


def test_nobody_does_anything_without_a_frame() -> None:
    for question in (asks_for_kind, is_about_links, makes_folders, is_not_scripts, is_importing):
        assert not question(None)
        assert not question(sys._getframe())


def test_what_is_installed() -> None:
    for folder, expected in (("site", True), ("dist", True), ("my", False)):
        assert is_installed(str(Path("a", f"{folder}-packages", "b.py"))) is expected


def test_what_is_derivloads() -> None:
    assert is_derivloads(f"{PACKAGE}/cli.py")
    assert not is_derivloads(f"{PACKAGE}-mine/cli.py")


CHANGED = """
    yaml torchgen.utils
    tools.autograd.load_derivatives torchgen.packaged.autograd.load_derivatives
    tools.autograd.gen_autograd torchgen.packaged.autograd.gen_autograd
""".split()
ANSWERED = """
    torchgen.gen_functionalization_type torchgen.gen_lazy_tensor
    tools.autograd.gen_annotated_fn_args torchgen.packaged.autograd.gen_annotated_fn_args
""".split()


def test_which_modules_get_something_of_ours(tmp_path: Path) -> None:
    inside = Inside(Watch(Journal(str(tmp_path))), "")
    for name in ("json", "torchgen", "torchgen.gen", "tools.autograd", *ANSWERED):
        assert inside.find_change(name) is None
    for name in CHANGED:
        assert inside.find_change(name) is not None


class Finder:
    """A finder that finds nothing, and notes who asks."""

    def __init__(self) -> None:
        self.found: list[bool] = []

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """As Python calls it."""
        if name == "nothing_of_this_name":
            frame = sys._getframe(1)
            self.found += [
                is_importing(frame),
                is_not_scripts(frame),
                is_importing(sys._getframe()),
            ]


def test_who_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    finder: Any = Finder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(ImportError):
        importlib.import_module("nothing_of_this_name")
    assert finder.found == [True, True, False]


def test_what_derivload_does_by_way_of_the_standard_library() -> None:
    found: list[bool] = []

    def told(path: str) -> bool:
        frame = sys._getframe(1)
        found.extend([is_not_scripts(frame), is_importing(frame)])
        return True

    names = {"told": told, "filter": filter, "list": list}
    for file, expected in ((f"{PACKAGE}/cli.py", True), (str(STANDARD / "os.py"), False)):
        code = compile("def ask():\n    return told('a')\n", file, "exec")
        exec(code, names)
        ask: Any = names["ask"]
        ask()
        assert found == [expected, False]
        found.clear()
    standard = compile("def through(ask):\n    return ask()\n", str(STANDARD / "os.py"), "exec")
    exec(standard, names)
    own = compile("def start(through, ask):\n    return through(ask)\n", f"{PACKAGE}/a.py", "exec")
    exec(own, names)
    start: Any = names["start"]
    start(names["through"], names["ask"])
    assert found == [True, False]
