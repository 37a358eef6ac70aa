"""A client that dies, cancels, sends nonsense or 50 MB ends nothing but its own session."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.child import child_environment
from support.language_client import Client, serving, write_catalogue
from support.paths import DERIVATIVES

GILD = "self: grad * luster"


def still_works(client: Client) -> bool:
    found = client.replace(DERIVATIVES, GILD, "self: grads[1]")
    client.replace(DERIVATIVES, "self: grads[1]", GILD)
    return [one["code"] for one in found] == ["DL410"]


NONSENSE = [
    b"nonsense",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"1",
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "1.0", "method": "x"}',
    b'{"jsonrpc": "2.0", "id": 7, "method": "no/such"}',
    b'{"jsonrpc": "2.0", "method": "no/such", "params": [1]}',
    b'{"jsonrpc": "2.0", "id": 7, "method": "textDocument/hover", "params": 3}',
    b'{"jsonrpc": "2.0", "id": 7, "method": "textDocument/hover", "params": {}}',
    b'{"jsonrpc": "2.0", "id": 99, "result": null}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": 1}}',
]


def test_nonsense_is_passed_over(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-cache") as client:
        for body in NONSENSE:
            client.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert still_works(client), body


def test_positions_outside_the_text_are_taken_for_the_nearest_inside(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-cache") as client:
        far = {"line": 10**9, "character": 10**9}
        client.change(DERIVATIVES, {"range": {"start": far, "end": far}, "text": "# the end\n"})
        for method in ("hover", "definition", "completion"):
            client.ask(
                f"textDocument/{method}",
                {"textDocument": {"uri": client.uri(DERIVATIVES)}, "position": far},
            )
        assert still_works(client)


def test_a_document_of_no_inputs_is_passed_over(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-cache") as client:
        uri = (tmp_path / "other.yaml").as_uri()
        item = {"uri": uri, "languageId": "yaml", "version": 1, "text": "- a: b\n"}
        client.tell("textDocument/didOpen", {"textDocument": item})
        at = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 3}}
        assert client.ask("textDocument/hover", at) is None
        assert client.ask("textDocument/completion", at)["items"] == []
        untitled = {**item, "uri": "untitled:Untitled-1"}
        client.tell("textDocument/didOpen", {"textDocument": untitled})
        assert still_works(client)
        assert uri not in client.published


def test_a_request_that_is_cancelled_hinders_no_other(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-cache") as client:
        at = client.at(DERIVATIVES, GILD, "luster")
        for number in range(1000, 1050):
            client.send(
                {"jsonrpc": "2.0", "id": number, "method": "textDocument/hover", "params": at}
            )
            client.tell("$/cancelRequest", {"id": number})
        client.tell("$/cancelRequest", {"id": "never asked"})
        assert still_works(client)


@pytest.mark.thorough
def test_a_document_of_17_megabytes_is_told_to_be_too_large(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-cache") as client:
        text = client.texts[DERIVATIVES]
        found = client.change(DERIVATIVES, {"text": "# much\n" * (17_000_000 // 7)})
        assert [one["code"] for one in found] == ["DL010"]
        client.change(DERIVATIVES, {"text": text})
        assert still_works(client)


def test_a_client_that_dies_ends_its_server(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    with Client(tmp_path, "--no-cache") as client, Client(tmp_path, "--no-cache") as other:
        other.open(DERIVATIVES)
        assert client.server.stdin is not None
        client.write(b"Content-Length: 500\r\n\r\n{")
        client.server.stdin.close()
        client.server.wait(20)
        assert still_works(other)


def test_a_session_that_ends_without_asking_has_another_status(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    client = Client(tmp_path, "--no-cache")
    client.tell("exit", None)
    assert client.server.wait(20) == 1
    client.kill()


def test_without_pygls_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError('no', name='pygls')\n")
    ended = subprocess.run(
        [sys.executable, "-m", "derivload", "lsp"],
        capture_output=True,
        text=True,
        env=child_environment(tmp_path),
        check=False,
    )
    assert ended.returncode == 3
    assert ended.stderr == (
        "derivload: error: the language server needs pygls: pip install 'derivload[lsp]'\n"
    )
    assert ended.stdout == ""


def test_no_other_command_imports_pygls(tmp_path: Path) -> None:
    script = (
        "import sys; from derivload.cli import main; main(['check', '--catalogue', '--no-cache']); "
        "import json; print(json.dumps(sorted(m for m in sys.modules if 'lsp' in m.split('.'))))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=child_environment(),
        cwd=tmp_path,
        check=True,
    )
    assert json.loads(ended.stdout.splitlines()[-1]) == []
