"""`derivload emit` as a build step: what it writes, what it leaves, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.project import Project, Ran

FORMULA = ("self: grad * luster", "self: luster * grad")
WHOLE = ["differentiability.json", "functions.json", "manifest.json"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def shards(count: int) -> list[str]:
    return sorted(
        [*(f"differentiability_{i}.json" for i in range(count)), "functions.json", "manifest.json"]
    )


# What is written, and what is not touched


def test_a_second_run_touches_nothing(project: Project) -> None:
    assert project.emit().status == 0
    assert [*project.documents()] == WHOLE
    before = project.identities()
    assert project.emit() == (0, "", f"derivload: {project.out}: up to date\n")
    assert project.identities() == before


def test_an_edit_that_changes_no_value_touches_nothing(project: Project) -> None:
    assert project.emit().status == 0
    before = project.identities()
    project.edit("# First steps", "# First steps, and more")
    assert project.emit().status == 0
    assert project.identities() == before


def test_an_edit_replaces_what_it_changes_alone(project: Project) -> None:
    assert project.emit("--shards", "4").status == 0
    before = project.identities()
    project.edit(*FORMULA)
    ran = project.emit("--shards", "4")
    assert ran.status == 0
    after = project.identities()
    changed = [name for name in before if after[name] != before[name]]
    shard = int.from_bytes(hashlib.sha256(b"gild").digest()[:8], "big") % 4
    assert sorted(changed) == [f"differentiability_{shard}.json", "manifest.json"]
    assert sorted(after) == sorted(before)
    assert ran.err.endswith(f"wrote differentiability_{shard}.json, manifest.json\n")


def test_a_file_is_replaced_not_written_into(project: Project, tmp_path: Path) -> None:
    assert project.emit().status == 0
    file = project.out / "differentiability.json"
    old = file.read_bytes()
    os.link(file, tmp_path / "reader")
    project.edit(*FORMULA)
    assert project.emit().status == 0
    assert file.read_bytes() != old
    assert (tmp_path / "reader").read_bytes() == old


@pytest.mark.parametrize("damage", [b"", b"{}\n", None], ids=["empty", "other", "missing"])
def test_a_damaged_output_is_fixed(damage: bytes | None, project: Project) -> None:
    assert project.emit().status == 0
    wanted = project.documents()
    file = project.out / "functions.json"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    assert project.emit().status == 0
    assert project.documents() == wanted


def test_the_folder_is_made_with_its_parents(project: Project) -> None:
    project.out = project.folder / "a" / "b"
    assert project.emit().status == 0
    assert [*project.documents()] == WHOLE


# The manifest and its shards


@pytest.mark.parametrize("options", [[], ["--shards", "5"]], ids=["whole", "shards"])
def test_the_manifest_tells_digests_and_counts(options: list[str], project: Project) -> None:
    assert project.emit(*options).status == 0
    manifest = read(project.out / "manifest.json")
    assert list(manifest) == ["format", "version", "torch_version", "files"]
    assert sorted(file["name"] for file in manifest["files"]) == [
        name for name in project.documents() if name != "manifest.json"
    ]
    for file in manifest["files"]:
        data = (project.out / file["name"]).read_bytes()
        assert list(file) == ["name", "sha256", "functions"]
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["functions"] == len(json.loads(data)["functions"])


def test_other_shards_take_away_what_the_manifest_lists_and_nothing_else(project: Project) -> None:
    foreign = {"differentiability_9.json": "mine", "notes.txt": "mine too"}
    said = project.emit("--shards", "4").err
    for name, text in foreign.items():
        (project.out / name).write_text(text)
    for options, documents in (
        (["--shards", "4"], shards(4)),
        (["--shards", "2"], shards(2)),
        ([], WHOLE),
        (["--shards", "1"], shards(1)),
    ):
        ran = project.emit(*options)
        assert ran.status == 0
        said += ran.err
        assert [*project.documents()] == sorted([*documents, *foreign])
        assert {name: (project.out / name).read_text() for name in foreign} == foreign
    assert "; removed differentiability.json\n" in said


def test_a_manifest_cannot_have_other_files_removed(project: Project) -> None:
    assert project.emit().status == 0
    victims = [
        project.folder / "differentiability_1.json",
        project.out / "notes.txt",
        project.out / "differentiability_x.json",
    ]
    for victim in victims:
        victim.write_text("mine")
    manifest = read(project.out / "manifest.json")
    names = ["../differentiability_1.json", str(victims[0]), *(file.name for file in victims[1:])]
    manifest["files"] += [{"name": name, "sha256": "", "functions": 0} for name in names]
    (project.out / "manifest.json").write_text(json.dumps(manifest))
    assert project.emit("--shards", "2").status == 0
    assert all(victim.read_text() == "mine" for victim in victims)
    assert not (project.out / "differentiability.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": [{"name": 1}]}', "\udcff"])
def test_a_broken_manifest_is_replaced(text: str, project: Project) -> None:
    assert project.emit().status == 0
    wanted = project.documents()
    (project.out / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert project.emit().status == 0
    assert project.documents() == wanted


# What fails leaves the outputs as they were


def test_errors_in_the_input_leave_the_outputs_as_they_were(project: Project) -> None:
    depfile = project.folder / "out.d"
    assert project.emit("--depfile", str(depfile)).status == 0
    before, contents, dependencies = project.identities(), project.documents(), depfile.stat()
    project.edit("self: grad * luster", "self_: grad * luster")
    project.edit("strands: braid_backward(", "strand: braid_backward(")
    status, out, err = project.emit("--shards", "2", "--depfile", str(depfile))
    assert status == 1
    assert project.identities() == before
    assert project.documents() == contents
    assert depfile.stat().st_mtime_ns == dependencies.st_mtime_ns
    assert out == ""
    lines = project.derivatives.read_text("utf-8").splitlines()
    for wrong in ("  self_: grad", "  strand: braid"):
        line = next(i for i, text in enumerate(lines, start=1) if text.startswith(wrong))
        assert f"{project.derivatives}:{line}:3: error[DL430]" in err
    assert err.endswith("derivload: 2 errors; nothing was written\n")
    assert "Traceback" not in err


def test_errors_in_the_input_of_a_first_run_leave_nothing(project: Project) -> None:
    project.edit("self: grad * luster", "self_: grad * luster")
    assert project.emit().status == 1
    assert not project.out.exists()


def test_a_file_in_the_place_of_the_folder(project: Project) -> None:
    project.out.write_text("mine")
    assert_one_sentence(project.emit(), str(project.out))
    assert project.out.read_text() == "mine"


def test_a_file_in_the_place_of_a_parent(project: Project) -> None:
    project.out = project.derivatives / "out"
    assert_one_sentence(project.emit(), str(project.out))


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that not even root may write in")
def test_a_folder_that_cannot_be_written(project: Project) -> None:
    assert_one_sentence(
        project.call("emit", "--catalogue", "--out-dir", "/proc/self/out"), "/proc/self/out"
    )


def test_an_output_that_cannot_be_replaced_leaves_the_others(project: Project) -> None:
    assert project.emit().status == 0
    (project.out / "manifest.json").unlink()
    (project.out / "manifest.json").mkdir()
    before = project.identities()
    project.edit(*FORMULA)
    assert_one_sentence(project.emit(), "manifest.json")
    assert project.identities() == before


def test_a_depfile_that_cannot_be_written(project: Project) -> None:
    depfile = project.derivatives / "out.d"
    assert_one_sentence(project.emit("--depfile", str(depfile)), str(depfile.parent))


def assert_one_sentence(ran: Ran, subject: str) -> None:
    assert (ran.status, ran.out) == (3, "")
    assert ran.err.startswith("derivload: error: ")
    assert subject in ran.err
    assert ran.err.count("\n") == 1
