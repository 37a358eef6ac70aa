"""The stamp knows which settings and which tree a run found, and that it would find them again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.exits import Exits
from support.settings_runs import THREE, Place, place

__all__ = ["place"]  # a fixture

EMIT = ("emit", "--stats=json")


def make_current(place: Place, *arguments: str, at: str = "") -> None:
    """Run a command until it has nothing to do."""
    assert place.run(*arguments, at=at).status == 0
    assert place.run(*arguments, at=at).exit == "up-to-date"


@pytest.mark.parametrize("at", ["", "a/b"])
def test_settings_may_name_everything(place: Place, at: str) -> None:
    place.write(f'{THREE}out-dir = "out"\n')
    make_current(place, *EMIT, at=at)
    said = place.run("emit", at=at).err.splitlines()
    assert said[0].endswith("out: up to date")
    assert said[1].endswith("derivload.toml says")


def test_one_byte_of_the_settings_is_noticed(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\n')
    make_current(place, *EMIT)
    place.write(f'{THREE}out-dir = "out"\n\n')
    assert place.run(*EMIT).exit == "stored"
    assert place.run(*EMIT).exit == "up-to-date"
    place.write(f'{THREE}out-dir = "out"\nshards = 0\n')
    assert place.run(*EMIT).status == 2


def test_an_out_dir_that_changed_is_another(place: Place) -> None:
    for name in ("out", "other"):
        place.write(f'{THREE}out-dir = "{name}"\n')
        assert place.run(*EMIT).exit in ("cold", "stored")
        assert (place.folder / name / "functions.json").is_file()
    # The guess finds both, and takes that of this command.
    place.write(f'{THREE}out-dir = "out"\n[emit]\nout-dir = "other"\n')
    assert place.run(*EMIT).exit == "stored"
    assert place.run(*EMIT).exit == "up-to-date"
    (place.folder / "other" / "functions.json").unlink()
    assert place.run(*EMIT).exit == "stored"
    assert (place.folder / "other" / "functions.json").is_file()


def _nearer_settings(place: Place) -> None:
    place.write("shards = 2\n", "a/derivload.toml")


def _nearer_pyproject(place: Place) -> None:
    place.write("[tool.derivload]\nshards = 2\n", "a/pyproject.toml")


def _settings_gone(place: Place) -> None:
    (place.folder / "derivload.toml").unlink()


def _table_in_a_pyproject_that_had_none(place: Place) -> None:
    place.write("[tool.derivload]\nshards = 2\n", "a/b/pyproject.toml")


def _repository_nearer(place: Place) -> None:
    (place.folder / "a" / ".git").mkdir()


@pytest.mark.parametrize(
    "change",
    [
        _nearer_settings,
        _nearer_pyproject,
        _settings_gone,
        _table_in_a_pyproject_that_had_none,
        _repository_nearer,
    ],
)
def test_another_end_of_the_search_is_noticed(
    place: Place, change: Callable[[Place], None]
) -> None:
    place.write("", "a/b/pyproject.toml")
    place.write("shards = 3\n")
    command = (*EMIT, "--catalogue", "--out-dir", "out")
    make_current(place, *command, at="a/b")
    change(place)
    assert place.run(*command, at="a/b").exit != "up-to-date"
    shards = len([*(place.folder / "a" / "b" / "out").glob("differentiability*.json")])
    assert shards == (2 if "shards = 2" in "".join(_texts(place)) else 1)


def _texts(place: Place) -> list[str]:
    return [path.read_text("utf-8") for path in (place.folder / "a").rglob("*.toml")]


def test_a_repository_that_is_gone_is_noticed(place: Place) -> None:
    place.write("shards = 3\n", "../derivload.toml")
    command = (*EMIT, "--catalogue", "--out-dir", "out")
    make_current(place, *command)
    (place.folder / ".git").rmdir()
    assert place.run(*command).exit != "up-to-date"
    assert len([*(place.folder / "out").glob("differentiability_*.json")]) == 3


def test_a_tree_around_is_noticed(place: Place) -> None:
    place.make_checkout()
    command = (*EMIT, "--out-dir", str(place.folder / "out"))
    make_current(place, *command, at="a/b")
    place.make_checkout("a")
    assert place.run(*command, at="a/b").exit != "up-to-date"
    assert place.run(*command, at="a/b").exit == "up-to-date"
    # From another folder, another tree is meant.
    assert place.run(*command, at="other").exit != "up-to-date"


def test_the_same_looks_from_a_deeper_folder_are_another_search(place: Place) -> None:
    """They end below the settings, where those from the first folder ended at the root."""
    (place.folder / ".git").rmdir()
    command = (*EMIT, "--catalogue", "--out-dir", str(place.folder / "out"))
    make_current(place, *command, at="a")
    place.write("shards = 3\n", "b/derivload.toml")
    depth = len(place.folder.parts)
    deeper = "/".join(["b", *map(str, range(depth + 2))])
    assert place.run(*command, at=deeper).exit != "up-to-date"
    assert len([*(place.folder / "out").glob("differentiability_*.json")]) == 3


def test_a_copy_of_an_out_dir_does_not_answer_for_it(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\n[codegen]\nout-dir = "copy"\n')
    make_current(place, *EMIT)
    shutil.copytree(place.folder / "out", place.folder / "copy")
    (place.folder / "out" / "functions.json").unlink()
    assert place.run(*EMIT).exit == "stored"
    assert (place.folder / "out" / "functions.json").is_file()


def test_quiet_and_stats_of_the_settings_hold(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\nquiet = true\nstats = "json"\n')
    assert place.run("emit").err == ""
    done = place.run("emit")
    assert (done.err, done.exit) == ("", "up-to-date")


def test_no_cache_of_the_settings_holds(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\nno-cache = true\n')
    assert [place.run(*EMIT).exit for _ in range(2)] == ["cold", "cold"]


def test_a_subset_of_the_settings_has_its_own_stamp(place: Place) -> None:
    from derivload.outputs.stamp import stamp_name

    assert stamp_name("python") == ".derivload-stamp-python"
    place.write('subset = "python"\nout-dir = "out"\n')
    values = _guessed(place, "subset")
    assert values == ["python"]


def _guessed(place: Place, name: str) -> list[str]:
    from derivload.loading.settings.guess import guess_values

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        return guess_values(["codegen"], name)


def test_a_depfile_names_the_settings(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\ndepfile = "out.d"\n')
    place.write("[tool.derivload]\n", "sub/pyproject.toml")
    assert place.run("emit").status == 0
    assert "derivload.toml" in (place.folder / "out.d").read_text("utf-8")


def test_nothing_reads_toml_where_nothing_is_to_do(tmp_path: Path) -> None:
    project = Exits(tmp_path)
    settings = tmp_path / "own.toml"
    settings.write_text(f'out-dir = "{project.out.name}"\nshards = 2\n', "utf-8")
    inputs = ["--derivatives", str(project.derivatives)]
    inputs += ["--native-functions", str(project.natives)]
    cache = ["--cache-dir", str(project.cache)]
    command = ["emit", *inputs, *cache, "--settings", str(settings), "--stats=json"]
    assert project.ended(*command).status == 0
    ran = project.ended(*command, alone=True)
    assert ran.exit == "up-to-date"
    assert not ran.modules & {"tomllib", "tomli", "argparse", "pathlib"}
