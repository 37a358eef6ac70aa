"""How a command ended, told on stderr: what it wrote, or the mistakes of the inputs."""

from __future__ import annotations

from derivload.exit_status import BAD_INPUT, DONE
from derivload.terminal.ending import Ended, cleaned_up_when_ended
from derivload.terminal.stderr import say, say_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from derivload.outputs.files import Written


class RunResult:
    """What a run did: by which exit, what became of the files, and how long its steps took.

    `exit` is "stored", "incremental", "cold" or, of codegen alone, "plain"; `note` is what the user
    should know; `counts` what was loaded and reused, and
    `seconds` has the steps in their order.
    """

    __slots__ = ("counts", "exit", "note", "seconds", "written")

    def __init__(
        self,
        exit_: str,
        note: str,
        written: Written,
        counts: dict[str, int],
        seconds: dict[str, float],
    ) -> None:
        self.exit = exit_
        self.note = note
        self.written = written
        self.counts = counts
        self.seconds = seconds


def say_done(done: RunResult, options: argparse.Namespace) -> None:
    """Say what became of the outputs, as far as the options ask for it."""
    written = done.written
    if done.note:
        say(f"note: {done.note}")
    if not options.quiet:
        changes = [f"wrote {', '.join(written.written)}"] if written.written else []
        if written.removed:
            changes.append(f"removed {', '.join(written.removed)}")
        say(f"{options.out_dir}: {'; '.join(changes) or 'up to date'}")
    if options.stats is not None:
        from derivload.commands.stats import print_stats

        counts = {
            "written": len(written.written),
            "unchanged": len(written.unchanged),
            "removed": len(written.removed),
            **done.counts,
        }
        print_stats(options.stats, done.exit, counts, done.seconds)


def report(error: Exception, consequence: str) -> int:
    """Print the diagnostics that an error carries; the exit status. Raises any other error."""
    from derivload.loading.errors import InputError

    if not isinstance(error, InputError):
        raise error
    count = len(error.diagnostics)
    counted = f"derivload: {count} {'error' if count == 1 else 'errors'}{consequence}"
    say_lines([*str(error).split("\n"), counted])
    return BAD_INPUT


def write_and_say(options: argparse.Namespace, write: Callable[[], RunResult]) -> int:
    """Have `write` bring outputs up to date, and say how it went; the exit status.

    Raises what is not about the inputs.
    """
    try:
        with cleaned_up_when_ended(options.is_own_process):
            done = write()
    except Exception as error:
        return report(error, "; nothing was written")
    except Ended as ended:
        say("error: ended by SIGTERM; each output is as it was, or done")
        return ended.status
    say_done(done, options)
    return DONE
