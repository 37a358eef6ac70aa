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
    from collections.abc import Callable, Iterator, Sequence

    from derivload.commands.run.asked import Asked
    from derivload.commands.run.sharing import Sharing
    from derivload.outputs.journal import LostFile

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
    with contextlib.ExitStack() as cleaning:
        journal, path = _make_journal(path)
        cleaning.callback(shutil.rmtree, journal, ignore_errors=True)
        if sharing is not None:
            sharing.tell_child(journal)
        with _signals_passed_on() as children:
            status = _run_script(asked, path, journal, now, children)
            ran = time.perf_counter()
            lost = [] if status == DONE else restore(journal)
        if lost:
            cleaning.pop_all()  # the journal has what we could not put back
        if status != DONE:
            _say_lost(lost)
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


def _say_lost(lost: Sequence[LostFile]) -> None:
    for file in lost:
        say(f"error: {file.path} cannot be put back: {file.why}; what it held is in {file.copy}")


def _record_path(asked: Asked) -> str | None:
    """Where the record goes; None, with a warning, if there can be none."""
    from derivload.store.owned import make_folder

    path = asked.record_path()
    try:
        if path is None:
            raise OSError("there is no home folder to keep it in")
        make_folder(os.path.abspath(os.path.dirname(path)))
    except OSError as error:
        _warn(error)
        return None
    return path


def _make_journal(path: str | None) -> tuple[str, str | None]:
    """Make a folder for the notes of this run, beside the record, and the path of the record.

    If that is not possible, there is no record, and the folder is a temporary one. Raises OSError.
    """
    if path is not None:
        remove_records(os.path.dirname(path), _OLD)
        folder = f"{path}.{os.urandom(6).hex()}{_TEMPORARY}"
        try:
            os.mkdir(folder, 0o700)
        except OSError as error:  # the disk is full, say
            _warn(error)
        else:
            return folder, path
    return tempfile.mkdtemp(prefix="derivload-"), None


def _warn(error: OSError) -> None:
    why = error.strerror or error
    say(f"warning: this run is not kept: {why}; --state-dir names another folder")


def _run_script(asked: Asked, path: str | None, journal: str, now: str, children: _Children) -> int:
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
    children.add(child)
    while True:
        try:
            status = child.wait()
            break
        except KeyboardInterrupt:  # not in the main thread
            continue
    return status if status >= 0 else BY_SIGNAL - status


class _Children:
    """The script's process, once there is one, and what is to be passed on to it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._came: list[int] = []

    def add(self, child: subprocess.Popen[bytes]) -> None:
        """The process was started."""
        self._child = child
        for number in self._came:
            child.send_signal(number)

    def pass_on(self, number: int, _: object) -> None:
        """Pass a signal on, now or when the process was started; not if it has ended."""
        if self._child is None:
            self._came.append(number)
        else:
            self._child.send_signal(number)


@contextlib.contextmanager
def _signals_passed_on() -> Iterator[_Children]:
    """Inside, signals end the script and not this process, which puts files back behind it.

    The script has got Ctrl-C by itself. A signal that is ignored stays ignored, for both.
    """
    children = _Children()
    handlers: dict[str, Callable[[int, object], object]] = {
        "SIGTERM": children.pass_on,
        "SIGHUP": children.pass_on,  # Windows has none
        "SIGINT": lambda *_: None,
    }
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for name, handler in handlers.items():
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield children
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


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
            raise NotKeptError("it ended without Python's own end, or its notes cannot be written")
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
