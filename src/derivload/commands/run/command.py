"""`derivload run`: a script or module, run as Python runs it, with derivload inside.

The exit that does nothing was not taken (`answer.py`), so the script runs, in a process of its own
that notes what it reads and writes. When it has ended well, the record of the run is kept. When it
has not, what it wrote is taken back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from derivload.commands.parsed import is_remote_named, with_remote_ended
from derivload.commands.run.answer import tell
from derivload.commands.run.asked import read_asked
from derivload.exit_status import BAD_USAGE, BY_SIGNAL, DONE
from derivload.identity import PACKAGE
from derivload.outputs.journal import keep_times, restore, saved
from derivload.outputs.kept_runs import ABSENT, context, kind_of
from derivload.outputs.kept_values import remove_records
from derivload.pytorch.script.seen import USERS_CACHE
from derivload.terminal.stderr import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from derivload.commands.run.asked import Asked
    from derivload.commands.run.sharing import Sharing

_START = (
    "import sys; p = {!r}; p in sys.path or sys.path.append(p); "
    "from derivload.pytorch.script.child import main; main()"
)
_TEMPORARY = ".tmp"
# Seconds: what no run has used for so long is removed.
_OLD = 30 * 24 * 60 * 60.0


def run(options: argparse.Namespace) -> int:
    """Run the command and return the script's exit status. Raises UsageError and OSError."""
    asked = read_asked(options.arguments[1:])
    assert asked is not None
    if not asked.is_module and not os.path.isfile(asked.target):
        from derivload.loading.near_files import near_paths
        from derivload.spelling import did_you_mean

        meant = did_you_mean(near_paths(asked.target))
        told = meant or f"; for a module, write -m {asked.target}"
        say(f"error: {asked.target} is no file{told}")
        return BAD_USAGE
    path = None if options.no_cache else _record_path(asked)
    started = time.perf_counter()
    now = context()
    sharing = None
    if path is not None and is_remote_named(options):
        from derivload.commands.run.sharing import begin_sharing

        sharing = begin_sharing(options, asked)
        items = None if sharing is None else sharing.take(path, now)
        if items is not None:
            tell(asked, items, "stored", {"take": time.perf_counter() - started})
            return with_remote_ended(options, DONE)
    status = _run_and_keep(options, asked, path, now, sharing)
    return with_remote_ended(options, status)


def _run_and_keep(
    options: argparse.Namespace, asked: Asked, path: str | None, now: str, sharing: Sharing | None
) -> int:
    """Run the script, keep the record if it ended well, and return the exit status."""
    started = time.perf_counter()
    with _journal_folder(path) as journal:
        if sharing is not None:
            sharing.tell_child(journal)
        status = _run_script(asked, path, journal, now)
        ran = time.perf_counter()
        if status != DONE:
            restore(journal)
            return status
        keep_times(journal)
        counts: dict[str, int] = {}
        if path is not None:
            counts = _keep(asked, path, journal, now, sharing)
    if options.stats is not None:
        from derivload.commands.stats import print_stats

        seconds = {"run": ran - started, "keep": time.perf_counter() - ran}
        print_stats(options.stats, "ran", counts, seconds)
    return status


def _record_path(asked: Asked) -> str | None:
    """Where the record goes; None, with a warning, if there can be none."""
    from derivload.store.owned import make_folder

    path = asked.record_path()
    try:
        if path is None:
            raise OSError("there is no home folder to keep it in")
        make_folder(os.path.abspath(os.path.dirname(path)))
    except OSError as error:
        why = error.strerror or error
        say(f"warning: this run is not kept: {why}; --state-dir names another folder")
        return None
    return path


@contextlib.contextmanager
def _journal_folder(path: str | None) -> Iterator[str]:
    """A folder for the notes of this run, beside the record."""
    if path is None:
        folder = tempfile.mkdtemp(prefix="derivload-")
    else:
        remove_records(os.path.dirname(path), _OLD)
        folder = f"{path}.{os.urandom(6).hex()}{_TEMPORARY}"
        os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_script(asked: Asked, path: str | None, journal: str, now: str) -> int:
    """Run the script in a process of its own and return its exit status."""
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    start = _START.format(os.path.dirname(PACKAGE))
    form = "-m" if asked.is_module else ""
    cache = "" if "--no-cache" in asked.own else asked.value("--cache-dir") or USERS_CACHE
    record = "" if path is None else os.path.abspath(path)
    folders = [os.path.abspath(journal), record, now, cache]
    command = [sys.executable, *flags, "-c", start, *folders, form]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    child = subprocess.Popen([*command, asked.target, *asked.arguments])
    with _passed_on(child):
        while True:
            try:
                status = child.wait()
                break
            except KeyboardInterrupt:  # the child has got it too, and may end as it likes
                continue
    return status if status >= 0 else BY_SIGNAL - status


@contextlib.contextmanager
def _passed_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Inside, the child gets a SIGTERM that this process gets."""
    try:
        before = signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _keep(
    asked: Asked, path: str, journal: str, now: str, sharing: Sharing | None
) -> dict[str, int]:
    """Keep the record of a run that ended well, or say why not; how much it has."""
    from derivload.commands.run.keeping import NotKeptError, make_items
    from derivload.outputs.kept_runs import OUTPUT
    from derivload.outputs.kept_values import write_record
    from derivload.pytorch.script.seen import PART, SEEN, read_seen

    seen = read_seen(os.path.join(journal, SEEN))
    try:
        if seen is None:
            raise NotKeptError("it ended without Python's own end")
        items = make_items(seen, journal, now)
    except NotKeptError as error:
        say(f"note: this run of {asked.target} is not kept: {error}")
        return {}
    write_record(path, items)
    if sharing is not None:
        from derivload.outputs.shared_runs import FinishedRun

        removed = [name for name in saved(journal) if kind_of(name) == ABSENT]
        sharing.send(FinishedRun(items, [*seen.made], removed))
    for name in os.listdir(journal):
        part = read_seen(os.path.join(journal, name)) if name.startswith(PART) else None
        if part is not None:
            with contextlib.suppress(NotKeptError):
                write_record(f"{path}.{name}", make_items(part, journal, now))
    outputs = sum(item.kind == OUTPUT for item in items)
    return {"depends": len(items) - outputs, "outputs": outputs}
