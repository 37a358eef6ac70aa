"""A client of the language server: messages as they are on the wire, nothing between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from derivload.commands.lsp.command import find_inputs
from derivload.commands.lsp.server import make_server
from support import forks
from support.child import child_environment
from support.paths import CATALOGUE, FILES

Message = dict[str, Any]
_PATIENCE = 120.0  # seconds


def place(line: int, character: int) -> Message:
    return {"line": line, "character": character}


def span(line: int, start: int, end: int) -> Message:
    return {"start": place(line, start), "end": place(line, end)}


class Client:
    """A server in `folder`, and what it has published."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        capabilities: Message | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self.folder = folder
        self._start(options, patience)
        self.published: dict[str, Message] = {}
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self._last = 0
        self._capabilities = capabilities or {}

    def _start(self, options: Sequence[str], patience: float) -> None:
        self.server = forks.popen(
            ["lsp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env=child_environment(),
        )
        # A test that waits for what never comes fails then.
        self._patience = threading.Timer(patience, self.server.kill)
        self._patience.daemon = True
        self._patience.start()

    def __enter__(self) -> Self:
        self.told = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": self.folder.as_uri(),
                "capabilities": self._capabilities,
            },
        )
        self.tell("initialized", {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self.server.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                self.ask("shutdown", None)
                self.tell("exit", None)
            assert self.server.wait(20) == 0
        self.kill()

    def kill(self) -> None:
        self._patience.cancel()
        self.server.kill()
        self.server.wait()
        for pipe in (self.server.stdin, self.server.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    # ------------------------------------------------------------------ messages

    def write(self, data: bytes) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(data)
        self.server.stdin.flush()

    def send(self, message: Message) -> None:
        body = json.dumps(message).encode()
        self.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def read(self) -> Message:
        assert self.server.stdout is not None
        length = 0
        while (line := self.server.stdout.readline()) != b"\r\n":
            assert line, "the server has ended"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self._received(json.loads(self.server.stdout.read(length)))

    def _received(self, message: Message) -> Message:
        if message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]
        return message

    def until(self, is_it: Callable[[Message], bool]) -> Message:
        while not is_it(message := self.read()):
            pass
        return message

    def tell(self, method: str, params: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def answer(self, method: str, params: object) -> Message:
        self._last += 1
        number = self._last
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return self.until(lambda m: m.get("id") == number and "method" not in m)

    def ask(self, method: str, params: object) -> Any:
        answer = self.answer(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    # ------------------------------------------------------------------ documents

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str | None = None) -> list[Message]:
        """Open a document; its diagnostics."""
        if text is None:
            text = (self.folder / name).read_bytes().decode()
        uri = self.uri(name)
        self.texts[name], self.versions[name] = text, 1
        item = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return self._published(name)

    def change(self, name: str, *changes: Message) -> list[Message]:
        """Send changes; the diagnostics of the document after them."""
        self.versions[name] += 1
        self.tell(
            "textDocument/didChange",
            {
                "textDocument": {"uri": self.uri(name), "version": self.versions[name]},
                "contentChanges": list(changes),
            },
        )
        return self._published(name)

    def replace(self, name: str, old: str, new: str) -> list[Message]:
        """Put a text in the place of another one; both are ASCII, and so is what is before."""
        text = self.texts[name]
        at = text.index(old)
        self.texts[name] = text[:at] + new + text[at + len(old) :]
        change = {
            "range": {"start": spot_at(text, at), "end": spot_at(text, at + len(old))},
            "text": new,
        }
        return self.change(name, change)

    def _published(self, name: str) -> list[Message]:
        uri, version = self.uri(name), self.versions[name]

        def is_it(message: Message) -> bool:
            params = message.get("params")
            return isinstance(params, dict) and (params.get("uri"), params.get("version")) == (
                uri,
                version,
            )

        found: list[Message] = self.until(is_it)["params"]["diagnostics"]
        return found

    def at(self, name: str, words: str, inside: str = "", skip: int = 0) -> Message:
        """The parameters of a request about a place: at `inside` of `words`."""
        text = self.texts[name]
        at = text.index(words) + (words.index(inside) if inside else 0) + skip
        return {"textDocument": {"uri": self.uri(name)}, "position": spot_at(text, at)}

    def ask_at(self, method: str, *where: Any, **more: object) -> Any:
        return self.ask(f"textDocument/{method}", {**self.at(*where), **more})


class ClientBeside(Client):
    """A client of a server in this process, whose loop runs while the client waits.

    What only a process of its own shows, as its start and its end, is not there.
    """

    def _start(self, options: Sequence[str], patience: float) -> None:
        self._seconds = min(patience, 20.0)
        self._came: list[Message] = []
        self._from = Path.cwd()
        os.chdir(self.folder)
        self._loop = asyncio.new_event_loop()
        self.beside = make_server(lambda: find_inputs(["lsp", *options]))
        self.beside.protocol.set_writer(self, include_headers=False)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.ask("shutdown", None)
                assert self.beside.is_shut_down
        finally:
            self.beside.end()
            self._loop.close()
            os.chdir(self._from)

    def write(self, data: bytes) -> None:
        """What the server sends."""
        self._came.append(json.loads(data))

    def close(self) -> None:
        """Nothing holds what the server sent."""

    def send(self, message: Message) -> None:
        structured = self.beside.protocol.structure_message(message)
        self._run(lambda: self.beside.protocol.handle_message(structured))

    def wait(self, seconds: float = 0) -> None:
        """Let the server do what is due until then."""
        self._run(lambda: None, seconds)

    def read(self) -> Message:
        end = time.monotonic() + self._seconds
        while not self._came:
            assert time.monotonic() < end, "nothing comes"
            self.wait(0.01)
        return self._received(self._came.pop(0))

    def _run(self, action: Callable[[], None], seconds: float = 0) -> None:
        async def act() -> None:
            action()
            await asyncio.sleep(seconds)

        self._loop.run_until_complete(act())


def spot_at(text: str, at: int) -> Message:
    """The position of a character, in UTF-16."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    line = before[before.rfind("\n") + 1 :]
    return place(before.count("\n"), len(line.encode("utf-16-le")) // 2)


def write_catalogue(folder: Path, *, settings: str = "") -> Path:
    """A folder with the catalogue and settings that name it."""
    for name in FILES:
        (folder / name).write_bytes((CATALOGUE / name).read_bytes())
    named = 'derivatives = "derivatives.yaml"\nnative-functions = "native_functions.yaml"\n'
    (folder / "derivload.toml").write_text(named + settings)
    return folder


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, kind: type[Client] = Client, **more: Any
) -> Iterator[Client]:
    """A server for the catalogue in a folder, with its files open."""
    write_catalogue(folder)
    with kind(folder, *options, **more) as client:
        for name in FILES:
            client.open(name)
        yield client
