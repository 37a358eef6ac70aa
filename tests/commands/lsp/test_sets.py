"""The sets of inputs of a server, what it registers, and what it sends as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from derivload.commands.lsp.beside import TOKEN_TYPES
from derivload.commands.lsp.protocol import DocumentProtocol, Ready
from derivload.commands.lsp.registering import register
from derivload.commands.lsp.sets import InputSets
from derivload.loading.errors import UsageError


class Bench:
    """A set whose inputs are in one folder."""

    def __init__(self, *names: str) -> None:
        self.names = {str(Path(name).absolute()): name for name in names}
        self.watched = [*names, "settings.toml"]
        self.ended = 0

    @property
    def inputs_on_disk(self) -> list[str]:
        return [*self.names]

    def name_of(self, path: str) -> str | None:
        return self.names.get(path)

    def end(self) -> None:
        self.ended += 1


class Sets:
    """Sets of folders, each of which has an input `a`; of one that is named `bad` none is found."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[Bench] = []
        self.names = ["a"]
        for name in ("one", "two", "bad"):
            (root / name).mkdir()
        find: Any = self.find
        self.sets = InputSets(find)

    def find(self) -> Bench:
        if Path.cwd().name == "bad":
            raise UsageError("there is none")
        self.made.append(Bench(*self.names))
        return self.made[-1]

    def folder(self, name: str) -> str:
        return str(self.root / name)

    def add(self, name: str, having: str | None = None) -> Any:
        return self.sets.add(self.folder(name), having)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sets:
    monkeypatch.chdir(tmp_path)
    return Sets(tmp_path)


def test_a_set_becomes_the_current_one_with_its_folder(own: Sets) -> None:
    assert own.sets.current is None
    one: Any = own.add("one")
    two: Any = own.add("two")
    assert [one, two] == own.made == [*own.sets]
    assert own.sets.current == two
    assert Path.cwd() == own.root / "two"
    assert own.sets.of(own.folder("one/a")) == (one, "a")
    assert own.sets.current == one
    assert Path.cwd() == own.root / "one"
    assert own.sets.of(own.folder("none")) is None
    assert own.sets.current == one
    os.chdir(own.root)
    own.sets.enter(one)  # it is the current one
    assert Path.cwd() == own.root
    own.sets.enter(two)
    (own.root / "one").rmdir()
    own.sets.enter(one)
    assert own.sets.current == one
    assert own.sets.watched == [
        own.folder(f"{folder}/{name}")
        for folder in ("one", "two")
        for name in ("a", "settings.toml")
    ]


def test_a_set_that_is_there_is_not_added(own: Sets) -> None:
    one: Any = own.add("one")
    assert own.add("one") is None
    assert own.made[1].ended == 1
    assert [*own.sets] == [one]
    assert own.sets.current == one
    own.names = ["a", "b"]
    assert own.add("one") is not None  # it has other inputs
    assert one.ended == 0


def test_a_set_that_has_not_the_file_is_not_added(own: Sets) -> None:
    one = own.add("one", having=own.folder("one/a"))
    assert own.sets.current == one
    assert own.add("two", having=own.folder("two/b")) is None
    assert own.made[1].ended == 1
    assert (own.sets.current, Path.cwd()) == (one, own.root / "one")


def test_sets_that_could_not_be_found_are_looked_for_again(own: Sets) -> None:
    with pytest.raises(UsageError):
        own.add("bad")
    one = own.add("one")
    with pytest.raises(UsageError):
        own.add("bad", having="x")
    assert Path.cwd() == own.root / "one"
    with pytest.raises(FileNotFoundError):
        own.add("none")
    assert own.sets.current == one
    assert own.sets.missing() == [(own.folder("bad"), "x"), (own.folder("none"), None)]
    assert own.sets.missing() == []


def test_a_set_is_forgotten(own: Sets) -> None:
    one: Any = own.add("one")
    two: Any = own.add("two")
    assert own.sets.remove(one) == own.folder("one")
    assert (one.ended, two.ended) == (1, 0)
    assert own.sets.current == two
    assert own.sets.remove(two) == own.folder("two")
    assert own.sets.current is None
    assert [*own.sets] == own.sets.watched == []


class Server:
    """Notes what is registered."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, Any]] = {}

    def feature(self, name: str, options: object) -> Callable[[Any], Any]:
        def take(method: Any) -> Any:
            assert name not in self.found
            method.mark = True  # as pygls writes on what it is given
            self.found[name] = (method(), options)
            return method

        return take


class Named:
    """Has every method, which tells its name."""

    def __getattr__(self, name: str) -> Callable[[], str]:
        return lambda: name


REQUESTS = {
    "hover": "hover",
    "definition": "definition",
    "references": "references",
    "prepareRename": "prepare_rename",
    "rename": "rename",
    "completion": "complete",
    "codeAction": "actions",
    "documentSymbol": "symbols",
    "foldingRange": "folds",
    "inlayHint": "hints",
    "codeLens": "lenses",
    "semanticTokens/full": "all_tokens",
    "semanticTokens/range": "tokens_between",
}


def test_all_requests_are_registered() -> None:
    server: Any = Server()
    features: Any = Named()
    register(server, features)
    found = server.found
    assert {name: method for name, (method, _) in found.items()} == {
        **{f"textDocument/{name}": method for name, method in REQUESTS.items()},
        "workspace/symbol": "workspace_symbols",
        "codeLens/resolve": "resolve_lens",
    }
    options = {name.partition("/")[2]: how for name, (_, how) in found.items() if how is not None}
    assert options.keys() == {
        *("rename", "completion", "codeAction", "codeLens"),
        *("semanticTokens/full", "semanticTokens/range"),
    }
    assert options["rename"].prepare_provider is True
    assert options["completion"].trigger_characters == [" ", ":", "_", "[", ",", "."]
    assert options["codeAction"].code_action_kinds == [types.CodeActionKind.QuickFix]
    assert options["codeLens"].resolve_provider is True
    for name in ("full", "range"):
        legend = options[f"semanticTokens/{name}"]
        assert (legend.token_types, legend.token_modifiers) == ([*TOKEN_TYPES], [])


class Sending(DocumentProtocol):
    """A protocol that sends to a list."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self._result_types: Any = {1: "t", 2: "t"}

    def _send_data(self, data: Any) -> None:
        self.sent.append(data)


def test_a_ready_result_is_sent_as_it_is() -> None:
    protocol = Sending()
    value = [{"a": object()}]
    protocol._send_response(1, Ready(value))
    assert protocol.sent == [{"jsonrpc": "2.0", "id": 1, "result": value}]
    assert protocol.sent[0]["result"] is value
    assert protocol._result_types == {2: "t"}
    protocol._send_response(9, Ready(value))
    assert protocol.sent[1]["id"] == 9


def test_documents_are_told_to_the_server() -> None:
    told: list[tuple[str, object]] = []
    protocol: Any = Sending()
    protocol._server = SimpleNamespace(
        did_open=lambda given: told.append(("open", given)),
        did_change=lambda given: told.append(("change", given)),
        did_close=lambda given: told.append(("close", given)),
    )
    for name in ("open", "change", "close"):
        getattr(protocol, f"lsp_text_document__did_{name}")(name)
    assert told == [(name, name) for name in ("open", "change", "close")]
