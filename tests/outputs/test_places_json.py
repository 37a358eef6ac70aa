"""places.json: where each function comes from, brought up to date like the other documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from derivload.loading.live import LiveDocuments
from derivload.loading.paths import find_files
from support.fitting import read_fitting
from support.paths import DERIVATIVES, FILES, NATIVES
from support.project import Project

Function = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def places(project: Project, *more: str) -> dict[str, Function]:
    """The functions of places.json, by name, written in a run with a cache."""
    done = project.emit("--places", "--cache-dir", str(project.cache), *more)
    assert done.status == 0, done.err
    return read(project)


def read(project: Project) -> dict[str, Function]:
    document = json.loads((project.out / "places.json").read_bytes())
    return {f["schema"].partition("(")[0]: f for f in document["functions"]}


def line_of(place: Function) -> str:
    """The first line of the entry at a place."""
    return Path(str(place["file"])).read_text("utf-8").splitlines()[int(place["line"]) - 1]


def cold(project: Project) -> bytes:
    """places.json by a run that starts from nothing."""
    assert project.emit("--places", "--no-cache").status == 0
    return (project.out / "places.json").read_bytes()


def test_every_function_is_placed_at_its_entry(project: Project) -> None:
    found = places(project)
    functions = json.loads((project.out / "functions.json").read_bytes())["functions"]
    assert [f["schema"] for f in found.values()] == [f["schema"] for f in functions]
    for name, function in found.items():
        line = line_of(function["native_function"]).replace("atelier::", "")
        assert line.startswith("- func: ")
        assert line.startswith(f"- func: {name}(") != function["generated"]
    for record in functions:
        definition = found[record["schema"].partition("(")[0]]["definition"]
        assert (definition is None) == (record["differentiability"] is None)
        assert definition is None or line_of(definition).startswith("- name: ")


def test_what_shares_a_definition_is_placed_at_it(project: Project) -> None:
    found = places(project)
    assert line_of(found["gild_"]["definition"]).startswith("- name: gild(")
    assert line_of(found["_foreach_temper.Scalar"]["definition"]).startswith("- name: temper.Scal")
    copies = [name for name in found if name.endswith("_copy") and found[name]["definition"]]
    assert copies
    for name in copies:
        view = name.removesuffix("_copy")
        assert found[name]["definition"] == found[view]["definition"]


def test_definition_without_a_backward_node_is_the_one_that_foreach_functions_share(
    project: Project,
) -> None:
    project.append(
        NATIVES,
        "- func: wave(Tensor self, Scalar depth) -> Tensor\n"
        "- func: _foreach_wave.Scalar(Tensor[] self, Scalar depth) -> Tensor[]\n"
        "  device_check: NoCheck\n",
    )
    project.append(
        DERIVATIVES,
        "- name: wave(Tensor self, Scalar depth) -> Tensor\n"
        "  self: non_differentiable\n"
        "  result: wave_t(self_t)\n",
    )
    found = places(project)
    assert line_of(found["_foreach_wave.Scalar"]["definition"]).startswith("- name: wave(")


def test_kernels_are_those_of_the_dispatch_table(project: Project) -> None:
    found = places(project)
    assert found["gild"]["dispatch_keys"] == ["CPU", "CUDA"]
    assert found["gild.out"]["generated"]
    assert found["gild.out"]["dispatch_keys"] == ["CompositeExplicitAutograd"]


def test_document_fits_its_schema_and_is_in_the_manifest(project: Project) -> None:
    places(project)
    document = read_fitting((project.out / "places.json").read_text("utf-8"), "places")
    manifest = read_fitting((project.out / "manifest.json").read_text("utf-8"), "manifest")
    listed = {file["name"]: file["functions"] for file in manifest["files"]}
    assert listed["places.json"] == len(document["functions"])


def test_comment_rewrites_places_and_the_manifest_alone(project: Project) -> None:
    places(project)
    before, found = project.identities(), read(project)
    project.prepend(NATIVES, "# A comment.\n")
    after = places(project)
    now = project.identities()
    assert {name for name in now if now[name] != before[name]} == {"places.json", "manifest.json"}
    for name, function in after.items():
        line = found[name]["native_function"]["line"]
        assert function["native_function"]["line"] == line + 1
        assert function["definition"] == found[name]["definition"]
    warm = (project.out / "places.json").read_bytes()
    assert cold(project) == warm


def test_documents_that_are_stored_in_shards_get_places_too(project: Project) -> None:
    found = places(project, "--shards=3")
    (project.out / "places.json").unlink()
    (project.out / "functions.json").unlink()
    assert places(project, "--shards=3") == found


EDITS = {
    "a kernel comes": (NATIVES, "    CPU, CUDA: gild", "    CPU, CUDA, MPS: gild"),
    "an entry comes": (
        NATIVES,
        "- func: gild(",
        "- func: newcomer(Tensor self) -> Tensor\n\n- func: gild(",
    ),
    "a formula changes": (DERIVATIVES, "self: grad * luster", "self: luster * grad"),
    "a definition moves": (DERIVATIVES, "- name: gleam(", "# Here.\n\n- name: gleam("),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_edit_gives_what_a_run_from_nothing_gives(
    project: Project, edit: tuple[str, str, str]
) -> None:
    name, old, new = edit
    places(project)
    project.edit(old, new, name)
    places(project)
    warm = (project.out / "places.json").read_bytes()
    assert cold(project) == warm


def test_session_keeps_places_up_to_date(project: Project) -> None:
    """As derivwatch and Bazel's worker go on."""
    live = LiveDocuments(str(project.out), with_places=True)
    derivatives, natives, tags = (str(project[name]) for name in FILES)
    there_and_back = (*EDITS.values(), *((n, new, old) for n, old, new in EDITS.values()))
    for name, old, new in (("", "", ""), *there_and_back):
        if name:
            project.edit(old, new, name)
        live.load(find_files(derivatives, [natives], tags)).write()
        kept = (project.out / "places.json").read_bytes()
        assert cold(project) == kept


