"""A fake torch wheel, and servers that hand it out: in ranges, not at all, or wrongly."""

from __future__ import annotations

import base64
import hashlib
import http.server
import os
import re
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

TAG = "cp311-cp311-macosx_14_0_arm64"
TORCHGEN = {
    "torchgen/__init__.py": "",
    "torchgen/model.py": "# the loader\n",
    "torchgen/packaged/autograd/derivatives.yaml": "- name: abs(Tensor self) -> Tensor\n",
    "torchgen/packaged/ATen/native/native_functions.yaml": "- func: abs(Tensor self) -> Tensor\n",
}
OTHERS = {
    "torch/__init__.py": "raise ImportError\n",
    "torchgen/__pycache__/model.cpython-311.pyc": "compiled",
    "torchgenerator/model.py": "",
}


def recorded(files: Mapping[str, str]) -> str:
    """The text of a RECORD with these files."""
    lines = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        lines.append(f"{name},sha256={digest.rstrip(b'=').decode()},{len(text.encode())}\n")
    return "".join(lines)


def make_wheel(
    folder: Path,
    version: str = "2.15.0",
    files: Mapping[str, str] = {**OTHERS, **TORCHGEN},
    record: str | None = None,
    tag: str = TAG,
) -> Path:
    """Write a wheel; its RECORD is right unless another is given."""
    folder.mkdir(exist_ok=True)
    info = f"torch-{version}.dist-info"
    metadata = {
        f"{info}/RECORD": recorded(files) if record is None else record,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    wheel = folder / f"torch-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**files, **metadata}.items():
            archive.writestr(name, text)
    return wheel


def look_only_in(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pip find wheels at `place` alone, with the machine's own settings out of the way."""
    for name in os.environ:
        if name.startswith("PIP_") or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", place)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Spoil = Callable[[int, Answer, bytes], Answer]


def as_it_is(number: int, answer: Answer, wheel: bytes) -> Answer:
    """Spoil nothing."""
    return answer


def without_ranges(number: int, answer: Answer, wheel: bytes) -> Answer:
    """Answer as a server that knows no ranges."""
    return Answer(200, {}, wheel)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Lists its folder as `pip --find-links` reads it, and hands out files, in ranges too.

    `server.spoil` may change the answer to a range: it takes how many came before it, the
    answer, and the whole wheel.
    """

    server: Index
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.path = urlsplit(self.path).path  # to a proxy comes a whole address
        wanted = self.server.password
        if wanted is not None and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="wheels"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.endswith(".whl"):
            self._send_wheel(Path(self.translate_path(self.path)).read_bytes())
        else:
            self.server.listed += 1
            super().do_GET()

    def _send_wheel(self, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if self.headers.get("Accept-Encoding") != "identity":
            asked = None  # as servers do that compress what they may, and know no ranges of it
        status, headers, body = 200, {"ETag": '"1"'}, content
        if asked:
            first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
            status, body = 206, content[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            answer = Answer(status, headers, body)
            status, headers, body = self.server.spoil(self.server.ranges, answer, content)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if asked:
            self.server.ranges += 1
        else:
            self.server.whole += 1
        try:
            self.wfile.write(body)
            self.server.sent += len(body)
        except OSError:  # the other side has read enough
            self.close_connection = True


class Index(http.server.ThreadingHTTPServer):
    """Counts what was asked of it: lists, ranges, whole wheels, and the bytes of wheels."""

    daemon_threads = True
    listed = 0
    ranges = 0
    whole = 0
    sent = 0
    password: str | None = None
    spoil: Spoil = staticmethod(as_it_is)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hangs up."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


@contextmanager
def served(
    folder: Path, spoil: Spoil = as_it_is, context: ssl.SSLContext | None = None
) -> Iterator[Index]:
    """Serve a folder of wheels, over TLS where there is a context."""

    def handler(*arguments: object) -> Handler:
        return Handler(*arguments, directory=str(folder))  # type: ignore[arg-type]

    with Index(("127.0.0.1", 0), handler) as server:
        server.spoil = spoil
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
