"""What `check` looks at: the inputs, one of which may be a buffer on stdin."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from derivload.diagnostics import Diagnostic
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.reading import read_stream
from derivload.terminal.stderr import say

STDIN = "-"


class CheckInputs(NamedTuple):
    """The inputs, what they hold, and which of them is read from stdin; "" if none is."""

    files: Files
    contents: Sequence[bytes | OSError]
    stdin: str = ""

    def editable(self) -> frozenset[str]:
        """The inputs that may be changed: the buffer alone, if there is one."""
        from derivload.commands.check.fixed_files import editable

        return frozenset([self.stdin]) if self.stdin else editable(self.files)

    def texts(self) -> dict[str, str]:
        """The texts that may be changed, by path."""
        may_change = self.editable()
        found = {}
        for path, content in zip(self.files.paths, self.contents, strict=True):
            if path in may_change and isinstance(content, bytes):
                try:
                    found[path] = content.decode("utf-8")
                except UnicodeDecodeError:
                    continue
        return found

    def with_texts(self, texts: Mapping[str, str]) -> CheckInputs:
        """The same with these texts."""
        contents = [
            texts[path].encode("utf-8") if path in texts else content
            for path, content in zip(self.files.paths, self.contents, strict=True)
        ]
        return self._replace(contents=contents)


def read_inputs(options: argparse.Namespace, files: Files) -> CheckInputs:
    """The inputs, with what they hold. Raises UsageError."""
    contents = files.read()
    if STDIN not in options.files:
        return CheckInputs(files, contents)
    path = _standing_for(options.stdin_filename, files)
    buffer = read_stream(sys.stdin.buffer)
    held = [
        buffer if name == path else content
        for name, content in zip(files.paths, contents, strict=True)
    ]
    return CheckInputs(files, held, path)


def _standing_for(name: str | None, files: Files) -> str:
    """The input that the buffer on stdin stands for. Raises UsageError."""
    if name is None:
        raise UsageError(
            "`-` needs --stdin-filename FILE, which says which of the inputs stdin stands for"
        )
    for path in files.paths:
        if os.path.realpath(path) == os.path.realpath(name):
            return path
    raise UsageError(f"--stdin-filename {name} is none of the inputs, which are {files.named}")


def say_fixable(diagnostics: Sequence[Diagnostic], inputs: CheckInputs) -> None:
    """Say how many mistakes can be fixed, if any can."""
    if not any(diagnostic.fixes for diagnostic in diagnostics):
        return
    from derivload.commands.check.fix import fix_of

    may_change = inputs.editable()
    safe = more = elsewhere = 0
    for diagnostic in diagnostics:
        fix = fix_of(diagnostic, is_unsafe=True)
        if fix is None:
            continue
        if any(edit.file not in may_change for edit in fix.edits):
            elsewhere += any(edit.file in inputs.files.of_tree for edit in fix.edits)
        elif fix.is_safe:
            safe += 1
        else:
            more += 1
    if elsewhere and not inputs.stdin:
        say(f"{elsewhere} can be fixed with --fix from inside {inputs.files.folder}")
    if safe:
        also = f", {more} more with --unsafe-fixes" if more else ""
        say(f"{safe} can be fixed with --fix{also}")
    elif more:
        say(f"{more} can be fixed with --fix --unsafe-fixes")
