"""Servers that hold a remote cache, on loopback, and a proxy that does harm."""

from __future__ import annotations

import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{server}
}}
"""
_SERVER = """
server {
  listen 8080;
  client_max_body_size 0;
  location / {
    root /var/cache/derivload;
    dav_methods PUT;
    create_full_put_path on;
  }
}
"""
_CHUNK = 64 * 1024
# What `requests` asks for, and nobody else.
_LAST = "/last-request"


def find_server(name: str) -> str | None:
    """The path of a server's program; None where there is none."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Nginx:
    """An nginx with WebDAV. `files` is the folder of what was put there."""

    def __init__(self, folder: Path, port: int) -> None:
        self.files = folder / "files"
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "access.log"

    def requests(self) -> list[str]:
        """The method and the status of each request so far."""
        self._ask()
        found = map(str.split, self._log.read_text("utf-8").splitlines())
        return [f"{words[5][1:]} {words[8]}" for words in found if words[6] != _LAST]

    def _ask(self) -> None:
        """Ask for something. When nginx answers, all requests before are in its log.

        It answers first, and then writes to its log, in its only process.
        """
        with closing(HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request("GET", _LAST)
            connection.getresponse().read()

    def packs(self) -> list[Path]:
        """The files that were put there."""
        return sorted(path for path in self.files.rglob("*") if path.is_file())


@contextmanager
def running_nginx(folder: Path, server: str = _SERVER) -> Iterator[Nginx]:
    """An nginx of our own. `server` says what it serves; port and folder become its own."""
    program = find_server("nginx")
    assert program is not None
    (folder / "files").mkdir(parents=True)
    port = free_port()
    server = server.replace("listen 8080", f"listen 127.0.0.1:{port}")
    server = server.replace("root /var/cache/derivload", f"root {folder}/files")
    text = _NGINX.format(folder=folder, server=server)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + text, "utf-8")
    options = ["-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with _running([program, *options], port):
        yield Nginx(folder, port)


@contextmanager
def running_redis(folder: Path, *more: str) -> Iterator[str]:
    """The URL of a Redis of our own."""
    program = find_server("redis-server")
    assert program is not None
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with _running([program, *options, *more], port):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def running_moto(environment: Path) -> Iterator[str]:
    """The URL of a server that speaks S3, which is installed in this environment of Python."""
    port = free_port()
    command = [str(environment / "bin/moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server does not answer")


class Proxy:
    """A proxy before a server.

    `delay` is how many seconds each way takes. `silence` is how many pass before the client gets
    anything, and `trickle` how many between one byte and the next, of which `at_once` come
    at once, and after `stops_at` of which all is silent. `answer` is what the client
    gets, whatever the server says; `reset` closes each connection at its first bytes.
    `connections` counts them.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self.silence = 0.0
        self.trickle = 0.0
        self.at_once = 0
        self.stops_at: int | None = None
        self.reset = False
        self.answer: bytes | None = None
        self.connections = 0
        self._target = port
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stop = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for each in (self._listening, *self._sockets):
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(client)
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        # The way there and back, for the handshake of the connection.
        self._stop.wait(2 * self.delay)
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            self._sockets.append(server)
            back = threading.Thread(target=self._back, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(_CHUNK):
                self._stop.wait(self.delay)
                if self.reset:
                    linger = b"\1\0\0\0\0\0\0\0"
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    client.close()
                    return
                if self.answer is not None:
                    self._stop.wait(self.silence)
                    client.sendall(self.answer)
                    client.shutdown(socket.SHUT_WR)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _take(self, server: socket.socket, waiting: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"first"
        while data:
            try:
                data = server.recv(_CHUNK)
            except OSError:
                data = b""
            waiting.put((time.monotonic() + (self.silence or self.delay), data))

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._take, args=(server, waiting), daemon=True).start()
        with suppress(OSError):
            while True:
                due, data = waiting.get()
                if not data:
                    break
                # What comes close behind waits at the same time, as on a long line.
                self._stop.wait(max(due - time.monotonic(), 0))
                if not self.trickle:
                    client.sendall(data)
                    continue
                client.sendall(data[: self.at_once])
                for byte in data[self.at_once : self.stops_at]:
                    client.sendall(bytes([byte]))
                    self._stop.wait(self.trickle)
                if self.stops_at is not None:
                    self._stop.wait(30)
            client.shutdown(socket.SHUT_WR)


@contextmanager
def running_proxy(port: int) -> Iterator[Proxy]:
    """A proxy before the server at this port."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
