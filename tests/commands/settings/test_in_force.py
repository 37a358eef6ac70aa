"""`derivload settings`: the value of each option, and where it comes from."""

from __future__ import annotations

import re

import pytest

from support.paths import CATALOGUE
from support.project import call
from support.settings_runs import THREE, Place, place

__all__ = ["place"]  # a fixture

TWO = THREE.replace('tags = "in/tags.yaml"\n', "")


def shown(place: Place, *arguments: str, at: str = "") -> dict[str, tuple[str, str]]:
    """By the name of each option, its value and where that comes from."""
    done = place.run("settings", *arguments, at=at)
    assert done.status == 0
    rows = [re.split(" {2,}", line) for line in done.out.splitlines()]
    return {name: (value, origin) for name, value, origin in rows}


def test_of_a_catalogue_are_its_files(place: Place) -> None:
    found = shown(place, "--catalogue")
    assert found["catalogue"] == ("true", "option")
    for name in ("derivatives", "native-functions", "tags"):
        file = CATALOGUE / f"{name.replace('-', '_')}.yaml"
        assert found[name] == (str(file), "of catalogue")
    assert found["pytorch"] == ("-", "default")


def test_of_a_tree_are_its_files_and_its_version(place: Place) -> None:
    place.make_checkout()
    around = "the tree around this folder"
    found = shown(place)
    assert found["pytorch"] == (".", around)
    assert found["derivatives"] == ("tools/autograd/derivatives.yaml", "of pytorch")
    assert found["torch-version"] == ("2.15.0", "of pytorch")
    assert found["tags"][1] == "of pytorch"
    assert shown(place, at="tools")["pytorch"] == ("..", around)
    named = shown(place, "--pytorch", ".")
    assert named["pytorch"] == (".", "option")
    assert named["derivatives"] == ("./tools/autograd/derivatives.yaml", "of pytorch")


def test_tags_beside_the_native_functions_are_taken(place: Place) -> None:
    place.write(TWO)
    found = shown(place)
    assert found["derivatives"] == ("in/derivatives.yaml", "derivload.toml:1")
    assert found["native-functions"] == ("in/native_functions.yaml", "derivload.toml:2")
    assert found["tags"] == ("in/tags.yaml", "beside native-functions")
    assert found["torch-version"] == ("-", "default")


def test_values_are_shown_as_they_are_written(place: Place) -> None:
    place.write(f'{THREE}shards = 3\nignore = ["DL601", "DL602"]\nstrict = true\ndebounce = 7\n')
    found = shown(place)
    assert found["shards"] == ("3", "derivload.toml:4")
    assert found["ignore"] == ("DL601, DL602", "derivload.toml:5")
    assert found["strict"] == ("true", "derivload.toml:6")
    assert found["debounce"] == ("7", "derivload.toml:7")
    assert found["select"] == ("-", "default")
    assert found["once"] == ("false", "default")
    given = shown(place, "--shards", "4")
    assert given["shards"] == ("4", "option")
    assert [*found] == sorted(found)


def test_the_columns_are_as_wide_as_what_is_in_them_but_for_long_values(place: Place) -> None:
    place.write(f'{THREE}section = ["{"x" * 70}"]\n')
    lines = place.run("settings").out.splitlines()
    names = max(line.index("  ") for line in lines)
    assert {line[names : names + 2] for line in lines} == {"  "}
    # The folder of the cache may be long too.
    others = [line for line in lines if "x" * 70 not in line and not line.startswith("cache-dir")]
    starts = {line.rindex("  ") + 2 for line in others}
    assert starts == {names + 2 + 60 + 2}


@pytest.mark.parametrize(
    ("variables", "name", "value", "origin"),
    [
        ({"DERIVLOAD_CACHE_DIR": "/c"}, "cache-dir", "/c", "DERIVLOAD_CACHE_DIR"),
        ({"DERIVLOAD_CACHE_DIR": "", "XDG_CACHE_HOME": "/x"}, "cache-dir", "/x/…", "default"),
        (
            {"DERIVLOAD_REMOTE_CACHE": "https://user:secret@host.example/x"},
            "remote-cache",
            "https://…",
            "DERIVLOAD_REMOTE_CACHE",
        ),
    ],
)
def test_what_the_environment_says_is_named(
    place: Place,
    variables: dict[str, str],
    name: str,
    value: str,
    origin: str,
) -> None:
    place.write(THREE)
    with pytest.MonkeyPatch.context() as patch:
        for variable, said in variables.items():
            patch.setenv(variable, said)
        done = call(["settings"], place.folder)
        without = call(["settings", "--no-cache"], place.folder).out
    (line,) = [line for line in done.out.splitlines() if line.startswith(f"{name} ")]
    _, shown, where = re.split(" {2,}", line)
    assert shown.startswith(value.removesuffix("…"))
    assert where == origin
    assert "secret" not in done.out
    # Without a cache, there is no folder for it.
    assert re.search(r"^cache-dir +- +default$", without, re.MULTILINE)


# Settings that wait for a run in which they have an effect


@pytest.mark.parametrize(
    ("setting", "arguments", "kept"),
    [
        ("override = true\n", (), False),
        ("override = true\n", ("--native-functions", "in/native_functions.yaml"), False),
        (
            "override = true\n",
            ("--native-functions", "in/native_functions.yaml", "--native-functions", "more.yaml"),
            True,
        ),
        (
            "override = true\n",
            ("--derivatives", "in/derivatives.yaml", "--derivatives", "more.yaml"),
            True,
        ),
        ("no-tree-code = true\n", (), False),
    ],
)
def test_what_has_no_effect_on_these_inputs_is_left_out(
    place: Place, setting: str, arguments: tuple[str, ...], kept: bool
) -> None:
    place.write(THREE + setting)
    place.write("- func: more(Tensor self) -> Tensor\n", "more.yaml")
    name = setting.partition(" ")[0]
    value = ("true", "derivload.toml:4") if kept else ("false", "default")
    assert shown(place, *arguments)[name] == value
