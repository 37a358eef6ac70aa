"""What the command line does in a process of its own, and how that process ends."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload import cli, identity
from derivload.commands import own_process
from derivload.terminal import progress, streams

Captured = pytest.CaptureFixture[str]


class Ended(BaseException):
    """In the place of the end of the process."""


@pytest.fixture
def at_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the end of this process, and nobody looks on."""

    def end(status: int) -> None:
        raise Ended(status)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(cli, "main", lambda: 7)
    monkeypatch.setattr(atexit, "_ncallbacks", lambda: 0, raising=False)
    monkeypatch.delitem(sys.modules, "threading", raising=False)
    monkeypatch.delenv("PYTHONINSPECT", raising=False)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(sys, "getprofile", lambda: None)


@pytest.mark.usefixtures("at_end")
def test_a_process_ends_at_once_when_all_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out, io.TextIOWrapper(io.BytesIO()) as err:
        out.write("out")
        err.write("err")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(Ended) as ended:
                cli.main_at_end()
        assert ended.value.args == (7,)
        assert os.read(reader, 10) == b"out"
        assert err.buffer.getvalue() == b"err"
    os.close(reader)


@pytest.mark.usefixtures("at_end")
def test_a_process_for_whose_end_something_waits_ends_as_python_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for owner, name, value in (
        (atexit, "_ncallbacks", lambda: 1),
        (sys, "gettrace", lambda: print),
        (sys, "getprofile", lambda: print),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            assert cli.main_at_end() == 7
    with monkeypatch.context() as patch:
        patch.delattr(atexit, "_ncallbacks")
        assert cli.main_at_end() == 7
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONINSPECT", "1")
        assert cli.main_at_end() == 7
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "threading", os)
        assert cli.main_at_end() == 7
    with pytest.raises(Ended):
        cli.main_at_end()


@pytest.mark.usefixtures("at_end")
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_cannot_be_written_is_for_python_to_say(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    for stream in (closed, None):
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, stream)
            assert cli.main_at_end() == 7


class Own:
    """What was done to the process that is derivload's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        for owner, name in (
            (identity, "start_again_if_unsure"),
            (streams, "make_fit"),
            (own_process, "leave_argparse_untranslated"),
            (gc, "freeze"),
        ):
            monkeypatch.setattr(owner, name, lambda name=name: self.done.append(name))
        self._patch = monkeypatch

    def call(self, *arguments: str) -> int:
        self.done.clear()
        self._patch.setattr(sys, "argv", ["derivload", *arguments])
        return cli.main()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    monkeypatch.chdir(tmp_path)
    yield Own(monkeypatch)
    gc.enable()


ALL = ["start_again_if_unsure", "make_fit", "leave_argparse_untranslated", "freeze"]


@pytest.mark.parametrize(
    ("arguments", "status", "done"),
    [
        (["--version"], 0, ALL),
        (["--cmake-dir"], 0, [*ALL[:2], "freeze"]),
        (["schema", "diff"], 0, ALL),
        (["no"], 2, ALL),
        (["run", "none.py"], 2, ALL),
        (["run"], 2, ALL),
        (["emit", "@none"], 2, [ALL[0], "freeze"]),
    ],
)
def test_a_process_of_its_own_is_prepared_and_starts_with_its_arguments(
    arguments: list[str], status: int, done: list[str], own: Own, capsys: Captured
) -> None:
    assert own.call(*arguments) == status
    assert own.done == done
    assert not gc.isenabled()
    own.done.clear()
    # The same within the process of somebody else leaves that process alone.
    gc.enable()
    assert cli.main(arguments) == status
    assert own.done == []
    assert gc.isenabled()
    capsys.readouterr()


def test_streams_that_are_closed_are_opened(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    monkeypatch.setattr(streams, "open_closed", lambda: opened.append(True))
    assert own.call("schema", "diff") == 0
    assert opened == []
    monkeypatch.setattr(sys, "stdin", None)
    assert own.call("schema", "diff") == 0
    assert opened == [True]


def test_progress_is_shown_where_the_terminal_is_derivloads(
    own: Own, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    shown: list[object] = []
    original = progress.shown_on

    def shown_on(stream: io.TextIOWrapper) -> object:
        shown.append(stream)
        return original(stream)

    monkeypatch.setattr(progress, "shown_on", shown_on)
    assert own.call("schema", "diff") == 0
    assert shown == [sys.stderr]
    shown.clear()
    for arguments in (["schema", "diff", "--quiet"], ["--version"], ["run", "none.py"]):
        own.call(*arguments)
    assert cli.main(["schema", "diff"]) == 0
    assert shown == []
    capsys.readouterr()


def test_a_worker_is_served_before_options_are_read(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derivload.commands import worker

    served: list[bool] = []

    def serve(is_own: bool) -> int:
        served.append(is_own)
        return 5

    monkeypatch.setattr(worker, "serve", serve)
    assert own.call("emit", "--persistent_worker") == 5
    assert own.done == ["start_again_if_unsure", "make_fit", "freeze"]
    assert cli.main(["emit", "--persistent_worker"]) == 5
    assert served == [True, False]
