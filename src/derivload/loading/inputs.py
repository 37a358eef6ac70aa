"""INPUTS, the same for all commands: the files that are meant, as texts, and the release."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derivload.cpp.dialect import Dialect, UnknownVersionError, find_dialect, release_of
from derivload.diagnostics import Diagnostic
from derivload.engine.outcome import Outcome, outcome_of
from derivload.engine.texts import Text, Texts
from derivload.loading.additions import check_sections, dialect_with
from derivload.loading.errors import UsageError
from derivload.loading.near_files import near_paths
from derivload.loading.paths import Files
from derivload.loading.rules_of_tree import Rules
from derivload.loading.swapped import refuse_swapped
from derivload.sources.splitting import with_plain_line_ends
from derivload.spelling import ask
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    from derivload.engine.backends import Kernels


class Inputs(NamedTuple):
    """The texts of a load and the release to follow; `note` is what the user should know of it.

    `unreadable` tells why files could not be read (DL001, DL002).
    """

    texts: Texts
    dialect: Dialect
    note: str = ""
    unreadable: tuple[Diagnostic, ...] = ()

    def kernels(self) -> Kernels:
        """The kernels that backends register, by the name of the operator."""
        return self.texts.read_backends(self.dialect).kernels()


class KnownTexts:
    """The texts of a series of loads. A file that has not changed is not decoded again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, Text]] = {}

    def note(self, name: str, content: bytes, text: str) -> None:
        """Note that content was made of this text, so that it need not be decoded."""
        known = self._last.get(name)
        is_news = known is None or known[0] is not content
        if is_news and text.isascii() and "\r" not in text:
            self._last[name] = content, Text(name, text)

    def decode(self, name: str, content: bytes | OSError, diagnostics: list[Diagnostic]) -> Text:
        """The text of a file, or an empty one and a diagnostic of why there is none."""
        known = self._last.get(name)
        if known is not None and known[0] == content:
            self._last[name] = content, known[1]  # the same object compares at once
            return known[1]
        before = len(diagnostics)
        text = _decode(name, content, diagnostics)
        if isinstance(content, bytes) and len(diagnostics) == before:
            self._last[name] = content, text
        return text


def read_inputs(
    files: Files,
    contents: Sequence[bytes | OSError],
    rules: Rules,
    known: KnownTexts | None = None,
) -> Inputs:
    """The inputs in these files, which hold `contents`. Raises UsageError."""
    if files.tree is None and not rules.fields:
        dialect, note = choose_dialect(files.version)
    else:
        dialect, note = rules.dialect, rules.note
    diagnostics: list[Diagnostic] = []
    known = known or KnownTexts()
    texts = [
        known.decode(name, content, diagnostics)
        for name, content in zip(files.paths, contents, strict=True)
    ]
    unread = frozenset(diagnostic.file for diagnostic in diagnostics)
    first = 1 + len(files.more_derivatives)
    last = first + len(files.native_functions)
    made = Texts(
        texts[0],
        tuple(texts[first:last]),
        texts[last],
        unread,
        more_derivatives=tuple(texts[1:first]),
        additions=files.additions,
        backends=tuple(texts[last + 1 :]),
    )
    refuse_swapped(made)
    if not unread:
        named = (*made.native_functions, *made.backends)
        check_sections(files.additions, [text.text for text in named])
    dialect = dialect_with(dialect, files.additions, is_known=not rules.why)
    return Inputs(made, dialect, note, tuple(sorted(set(diagnostics))))


def load_alone(inputs: Inputs) -> Outcome:
    """Load everything, and find all mistakes. No other load starts from this one."""
    from derivload.engine.load import load_texts

    whole = load_texts(inputs.texts, inputs.dialect)
    found = sorted([*inputs.unreadable, *whole.diagnostics])
    return outcome_of(whole._replace(diagnostics=found))


def choose_dialect(version: str | None) -> tuple[Dialect, str]:
    """The dialect for a torch version, and what the user should know of that choice.

    Raises UsageError for what is no version, or too old.
    """
    try:
        dialect, newer = find_dialect(version)
    except UnknownVersionError as error:
        raise UsageError(str(error)) from None
    if version is None or not newer:
        return dialect, ""
    return (
        dialect,
        f"torch {release_of(version)} is newer than derivload knows; following {dialect.version}",
    )


def _decode(name: str, content: bytes | OSError, diagnostics: list[Diagnostic]) -> Text:
    if isinstance(content, OSError):
        problem = f"cannot read this file: {content.strerror or content}"
        code = "DL010" if content.errno == errno.EFBIG else "DL001"
        help_ = ask(near_paths(name)) if content.errno == errno.ENOENT else ""
        diagnostics.append(Diagnostic(name, 0, 0, code, problem, help_))
        return Text(name, "")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        problem = f"the byte 0x{content[error.start]:02x} is no UTF-8"
        diagnostics.append(Diagnostic(name, line, column, "DL002", problem))
        return Text(name, "")
    return Text(name, with_plain_line_ends(text))
