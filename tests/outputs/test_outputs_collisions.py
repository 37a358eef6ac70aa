"""Outputs over inputs, or over each other, and what is not a plain file."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.outputs.files import Writing
from support.child import child_environment
from support.out_dirs import edited, emit, listing, out, posix, pytorch, sha256_of
from support.sampling import one_in
from support.small_pytorch import SmallPyTorch

__all__ = ["edited", "out", "pytorch"]  # fixtures


# Outputs that would be written over inputs, or over each other


@pytest.mark.parametrize("depfile", ["functions.json", ".derivload-stamp", ".derivwatch.lock"])
def test_a_depfile_in_the_place_of_another_output_is_refused(out: Path, depfile: str) -> None:
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert emit(out, "--depfile", str(out / depfile), "--shards", "2") == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@posix
def test_an_output_in_the_place_of_an_input_is_refused(
    tmp_path: Path, edited: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tags = tmp_path / "edited" / "tags.yaml"
    before = tags.read_bytes()
    (tmp_path / "link").symlink_to(tags)
    for depfile in (tags, tmp_path / "link", tmp_path / "edited" / ".." / "edited" / "tags.yaml"):
        assert emit(tmp_path / "new", *edited, "--depfile", str(depfile)) == 2
        assert f"{depfile} would overwrite the input" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "functions.json").symlink_to(tags)
    assert emit(tmp_path / "out", *edited) == 2
    assert tags.read_bytes() == before
    assert not (tmp_path / "new").exists()
    assert listing(tmp_path / "out") == ["functions.json"]


@pytest.mark.release
def test_codegen_does_not_write_over_its_templates(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    templates = pytorch.autograd / "templates"
    before = {path.name: path.read_bytes() for path in templates.iterdir()}
    for out in (templates, pytorch.autograd):
        assert main(["codegen", "--pytorch", str(pytorch.root), "--out-dir", str(out)]) == 2
    assert {path.name: path.read_bytes() for path in templates.iterdir()} == before


# The folders that outputs are in


@pytest.mark.parametrize("way", ["absolute", "relative", "through a link"])
def test_an_output_in_a_folder_of_the_out_dir_is_made_with_it(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    out = {"absolute": str(tmp_path / "out"), "relative": "out", "through a link": "link"}[way]
    name, data = "templates/Type.cpp", b"// made"
    with Writing(out, "codegen") as writing:
        written = writing.write([(name, data, 0, sha256_of(data))], [name], list)
    assert written.written == [name]
    assert Path(out, name).read_bytes() == data


# What is there and is no plain file


@contextmanager
def reader(pipe: Path) -> Iterator[list[bytes]]:
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    thread.start()
    yield read
    thread.join(timeout=10)


@posix
def test_a_pipe_is_written_through(out: Path, tmp_path: Path) -> None:
    assert emit(out, "--depfile", str(tmp_path / "file")) == 0
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with reader(pipe) as read:
        assert emit(out, "--depfile", str(pipe)) == 0
    assert read == [(tmp_path / "file").read_bytes()]
    document = (out / "functions.json").read_bytes()
    (out / "functions.json").unlink()
    os.mkfifo(out / "functions.json")
    with reader(out / "functions.json") as read:
        assert emit(out) == 0
    assert read == [document]
    assert stat.S_ISFIFO((out / "functions.json").stat().st_mode)


@posix
def test_what_takes_no_bytes_is_refused(
    out: Path,
    edited: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import socket

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        monkeypatch.chdir(tmp_path)
        bound.bind("socket")
    for name, why in (("pipe", "is a pipe that nobody reads"), ("socket", "is a socket")):
        capsys.readouterr()
        assert emit(out, "--depfile", str(tmp_path / name)) == 3
        said = capsys.readouterr().err
        assert said.startswith(f"derivload: error: {tmp_path / name}: {why}")
        shutil.move(out / "manifest.json", tmp_path / "kept")
        (out / "manifest.json").symlink_to(tmp_path / name)
        assert emit(out, *edited) == 3
        (out / "manifest.json").unlink()
        shutil.move(tmp_path / "kept", out / "manifest.json")
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_one(out: Path, edited: list[str], tmp_path: Path) -> None:
    null = tmp_path / "null"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (out / "functions.json").unlink()
    (out / "functions.json").symlink_to(null)
    assert emit(out, *edited, "--depfile", str(null)) == 0
    assert stat.S_ISCHR(null.stat().st_mode)
    assert (out / "functions.json").is_symlink()


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    derivload = f'derivload() {{ "{sys.executable}" -m derivload "$@"; }}'
    return subprocess.run(
        ["sh", "-c", f"{derivload}; {command}"],
        cwd=cwd,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@posix
@pytest.mark.parametrize(
    "name", one_in(2, ["/dev/stdout", "/dev/fd/1", "/dev/fd/3", "/proc/self/fd/1"])
)
def test_what_the_process_has_open_is_written_to(tmp_path: Path, name: str) -> None:
    if name.startswith("/proc") and sys.platform != "linux":
        pytest.skip("only Linux has /proc")
    emit_there = f"derivload emit --quiet --catalogue --out-dir out --depfile {name}"
    through = shell(f"{emit_there} 3>&1 | cat", tmp_path)
    assert through.stdout.startswith("out/differentiability.json ")
    # At each run, and behind what a file holds already: it is not replaced under the shell.
    again = f"{emit_there} >>log 3>&1"
    into = shell(f"echo first >log; {again}; {again}; cat log", tmp_path)
    assert into.stdout == f"first\n{through.stdout * 2}", into.stderr
    assert listing(tmp_path) == ["log", "out"]


@posix
def test_a_null_device_takes_a_depfile_at_each_run(tmp_path: Path) -> None:
    done = shell("derivload emit --catalogue --out-dir out --depfile /dev/null", tmp_path)
    assert done.returncode == 0, done.stderr
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
