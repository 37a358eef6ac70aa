"""The ways by which `emit` ends: nothing to do, documents from the store, an edit or all loaded.

Which way was taken is asked of `--stats=json`. One run of each way is alone in its process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from derivload.store.results import Keys
from support.copied import copy_modules
from support.exits import Exits
from support.paths import CATALOGUE, DERIVATIVES, NATIVES, SOURCE, TAGS


@pytest.fixture
def project(tmp_path: Path) -> Exits:
    made = Exits(tmp_path)
    assert made.ended_emit().exit == "cold"
    return made


# Nothing to do.


def test_second_run_does_nothing_and_imports_the_standard_library_alone(project: Exits) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in project.out.iterdir()}

    before = state()
    ran = project.ended_emit(stats=False, alone=True)
    assert ran.err == f"derivload: {project.out}: up to date\n"
    assert state() == before
    foreign = {"msgspec", "yaml", "diskcache", "sqlite3", "argparse", "rich"}
    assert not foreign & {name.partition(".")[0] for name in ran.modules}
    ours = {name for name in ran.modules if name.startswith("derivload.")}
    assert ours == {
        *("derivload.cli", "derivload.exit_status", "derivload.identity"),
        *("derivload.modules", "derivload.version"),
        *("derivload.outputs", "derivload.outputs.digests", "derivload.outputs.stamp"),
    }


def test_touched_input_is_no_change(project: Exits) -> None:
    os.utime(project.derivatives)
    assert project.ended_emit().exit == "up-to-date"


@pytest.mark.parametrize("name", ["differentiability.json", "functions.json", "manifest.json"])
def test_output_that_was_edited_or_deleted_is_made_again(project: Exits, name: str) -> None:
    documents = project.documents()
    path = project.out / name
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b" \n")
    assert project.ended_emit().exit == "stored"
    assert project.documents() == documents
    path.unlink()
    assert project.ended_emit().exit == "stored"
    assert project.documents() == documents


def test_depfile_that_was_deleted_is_made_again(project: Exits) -> None:
    depfile = project.folder / "out.d"
    project.ended_emit("--depfile", str(depfile))
    assert project.ended_emit("--depfile", str(depfile)).exit == "up-to-date"
    text = depfile.read_bytes()
    depfile.unlink()
    assert project.ended_emit("--depfile", str(depfile)).exit == "stored"
    assert depfile.read_bytes() == text


@pytest.mark.parametrize(
    ("more", "exit_"), [(["--shards", "2"], "incremental"), (["--torch-version", "2.14"], "cold")]
)
def test_other_options_are_another_run(project: Exits, more: list[str], exit_: str) -> None:
    assert project.ended_emit(*more).exit == exit_
    assert project.ended_emit(*more).exit == "up-to-date"


def test_cache_options_are_the_same_run(project: Exits) -> None:
    assert project.ended_emit("--stats").exit == "up-to-date"


@pytest.mark.parametrize("damage", [b"", b"derivload-stamp 1\n", b"\xff\xfe\n"])
def test_damaged_stamp_is_no_stamp(project: Exits, damage: bytes) -> None:
    stamp = project.out / ".derivload-stamp"
    whole = stamp.read_bytes()
    for data in (damage, whole[:-40], whole.replace(b"input ", b"absent ", 1)):
        stamp.write_bytes(data)
        assert project.ended_emit().exit == "stored"
        assert stamp.read_bytes() == whole


def test_edit_to_derivload_itself_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "checkout"
    copy_modules(SOURCE / "derivload", source / "derivload")
    project = Exits(tmp_path / "project", source)
    assert project.ended_emit().exit == "cold"
    assert project.ended_emit().exit == "up-to-date"
    module = source / "derivload" / "derivatives" / "info.py"
    module.write_text(module.read_text("utf-8") + "\n# edited\n", "utf-8")
    assert project.ended_emit().exit == "cold"


def test_file_that_would_have_been_an_input_is_noticed(tmp_path: Path) -> None:
    project = Exits(tmp_path)
    pytorch = tmp_path / "pytorch"
    for name, place in (
        (DERIVATIVES, "torchgen/packaged/autograd"),
        (NATIVES, "torchgen/packaged/ATen/native"),
        (TAGS, "torchgen/packaged/ATen/native"),
    ):
        (pytorch / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(CATALOGUE / name, pytorch / place)
    (pytorch / "torch").mkdir()
    (pytorch / "torch/version.py").write_text("__version__ = '2.15.0'\n", "utf-8")
    (pytorch / "version.txt").write_text("\n", "utf-8")
    arguments = (
        *("emit", "--pytorch", str(pytorch), "--out-dir", str(project.out)),
        *("--cache-dir", str(project.cache), "--stats=json"),
    )
    assert project.ended(*arguments).exit == "cold"
    assert project.ended(*arguments).exit == "up-to-date"
    (pytorch / "version.txt").write_text("2.14.1\n", "utf-8")
    assert project.ended(*arguments).exit == "cold"
    assert json.loads((project.out / "manifest.json").read_bytes())["torch_version"] == "2.14"
    checkout = pytorch / "tools/autograd"
    checkout.mkdir(parents=True)
    shutil.copy(CATALOGUE / DERIVATIVES, checkout)
    assert project.ended(*arguments).exit != "up-to-date"


# From the store.


def test_stored_documents_are_written_without_parsing(project: Exits) -> None:
    documents = project.documents()
    shutil.rmtree(project.out)
    ran = project.ended_emit(alone=True)
    assert ran.exit == "stored"
    assert project.documents() == documents
    assert not {"msgspec", "yaml", "derivload.engine.pipeline"} & ran.modules


def test_same_tree_at_another_place_is_found(project: Exits, tmp_path: Path) -> None:
    other = Exits(tmp_path / "other")
    other.cache = project.cache
    assert other.ended_emit().exit == "stored"
    assert other.documents() == project.documents()


def test_there_and_back_is_found(project: Exits) -> None:
    project.edit("self: grad * luster", "self: luster * grad")
    assert project.ended_emit(alone=True).exit == "incremental"
    project.edit("self: luster * grad", "self: grad * luster")
    assert project.ended_emit(alone=True).exit == "stored"
    assert project.documents() == project.cold()


@pytest.mark.parametrize("name", [DERIVATIVES, NATIVES, TAGS])
def test_comments_and_blank_lines_between_entries_change_nothing(project: Exits, name: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.out.glob("*.json")}
    project.edit("\n- ", "\n\n# a new comment\n\n\n- ", name)
    assert project.ended_emit().exit == "stored"
    assert {path: path.stat().st_mtime_ns for path in project.out.glob("*.json")} == before


def test_comment_that_is_none_is_no_comment(project: Exits) -> None:
    # Quotes that are torn by what looks like a comment and a new entry.
    path = project.derivatives
    entry = '- name: gild(Tensor self, float luster=0.5) -> Tensor\n  self: "grad\n# one\n- "\n'
    path.write_text(entry, "utf-8")
    for _ in range(2):
        assert project.ended_emit().status == 0
        assert project.documents() == project.cold()
    project.edit("# one", "# two")
    assert project.ended_emit().status == 0
    assert project.documents() == project.cold()
    assert b"# two" in project.documents()["differentiability.json"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_digests_learned_of_another_run_are_those_of_this_one(newline: str) -> None:
    texts = [(CATALOGUE / name).read_text("utf-8") for name in (DERIVATIVES, NATIVES, TAGS)]
    others = [texts[0] + "- name: x\n", "custom:\n- func: y\n", "# nothing\n", texts[2]]
    first = [text.replace("\n", newline).encode() for text in [*texts, *others]]
    edited = [b"# a comment\n" + first[0], *first[1:]]
    taught, alone = (Keys(b"", "newest", None, edited) for _ in range(2))
    taught.learn_entries(Keys(b"", "newest", None, first).render_entries())
    assert taught.digests_of_entries() == alone.digests_of_entries()
    for learned, split in zip(taught.splits(), alone.splits(), strict=True):
        assert learned.digests == split.digests
        for index in range(len(split.digests or ())):
            assert learned.entry(index) == split.entry(index)


def test_line_ends_of_windows_are_no_change(project: Exits) -> None:
    path = project.natives
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert project.ended_emit().exit == "stored"


def test_input_with_errors_is_never_stored(project: Exits) -> None:
    documents = project.documents()
    project.edit("self: grad * luster", "self: grads[7] * luster")
    for _ in range(2):
        ran = project.ended_emit()
        assert (ran.status, ran.exit) == (1, "")
        assert "DL410" in ran.err
    assert project.documents() == documents


def test_limit_that_nothing_fits_in_costs_no_build(
    project: Exits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_SIZE", "1")
    for luster in ("luster * luster", "luster * 3", "luster * 4"):
        text = (project.derivatives).read_text("utf-8")
        changed = re.sub("self: grad \\* luster.*", f"self: grad * {luster}", text, count=1)
        (project.derivatives).write_text(changed, "utf-8")
        ran = project.ended_emit()
        assert (ran.status, ran.err.count("\n")) == (0, 1)
        assert project.documents() == project.cold()


def test_newer_torch_is_noted_once(project: Exits) -> None:
    note = "derivload: note: torch 2.99 is newer than derivload knows"
    newer = ("--torch-version", "2.99")
    ran = project.ended_emit(*newer)
    assert ran.exit == "cold"
    assert ran.err.startswith(note)
    ran = project.ended_emit(*newer)
    assert (ran.exit, ran.err) == ("up-to-date", f"derivload: {project.out}: up to date\n")
    shutil.rmtree(project.out)
    ran = project.ended_emit(*newer)
    assert ran.exit == "stored"
    assert "note:" not in ran.err
    # Another one is another matter, and without a cache nobody remembers.
    assert "torch 3.0 is newer" in project.ended_emit("--torch-version", "3.0").err


def test_newer_torch_is_noted_each_time_without_a_cache(project: Exits) -> None:
    for _ in range(2):
        ran = project.ended(
            *("emit", "--derivatives", str(project.derivatives), "--no-cache"),
            *("--native-functions", str(project.natives), "--torch-version", "2.99"),
            *("--out-dir", str(project.out)),
        )
        assert "note: torch 2.99 is newer" in ran.err


def test_damaged_documents_are_kept_again_in_one_run(project: Exits) -> None:
    assert project.ended_emit("--shards", "3").exit == "incremental"
    for file in project.cache.rglob("*.val"):
        file.unlink()
    with closing(sqlite3.connect(next(project.cache.rglob("cache.db")))) as connection:
        connection.execute("UPDATE Cache SET value = x'00' WHERE length(value) > 500")
        connection.commit()
    shutil.rmtree(project.out)
    assert project.ended_emit("--shards", "3").exit == "cold"
    shutil.rmtree(project.out)
    assert project.ended_emit("--shards", "3").exit == "stored"


def test_version_that_is_no_text_is_no_traceback(project: Exits) -> None:
    assert project.ended_emit("--torch-version", "2.15\udcff", alone=True).status == 0


def test_without_cache_none_is_made(tmp_path: Path) -> None:
    project = Exits(tmp_path)
    ran = project.ended(
        "emit", "--catalogue", "--out-dir", str(project.out), "--no-cache", "--stats=json"
    )
    assert (ran.status, ran.exit) == (0, "cold")
    assert sorted(path.name for path in project.out.iterdir()) == sorted(project.documents())
    ran = project.ended(
        *("emit", "--catalogue", "--out-dir", str(project.out), "--no-cache", "--stats=json"),
        alone=True,
    )
    assert (ran.status, ran.exit) == (0, "cold")
    assert not project.cache.exists()
    assert "diskcache" not in ran.modules


def test_cache_that_cannot_be_used_costs_one_warning(project: Exits) -> None:
    shutil.rmtree(project.cache)
    project.cache.write_text("no folder", "utf-8")
    shutil.rmtree(project.out)
    ran = project.ended_emit()
    assert (ran.status, ran.exit) == (0, "cold")
    assert ran.err.count("warning: going on without the cache") == 1
    assert "--cache-dir" in ran.err


def test_stats_take_their_form_as_a_word_of_its_own_too(project: Exits) -> None:
    exits = [project.ended_emit("--stats", "json", stats=False).exit for _ in range(2)]
    assert exits == ["stored", "up-to-date"]


def test_stats_for_a_person_go_to_stderr(project: Exits) -> None:
    ran = project.ended_emit("--stats", stats=False)
    assert "derivload: exit      up-to-date\n" in ran.err
