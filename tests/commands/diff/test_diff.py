"""`derivload diff` of folders: what is a side, what is told, the exit statuses."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from derivload.commands.options.values import GROUPS
from derivload.engine import narrowing
from support.fitting import read_fitting
from support.paths import DERIVATIVES, NATIVES, TAGS
from support.project import Project, Ran

SETTINGS = """\
derivatives = "derivatives.yaml"
native-functions = "native_functions.yaml"
tags = "tags.yaml"
"""
FORMULA = ("self: grad * luster", "self: grad * 2 * luster")
KERNEL = ("    CPU, CUDA: gild\n", "    CPU, CUDA, MPS: gild\n")


class Two(NamedTuple):
    """Two catalogues, each a folder with settings."""

    old: Project
    new: Project

    def diff(self, *more: str) -> Ran:
        cache = str(self.old.cache)
        sides = (str(self.old.folder), str(self.new.folder))
        return self.old.call("diff", *sides, *more, "--cache-dir", cache)

    def json(self, *more: str) -> Any:
        done = self.diff("--json", *more)
        assert done.status in (0, 1), done.err
        return read_fitting(done.out, "diff")


@pytest.fixture
def two(tmp_path: Path) -> Two:
    made = Two(Project(tmp_path / "old"), Project(tmp_path / "new"))
    for project in made:
        (project.folder / "derivload.toml").write_text(SETTINGS)
    return made


def test_nothing_differs(two: Two) -> None:
    two.new.prepend(NATIVES, "# A comment.\n")
    done = two.diff()
    assert done.status == 0
    assert done.out == f"{two.old.folder} -> {two.new.folder}: no function\n"


def test_formula_is_told_as_derivwatch_tells_it(two: Two) -> None:
    two.new.edit(*FORMULA)
    done = two.diff()
    assert done.status == 1
    assert done.out.startswith(
        "~ gild\n    backward self  - grad * luster\n                   + grad * 2 * luster\n"
    )
    assert done.out.endswith(": 1 changed\n")


def test_words_that_differ_are_marked(two: Two) -> None:
    two.new.edit(*FORMULA)
    ((change,),) = [function["changes"] for function in two.json()["changed"]]
    assert (change["about"], change["what"], change["of"]) == ("formula", "backward", "self")
    words = change["words"]
    assert "".join(one["before"] for one in words) == change["before"]
    assert "".join(one["after"] for one in words) == change["after"]
    assert [one for one in words if one["before"] != one["after"]] == [
        {"before": "", "after": "2 * "}
    ]


def test_only_some_kinds(two: Two) -> None:
    two.new.edit(*FORMULA)
    two.new.edit(*KERNEL, NATIVES)

    def kinds(only: str) -> set[str]:
        found = two.json(f"--only={only}")["changed"]
        return {change["about"] for function in found for change in function["changes"]}

    assert kinds("dispatch") == {"dispatch"}
    assert kinds("formula,dispatch") == {"formula", "dispatch"}
    assert two.diff("--only=saved").status == 0


def test_kinds_are_those_of_the_engine(two: Two) -> None:
    assert narrowing.GROUPS == GROUPS
    done = two.diff("--only=formulae")
    assert done.status == 2
    assert "did you mean `formula`?" in done.err


def test_only_some_operators(two: Two) -> None:
    two.new.edit(*FORMULA)
    two.new.edit(*KERNEL, NATIVES)
    assert two.diff("gleam").status == 0
    for name in ("gild", "gi*", "GildBackward0", "torch.gild"):
        assert two.diff(name).status == 1
    done = two.diff("gilt")
    assert done.status == 2
    assert "neither side has an operator `gilt`; did you mean `gild`" in done.err


def test_counts_alone(two: Two) -> None:
    two.new.edit(*FORMULA)
    two.new.edit(*KERNEL, NATIVES)
    lines = [" ".join(line.split()) for line in two.diff("--stat").out.splitlines()]
    assert lines[:-1] == ["dispatch 1", "formula 1"]


def test_folders_of_documents(two: Two) -> None:
    for project in two:
        project.emit("--places", "--shards", "3")
    assert two.old.call("diff", str(two.old.out), str(two.new.out)).status == 0
    two.new.edit(*FORMULA)
    two.new.edit(*KERNEL, NATIVES)
    two.new.emit("--places")
    done = two.old.call("diff", str(two.old.out), str(two.new.out))
    assert done.status == 1
    assert "backward self" in done.out
    assert "kernels" in done.out
    assert f"note: autogen is not compared: {two.old.out} and {two.new.out}" in done.out


def test_documents_with_places_and_what_they_were_made_of_are_the_same(two: Two) -> None:
    two.old.emit("--places")
    done = two.old.call("diff", str(two.old.out), str(two.old.folder))
    assert done.status == 0, done.out


def test_documents_without_places_do_not_say_the_kernels(two: Two) -> None:
    for project in two:
        project.emit()
    done = two.old.call("diff", str(two.old.out), str(two.new.folder))
    assert done.status == 0
    assert f"note: kernels and autogen are not compared: {two.old.out}" in done.out


@pytest.mark.parametrize("spoilt", ['{"format":"derivload.functions"}', "", "[]", '{"functions":3'])
def test_spoilt_documents_are_told(two: Two, spoilt: str) -> None:
    two.old.emit()
    (two.old.out / "functions.json").write_text(spoilt)
    done = two.old.call("diff", str(two.old.out), str(two.new.folder))
    assert done.status == 2
    assert f"{two.old.out} holds no documents of this derivload" in done.err


def test_input_with_errors_is_trouble_and_no_difference(two: Two) -> None:
    two.new.edit("self: grad * luster", "self: grads[7]")
    done = two.diff()
    assert done.status == 2
    assert "error[DL410]" in done.err
    assert "nothing was compared" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("nowhere", "nowhere is no folder and no release such as 2.15, and "),
        ("1.13", "PyTorch 1.13 is too old"),
        (".", "is no PyTorch"),
    ],
)
def test_side_that_is_none(
    two: Two, side: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = two.old.call("diff", side, str(two.new.folder))
    assert done.status == 2
    assert said in done.err


def test_overlays_are_laid_over_both_sides(two: Two) -> None:
    overlay = two.old.folder.parent / "overlay.yaml"
    overlay.write_text("- func: mine(Tensor self) -> Tensor\n  dispatch:\n    PrivateUse1: mine\n")
    options = ("--native-functions", str(overlay), "--dispatch-key=PrivateUse1")
    two.new.edit(*FORMULA)
    found = two.json(*options)
    counts = [found[side]["functions"] for side in ("before", "after")]
    plain = two.json()
    assert counts == [plain[side]["functions"] + 1 for side in ("before", "after")]
    assert two.diff(*options, "--overlay-only").status == 0


def test_what_touches_a_backend_s_operators(two: Two) -> None:
    file = two.old.folder.parent / "backend.yaml"
    file.write_text("backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n")
    two.new.edit(*FORMULA)
    two.new.edit("self: temper_scale(", "self: 2 * temper_scale(")
    assert len(two.json()["changed"]) > 1
    touched = two.json("--backend-yaml", str(file), "--overlay-only")["changed"]
    assert [function["name"] for function in touched] == ["gild"]
    done = two.diff("--overlay-only")
    assert done.status == 2
    assert "--overlay-only needs an overlay" in done.err


def test_overlays_of_the_settings_are_meant_where_none_is_named(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = two.old.folder.parent / "backend"
    backend.mkdir()
    (backend / "registered.yaml").write_text(
        "backend: XLA\ncpp_namespace: mine\nsupported:\n- gild\n"
    )
    trees = [tree_of(project, backend.parent / f"tree_{at}") for at, project in enumerate(two)]
    settings = f'pytorch = "{trees[0]}"\nbackend-yaml = "registered.yaml"\n'
    (backend / "derivload.toml").write_text(settings)
    monkeypatch.chdir(backend)
    two.new.edit(*FORMULA)
    two.new.edit("self: temper_scale(", "self: 2 * temper_scale(")
    tree_of(two.new, Path(trees[1]))
    done = two.old.call("diff", *trees, "--overlay-only", "--no-cache", "--json")
    assert done.status == 1, done.err
    assert [function["name"] for function in json.loads(done.out)["changed"]] == ["gild"]


def tree_of(project: Project, folder: Path) -> str:
    """A PyTorch with the files of a project, as `fetch` makes one."""
    packaged = folder / "torchgen" / "packaged"
    for name, where in ((DERIVATIVES, "autograd"), (NATIVES, "ATen/native"), (TAGS, "ATen/native")):
        (packaged / where).mkdir(parents=True, exist_ok=True)
        (packaged / where / name).write_bytes(project[name].read_bytes())
    (folder / "version.txt").write_text("2.15.0\n")
    return str(folder)


HOSTILE = "x</code><script>alert(1)</script>```` & \\`` *_"


def hostile(two: Two) -> None:
    """Give a formula that is markup, wherever it is not escaped."""
    text = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    two.new.edit("self: grad * luster", f'self: "grad * luster /* {text} */"')


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_escapes_what_stands_in_yaml(two: Two) -> None:
    hostile(two)
    done = two.diff("--format=html")
    assert done.status == 1
    page = Tags()
    page.feed(done.out)
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert {"ins", "code", "h1", "table"} <= page.tags


def test_markdown_has_a_heading_for_the_sides_and_for_each_kind_of_change(two: Two) -> None:
    two.new.edit(*FORMULA)
    two.new.append(NATIVES, "- func: mine(Tensor self) -> Tensor\n")
    lines = two.diff("--format=markdown").out.splitlines()
    assert lines[:7] == [
        *(f"## `{two.old.folder} -> {two.new.folder}`", "", "1 added, 1 changed.", ""),
        *("### Added", "", "```diff"),
    ]
    assert lines[-7:] == [
        *("### Changed", "", "```diff", "  gild"),
        *("-   backward self: grad * luster", "+   backward self: grad * 2 * luster", "```"),
    ]


def test_fence_of_markdown_is_longer_than_any_in_it(two: Two) -> None:
    hostile(two)
    lines = two.diff("--format=markdown").out.splitlines()
    (begin,) = [at for at, line in enumerate(lines) if line == "`````diff"]
    end = lines.index("`````")
    assert any("<script>" in line for line in lines[begin:end])
    assert not any("<script>" in line for line in (*lines[:begin], *lines[end:]))
