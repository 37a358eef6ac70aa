"""What derivload removes and overwrites: what it wrote itself, and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from derivload.cli import main
from derivload.outputs.folders import is_plain, remove
from derivload.outputs.stamp import Record, read_outputs, render_stamp, stamp_name
from support.out_dirs import (
    WHOLE,
    edited,
    emit,
    listing,
    out,
    posix,
    pytorch,
    run,
    sha256_of,
    shards,
)
from support.small_pytorch import SmallPyTorch

__all__ = ["edited", "out", "pytorch"]  # fixtures


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
    assert "removed 9 files: ADInplaceOrViewType_2.cpp, " in said
    assert not (out / "ADInplaceOrViewType_11.cpp").exists()
    assert (out / "ADInplaceOrViewType_10.cpp").read_text() == "mine"


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
