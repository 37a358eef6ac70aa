"""After any edits, what the server tells is what `check` says of the same bytes, and it answers."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from derivload.commands.check.find import find_mistakes
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from support.document_edits import random_edit
from support.language_client import Client, Message, serving, spot_at
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS


def expected(client: Client) -> list[tuple[Any, ...]]:
    """What `check` says of what the documents hold."""
    files = find_files(DERIVATIVES, [NATIVES], TAGS)
    contents = [client.texts[name].encode() for name in FILES]
    found = find_mistakes(Request(files, contents), None).diagnostics
    made = []
    for one in found:
        lines = client.texts[one.file].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        line = max(0, one.line - 1)
        start = len(lines[line][: max(0, one.column - 1)].encode("utf-16-le")) // 2
        made.append((one.file, line, start, one.code, one.severity, one.sentence))
    return sorted(made)


def published(client: Client) -> list[tuple[Any, ...]]:
    made = []
    for name in FILES:
        for one in client.published[client.uri(name)]["diagnostics"]:
            at = one["range"]["start"]
            severity = "error" if one["severity"] == 1 else "warning"
            sentence = one["message"].partition("\n")[0]
            made.append((name, at["line"], at["character"], one["code"], severity, sentence))
    return sorted(made)


def ask_anything(client: Client, random: Random) -> None:
    name = random.choice(FILES)
    text = client.texts[name]
    document = {"uri": client.uri(name)}
    at = spot_at(text, random.randrange(len(text) + 1))
    lines = {"start": {"line": at["line"], "character": 0}, "end": at}
    params: dict[str, Message] = {
        "textDocument/hover": {"position": at},
        "textDocument/definition": {"position": at},
        "textDocument/completion": {"position": at},
        "textDocument/references": {"position": at, "context": {"includeDeclaration": True}},
        "textDocument/rename": {"position": at, "newName": "other"},
        "textDocument/codeAction": {"range": lines, "context": {"diagnostics": []}},
        "textDocument/documentSymbol": {},
        "textDocument/foldingRange": {},
        "textDocument/inlayHint": {"range": lines},
        "textDocument/codeLens": {},
        "textDocument/semanticTokens/full": {},
    }
    method = random.choice([*params])
    answer = client.answer(method, {"textDocument": document, **params[method]})
    assert "error" not in answer, (method, answer)
    if method == "textDocument/codeLens" and answer["result"]:
        client.ask("codeLens/resolve", random.choice(answer["result"]))


def test_random_edits(longer: bool, tmp_path: Path, seed: int, thinning: int) -> None:
    steps = 10_000 if longer else 300 // thinning
    random = Random(seed)
    mistaken = 0
    with serving(tmp_path, "--no-cache", patience=3 * steps) as client:
        good = dict(client.texts)
        for step in range(steps):
            name = random.choice([DERIVATIVES, DERIVATIVES, NATIVES, TAGS])
            if random.random() < 0.1:  # undo all: else there is soon no entry that can be read
                change, text = {"text": good[name]}, good[name]
            else:
                change, text = random_edit(random, client.texts[name])
            client.texts[name] = text
            client.change(name, change)
            # The answer comes behind what is published of the other files.
            document = {"uri": client.uri(name)}
            client.ask("textDocument/foldingRange", {"textDocument": document})
            told = published(client)
            assert told == expected(client), f"seed {seed}, step {step}"
            mistaken += bool(told)
            if step % 3 == 0:
                ask_anything(client, random)
    assert mistaken > steps / 4
