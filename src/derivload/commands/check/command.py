"""`derivload check`: every mistake of the inputs in one run, errors and warnings.

The mistakes are the result, so they go to stdout, in the format that `--format` names. Their number
goes to stderr. The store keeps the result under the bytes and names of the inputs. The code that
finds mistakes is imported only if the store has no result.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.commands.check.inputs import CheckInputs, read_inputs, say_fixable
from derivload.commands.check.result import Checked
from derivload.commands.notes import say_note
from derivload.commands.parsed import files_of, open_store_of, say_files, wanted_of
from derivload.diagnostics import Diagnostic
from derivload.exit_status import BAD_INPUT, DONE
from derivload.identity import is_as_it_began
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.rules import RULES
from derivload.spelling import did_you_mean, nearest
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout
from derivload.version import __version__

if TYPE_CHECKING:
    from derivload.commands.check.find import FoundMistakes
    from derivload.store.store import Store
    from derivload.wanted import Wanted

_KIND: Final = b"diagnostics"
# The most characters of source lines in a stored result. Each diagnostic has its source line,
# which may be as long as a whole file.
_MAX_KEPT: Final = 4_000_000


class Statistic(msgspec.Struct, frozen=True):
    """How many mistakes break a rule."""

    code: str
    title: str
    count: int


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status. Raises UsageError."""
    if options.explain is not None:
        explain(options.explain)
        return DONE
    if options.watch:
        from derivload.commands.check.watching import watch

        return watch(options, check_once)
    files = files_of(options)
    say_files(options, files)
    return check_once(options, files)


def check_once(options: argparse.Namespace, files: Files, stdout: Stdout | None = None) -> int:
    """Check these files, or fix them, and return the exit status. Raises UsageError."""
    stdout = stdout or Stdout()
    wanted = wanted_of(options, files)
    inputs = read_inputs(options, files)

    def find(inputs: CheckInputs) -> Checked:
        return check(
            files,
            lambda: open_store_of(options),
            wanted,
            inputs.contents,
            codegen_rules=options.codegen_rules or (False if options.no_codegen_rules else None),
        )

    def show(checked: Checked) -> int:
        say_note(checked.note, options)
        status = print_checked(
            checked,
            files,
            stdout,
            options.format,
            strict=options.strict,
            quiet=options.quiet,
            statistics=options.statistics,
        )
        if options.format == "text" and not options.statistics:
            say_fixable(checked.diagnostics, inputs)
        return status

    if options.fix or options.fix_only or options.diff:
        from derivload.commands.check.fixing import fix

        return fix(inputs, find, options, show)
    return show(find(inputs))


def check(
    files: Files,
    open_store: Callable[[], Store | None] = lambda: None,
    wanted: Wanted | None = None,
    contents: Sequence[bytes | OSError] | None = None,
    *,
    codegen_rules: bool | None = None,
) -> Checked:
    """Find all mistakes in these files, or take them from the store. Raises UsageError.

    `wanted` says which warnings are reported; None: all. `contents` are what the files hold, if
    they have been read already. `codegen_rules` says whether what PyTorch's generators refuse is
    reported; None: where their rules are known.
    """
    request = Request(files, contents)
    store = open_store() if request.is_readable else None
    request.rules_from = store
    if codegen_rules is not None:
        request.with_refused = codegen_rules
    key = _key(files, request, wanted)
    kept = None if store is None else _kept(store.get(key))
    if kept is not None:
        return kept
    from derivload.commands.check.find import find_mistakes

    found = find_mistakes(request, store, wanted)
    checked = Checked(
        found.diagnostics,
        request.inputs.dialect.version,
        "; ".join(filter(None, (request.inputs.note, found.note))),
        *found.how_many(),
        found.suppressed,
    )
    every = [*found.diagnostics, *(diagnostic for diagnostic, _ in found.suppressed)]
    is_short = sum(len(diagnostic.source_line) for diagnostic in every) <= _MAX_KEPT
    if store is not None and is_short and is_as_it_began() and not _is_passing(request, found):
        with suppress(UnicodeEncodeError):  # a message quotes half a surrogate pair
            store.put(key, msgspec.json.encode(checked))
    return checked


