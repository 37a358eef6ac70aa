"""`derivload explore`: which files it writes, from what, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import derivload
from derivload.commands.explore.command import short_names
from derivload.engine.operators import FLAGS
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.project import Project, Ran


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def explore(project: Project, *more: str) -> Ran:
    cache = ("--cache-dir", str(project.cache))
    return project.call("explore", *project.options, *cache, "--out-dir", str(project.out), *more)


def data(folder: Path, name: str) -> Any:
    """What a file of data says."""
    text = (folder / "data" / f"{name}.js").read_text("utf-8")
    found = re.fullmatch(r"derivload\('\w+','(.*)'\);\n", text)
    assert found is not None
    return json.loads(re.sub(r"\\(['\\])", r"\1", found[1]))


def test_pages_stand_in_the_folder_and_a_second_run_writes_nothing(project: Project) -> None:
    done = explore(project)
    assert done.status == 0, done.err
    assert (project.out / "index.html").is_file()
    before = project.identities()
    assert "up to date" in explore(project).err
    assert project.identities() == before


def test_an_edit_changes_the_files_with_its_operator(project: Project) -> None:
    explore(project)
    before = {path: path.read_bytes() for path in project.out.rglob("*.*")}
    project.edit("self: grad * luster", "self: luster * grad")
    explore(project)
    changed = {p.name for p in project.out.rglob("*.*") if before.get(p) != p.read_bytes()}
    (records,) = {name for name in changed if name.startswith("operators_")}
    assert changed == {records, "version.js", "manifest.json"}
    assert "luster * grad" in (project.out / "data" / records).read_text("utf-8")


def test_the_table_knows_what_list_knows(project: Project) -> None:
    explore(project)
    table = data(project.out, "table")
    for bit, name in enumerate(FLAGS):
        listed = project.call("list", *project.options, f"--{name}", "--format", "names").out
        names = [
            schema.partition("(")[0]
            for schema, flags in zip(table["schema"], table["flags"], strict=True)
            if flags >> bit & 1
        ]
        assert names == [one.rpartition("::")[2] for one in listed.split()], name


def test_records_are_those_of_the_documents(project: Project) -> None:
    explore(project)
    chunks = [data(project.out, f"operators_{at}") for at in range(64)]
    project.emit("--out-dir", str(project.folder / "documents"))
    documents = project.folder / "documents"
    for name, key in (("functions", "functions"), ("differentiability", "definitions")):
        written = json.loads((documents / f"{name}.json").read_bytes())
        expected = {one["schema"]: one for one in written["functions"]}
        if key == "definitions":
            generated = json.loads((documents / "functions.json").read_bytes())["generated"]
            expected |= {one["schema"]: one for one in generated}
        assert {one["schema"]: one for chunk in chunks for one in chunk[key]} == expected


def test_a_single_file_holds_everything_and_takes_the_place_of_the_others(project: Project) -> None:
    explore(project)
    done = explore(project, "--single-file")
    assert done.status == 0, done.err
    files = {path.name for path in project.out.rglob("*") if path.is_file()}
    assert files == {"index.html", "manifest.json"}
    page = (project.out / "index.html").read_text("utf-8")
    assert re.search(r"script-src &#39;sha256-[\w+/=]+&#39;", page)
    assert "src=" not in page


def test_files_that_others_put_there_stay(project: Project) -> None:
    explore(project)
    mine = project.out / "data" / "mine.txt"
    mine.write_text("mine", "utf-8")
    edited = project.out / "explore.css"
    edited.write_text("mine", "utf-8")
    explore(project, "--single-file")
    assert mine.is_file()
    assert edited.read_text("utf-8") == "mine"


def test_a_folder_of_documents_is_refused(project: Project) -> None:
    project.emit()
    before = project.documents()
    done = explore(project)
    assert done.status == 2
    assert "pages need a folder of their own" in done.err
    assert project.documents() == before


def test_a_mistake_leaves_the_pages_as_they_are(project: Project) -> None:
    explore(project)
    before = project.identities()
    project.edit("self.scalar_type()", "self.sizes()")
    done = explore(project)
    assert done.status == 1
    assert "error[DL420]" in done.err
    assert "nothing was written" in done.err
    assert project.identities() == before


def test_the_bytes_are_the_same_in_another_process_with_another_hash_seed(project: Project) -> None:
    explore(project)
    other = project.folder / "other"
    options = [str(Path(one).name) if one.startswith("/") else one for one in project.options]
    runs = []
    for seed in ("1", "2"):
        out = f"{other}{seed}"
        project.run("explore", *options, "--out-dir", out, "--no-cache", PYTHONHASHSEED=seed)
        runs.append({p.name: p.read_bytes() for p in Path(out).rglob("*.*")})
    assert runs[0] == runs[1]
    assert "index.html" in runs[0]


def test_sides_are_compared_and_the_last_is_shown(project: Project, tmp_path: Path) -> None:
    for name in ("old", "new"):
        side = Project(tmp_path / name)
        options = {"derivatives": side.derivatives.name, "native-functions": side.natives.name}
        settings = "".join(f'{key} = "{value}"\n' for key, value in options.items())
        (side.folder / "derivload.toml").write_text(settings, "utf-8")
    side.edit("self: grad * luster", "self: luster * grad")
    side.append(NATIVES, "- func: gloss(Tensor self) -> Tensor\n  dispatch:\n    CPU: gloss\n")
    sides = (str(tmp_path / "old"), str(tmp_path / "new"))
    done = project.call("explore", *sides, "--no-cache", "--out-dir", str(project.out))
    assert done.status == 0, done.err
    table = data(project.out, "table")
    assert table["comparisons"] == [["old", "new"]]
    changed = {table["schema"][int(at)].partition("(")[0] for at in table["changes"]}
    assert {"gild", "gloss"} <= changed
    comparison = data(project.out, "comparison_1")
    assert comparison["format"] == "derivload.diff"
    assert [one["name"] for one in comparison["added"]] == ["gloss"]
    coverage = data(project.out, "coverage")
    assert [one["name"] for one in coverage] == ["old", "new"]
    none = [one["groups"][0]["none"] for one in coverage]
    assert none[1] == none[0] + 1


def test_files_of_a_revision_are_called_as_git_does(project: Project) -> None:
    """They are unpacked into a folder that is another one at each run."""
    names = {"derivatives": DERIVATIVES, "native-functions": NATIVES, "tags": TAGS}
    settings = "".join(f'{key} = "{file}"\n' for key, file in names.items())
    (project.folder / "derivload.toml").write_text(settings, "utf-8")
    project.edit("self: grad * luster", "self: grad * lustre")
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=us", "-c", "user.email=us@here", "commit", "--quiet", "--message=one"],
    ):
        subprocess.run(["git", *command], cwd=project.folder, check=True)
    again = ("explore", "HEAD", "--no-cache", "--out-dir", "out")
    assert project.run(*again).status == 0
    places = data(project.out, "places")
    assert places["files"] == ["", f"HEAD:{NATIVES}", f"HEAD:{DERIVATIVES}"]
    (warning,) = places["warnings"]["gild"]
    assert (warning["code"], warning["file"]) == ("DL602", f"HEAD:{DERIVATIVES}")
    assert "up to date" in project.run(*again).err


def test_settings_are_laid_over_no_sides_but_options_are(project: Project) -> None:
    settings = 'derivatives = "derivatives.yaml"\nnative-functions = "native_functions.yaml"\n'
    (project.folder / "derivload.toml").write_text(settings, "utf-8")
    overlay = "- func: gloss(Tensor self) -> Tensor\n  dispatch:\n    CPU: gloss\n"
    (project.folder / "overlay.yaml").write_text(overlay, "utf-8")
    command = ("explore", ".", "--no-cache", "--out-dir", "out")
    for more, count in (((), 64), (("--native-functions", "overlay.yaml"), 65)):
        done = project.run(*command, *more)
        assert done.status == 0, done.err
        assert len(data(project.out, "table")["schema"]) == count


def test_sides_are_called_by_what_tells_them_apart(tmp_path: Path) -> None:
    folders = [str(tmp_path / name) for name in ("a/tree", "b/tree", "c/fork")]
    for folder in folders:
        Path(folder).mkdir(parents=True)
    assert short_names([folders[0], folders[2], "2.15"]) == ["tree", "fork", "2.15"]
    assert short_names(folders) == folders


def test_documents_are_a_side_too(project: Project) -> None:
    documents = project.folder / "documents"
    project.emit("--out-dir", str(documents), "--places")
    done = project.call("explore", str(documents), "--no-cache", "--out-dir", str(project.out))
    assert done.status == 0, done.err
    assert data(project.out, "table")["schema"]
    assert data(project.out, "places")["native"] == []


def test_what_a_side_is_cannot_be_named_by_an_option_as_well(project: Project) -> None:
    done = project.call("explore", "2.15", "--catalogue", "--out-dir", str(project.out))
    assert done.status == 2
    assert "--catalogue has no effect with sides" in done.err
    assert not project.out.exists()


def test_the_catalogue(project: Project) -> None:
    done = project.call("explore", "--catalogue", "--out-dir", str(project.out))
    assert done.status == 0, done.err
    places = data(project.out, "places")
    assert str(Path(derivload.__file__).parent / "catalog" / NATIVES) in places["files"]
