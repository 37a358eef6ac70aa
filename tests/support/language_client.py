"""A client of the language server: messages as they are on the wire, nothing between."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

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
        self.server = forks.popen(
            ["lsp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=child_environment(),
        )
        # A test that waits for what never comes fails then.
        self._patience = threading.Timer(patience, self.server.kill)
        self._patience.daemon = True
        self._patience.start()
        self.published: dict[str, Message] = {}
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self._last = 0
        self._capabilities = capabilities or {}

    def __enter__(self) -> Client:
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
        message: Message = json.loads(self.server.stdout.read(length))
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
def serving(folder: Path, *options: str, **more: Any) -> Iterator[Client]:
    """A server for the catalogue in a folder, with its files open."""
    write_catalogue(folder)
    with Client(folder, *options, **more) as client:
        for name in FILES:
            client.open(name)
        yield client
