"""`derivload check`: every mistake of the inputs in one run, errors and warnings.

The mistakes are the result and go to stdout, in the format asked for; how many there are goes to
stderr. What was found is kept in the store, by the bytes and names of the inputs. What finds it is
imported when that is not there.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.commands.parsed import files_of, open_store_of
from derivload.diagnostics import Diagnostic
from derivload.exit_status import BAD_INPUT, DONE
from derivload.identity import is_as_it_began, tool_digest
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.run import release_key
from derivload.rules import RULES
from derivload.store.results import Keys
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout
from derivload.version import __version__

if TYPE_CHECKING:
    from derivload.store.store import Store

_KIND: Final = b"diagnostics 1"
# Characters of source lines: each diagnostic has its own, which may be the whole of a file.
_MAX_KEPT: Final = 4_000_000


class Checked(msgspec.Struct, frozen=True):
    """What is wrong with inputs, sorted by place, and the release whose rules were followed.

    `note` is what the user should know of that choice.
    """

    diagnostics: list[Diagnostic]
    torch_version: str
    note: str


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status. Raises UsageError."""
    if options.explain is not None:
        explain(options.explain)
        return DONE
    checked = check(files_of(options), lambda: open_store_of(options))
    return print_checked(checked, options.format, strict=options.strict)


def check(files: Files, open_store: Callable[[], Store | None] = lambda: None) -> Checked:
    """Find all mistakes in these files. Raises UsageError."""
    contents = files.read()
    readable = [content for content in contents if isinstance(content, bytes)]
    store = open_store() if len(readable) == len(contents) else None
    keys = Keys(tool_digest(), release_key(files.version), None, readable)
    key = _key(files.paths, keys)
    kept = None if store is None else _kept(store.get(key))
    if kept is not None:
        return kept
    from derivload.commands.check.find import find_mistakes
    from derivload.loading.inputs import read_what_can_be

    inputs = read_what_can_be(files, contents)
    found = find_mistakes(inputs, store, keys)
    checked = Checked(found, inputs.dialect.version, inputs.note)
    is_short = sum(len(diagnostic.source_line) for diagnostic in found) <= _MAX_KEPT
    if store is not None and is_short and is_as_it_began():
        with suppress(UnicodeEncodeError):  # half a surrogate pair, quoted in a sentence
            store.put(key, msgspec.json.encode(checked))
    return checked


def _key(paths: Sequence[str], keys: Keys) -> bytes:
    """The key of what was found: diagnostics name the files as they were given."""
    names = [hashlib.sha256(p.encode("utf-8", "surrogateescape")).digest() for p in paths]
    return hashlib.sha256(b"".join([_KIND, keys.by_bytes, *names])).digest()


def _kept(data: bytes | None) -> Checked | None:
    if data is None:
        return None
    try:
        checked = msgspec.json.decode(data, type=Checked)
    except (ValueError, RecursionError):
        return None
    return checked if all(found.code in RULES for found in checked.diagnostics) else None


def print_checked(checked: Checked, form: str, *, strict: bool) -> int:
    """Print what was found, as --format has it; the exit status. `strict`: warnings are errors."""
    found = checked.diagnostics
    if strict:
        found = [msgspec.structs.replace(diagnostic, severity="error") for diagnostic in found]
    _print(found, checked.torch_version, form)
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    if checked.note:
        say(f"note: {checked.note}")
    say(_counted(errors, len(found) - errors))
    return BAD_INPUT if errors else DONE


def explain(code: str) -> None:
    """Print the page of a rule. Raises UsageError when there is none of that code."""
    from derivload.commands.check.pages import render_page

    known = code.upper()
    if known not in RULES:
        raise UsageError(
            f"there is no rule {code}; the first is {min(RULES)}, the last {max(RULES)}"
        )
    Stdout().write_bytes(render_page(known).encode())


def _print(found: Sequence[Diagnostic], torch_version: str, form: str) -> None:
    stdout = Stdout()
    if form == "text":
        from derivload.commands.check.text import print_text

        print_text(found, stdout)
    elif form == "json":
        from derivload.outputs.report import render_report

        stdout.write_json(render_report(found, torch_version))
    elif form == "github":
        from derivload.outputs.annotations import render_annotations

        stdout.write_bytes(render_annotations(found).encode())
    else:
        from derivload.commands.check.pages import render_page
        from derivload.outputs.sarif import render_sarif

        stdout.write_json(render_sarif(found, __version__, render_page))
    stdout.flush()


def _counted(errors: int, warnings: int) -> str:
    counts = ((errors, "error"), (warnings, "warning"))
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    return ", ".join(told) or "no mistakes"