def _is_passing(request: Request, found: FoundMistakes) -> bool:
    """Whether the result may depend on what its key does not cover: on what a tree's own code reads
    that nobody knew of. Of what it read before it refused something, nobody knows.
    """
    rules = request.rules
    return rules.reads is not None and (bool(found.diagnostics) or not rules.may_be_kept)


def _key(files: Files, request: Request, wanted: Wanted | None) -> bytes:
    """The key of the result. It covers the paths as given, because diagnostics show them."""
    told = "" if wanted is None else repr([sorted(wanted.codes), *map(_sorted, wanted[1:])])
    parts = [*files.paths, told, str(files.is_defined_apart), str(request.with_refused)]
    names = [hashlib.sha256(p.encode("utf-8", "surrogateescape")).digest() for p in parts]
    if request.with_refused:
        names.append(hashlib.sha256(request.deprecated).digest())
    return hashlib.sha256(b"".join([_KIND, request.keys.by_bytes, *names])).digest()


def _sorted(exceptions: Iterable[tuple[str, frozenset[str]]]) -> list[tuple[str, list[str]]]:
    return [(name, sorted(codes)) for name, codes in exceptions]


def _kept(data: bytes | None) -> Checked | None:
    if data is None:
        return None
    try:
        checked = msgspec.json.decode(data, type=Checked)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    found = [*checked.diagnostics, *(diagnostic for diagnostic, _ in checked.suppressed)]
    return checked if all(diagnostic.code in RULES for diagnostic in found) else None


def print_checked(
    checked: Checked,
    files: Files,
    stdout: Stdout,
    form: str,
    *,
    strict: bool,
    quiet: bool,
    statistics: bool,
) -> int:
    """Print the mistakes in the format `form` and return the exit status.

    `strict` turns warnings into errors. `quiet` does not say that there are none. `statistics`
    prints their number by rule instead.
    """
    found = checked.diagnostics
    if strict:
        found = [msgspec.structs.replace(diagnostic, severity="error") for diagnostic in found]
    if statistics:
        _print_statistics(found, form, stdout)
    else:
        _print(msgspec.structs.replace(checked, diagnostics=found), form, stdout)
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    if found or not quiet:
        say(f"{_counted(errors, len(found) - errors)} in {_looked_at(checked, files, errors)}")
    return BAD_INPUT if errors else DONE


def explain(code: str) -> None:
    """Print the page of a rule. Raises UsageError if no rule has this code."""
    from derivload.commands.check.pages import render_page

    known = code.upper()
    if known not in RULES:
        asked = did_you_mean(nearest(known, RULES, 1, cutoff=0.75))
        first = asked or f"; the first is {min(RULES)}, the last {max(RULES)}"
        raise UsageError(f"rule {code} does not exist{first}")
    Stdout().write_bytes(render_page(known).encode())


def _print_statistics(found: Sequence[Diagnostic], form: str, stdout: Stdout) -> None:
    """Print how many mistakes break each rule, the most frequent first."""
    counts = sorted(Counter(d.code for d in found).items(), key=lambda item: (-item[1], item[0]))
    if form == "json":
        rows = [Statistic(code, RULES[code].title, count) for code, count in counts]
        stdout.write_json(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
    else:
        width = len(str(counts[0][1])) if counts else 0
        stdout.print_lines(f"{count:>{width}}  {c}  {RULES[c].title}" for c, count in counts)
    stdout.flush()


def _print(checked: Checked, form: str, stdout: Stdout) -> None:
    found, torch_version = checked.diagnostics, checked.torch_version
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
        from derivload.commands.check.pages import page_uri, render_page
        from derivload.outputs.sarif import render_sarif

        log = render_sarif(found, __version__, render_page, checked.suppressed, page_uri)
        stdout.write_json(log)
    stdout.flush()


def _looked_at(checked: Checked, files: Files, errors: int) -> str:
    """The files, and how much is in them; why these files, if no option named them."""
    how = "" if files.origin is None else files.origin.how
    named = f"{files.named}, {how}" if how else files.named
    if errors:  # then not everything can be loaded
        return named
    counts = ((checked.functions, "function"), (checked.definitions, "definition"))
    told = [f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts]
    return f"{named}: {', '.join(told)}"


def _counted(errors: int, warnings: int) -> str:
    counts = ((errors, "error"), (warnings, "warning"))
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    return ", ".join(told) or "no mistakes"
