"""`derivload fetch VERSION --to DIR`: gets a PyTorch release's `torchgen` folder, without torch.

Every torch wheel contains `torchgen/`: the YAML files (in `packaged/`) and their loader. They are
the same on every platform. We take the wheel for macOS, because it is among the smallest.

- DIR ends up complete or unchanged. Everything is prepared in one temporary folder on DIR's file
  system and then renamed into place. pip's own temporary files are in that folder too, because a
  killed pip leaves them behind.
- Signal handlers only note the signal; it is acted on between steps. A handler that raised could
  fire after a child has started but before we hold a reference to it, and then nobody would end
  the child.
- pip finds the wheel and reads a part or all of it (`download.py`). If it reads all of it, pip
  draws its own progress bar, because only pip knows how many bytes have arrived.
"""

# Functions import what only a fetch needs: module-level imports slow the start of every command.

from __future__ import annotations

import argparse
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from derivload.terminal.stderr import say, say_lines
from derivload.terminal.stdout import Stdout

if TYPE_CHECKING:
    from zipfile import ZipInfo

_VERSION = re.compile(r"([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})(?:\.(0|[1-9][0-9]{0,3}))?")


class FetchError(Exception):
    """Nothing was fetched. `message` says why, and `status` is the exit status.

    `advice` is a separate sentence and may be empty.
    """

    def __init__(self, message: str, status: int, advice: str = "") -> None:
        super().__init__(f"{message}\n{advice}" if advice else message)
        self.message = message
        self.advice = advice
        self.status = status


class FetchResult(NamedTuple):
    """The requested folder, the release it holds, and whether this call downloaded it."""

    folder: Path
    version: str
    downloaded: bool


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    return fetch_and_say(options.version, options.to, quiet=options.quiet)


def fetch_and_say(version: str, to: str, *, quiet: bool = False) -> int:
    """Fetch `version` into the folder `to`, print how it went, and return the exit status.

    `quiet` says only what goes wrong.
    """
    say_how = _say_nothing if quiet else _say
    try:
        if not to:
            raise FetchError("--to is empty: name an empty or new folder", 2)
        result = fetch(version, Path(to), say_how)
    except FetchError as error:
        _say(f"error: {error.message}")
        say_lines([error.advice] if error.advice else [])
        return error.status
    except KeyboardInterrupt:
        _say("interrupted; nothing was fetched")
        return 130
    done = "fetched" if result.downloaded else "nothing to do, the folder already holds"
    say_how(f"{done} torch {result.version}'s torchgen")
    Stdout().print_path(str(result.folder))
    return 0


def _say_nothing(message: str) -> None:
    pass


def _say(message: str) -> None:
    say(message, "derivload fetch")


def fetch(version: str, to: Path, say: Callable[[str], None] = lambda message: None) -> FetchResult:
    """Put a release's `torchgen/`, and a `version.txt` that names it, into the folder `to`.

    `version` is `X.Y.Z`, or `X.Y` for its newest patch. `to` must be new or empty, or already hold
    that release. For `X.Y`, any patch of it will do. Then the network is not asked. `say` is called
    with one line when a download starts.

    Raises FetchError with status 2 if `version` is not a version or is older than 2.1, 1 if `to`
    holds something else, 3 if pip, the wheel or the disk fails, and 128 + n for the signal n.
    Raises KeyboardInterrupt on Ctrl-C, after cleaning up.
    """
    _check_version(version)
    folder = Path(os.path.realpath(to))
    try:
        held = _held_version(folder, version)
        if held is not None:
            return FetchResult(to, held, downloaded=False)
        with _noted_signals() as check:
            return FetchResult(to, _fetch_into(folder, version, say, check), downloaded=True)
    except OSError as error:
        raise FetchError(f"cannot write {to}: {error.strerror or error}", 3) from error


def _check_version(version: str) -> None:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise FetchError(f"{version!r} is not a PyTorch version: write it like 2.15.0 or 2.15", 2)
    if (int(found[1]), int(found[2])) < (2, 1):
        raise FetchError(f"PyTorch {version} is too old: name 2.1 or later", 2)


