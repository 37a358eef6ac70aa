"""Says on stderr how a command ended: which files it wrote, or which mistakes the inputs have."""

from __future__ import annotations

import sys

from derivload.commands.notes import say_note
from derivload.exit_status import BAD_INPUT, DONE
from derivload.terminal.ending import Ended, cleaned_up_when_ended
from derivload.terminal.stderr import say, say_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from derivload.diagnostics import Diagnostic
    from derivload.loading.warnings import NewWarnings
    from derivload.outputs.files import WrittenFiles

# So many files are named in any case; of more, so many.
_FEW, _FIRST = 5, 3


class RunResult:
    """The result of a run.

    `exit` is "stored", "incremental", "cold" or, for codegen only, "plain". `note` is a message for
    the user, or "". `written` lists which files were written, left unchanged and removed. `counts`
    says how much was loaded and reused. `seconds` has the time of each step, in order. `rules` says
    which rules were followed, and `list_replaced` which entries others took the place of. `told`
    says which inputs were looked at, if no option named them. `warnings` are those to show; None if
    there are none.
    """

    __slots__ = (
        *("counts", "exit", "list_replaced", "note", "rules", "seconds", "told", "warnings"),
        "written",
    )

    def __init__(
        self,
        exit_: str,
        note: str,
        written: WrittenFiles,
        counts: dict[str, int],
        seconds: dict[str, float],
        *,
        rules: str,
        warnings: NewWarnings | None,
        list_replaced: Callable[[], list[str]],
        told: str,
    ) -> None:
        self.exit = exit_
        self.note = note
        self.written = written
        self.counts = counts
        self.seconds = seconds
        self.rules = rules
        self.warnings = warnings
        self.list_replaced = list_replaced
        self.told = told


def say_done(done: RunResult, options: argparse.Namespace) -> None:
    """Print the warnings and the note, the changed files (unless `--quiet`), and the stats."""
    written = done.written
    if done.warnings is not None:
        say_lines(warning_lines(done.warnings))
    say_note(done.note, options)
    if not options.quiet:
        is_whole = options.verbose or options.command != "codegen"
        changes = [f"wrote {_listed(written.written, is_whole)}"] if written.written else []
        if written.removed:
            changes.append(f"removed {_listed(written.removed, is_whole)}")
        say(f"{options.out_dir}: {'; '.join(changes) or 'up to date'}")
        if done.told:
            say(done.told)
    if options.stats is not None:
        from derivload.commands.stats import print_stats

        counts = {
            "written": len(written.written),
            "unchanged": len(written.unchanged),
            "removed": len(written.removed),
            **done.counts,
        }
        replaced = done.list_replaced()
        print_stats(options.stats, done.exit, counts, done.seconds, done.rules, replaced=replaced)


def _listed(names: Sequence[str], is_whole: bool) -> str:
    """Names of files: of many only the first, and how many there are, unless all are wanted."""
    if is_whole or len(names) <= _FEW:
        return ", ".join(names)
    more = len(names) - _FIRST
    return f"{len(names)} files: {', '.join(names[:_FIRST])} and {more} more"


def warning_lines(warnings: NewWarnings) -> list[str]:
    """The lines that show new warnings, and how many there are."""
    if not warnings.new:
        return []
    lines = _rendered(warnings.diagnostics)
    shown = len(warnings.diagnostics)
    told = f"derivload: {warnings.new} {'warning' if warnings.new == 1 else 'warnings'}"
    rest = []
    if shown < warnings.new:
        rest.append(f"{shown} of them shown")
    if warnings.others:
        rest.append(f"besides {warnings.others} from before")
    if rest:
        told += f", {', '.join(rest)}; `derivload check` shows all"
    return [*lines, told]


def _rendered(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """The lines of diagnostics, as wide as stderr is."""
    from derivload.diagnostics import WIDTH
    from derivload.terminal.width import terminal_width

    width = terminal_width(sys.stderr, WIDTH)
    return [line for diagnostic in diagnostics for line in diagnostic.render(width).split("\n")]


def report(error: Exception, consequence: str) -> int:
    """Print an InputError, or a GeneratorError, and return the exit status.

    Reraises any other error. `consequence` ends the last line.
    """
    from derivload.loading.errors import InputError
    from derivload.pytorch.errors import GeneratorError

    if isinstance(error, GeneratorError):
        say_lines([*error.lines, f"derivload: {error.summary}{consequence}"])
        return BAD_INPUT
    if not isinstance(error, InputError):
        raise error
    count = len(error.diagnostics)
    counted = f"derivload: {count} {'error' if count == 1 else 'errors'}{consequence}"
    say_lines([*_rendered(error.diagnostics), counted])
    return BAD_INPUT


def write_and_say(options: argparse.Namespace, write: Callable[[], RunResult]) -> int:
    """Call `write` to bring the outputs up to date, print how it went, return the exit status.

    An InputError and SIGTERM are printed here; any other error of `write` is raised.
    """
    try:
        with cleaned_up_when_ended(options.is_own_process):
            done = write()
    except Exception as error:
        return report(error, "; nothing was written")
    except Ended as ended:
        say("error: ended by SIGTERM; each output is either unchanged or complete")
        return ended.status
    say_done(done, options)
    return DONE
