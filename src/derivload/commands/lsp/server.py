"""The server: what an editor sends comes in here, and diagnostics go out.

Everything is done in the thread of pygls' loop, one message after another, so that nobody sees a
document between two states. Only watchdog calls from threads of its own, and it only wakes the
loop.

A change is answered at once if that takes little time. If a look takes long (it has to load
everything), the next one waits for the end of a burst of changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from derivload.commands.lsp.features import Features
from derivload.commands.lsp.knowledge import Knowledge
from derivload.commands.lsp.protocol import DocumentProtocol
from derivload.commands.lsp.registering import register
from derivload.commands.lsp.sets import InputSets
from derivload.commands.lsp.showing import ProtocolShowing, span
from derivload.editing.documents import Document
from derivload.exit_status import DONE
from derivload.loading.errors import SettingsError, TreeCodeError, UsageError
from derivload.terminal.stderr import say
from derivload.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from derivload.commands.lsp.workbench import Workbench
    from derivload.commands.watch.events import Watches
    from derivload.diagnostics import Diagnostic
    from derivload.editing.documents import Encoding, TextSpot

# What the protocol demands if a client ends without asking for it.
_WITHOUT_SHUTDOWN: Final = 1
# Seconds. A look that took longer makes the next change wait for so many times as long.
_QUICK: Final = 0.05
# Seconds between the last message and the work that only saves time later.
_IDLE: Final = 0.05
# Seconds between the first event of a save and a look at the files.
_SAVE: Final = 0.05


class Server(LanguageServer):
    """A language server for the inputs that `find` finds, from the current folder on.

    `find` raises UsageError if it finds none.
    """

    def __init__(self, find: Callable[[], Workbench]) -> None:
        super().__init__("derivload", __version__, protocol_cls=DocumentProtocol)
        self._sets = InputSets(find)
        self._why_none = ""
        self.is_shut_down = False
        """Whether the client has asked for the end of the session, as it should before it ends."""
        self._documents: dict[str, Document] = {}
        self._knowledge: dict[Workbench, Knowledge] = {}
        self._shown: ProtocolShowing | None = None
        self._published: dict[str, tuple[int | None, list[types.Diagnostic]]] = {}
        # The looks that are to come, by the set that each is at.
        self._due: dict[Workbench, asyncio.TimerHandle] = {}
        self._idle: asyncio.TimerHandle | None = None
        self._took = 0.0
        self._watches: Watches | None = None
        self._hint: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ the inputs

    @property
    def encoding(self) -> Encoding:
        """What positions count."""
        kind = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        return types.PositionEncodingKind(kind).value

    def begin(self, folders: Iterable[str]) -> None:
        """Find the inputs from each folder on, and load them."""
        self._shown = ProtocolShowing(self._document_of, self.uri_of, self.encoding)
        for folder in folders:
            if self._find_from(folder):
                self.look()

    def _find_from(self, folder: str, having: str | None = None) -> bool:
        """Find a set of inputs. Whether there is a new one: with `having`, one of that file."""
        try:
            found = self._sets.add(folder, having)
            if found is None:
                return False
        except (UsageError, OSError) as error:
            self._why_none = str(error)
            if isinstance(error, SettingsError):
                shown = types.ShowMessageParams(types.MessageType.Error, str(error))
                self.window_show_message(shown)
            return False
        for uri, document in self._documents.items():
            path = to_fs_path(uri)
            name = None if path is None else found.name_of(path)
            if name is not None:
                found.open(name, document)
        return True

    @property
    def _bench(self) -> Workbench | None:
        """The inputs that the last message was about."""
        return self._sets.current

    def bench_of(self, uri: str) -> tuple[Workbench, str] | None:
        """The inputs that a document is one of, and its name among them."""
        path = to_fs_path(uri)
        return None if path is None else self._sets.of(path)

    def each_knowledge(self) -> Iterator[Knowledge]:
        """What is known of each set of inputs, which is the current one meanwhile."""
        for bench in self._sets:
            self._sets.enter(bench)
            yield self._known_of(bench)

    def _known_of(self, bench: Workbench) -> Knowledge:
        if bench not in self._knowledge:
            self._knowledge[bench] = Knowledge(bench)
        return self._knowledge[bench]

    def knowledge_of(self, uri: str) -> tuple[Knowledge, str] | None:
        """What is known of the inputs that a document is one of, and its name among them."""
        found = self.bench_of(uri)
        return None if found is None else (self._known_of(found[0]), found[1])

    def range(self, document: Document | None, start: TextSpot, end: TextSpot) -> types.Range:
        """What is between two places, as the protocol has it."""
        return span(document, start, end, self.encoding)

    def uri_of(self, name: str) -> str:
        """The address of an input, as the editor has it if it is open."""
        if self._bench is not None and self._bench.is_open(name):
            document = self._bench.document(name)
            if document is not None:
                return document.uri
        return Path(name).absolute().as_uri()

    def shown(self, diagnostic: Diagnostic) -> types.Diagnostic:
        """A diagnostic as the protocol has it."""
        assert self._shown is not None
        return self._shown.diagnostic(diagnostic)

    def _take(self, uri: str, document: Document) -> bool:
        found = self.bench_of(uri)
        if found is None:
            return False
        bench, name = found
        bench.open(name, document)
        return True

    # ------------------------------------------------------------------ documents

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Take a document as the editor has it."""
        item = params.text_document
        document = self._documents[item.uri] = Document(item.uri, item.text, item.version)
        path = to_fs_path(item.uri)
        if path is not None and self._sets.of(path) is None and path.endswith((".yaml", ".yml")):
            self._find_from(str(Path(path).parent), path)
        if self._take(item.uri, document):
            self._published.pop(item.uri, None)
            self.look()
        elif self._bench is None:
            self._say_once(self._why_none)

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Edit a document."""
        document = self._documents.get(params.text_document.uri)
        if document is None:
            return
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = (
                    document.spot(at.line, at.character, self.encoding)
                    for at in (change.range.start, change.range.end)
                )
                document.edit(start, end, change.text)
            else:
                document.replace(change.text)
        document.version = params.text_document.version
        found = self.bench_of(document.uri)
        if found is not None:
            found[0].changed()
            self._look_soon(found[0])

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Take a document as the disk has it."""
        uri = params.text_document.uri
        self._documents.pop(uri, None)
        found = self.bench_of(uri)
        if found is not None:
            bench, name = found
            bench.close(name)
            self.look()

    def files_changed(self) -> None:
        """Look at the files that no editor has open, and at the settings."""
        self._hint = None
        for folder, having in self._sets.missing():
            if self._find_from(folder, having):
                self.look()
        for bench in self._sets:
            self._sets.enter(bench)
            if bench.is_of_other_settings():
                self._knowledge.pop(bench, None)
                self._cancel_look(bench)
                self._find_from(self._sets.remove(bench))
                self.look()
                self._forget()
            elif bench.look(bench.files.paths):
                self.look()

    def _watch(self) -> None:
        """Have watchdog tell when a file changes, from a thread of its own."""
        if self._watches is None:
            from derivload.commands.watch.events import Watches

            loop = asyncio.get_running_loop()

            def tell(hint: object) -> None:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._hinted)

            self._watches = Watches(tell)
        with contextlib.suppress(OSError):  # without events, the editor may still tell
            self._watches.cover(self._sets.watched)

    def _hinted(self) -> None:
        if self._hint is None:
            loop = asyncio.get_running_loop()
            self._hint = loop.call_later(_SAVE, self.files_changed)

    # ------------------------------------------------------------------ diagnostics

    def _look_soon(self, bench: Workbench) -> None:
        if self._took < _QUICK:
            self.look(bench)
            return
        self._cancel_look(bench)
        loop = asyncio.get_running_loop()
        self._due[bench] = loop.call_later(min(self._took, 1.0), self.look, bench)

    def _cancel_look(self, bench: Workbench) -> None:
        due = self._due.pop(bench, None)
        if due is not None:
            due.cancel()

    def look(self, bench: Workbench | None = None) -> None:
        """Find what is wrong now, and publish it: with a set, or with the current one."""
        bench = bench or self._bench
        if bench is None or self._shown is None:
            return
        self._cancel_look(bench)
        self._sets.enter(bench)
        began = time.perf_counter()
        by_file: dict[str, list[types.Diagnostic]] = {name: [] for name in bench.files.paths}
        try:
            for found in bench.diagnostics():
                by_file.setdefault(found.file, []).append(self._shown.diagnostic(found))
        except (UsageError, TreeCodeError) as error:
            by_file[bench.files.paths[0]].append(_without_place(str(error)))
        self._took = time.perf_counter() - began
        for name, diagnostics in by_file.items():
            self._publish(bench, name, diagnostics)
        self._settle_soon()

    def _publish(self, bench: Workbench, name: str, diagnostics: list[types.Diagnostic]) -> None:
        document = bench.document(name) if bench.is_open(name) else None
        version = None if document is None else document.version
        uri = self.uri_of(name)
        # Of a file that was never open, there is nothing to say as long as it has no mistake.
        if self._published.get(uri, (None, [])) == (version, diagnostics):
            return
        self._published[uri] = version, diagnostics
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics, version)
        )

    def _forget(self) -> None:
        """Take back what was said of files that are inputs no longer."""
        for uri in [*self._published]:
            if all(bench.name_of(to_fs_path(uri) or "") is None for bench in self._sets):
                del self._published[uri]
                empty = types.PublishDiagnosticsParams(uri, [])
                self.text_document_publish_diagnostics(empty)

    def _settle_soon(self) -> None:
        """Do what saves time at the next change, when nothing else is to be done."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._settle)

    def _settle(self) -> None:
        self._idle = None
        if self._bench is None:
            return
        self._bench.settle()
        self._known_of(self._bench).warm()
        if not gc.get_freeze_count():
            # What is there now stays: the collector need not go through it after some edits.
            gc.freeze()
        self._watch()

    # ------------------------------------------------------------------ beginning and end

    def keep(self) -> None:
        """Leave in the cache what the next session can begin from."""
        for bench in self._sets if self._shown is not None else ():
            self._sets.enter(bench)
            bench.keep()

    def end(self) -> None:
        """End what runs, and remove what was written for this session."""
        for handle in (*self._due.values(), self._idle, self._hint):
            if handle is not None:
                handle.cancel()
        if self._watches is not None:
            self._watches.close()
            self._watches = None
        for bench in self._sets:
            bench.end()
        if self._shown is not None:
            self._shown.close()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Say on stderr what went wrong. A message in the editor would come with each key."""
        say(f"error: {type(error).__name__}: {error}")

    def _say_once(self, why: str) -> None:
        if why:
            self.window_log_message(types.LogMessageParams(types.MessageType.Warning, why))

    def _document_of(self, name: str) -> Document | None:
        return None if self._bench is None else self._bench.document(name)


def _without_place(message: str) -> types.Diagnostic:
    start = types.Position(0, 0)
    return types.Diagnostic(
        types.Range(start, start), message, types.DiagnosticSeverity.Error, source="derivload"
    )


def make_server(find: Callable[[], Workbench]) -> Server:
    """A server with all of its requests."""
    server = Server(find)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        server.begin(_paths(server.workspace.folders.values(), server.workspace.root_path))

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        server.files_changed()

    @server.feature(types.SHUTDOWN)
    def shutdown(params: None) -> None:
        server.is_shut_down = True
        server.keep()
        server.end()

    register(server, Features(server))
    return server


def _paths(folders: Iterable[types.WorkspaceFolder], root: str | None) -> list[str]:
    """The folders that an editor has open."""
    found = [path for folder in folders if (path := to_fs_path(folder.uri)) is not None]
    return found or ([] if root is None else [root])


def serve(find: Callable[[], Workbench]) -> int:
    """Serve on stdin and stdout until the client is gone; the exit status."""
    server = make_server(find)
    gc.enable()
    # Nothing else gets between the messages: what is printed goes to stderr.
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        server.start_io(stdout=stdout)
    finally:
        server.end()
    return DONE if server.is_shut_down else _WITHOUT_SHUTDOWN