def test_run_without_the_option_makes_none_and_removes_its_own(project: Project) -> None:
    cache = ("--cache-dir", str(project.cache))
    assert project.emit(*cache).status == 0
    assert not (project.out / "places.json").exists()
    places(project)
    done = project.emit(*cache)
    assert "removed places.json" in done.err
    assert "places.json" not in (project.out / "manifest.json").read_text()


def test_overlay_s_entry_has_its_own_file(project: Project) -> None:
    overlay, formulas = project.folder / "overlay.yaml", project.folder / "formulas.yaml"
    overlay.write_text(
        "# Mine.\n- func: mine(Tensor self) -> Tensor\n  dispatch:\n    PrivateUse1: mine\n"
    )
    formulas.write_text("- name: mine(Tensor self) -> Tensor\n  self: grad\n")
    project.overlays.append(overlay)
    options = ("--dispatch-key", "PrivateUse1", "--derivatives", str(formulas))
    mine = places(project, *options)["mine"]
    assert mine["native_function"] == {"file": str(overlay), "line": 2}
    assert mine["definition"] == {"file": str(formulas), "line": 1}
    assert mine["dispatch_keys"] == ["PrivateUse1"]


def test_entry_that_takes_the_place_of_another_is_the_place(project: Project) -> None:
    overlay = project.folder / "overlay.yaml"
    overlay.write_text(
        "- func: gild(Tensor self, float luster=0.5) -> Tensor\n  dispatch:\n    CPU: gilt\n"
        "  variants: function, method\n"
    )
    project.overlays.append(overlay)
    gild = places(project, "--override")["gild"]
    assert gild["native_function"] == {"file": str(overlay), "line": 1}
    assert gild["dispatch_keys"] == ["CPU"]


def test_kernels_of_a_backend_have_their_places(project: Project) -> None:
    file = project.folder / "backend.yaml"
    file.write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n")
    gild = places(project, "--backend-yaml", str(file))["gild"]
    assert gild["dispatch_keys"] == ["CPU", "CUDA", "XLA"]
    assert gild["backend_kernels"] == [{"dispatch_key": "XLA", "file": str(file), "line": 4}]


def test_files_that_are_read_whole_have_places_too(project: Project) -> None:
    """An anchor makes a file one that cannot be read entry by entry."""
    project.edit("- func: gild(", "- &first\n  func: gild(", NATIVES)
    assert line_of(places(project)["gild"]["native_function"]) == "- &first"
