"""What derivload removes and overwrites: what it wrote itself, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.outputs.files import Writing
from derivload.outputs.folders import is_plain, remove
from derivload.outputs.staging import Staging, take_over
from derivload.outputs.stamp import Record, read_outputs, render_stamp, stamp_name
from support.paths import CATALOGUE, SOURCE
from support.releases import Release
from support.small_pytorch import SmallPyTorch

WHOLE = ["differentiability.json", "functions.json", "manifest.json"]
INPUTS = ["derivatives.yaml", "native_functions.yaml", "tags.yaml"]
ABANDONED = ".derivload-0123456789ab.tmp"
posix = pytest.mark.skipif(os.name == "nt", reason="links, modes and pipes as POSIX has them")


def emit(out: Path, *options: str) -> int:
    return main(["emit", "--out-dir", str(out), "--no-cache", *options])


def shards(count: int) -> list[str]:
    return sorted([*(f"differentiability_{i}.json" for i in range(count)), *WHOLE[1:]])


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Documents, and something of the user's beside the folder."""
    folder = tmp_path / "out"
    assert emit(folder) == 0
    (tmp_path / "mine").write_text("mine")
    return folder


@pytest.fixture
def edited(tmp_path: Path) -> list[str]:
    """Other inputs than the catalogue, which change each document."""
    folder = tmp_path / "edited"
    folder.mkdir()
    for name in INPUTS:
        shutil.copyfile(CATALOGUE / name, folder / name)
    text = (folder / "derivatives.yaml").read_text("utf-8")
    assert "self: grad * luster" in text
    text = text.replace("self: grad * luster", "self: luster * grad")
    (folder / "derivatives.yaml").write_text(text, "utf-8")
    derivatives, natives, tags = (str(folder / name) for name in INPUTS)
    return ["--derivatives", derivatives, "--native-functions", natives, "--tags", tags]


# What an earlier run recorded is removed while it is what that run wrote


@pytest.mark.parametrize(
    "name",
    [
        *("../mine", "a/../../mine", "/etc/mine", "", ".", "..", "a/.", "./a", "a//b", "a/", "/"),
        *("a\0", "\0", "a/\0/b"),
    ],
)
def test_names_that_lead_out_of_a_folder_are_no_names(name: str) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize("name", ["a", "a/b", "..a", "a..", ".a", "...", "%2e%2e", "\udcff", "a b"])
def test_names_inside_a_folder(name: str) -> None:
    assert is_plain(name)


def test_a_file_is_removed_only_while_its_bytes_are_the_same(tmp_path: Path) -> None:
    for name in ("same", "other"):
        (tmp_path / name).write_bytes(name.encode())
        assert remove(tmp_path.as_posix(), name, sha256_of(b"same")) == (name == "same")
    assert listing(tmp_path) == ["other"]
    assert not remove(str(tmp_path), "none", sha256_of(b"same"))


@posix
def test_no_link_and_nothing_but_a_file_is_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    folder = tmp_path / "out"
    (folder / "inside").mkdir(parents=True)
    mine.mkdir()
    (mine / "file").write_bytes(b"same")
    (folder / "link").symlink_to(mine / "file")
    (folder / "linked").symlink_to(mine)
    (folder / "inside" / "linked").symlink_to(mine)
    os.mkfifo(folder / "pipe")
    before = listing(folder)
    for name in ("link", "linked/file", "inside/linked/file", "inside", "pipe", "../mine/file"):
        assert not remove(str(folder), name, sha256_of(b"same"))
    assert listing(folder) == before
    assert (mine / "file").read_bytes() == b"same"


def test_a_document_that_was_edited_is_not_removed(out: Path) -> None:
    (out / "differentiability.json").write_text("mine")
    assert emit(out, "--shards", "2") == 0
    assert listing(out) == sorted([*shards(2), "differentiability.json"])
    assert (out / "differentiability.json").read_text() == "mine"


@posix
def test_a_document_that_is_a_link_by_now_is_not_removed(out: Path, tmp_path: Path) -> None:
    document = out / "differentiability.json"
    shutil.copy(document, tmp_path / "copy")
    document.unlink()
    document.symlink_to(tmp_path / "copy")
    assert emit(out, "--shards", "2") == 0
    assert document.is_symlink()
    assert (tmp_path / "copy").exists()


# emit and codegen in one folder


