"""`derivload emit --persistent_worker`: a process that serves Bazel, one request after another.

The protocol (https://bazel.build/remote/creating) is JSON, one object per line. A WorkRequest on
stdin has the arguments of one `emit`. A WorkResponse on stdout has its exit status and messages.
Everything else is printed to stderr, which Bazel keeps as the worker's log.

Each target has a session, so that its next load only costs what changed. The key of a session is
the release, the names of the inputs, the folder of the outputs, which of these there are, and the
wanted warnings.
Two requests for the same target differ only in the content of the files. The sessions used last are
kept, about 20 MB each for the files of a PyTorch release.

Requests are served one at a time. With multiplexing they would share one interpreter, which runs
one of them at a time anyway. Without it, Bazel starts a second worker, which does run in parallel.
A request to cancel needs no answer: it is only read after the request that it cancels has been
answered, because a load is short.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Final

import msgspec

from derivload.commands.arguments import with_files_read
from derivload.commands.notes import lasting
from derivload.commands.options.command_line import make_parser
from derivload.commands.outcome import warning_lines
from derivload.commands.parsed import files_of, wanted_of
from derivload.commands.settings.apply import parse_options
from derivload.loading.errors import InputError, SettingsError, TreeCodeError, UsageError
from derivload.loading.live import LiveDocuments, PreparedDocuments, Updated
from derivload.loading.rules_of_tree import key_of_additions
from derivload.terminal.stderr import say
from derivload.terminal.text import as_lines
from derivload.wanted import Wanted

if TYPE_CHECKING:
    import argparse

_MAX_SESSIONS: Final = 8
_FAILED: Final = 1
_CHUNK: Final = 1 << 16
# A request of Bazel's lists each input: with half a million files it has 100 MB.
_LARGEST: Final = 1 << 27
_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
# The errors of msgspec for text that is not JSON, or not of the type.
_NO_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# Release, what backends add, inputs, the outputs (their folder, shards, places), wanted warnings.
_Key = tuple[str | None, str, tuple[str, ...], tuple[str, int | None, bool], Wanted | None]


class WorkRequest(msgspec.Struct, rename="camel"):
    """A request. Its `inputs`, with their digests, are ignored: the files are read."""

    arguments: tuple[str, ...] = ()
    request_id: int = 0
    cancel: bool = False


class _Numbered(msgspec.Struct, rename="camel"):
    request_id: int = 0


class WorkResponse(msgspec.Struct, rename="camel"):
    """The answer. `output` is shown to the user; it is empty if there is no message."""

    exit_code: int
    output: str
    request_id: int


def serve(is_own_process: bool) -> int:
    """Serve the requests on stdin until its end; return 0, the exit status.

    Until then stdout belongs to the protocol: anything that is printed goes to stderr.
    """
    if is_own_process:
        # `main` turns it off, for short runs. This one goes on.
        gc.enable()
    descriptor = os.dup(1)
    # Bazel may have closed the pipe before the answer.
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as responses:
        os.dup2(2, 1)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                _serve(responses)
        finally:
            os.dup2(descriptor, 1)
    return 0


def _serve(responses: IO[bytes]) -> None:
    worker = _Worker()
    for request in _requests(sys.stdin.fileno()):
        response = worker.answer(request)
        if response is not None:
            responses.write(msgspec.json.encode(response) + b"\n")
            responses.flush()


def _requests(stream: int) -> Iterator[bytes]:
    """Each request in a stream, until its end.

    A request ends with its line. Bazel 4 writes no line ends, so a complete JSON object also ends
    a request.
    """
    pending = _Pending()
    while chunk := os.read(stream, _CHUNK):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            pending.add(end)
            yield from pending.take()
        pending.add(rest)
        if pending.is_whole():
            yield from pending.take()
    yield from pending.take()


class _Pending:
    """The part of a request that has arrived. Each byte is scanned once, in however many pieces.

    If a request is too large, only enough of it is kept to say so.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        # The JSON so far: open braces, whether it ends inside a string, and after a backslash.
        self._depth = 0
        self._is_in_string = False
        self._escape = b""
        self._is_broken = False

    def add(self, piece: bytes) -> None:
        """Add the next piece."""
        if self._size > _LARGEST or not piece:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        text = _ESCAPED.sub(b"", self._escape + piece)
        self._escape = text[-1:] if text.endswith(b"\\") else b""
        parts = text.split(b'"')
        outside = b"".join(parts[self._is_in_string :: 2])
        self._depth += outside.count(b"{") - outside.count(b"}")
        self._is_in_string ^= len(parts) % 2 == 0

    def is_whole(self) -> bool:
        """Whether the request is complete, although its line has not ended."""
        if self._depth or self._is_in_string or self._is_broken or not self._pieces:
            return False
        if not self._pieces[-1].endswith(b"}") or self._size > _LARGEST:
            return False
        # If all braces are closed and it is not JSON, more text will not make it JSON.
        self._is_broken = not _is_json(b"".join(self._pieces))
        return not self._is_broken

    def take(self) -> Iterator[bytes]:
        """The request, unless it is blank; then begin the next."""
        request = b"".join(self._pieces)
        self._begin()
        if request.strip():
            yield request


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except _NO_JSON:
        return False
    return True