def _held_version(folder: Path, version: str) -> str | None:
    """Return the wanted release that `folder` already holds, or None if it is empty or new.

    Raises FetchError if `folder` holds something else, and OSError.
    """
    if not os.path.lexists(folder):
        return None
    if not folder.is_dir():
        raise FetchError(f"{folder} is not a folder: name an empty or new folder", 1)
    if not any(folder.iterdir()):
        return None
    note = folder / "version.txt"
    held = note.read_text(encoding="utf-8", errors="replace").strip() if note.is_file() else ""
    same = held == version or (version.count(".") == 1 and held.startswith(f"{version}."))
    if same and (folder / "torchgen" / "packaged").is_dir():
        return held
    what = f"something other than torch {version}'s torchgen"
    raise FetchError(f"{folder} holds {what}: name an empty or new folder", 1)


def _fetch_into(
    folder: Path, version: str, say: Callable[[str], None], check: Callable[[], None]
) -> str:
    """Download the wheel, unpack it, move the files into place; return the exact release."""
    import secrets
    import shutil

    from derivload.commands.fetch.download import PipError, download

    anchor = next((place for place in (folder, *folder.parents) if place.exists()), folder.parent)
    # The folder that contains a mount point is on another file system, and a rename cannot cross.
    beside = folder.parent if anchor == folder and not os.path.ismount(folder) else anchor
    # Not mkdtemp: a signal just after it made the folder, before we know its name, would leave it.
    work = beside / f".derivload-fetch-{secrets.token_hex(8)}"
    try:
        work.mkdir(mode=0o700)
        try:
            wheel = download(version, work / "pip", say, check)
        except PipError as error:
            raise FetchError(error.message, 3, error.advice) from error
        built = work / "tree" / folder.relative_to(anchor)
        _unpack(wheel, built, check)
        release = wheel.name.split("-")[1].partition("+")[0]
        (built / "version.txt").write_text(f"{release}\n", encoding="utf-8", newline="\n")
        check()
        _place(work / "tree", anchor)
        return release
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _unpack(wheel: Path, built: Path, check: Callable[[], None]) -> None:
    """Write the wheel's `torchgen/**` into the new folder `built`. Raises FetchError, OSError."""
    import shutil
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in _torchgen_files(archive.infolist()):
                check()
                target = built / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as sink:
                    shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise FetchError(f"{wheel.name} is damaged: {error}", 3) from error
    if not (built / "torchgen" / "packaged").is_dir():
        raise FetchError(f"{wheel.name} has no torchgen/packaged: try another release", 3)


def _torchgen_files(members: Iterable[ZipInfo]) -> Iterator[ZipInfo]:
    """Yield the files to write; raise FetchError at the first that is unsafe.

    A file is unsafe if it would land outside the folder, or is not a regular file.
    """
    for member in members:
        top, *rest = member.filename.split("/")
        if top != "torchgen" or member.is_dir():
            continue
        kind = stat.S_IFMT(member.external_attr >> 16)
        # On Windows, a backslash separates folders, and a colon marks a drive or a stream.
        outside = not rest or {"", ".", ".."} & {*rest} or re.search(r"[\\:]", member.filename)
        if outside or kind not in (0, stat.S_IFREG):
            raise FetchError(f"the wheel holds an unsafe member: {member.filename!r}", 3)
        if "__pycache__" not in rest:
            yield member


def _place(tree: Path, into: Path) -> None:
    """Move everything in `tree` into the folder `into`. On an error, move everything back.

    If DIR is empty, this takes two renames into it. One rename over DIR itself would pull the
    folder from under a shell that is in it (`--to .`), and would lose its permissions.
    """
    with ExitStack() as undo:
        for entry in sorted(tree.iterdir()):
            placed = into / entry.name
            entry.rename(placed)
            undo.callback(placed.rename, entry)
        undo.pop_all()


@contextmanager
def _noted_signals() -> Iterator[Callable[[], None]]:
    """Yield a function that raises if a signal has asked us to end. Restore the handlers after.

    The function raises KeyboardInterrupt for SIGINT and FetchError for the others. A signal after
    its last call is dropped: the work is done by then.
    """
    import signal
    import threading

    noted: list[int] = []

    def check() -> None:
        if noted and noted[0] == signal.SIGINT:
            raise KeyboardInterrupt
        if noted:
            name = signal.Signals(noted[0]).name
            raise FetchError(f"stopped by {name}; nothing was fetched", 128 + noted[0])

    # Only the main thread may set handlers. A handler that is already set, or a signal that is
    # ignored (nohup), is somebody's decision, so it stays.
    free = (signal.SIG_DFL, signal.default_int_handler)
    main = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    with ExitStack() as restore:
        for number in numbers:
            if main and number is not None and signal.getsignal(number) in free:
                before = signal.signal(number, lambda number, frame: noted.append(number))
                restore.callback(signal.signal, number, before)
        yield check
