"""`derivload cache` with a remote cache that is in the process of the test, and with runs."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.commands.remote_cache import end_remote
from derivload.loading.remote_settings import FIGURES
from derivload.outputs.kept_runs import RecordLine
from derivload.outputs.kept_values import write_record
from derivload.store.remote import services, transfer
from derivload.store.remote.packs import make_pack
from derivload.store.remote.remote import Remote, RemoteFigures, RemoteSettings
from derivload.store.remote.services import ServiceError
from derivload.store.store import Store

Captured = pytest.CaptureFixture[str]
NAME = hashlib.sha256(b"a name").digest()
URL = "http://user:s3cr3t@host/where"
SAID = "http://host"


class Files:
    """Stands in for `Service`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.error: Exception | None = None

    def __call__(self, url: str, limit: float) -> Files:
        return self

    def read(self, path: str, largest: int, may_go_on: Callable[[bytearray], bool]) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.files.get(path)

    def write(self, path: str, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.files[path] = data


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith(("DERIVLOAD_REMOTE", "GITHUB_", "CI")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DERIVLOAD_REMOTE_CACHE", URL)
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(tmp_path / "cache"))
    files = Files()
    monkeypatch.setattr(services, "Service", files)
    monkeypatch.setattr(transfer, "Service", files)
    return files


@pytest.fixture
def pack(files: Files, tmp_path: Path) -> bytes:
    """A pack in the store."""
    pack = make_pack(NAME, {b"key": bytes(3000)}, 1.0, b"")
    with closing(Store(str(tmp_path / "cache"))) as store:
        store.keep_packs({NAME: pack})
        figures = RemoteFigures()
        figures.hits, figures.misses, figures.pulled = 1, 2, 3000
        figures.pushed, figures.saved, figures.waited = 40_000, 5.55, 6.25
        store.put(FIGURES, figures.render(None))
    return pack


def test_packs_are_pushed_and_pulled_and_counted(
    files: Files, pack: bytes, capsys: Captured
) -> None:
    size = f"{len(pack)} bytes"
    assert main(["cache", "push"]) == 0
    assert capsys.readouterr() == (f"{SAID}: pushed 1 pack, {size}\n", "")
    for said in (f"1 pack, {size}", "0 packs, 0 bytes"):
        assert main(["cache", "pull", "--cache-dir", "other"]) == 0
        assert capsys.readouterr() == (f"{SAID}: pulled {said}\n", "")
    with closing(Store("other")) as store:
        assert store.packs() == {NAME: pack}
    # A store that does not exist has nothing, and is not made.
    assert main(["cache", "push", "--cache-dir", "none"]) == 0
    assert capsys.readouterr() == (f"{SAID}: pushed 0 packs, 0 bytes\n", "")
    assert not Path("none").exists()


def test_figures_say_what_the_remote_cache_did(
    pack: bytes, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["cache", "stats"]) == 0
    assert "remote" not in capsys.readouterr().out
    assert main(["cache", "stats", "--remote"]) == 0
    told = [
        *(f"remote  {SAID}", "hits    1", "misses  2", "pulled  2.9 KiB (3000 bytes)"),
        *(
            "pushed  39.1 KiB (40000 bytes)",
            "saved   5.5 s",
            "waited  6.2 s",
            f"packs   1 here, {len(pack)} bytes",
        ),
    ]
    assert capsys.readouterr().out.splitlines()[-8:] == told
    monkeypatch.delenv("DERIVLOAD_REMOTE_CACHE")
    assert main(["cache", "stats", "--remote", "--cache-dir", "none"]) == 0
    told = [
        *("none: empty", "remote  none", "hits    0", "misses  0", "pulled  0 bytes"),
        *("pushed  0 bytes", "saved   0.0 s", "waited  0.0 s", "packs   0 here, 0 bytes"),
    ]
    assert capsys.readouterr().out.splitlines() == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull", "--remote-cache-mode", "write"], "cache pull is not what the mode of the "),
        (["push", "--remote-cache-mode", "read"], "cache push is not what the mode of the "),
        (
            ["push", "--remote-cache", "ftp://host"],
            "the remote cache cannot be used: it must begin with one of http://",
        ),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_cannot_be_done_is_wrong_usage(
    arguments: list[str], said: str, capsys: Captured
) -> None:
    assert main(["cache", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"derivload: error: {said}")


@pytest.mark.usefixtures("files")
def test_without_a_remote_cache_nothing_is_moved(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DERIVLOAD_REMOTE_CACHE")
    for action in ("push", "pull"):
        assert main(["cache", action]) == 2
        said = f"cache {action} needs --remote-cache, or DERIVLOAD_REMOTE_CACHE"
        assert capsys.readouterr().err == f"derivload: error: {said}\n"


def test_a_server_that_fails_is_told(
    files: Files, pack: bytes, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.error = ServiceError("PermissionDenied")
    for action in ("push", "pull"):
        assert main(["cache", action]) == 3
        said = f"derivload: error: the remote cache {SAID} failed (PermissionDenied)\n"
        assert capsys.readouterr() == ("", said)
    monkeypatch.setitem(sys.modules, "derivload.store.remote.transfer", None)
    assert main(["cache", "push"]) == 3
    said = "derivload: error: the remote cache needs `pip install derivload[remote]`\n"
    assert capsys.readouterr() == ("", said)


# A command with a remote cache


def test_a_run_in_detail_says_which_remote_cache_it_has(
    files: Files, tmp_path: Path, capsys: Captured
) -> None:
    for folder, exit_ in (("one", "cold"), ("two", "stored")):
        arguments = ["emit", "--catalogue", "--out-dir", folder, "--cache-dir", f"{folder}-cache"]
        assert main([*arguments, "--verbose", "--stats"]) == 0
        err = capsys.readouterr().err
        assert f"derivload: remote     {SAID} (read-write)\n" in err
        assert f"derivload: exit      {exit_}\n" in err
    assert files.files
    assert main(["emit", "--catalogue", "--out-dir", "three", "--cache-dir", "three-cache"]) == 0
    assert "remote" not in capsys.readouterr().err


def test_a_command_without_a_remote_cache_ends_as_it_did() -> None:
    assert end_remote(Namespace(is_own_process=True), 5) == 5


def test_a_thread_that_hangs_does_not_see_the_end_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else ends the process at once, and what was printed is there."""
    ended: list[int] = []
    flushed: list[str] = []

    class Stream:
        def __init__(self, name: str) -> None:
            self.name = name

        def flush(self) -> None:
            flushed.append(self.name)
            raise BrokenPipeError

    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(sys, "stdout", Stream("stdout"))
    monkeypatch.setattr(sys, "stderr", Stream("stderr"))
    settings = RemoteSettings("u", "u", True, True, secret="", limit=1, upload_limit=1)
    for is_stuck, is_own, expected in ((True, True, [5]), (True, False, []), (False, True, [])):
        store = Store(str(tmp_path))
        store.remote = Remote(settings, print)
        monkeypatch.setattr(Remote, "is_stuck", is_stuck)
        assert end_remote(Namespace(is_own_process=is_own, with_remote=store), 5) == 5
        assert ended == expected
        ended.clear()
        store.close()
    assert flushed == ["stdout", "stderr"]
    assert end_remote(Namespace(is_own_process=True, with_remote=Namespace(remote=None)), 5) == 5
    assert ended == []


# Records of runs


def test_records_of_runs_are_counted_pruned_and_cleared(
    files: Files, pack: bytes, tmp_path: Path, capsys: Captured
) -> None:
    runs = tmp_path / "cache" / "runs"
    runs.mkdir(mode=0o700)
    for number in range(3):
        path = runs / hashlib.sha256(b"%d" % number).hexdigest()
        write_record(str(path), [RecordLine("context", "x", "")])
        os.utime(path, (time.time() - 3600 * number,) * 2)
    size = sum(path.stat().st_size for path in runs.iterdir())
    (runs / hashlib.sha256(b"folder").hexdigest()).mkdir()
    assert main(["cache", "stats"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"runs    3 files, {size} bytes"
    assert main(["cache", "prune", "--max-size", "1G"]) == 0
    assert "of runs" not in capsys.readouterr().out
    assert main(["cache", "prune", "--older-than", "90m"]) == 0
    first = f"{runs}: removed 1 file of runs"
    assert capsys.readouterr().out.splitlines()[0] == first
    assert main(["cache", "verify"]) == 0
    assert "of runs" not in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    first = f"{runs}: removed 2 files of runs"
    assert capsys.readouterr().out.splitlines()[0] == first
