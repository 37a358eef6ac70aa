"""A run that is sent to a remote cache, and taken from it, within the process of the test."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derivload.commands.run.asked import Asked
from derivload.commands.run.sharing import Sharing, begin_sharing
from derivload.outputs.digests import digest_of
from derivload.outputs.kept_runs import RecordLine, context, read_record
from derivload.outputs.shared_runs import FinishedRun
from derivload.pytorch.script.seen import REMOTE
from derivload.store.remote import services
from derivload.store.remote.remote import Remote, RemoteSettings
from derivload.store.store import Store
from support.out_dirs import posix

pytestmark = posix
URL = "http://host/"


class Shelf:
    """Stands in for `Service`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def __call__(self, url: str, limit: float) -> Shelf:
        return self

    def read(self, path: str, largest: int, may_go_on: Callable[[bytearray], bool]) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data


class Container:
    """A store of its own with the remote cache, and the run of one script."""

    def __init__(self, folder: Path, **different: Any) -> None:
        settings = RemoteSettings("u", "u", True, True, secret="", limit=20, upload_limit=20)
        self.store = Store(str(folder))
        self.store.remote = Remote(settings._replace(**different), print)
        self.sharing = Sharing(Asked([], False, "script.py", []), self.store, URL)

    def take(self) -> list[RecordLine] | None:
        return self.sharing.take("record", context())

    def send(self, run: FinishedRun) -> None:
        self.sharing.send(run)
        assert self.store.remote is not None
        self.store.remote.close()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("in").write_text("read")
    shelf = Shelf()
    monkeypatch.setattr(services, "Service", shelf)
    return shelf


def finished() -> FinishedRun:
    """A run that read `in`, made a folder with a file, and printed."""
    Path("made").mkdir()
    Path("made/out").write_text("written")
    items = [
        RecordLine("context", context(), ""),
        RecordLine("kind", "folder", str(Path("made").resolve())),
        *(
            RecordLine(kind, digest_of(Path(name).read_bytes()), str(Path(name).resolve()))
            for kind, name in (("input", "in"), ("output", "made/out"))
        ),
        RecordLine("printed", "1", b"said\n".hex()),
    ]
    return FinishedRun(items, [str(Path("made").resolve())], [])


def clean() -> None:
    Path("made/out").unlink()
    Path("made").rmdir()


@pytest.fixture
def sent(shelf: Shelf, tmp_path: Path) -> Shelf:
    Container(tmp_path / "first").send(finished())
    clean()
    assert len(shelf.files) == 2
    return shelf


@pytest.mark.usefixtures("sent")
def test_what_another_run_left_is_left_here_with_a_record(tmp_path: Path) -> None:
    items = Container(tmp_path / "second").take()
    assert items is not None
    assert Path("made/out").read_text() == "written"
    kinds = [item.kind for item in items]
    assert sorted(kinds) == ["context", "input", "kind", "output", "printed"]
    assert [item.render() for item in read_record("record")] == [item.render() for item in items]
    assert items[0].value == context()


@pytest.mark.usefixtures("sent")
def test_another_input_has_no_run_that_could_be_taken(tmp_path: Path) -> None:
    Path("in").write_text("edited")
    assert Container(tmp_path / "second").take() is None
    assert not Path("made").exists()
    assert not Path("record").exists()


def test_without_a_run_or_with_a_damaged_one_nothing_is_taken(sent: Shelf, tmp_path: Path) -> None:
    names = [*sent.files]
    for missing in names:
        kept = sent.files.pop(missing)
        assert Container(tmp_path / "second").take() is None
        sent.files[missing] = kept
    assert Container(tmp_path / "second", reads=False).take() is None
    assert Container(tmp_path / "second").take() is not None


@pytest.mark.usefixtures("sent")
def test_what_cannot_be_written_is_left_to_the_script(tmp_path: Path) -> None:
    Path("made").touch()
    assert Container(tmp_path / "second").take() is None
    assert not Path("record").exists()


def test_an_edit_meanwhile_makes_no_record(
    sent: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = Container(tmp_path / "second")
    find = container.sharing._find

    def edited() -> Any:
        found = find()
        Path("in").write_text("edited")
        return found

    monkeypatch.setattr(container.sharing, "_find", edited)
    assert container.take() is None
    assert not Path("record").exists()


def test_only_a_remote_cache_that_is_written_gets_a_run(shelf: Shelf, tmp_path: Path) -> None:
    Container(tmp_path / "first", writes=False).send(finished())
    assert shelf.files == {}
    clean()
    run = finished()
    run.removed = ["in"]
    Container(tmp_path / "second").send(run)
    assert shelf.files == {}


# The script's process


@pytest.mark.usefixtures("shelf")
def test_the_process_of_the_script_is_told_what_is_left_of_the_limit(tmp_path: Path) -> None:
    Path("journal").mkdir()
    told = Path("journal", REMOTE)
    container = Container(tmp_path / "first", writes=False, limit=3.0)
    container.sharing.tell_child("journal")
    assert json.loads(told.read_text()) == [URL, "read", 3.0, 20]
    told.unlink()
    container.store.remote = None
    container.sharing.tell_child("journal")
    Container(tmp_path / "second", limit=0.0).sharing.tell_child("journal")
    assert not told.exists()
    # A disk that is full costs the remote cache alone.
    Container(tmp_path / "third").sharing.tell_child("none")


def options_of(folder: str, **more: object) -> Namespace:
    return Namespace(
        **{
            "cache_dir": folder,
            "remote_cache": URL,
            "remote_cache_mode": None,
            "remote_cache_limit": None,
            "remote_cache_upload_limit": 8.0,
            "verbose": False,
            **more,
        }
    )


@pytest.mark.usefixtures("shelf")
def test_both_processes_share_the_limit_of_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("DERIVLOAD_"):
            monkeypatch.delenv(name)
    asked = Asked([], False, "script.py", [])
    options = options_of("cache")
    sharing = begin_sharing(options, asked)
    assert sharing is not None
    assert options.with_remote.remote.settings.upload_limit == 4.0
    Path("journal").mkdir()
    sharing.tell_child("journal")
    url, _, _, upload_limit = json.loads(Path("journal", REMOTE).read_text())
    assert (url, upload_limit) == (URL, 4.0)
    assert begin_sharing(options_of("cache", remote_cache=None), asked) is None
    Path("file").touch()
    assert begin_sharing(options_of("file"), asked) is None