@pytest.fixture
def pytorch(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    return SmallPyTorch(release(newest), tmp_path / "pytorch")


def run(command: str, pytorch: SmallPyTorch, out: Path, *options: str) -> str:
    """Run derivload with a cache; what it said."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "derivload", command, "--pytorch", str(pytorch.root)),
            *("--out-dir", str(out), *options),
        ],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.release
def test_emit_and_codegen_share_a_folder(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    commands = [("emit",), ("codegen",), ("codegen", "--subset", "python")]
    for command, *options in commands:
        assert "removed" not in run(command, pytorch, out, *options)
    assert {*WHOLE, "Functions.cpp"} <= {*listing(out)}
    for command, *options in commands:
        said = run(command, pytorch, out, *options, "--stats")
        assert said.startswith(f"derivload: {out}: up to date\nderivload: exit      up-to-date\n")
    pytorch.edit_a_formula()
    before = listing(out)
    for command, *options in commands:
        assert "removed" not in run(command, pytorch, out, *options)
    assert listing(out) == before


@pytest.mark.release
def test_a_stamp_has_nothing_removed_that_codegen_did_not_write(
    pytorch: SmallPyTorch, tmp_path: Path
) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine"
    run("codegen", pytorch, out)
    mine.mkdir()
    (mine / "file").write_bytes(b"same")
    (out / "linked").symlink_to(mine)
    (out / "other").write_bytes(b"other")
    names = [str(mine / "file"), "../mine/file", f"/{mine}/file", "linked/file", "other", "a\0b"]
    names.append(f"{out}/{mine}/file")
    outputs = [(name, sha256_of(b"same")) for name in names]
    record = Record(b"", inputs=[], absent=[], outputs=outputs, beside=[], note="")
    stamp = out / stamp_name("all")
    stamp.write_bytes(render_stamp([], record))
    assert len(read_outputs(str(stamp))) == len(names)
    assert "removed" not in run("codegen", pytorch, out)
    assert (mine / "file").exists()
    assert (out / "other").exists()


@pytest.mark.release
def test_codegen_removes_what_it_writes_no_more(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("codegen", pytorch, out)
    pytorch.edit_a_generator()
    run("codegen", pytorch, out)
    assert (out / "ADInplaceOrViewType_11.cpp").exists()
    (out / "ADInplaceOrViewType_10.cpp").write_text("mine")
    module = pytorch.autograd / "gen_inplace_or_view_type.py"
    module.write_text(module.read_text("utf-8").replace("num_shards=12,", "num_shards=2,"), "utf-8")
    said = run("codegen", pytorch, out)
    assert "removed ADInplaceOrViewType_2.cpp" in said
    assert not (out / "ADInplaceOrViewType_11.cpp").exists()
    assert (out / "ADInplaceOrViewType_10.cpp").read_text() == "mine"


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
    out: Path, edited: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import socket

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(tmp_path)
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
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/dev/fd/3", "/proc/self/fd/1"])
def test_what_the_process_has_open_is_written_to(tmp_path: Path, name: str) -> None:
    if name.startswith("/proc") and sys.platform != "linux":
        pytest.skip("only Linux has /proc")
    emit_there = f"derivload emit --quiet --out-dir out --depfile {name}"
    through = shell(f"{emit_there} 3>&1 | cat", tmp_path)
    assert through.stdout.startswith("out/differentiability.json ")
    # At each run, and behind what a file holds already: it is not replaced under the shell.
    again = f"{emit_there} >>log 3>&1"
    into = shell(f"echo first >log; {again}; {again}; cat log", tmp_path)
    assert into.stdout == f"first\n{through.stdout * 2}", into.stderr
    assert listing(tmp_path) == ["log", "out"]


@posix
def test_a_null_device_takes_a_depfile_at_each_run(tmp_path: Path) -> None:
    done = shell("derivload emit --out-dir out --depfile /dev/null", tmp_path)
    assert done.returncode == 0, done.stderr
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


# What a file was, it is when it is replaced


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_an_output_keeps_its_mode(out: Path, edited: list[str], tmp_path: Path, mode: int) -> None:
    depfile = tmp_path / "out.d"
    assert emit(out, "--depfile", str(depfile)) == 0
    for path in (*out.iterdir(), depfile):
        path.chmod(mode)
    before = {path.name: path.stat().st_ino for path in out.iterdir()}
    assert emit(out, *edited, "--depfile", str(depfile)) == 0
    changed = [path for path in out.iterdir() if path.stat().st_ino != before[path.name]]
    assert {path.name for path in changed} == {"differentiability.json", "manifest.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*changed, depfile)} == {mode}


@posix
def test_a_new_output_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert emit(tmp_path / "out") == 0
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()}
    assert modes == {0o640}


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root gives away")
def test_an_output_keeps_its_owner(out: Path, edited: list[str]) -> None:
    for path in out.iterdir():
        os.chown(path, 12345, 23456)
    assert emit(out, *edited) == 0
    assert {(path.stat().st_uid, path.stat().st_gid) for path in out.iterdir()} == {(12345, 23456)}


@posix
@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_link_stays_one_and_its_target_is_replaced(
    out: Path, edited: list[str], tmp_path: Path, where: str
) -> None:
    target = (out if where == "inside" else tmp_path) / "real.json"
    document = out / "differentiability.json"
    depfile = tmp_path / "out.d"
    shutil.move(document, target)
    target.chmod(0o600)
    document.symlink_to(os.path.relpath(target, out))
    depfile.symlink_to("mine")
    assert emit(out, *edited, "--depfile", str(depfile)) == 0
    assert emit(tmp_path / "wanted", *edited) == 0
    wanted = (tmp_path / "wanted" / document.name).read_bytes()
    assert document.is_symlink()
    assert target.read_bytes() == wanted
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert depfile.is_symlink()
    assert (tmp_path / "mine").read_text().startswith(str(out))
    assert not list(tmp_path.rglob("*.tmp"))


@posix
def test_what_a_dangling_link_leads_to_is_made(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    document = out / "functions.json"
    wanted = document.read_bytes()
    document.unlink()
    document.symlink_to(tmp_path / "new.json")
    assert emit(out, *edited) == 0
    assert document.is_symlink()
    assert (tmp_path / "new.json").read_bytes() == wanted


@posix
@pytest.mark.parametrize("name", ["differentiability.json", "functions.json", "manifest.json"])
def test_a_link_to_what_derivload_did_not_write_is_refused(
    out: Path, edited: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (out / name).unlink()
    (out / name).symlink_to(tmp_path / "mine")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert emit(out, *edited) == 3
    assert capsys.readouterr().err.startswith(f"derivload: error: {out / name}: leads to ")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@posix
def test_two_outputs_in_one_file_are_refused(out: Path) -> None:
    (out / "manifest.json").unlink()
    (out / "manifest.json").symlink_to("functions.json")
    before = (out / "functions.json").read_bytes()
    assert emit(out) == 2
    assert (out / "functions.json").read_bytes() == before


@pytest.mark.release
@posix
def test_a_folder_that_is_a_link_is_not_written_over(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine"
    for folder in (out, mine):
        folder.mkdir()
    (mine / "VariableType.cpp").write_text("mine")
    (out / "templates").symlink_to(mine)
    assert main(["codegen", "--pytorch", str(pytorch.root), "--out-dir", str(out)]) == 3
    assert (mine / "VariableType.cpp").read_text() == "mine"
    assert listing(out) == ["templates"]


# Errors name what the user named


@pytest.mark.skipif(sys.platform != "linux", reason="a name may have 255 bytes")
def test_a_name_may_be_as_long_as_names_can_be(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longest = tmp_path / ("x" * 255)
    assert emit(out, "--depfile", str(longest)) == 0
    capsys.readouterr()
    assert emit(out, "--depfile", f"{longest}x") == 3
    assert capsys.readouterr().err == f"derivload: error: {longest}x: File name too long\n"


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that not even root may write in")
def test_an_error_names_the_file_and_not_the_hidden_one(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert emit(out, "--depfile", "/proc/self/out.d") == 3
    said = capsys.readouterr().err
    assert said.startswith("derivload: error: /proc/self/out.d: ")
    assert ".tmp" not in said


# What was killed


def killed_before(event: int, *arguments: str) -> bool:
    """Run derivload, and kill it right before it changes the file system for the nth time.

    Whether it came so far.
    """
    code = (
        "import os, signal, sys\n"
        "left = int(sys.argv[1])\n"
        "changes = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir'}\n"
        "def count(event, arguments):\n"
        "    global left\n"
        "    if event in changes or event == 'open' and arguments[2] & (os.O_WRONLY | os.O_RDWR):\n"
        "        left -= 1\n"
        "        if not left:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "from derivload.cli import main\n"
        "import derivload.commands.emit, derivload.loading.memory\n"
        "sys.addaudithook(count)\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(event), *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def left_by_kills(out: Path, first: list[str], second: list[str], *, twice: bool) -> int:
    """Kill the second run, and then the third, at each step; the fourth leaves its own alone."""
    base = ["emit", "--no-cache", "--quiet", "--out-dir", str(out)]
    event = 0
    is_killed = True
    while is_killed:
        event += 1
        shutil.rmtree(out, ignore_errors=True)
        assert main([*base, *first]) == 0
        is_killed = killed_before(event, *base, *second)
        if twice:
            killed_before(event, *base, "--shards", "3")
        assert emit(out, "--shards", "2") == 0
        assert listing(out) == shards(2), event
        assert emit(out) == 0
        assert listing(out) == WHOLE, event
    return event


def test_a_run_killed_at_any_step_leaves_nothing_for_good(
    tmp_path: Path, edited: list[str]
) -> None:
    # A hidden folder, a journal, five documents in two steps each, one that goes, and the ends.
    assert left_by_kills(tmp_path / "out", [], [*edited, "--shards", "4"], twice=False) > 15


@pytest.mark.thorough
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("before", [[], ["--shards", "4"], ["--shards", "5"]], ids=str)
def test_runs_killed_one_after_the_other_leave_nothing_for_good(
    tmp_path: Path, edited: list[str], before: list[str], *, twice: bool
) -> None:
    left_by_kills(tmp_path / "out", before, [*edited, "--shards", "4"], twice=twice)


@pytest.mark.thorough
@pytest.mark.release
def test_a_killed_codegen_leaves_nothing_for_good(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    out = tmp_path / "out"
    command = ["codegen", "--quiet", "--pytorch", str(pytorch.root), "--out-dir", str(out)]
    module = pytorch.autograd / "gen_inplace_or_view_type.py"
    text = module.read_text("utf-8")
    run("codegen", pytorch, out)
    before = listing(out)
    for _ in range(12):
        pytorch.edit_a_generator()
        killed_before(chance.randrange(60, 180), *command)
        module.write_text(text, "utf-8")
        run("emit", pytorch, out)  # which leaves the journal to codegen
        run("codegen", pytorch, out)
        assert listing(out) == sorted([*before, *WHOLE, stamp_name()]), f"seed {seed}"
        for name in (*WHOLE, stamp_name()):
            (out / name).unlink()


def test_what_a_killed_run_left_goes_and_what_a_running_one_has_stays(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    for name in (ABANDONED, "deps"):
        (tmp_path / name).mkdir()
    left = out / ABANDONED
    left.mkdir()
    (left / "1").write_text("half")
    running = Staging(str(out))
    Path(running.new_path()).write_text("half")
    before = Path(running.path)
    assert emit(out, *edited, "--depfile", str(tmp_path / "out.d")) == 0
    assert not left.exists()
    assert not (tmp_path / ABANDONED).exists()
    assert listing(before) == ["1"]
    running.close()
    assert listing(out) == WHOLE


def test_what_older_versions_left_goes_when_it_is_of_an_output(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    depfile = tmp_path / "out.d"
    ours = ["functions.json", "differentiability_7.json", ".derivload-stamp-python"]
    for name in ours:
        (out / f".{name}.0123456789ab.tmp").write_text("half")
    (tmp_path / ".out.d.0123456789ab.tmp").write_text("half")
    mine = [
        *(".notes.0123456789ab.tmp", ".functions.json.0123456789AB.tmp", ".functions.json.1.tmp"),
        *("functions.json.0123456789ab.tmp", ".functions.json.0123456789ab.tmp~", ".tmp"),
        *(".functions.json.0123456789abcd.tmp", ".derivload-0123.tmp", "0123456789ab.tmp"),
    ]
    for name in mine:
        (out / name).write_text("mine")
        (tmp_path / name).write_text("mine")
    (out / ".manifest.json.0123456789ab.tmp").mkdir()
    (out / ".differentiability.json.0123456789ab.tmp").symlink_to(tmp_path / "mine")
    (out / ".derivload-fedcba987654.tmp").symlink_to(tmp_path)
    kept = [path.name for path in out.iterdir() if path.is_symlink() or path.is_dir()]
    assert emit(out, *edited, "--depfile", str(depfile)) == 0
    assert listing(out) == sorted([*WHOLE, *mine, *kept])
    assert {*mine, "mine"} <= {*listing(tmp_path)}
    assert not (tmp_path / ".out.d.0123456789ab.tmp").exists()


def test_what_a_journal_says_is_taken_over_before_it_goes(tmp_path: Path) -> None:
    left = tmp_path / ABANDONED
    other = tmp_path / ".derivload-ba9876543210.tmp"
    for folder, kind in ((left, "documents"), (other, "generated")):
        folder.mkdir()
        (folder / "1").write_text("half")
        (folder / "journal").write_text(f"{kind} {sha256_of(b'a')} name of it\n")
    staging = Staging(str(tmp_path))
    taken = take_over(str(tmp_path), "documents", lambda name: False, staging)
    assert taken == [(sha256_of(b"a"), "name of it")]
    assert Path(staging.path, "journal").read_text() == f"documents {sha256_of(b'a')} name of it\n"
    assert not left.exists()
    assert listing(other) == ["journal"]
    staging.close()


def test_a_journal_has_nothing_removed_that_was_not_written(out: Path, tmp_path: Path) -> None:
    victim = tmp_path / "mine"
    (out / "differentiability_1.json").write_text("mine")
    (out / ABANDONED).mkdir()
    names = ["../mine", str(victim), "differentiability_1.json", "a b\0", ""]
    lines = [f"documents {sha256_of(b'other')} {name}\n" for name in names]
    lines += [f"documents {sha256_of(b'mine')} {name}\n" for name in names[:2]]
    (out / ABANDONED / "journal").write_text("".join([*lines, "documents\n", "\n"]))
    assert emit(out) == 0
    assert listing(out) == ["differentiability.json", "differentiability_1.json", *WHOLE[1:]]
    assert victim.read_text() == "mine"


# Many at the same moment


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "derivload", "emit", "--quiet", "--no-cache"),
            *("--out-dir", str(out), *options),
        ],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )


def race(out: Path, chance: random.Random, edited: list[str], *, kills: bool) -> None:
    """Runs with other shards at once, some of them killed, and then one that has the last word."""
    options = [["--shards", "4"], [], ["--shards", "2"], [*edited, "--shards", "3"], edited]
    running = [start(out, *chance.choice(options)) for _ in range(4)]
    if kills:
        for process in running[:2]:
            time.sleep(chance.random() * 0.3)
            process.kill()
    ended = [process.wait() for process in running]
    assert {*ended} <= ({0, -signal.SIGKILL} if kills else {0})
    count = chance.choice([2, 3])
    assert start(out, "--shards", str(count)).wait() == 0
    assert listing(out) == shards(count)
    manifest = json.loads((out / "manifest.json").read_bytes())
    for file in manifest["files"]:
        assert sha256_of((out / file["name"]).read_bytes()) == file["sha256"]


@pytest.mark.parametrize("kills", [False, True], ids=["none killed", "killed"])
def test_runs_with_other_shards_at_once(
    tmp_path: Path, edited: list[str], request: pytest.FixtureRequest, *, kills: bool
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(60 if request.config.getoption("--long") else 4):
        race(tmp_path / "out", chance, edited, kills=kills)


@posix
@pytest.mark.thorough
def test_a_run_that_is_stopped_holds_up_nobody_for_good(
    out: Path, edited: list[str], tmp_path: Path
) -> None:
    """It stands still in the middle of writing, at a pipe that takes no more, and then ends."""
    os.mkfifo(tmp_path / "pipe")
    document = out / "differentiability.json"
    document.unlink()
    document.symlink_to(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, bytes(1 << 20))
        stopped = start(out, *edited)
        deadline = time.monotonic() + 20
        while not list(out.glob(".derivload-*/journal")) and time.monotonic() < deadline:
            time.sleep(0.01)
        stopped.send_signal(signal.SIGSTOP)
        document.unlink()
        assert start(out, "--shards", "2").wait() == 0
        assert shards(2) == [name for name in listing(out) if name[0] != "."]
        stopped.send_signal(signal.SIGKILL)
        stopped.wait()
    finally:
        os.close(pipe)
    assert start(out).wait() == 0
    assert listing(out) == WHOLE