class _Worker:
    """Answers requests, and keeps the sessions of the most recent targets."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(WorkRequest)
        self._parser = make_parser()
        self._notes: set[str] = set()
        self._sessions: OrderedDict[_Key, LiveDocuments] = OrderedDict()

    def answer(self, line: bytes) -> WorkResponse | None:
        """The response to a request; None if it needs no response."""
        if len(line) > _LARGEST:
            said = [f"derivload: error: the request is larger than {_LARGEST >> 20} MB"]
            return WorkResponse(_FAILED, as_lines(said), 0)
        try:
            request = self._decoder.decode(line)
        except _NO_JSON as error:
            said = [f"derivload: error: this is not a WorkRequest: {error}"]
            return WorkResponse(_FAILED, as_lines(said), self._request_id(line))
        if request.cancel:
            return None
        status, said = self._emit(request.arguments)
        return WorkResponse(status, as_lines(said), request.request_id)

    def _request_id(self, line: bytes) -> int:
        """The number of a request that is otherwise invalid; 0 if it has none."""
        with contextlib.suppress(*_NO_JSON):
            return msgspec.json.decode(line, type=_Numbered).request_id
        return 0

    def _emit(self, arguments: Sequence[str]) -> tuple[int, list[str]]:
        """Run `emit` with these arguments; the exit status and the lines of its messages."""
        start = time.perf_counter()
        try:
            options = self._parse(arguments)
            updated = self._load(options).write()
        except _BadArguments as error:
            return _FAILED, [*error.args]
        except UsageError as error:
            return _FAILED, [f"derivload: error: {error}"]
        except InputError as error:
            return _FAILED, _render(error)
        except TreeCodeError as error:
            return _FAILED, f"derivload: error: {error}".split("\n")
        except OSError as error:
            where = f"{error.filename}: " if error.filename is not None else ""
            return _FAILED, [f"derivload: error: {where}{error.strerror or error}"]
        except Exception:
            # A bug of ours. A session may be left in a half-changed state.
            self._sessions.clear()
            return _FAILED, traceback.format_exc().rstrip().split("\n")
        _log(options.out_dir, updated, time.perf_counter() - start)
        note = lasting(updated.note) if updated.note in self._notes else updated.note
        self._notes.add(updated.note)
        noted = [f"derivload: note: {note}"] if note else []
        return 0, [*warning_lines(updated.warnings), *noted]

    def _parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        if any("\0" in argument for argument in arguments):
            raise _BadArguments("derivload: error: an argument contains a NUL")
        # As Python decodes those of a command line, whatever the locale.
        arguments = with_files_read(os.fsdecode(argument.encode()) for argument in arguments)
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                options = parse_options(self._parser, ["emit", *arguments], may_search=False)
        except SystemExit:
            raise _BadArguments(*said.getvalue().splitlines()) from None
        except SettingsError as error:
            raise _BadArguments(*error.lines) from None
        for name in ("cache_dir", "depfile", "stats"):
            option = name.replace("_", "-")
            if getattr(options, name) is not None and option not in options.settings:
                raise _BadArguments(f"derivload: error: --{option} is not for a worker")
        return options

    def _load(self, options: argparse.Namespace) -> PreparedDocuments:
        """Load a target, in its session or in a new one."""
        files = files_of(options)
        additions, wanted = key_of_additions(files), wanted_of(options, files)
        what = (options.out_dir, options.shards, options.places)
        key = (files.version, additions, files.paths, what, wanted)
        session = self._sessions.pop(key, None) or LiveDocuments(
            options.out_dir, options.shards, wanted=wanted, with_places=options.places
        )
        self._sessions[key] = session
        if len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session.load(files)


class _BadArguments(Exception):  # noqa: N818 - it carries the messages about them
    """Arguments that `emit` does not accept; its arguments are the lines that say why."""


def _render(error: InputError) -> list[str]:
    count = len(error.diagnostics)
    counted = f"derivload: {count} {'error' if count == 1 else 'errors'}; nothing was written"
    return [*str(error).split("\n"), counted]


def _log(out_dir: str, updated: Updated, seconds: float) -> None:
    counts = updated.counts
    say(
        f"{out_dir}: {updated.exit}, {counts['read']} read, {counts['reused']} reused, "
        f"{len(updated.written.written)} written, {seconds:.3f} s"
    )
