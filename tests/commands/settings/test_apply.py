"""Options, settings and trees: which of them a run follows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import derivload
from support.fitting import read_fitting
from support.settings_runs import THREE, Place, place

__all__ = ["place"]  # a fixture


def looked_at(err: str) -> str:
    """The line that says what was looked at."""
    return err.splitlines()[-1]


# ---------------------------------------------------------------------- what names the inputs


@pytest.mark.parametrize(
    "command",
    [["check"], ["emit", "--out-dir", "out"], ["show", "gild"], ["verify", "--compiled"]],
    ids=lambda command: str(command[0]),
)
def test_without_inputs_nothing_is_loaded(place: Place, command: list[str]) -> None:
    done = place.run(*command, at="empty")
    assert (done.status, done.out) == (2, "")
    assert "write --pytorch DIR, or --derivatives FILE and --native-functions FILE" in done.err
    assert "--catalogue" in done.err
    assert list((place.folder / "empty").iterdir()) == []


def test_files_beside_are_told_of_and_not_taken(place: Place) -> None:
    place.write("- name: broken\n", "in/derivatives.yaml")
    done = place.run("check", at="in")
    assert done.status == 2
    assert "--derivatives derivatives.yaml --native-functions native_functions.yaml" in done.err


def test_a_broken_tree_around_fails_from_every_folder_of_it(place: Place) -> None:
    place.make_checkout()
    for at in ("", "tools/autograd", "torch/csrc"):
        assert place.run("check", at=at).status == 0
    place.write("- name: broken\n", "tools/autograd/derivatives.yaml")
    for at in ("", "tools/autograd", "torch/csrc"):
        done = place.run("check", at=at)
        assert done.status == 1
        assert "error[DL" in done.out


def test_the_catalogue_is_loaded_where_it_is_asked_for(place: Place) -> None:
    done = place.run("check", "--catalogue")
    assert done.status == 0
    assert "catalog/derivatives.yaml" in done.err.replace("\\", "/")
    done = place.run("check", "--catalogue", "--tags", "in/tags.yaml")
    assert (done.status, "leave out --tags" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["check"], 0),
        (["emit", "--out-dir", "out"], 0),
        (["show", "gild"], 0),
        (["show", "nothing"], 1),
        (["watch", "--once", "--out-dir", "out"], 0),
    ],
)
@pytest.mark.parametrize("named", ["settings", "tree", "options"])
def test_each_command_says_what_it_looked_at(
    place: Place, command: list[str], status: int, named: str
) -> None:
    options = []
    if named == "settings":
        place.write(THREE)
    elif named == "tree":
        place.make_checkout()
    else:
        options = ["--derivatives", "in/derivatives.yaml"]
        options += ["--native-functions", "in/native_functions.yaml"]
    done = place.run(*command, *options)
    assert done.status == status
    said = done.out + done.err
    assert ("as derivload.toml says" in said) == (named == "settings")
    assert ("of the PyTorch tree around this folder" in said) == (named == "tree")
    expected = "tools/autograd/derivatives.yaml" if named == "tree" else "in/derivatives.yaml"
    assert (expected in said) or named == "options"


def test_check_counts_what_it_looked_at(place: Place) -> None:
    place.write(THREE)
    files = "in/derivatives.yaml, in/native_functions.yaml, in/tags.yaml, as derivload.toml says"
    said = f"derivload: no mistakes in {files}: 64 functions, 25 definitions\n"
    assert place.run("check").err == said
    assert place.run("check").err == said  # from the cache


def test_paths_are_relative_to_the_file_of_settings(place: Place) -> None:
    place.write(f'{THREE}out-dir = "made/out"\n')
    assert place.run("emit", at="some/where").status == 0
    assert (place.folder / "made" / "out" / "functions.json").is_file()
    place.write(THREE.replace("in/", "../in/"), "config/own.toml")
    done = place.run("check", "--settings", "../config/own.toml", at="some")
    assert looked_at(done.err).endswith("as ../config/own.toml says: 64 functions, 25 definitions")


def test_a_tilde_is_the_home_folder(place: Place) -> None:
    place.write(f'{THREE}out-dir = "~/derivload-test-none/\\u0000"\n')
    assert "contains a NUL" in place.run("emit").err
    place.write(f'{THREE}cache-dir = "~/x"\n')
    assert f"cache-dir  {Path.home()}" in re.sub(" +", "  ", place.run("settings").out)


# ---------------------------------------------------------------------- which beats which


def test_what_is_in_force_is_told_to_programs_too(place: Place) -> None:
    place.write(THREE + 'shards = 4\nstrict = true\nout-dir = "out"\nignore = ["DL602"]\n')
    told = read_fitting(place.run("settings", "--as-json", "--quiet").out, "in-force")
    assert (told["settings"], told["note"]) == ("derivload.toml", "")
    options = told["options"]
    kinds: dict[str, object] = {"shards": 4, "strict": True, "depfile": None, "dispatch-key": []}
    assert {name: options[name]["value"] for name in kinds} == kinds
    assert {name: options[name]["is_set"] for name in kinds} == {
        **dict.fromkeys(kinds, False),
        "shards": True,
        "strict": True,
    }
    assert options["shards"]["origin"] == "derivload.toml:4"
    told = read_fitting(place.run("settings", "--as-json", "--no-settings").out, "in-force")
    assert (told["settings"], "write --pytorch DIR" in told["note"]) == ("", True)


def test_what_is_set_for_one_command_and_the_tables_come_last(place: Place) -> None:
    place.write(f"{THREE}strict = true\n[emit]\nshards = 4\n[per-operator-ignore]\nx = 'DL602'\n")
    done = place.run("settings")
    assert done.err == "derivload: read derivload.toml\n"
    shown = [re.sub(" +", " ", line) for line in done.out.splitlines()]
    assert "strict true derivload.toml:4" in shown
    assert shown[-2:] == [
        "emit.shards 4 derivload.toml:6",
        "per-operator-ignore.x DL602 derivload.toml:8",
    ]


def test_what_keeps_the_inputs_from_being_found_is_a_note(place: Place) -> None:
    done = place.run("settings", "--no-settings")
    assert done.status == 0
    assert done.err.startswith("derivload: note: nothing names the inputs")


def test_an_option_beats_the_setting_of_its_name(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\nshards = 3\n')
    assert place.run("emit", "--shards", "none").status == 0
    assert (place.folder / "out" / "differentiability.json").exists()
    assert place.run("emit", "--shards", "2").status == 0
    assert sorted(path.name for path in (place.folder / "out").glob("diff*")) == [
        "differentiability_0.json",
        "differentiability_1.json",
    ]
    assert place.run("emit").status == 0
    assert len([*(place.folder / "out").glob("diff*")]) == 3


def test_a_setting_of_one_command_beats_that_of_all(place: Place) -> None:
    place.write(f'{THREE}out-dir = "out"\nno-cache = true\n[emit]\nshards = 2\ncache-dir = "c"\n')
    assert place.run("emit").status == 0
    assert (place.folder / "c").is_dir()
    assert len([*(place.folder / "out").glob("diff*")]) == 2
    assert place.run("watch", "--once").status == 0
    assert len([*(place.folder / "out").glob("diff*")]) == 1


def test_what_excludes_a_setting_beats_it(place: Place) -> None:
    place.write(f"{THREE}no-cache = true\n")
    assert place.run("check", "--cache-dir", "c").status == 0
    assert (place.folder / "c").is_dir()


def test_another_source_of_inputs_drops_the_one_of_the_settings(place: Place) -> None:
    place.make_checkout("pytorch")
    place.write("- func: f(Tensor self) -> Tensor\n", "more.yaml")
    place.write('pytorch = "pytorch"\nnative-functions = "more.yaml"\n')
    assert "65 functions" in place.run("check").err
    # The same source from elsewhere keeps the overlays.
    assert "65 functions" in place.run("check", "--pytorch", "./pytorch").err
    done = place.run("check", "--catalogue")
    assert (done.status, "64 functions" in done.err) == (0, True)
    three = ["--derivatives", "in/derivatives.yaml"]
    three += ["--native-functions", "in/native_functions.yaml"]
    assert "pytorch" not in place.run("check", *three).err
    # One file alone names no source: it takes the place of the setting of its name.
    place.write(
        "- func: g(Tensor self) -> Tensor\n- func: h(Tensor self) -> Tensor\n", "other.yaml"
    )
    assert "66 functions" in place.run("check", "--native-functions", "other.yaml").err
    place.write(THREE)
    assert "in/derivatives.yaml" not in place.run("check", "--pytorch", "pytorch").err


@pytest.mark.parametrize(
    "settings",
    [
        'depfile-target = "x"\ndepfile-for = "cmake"\n',
        "no-tree-code = true\n",
        'subset = "libtorch"\ndisable-autograd = true\n',
        'keep = "kept"\nmax-size = "1G"\n',
    ],
)
@pytest.mark.parametrize(
    "command",
    [["emit", "--out-dir", "o"], ["watch", "--once", "--out-dir", "o"], ["cache", "stats"]],
)
def test_a_setting_waits_for_a_run_in_which_it_has_an_effect(
    place: Place, command: list[str], settings: str
) -> None:
    place.write(THREE + settings)
    assert place.run(*command).status == 0


def test_no_settings_reads_none(place: Place) -> None:
    place.write("shards = 0\n")
    assert place.run("check", "--catalogue").status == 2
    assert place.run("check", "--catalogue", "--no-settings").status == 0
    assert place.run("check", "--help").status == 0
    assert place.run("check", "--no-settings").status == 2


def test_the_python_api_reads_none(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(THREE)
    place.make_checkout()
    monkeypatch.chdir(place.folder)
    with pytest.raises(derivload.UsageError, match="nothing names the inputs: give `pytorch`"):
        derivload.load()


# ---------------------------------------------------------------------- run


def test_run_takes_its_own_settings(place: Place) -> None:
    place.write("print('ran')\n", "script.py")
    place.write('state-dir = "state"\n[run]\nquiet = true\n')
    assert place.start("run", "script.py").out == "ran\n"
    assert [*(place.folder / "state").iterdir()]
    again = place.start("run", "script.py")
    assert (again.status, again.out, again.err) == (0, "ran\n", "")
    place.write('state-dir = "state"\n')
    assert "up to date" in place.start("run", "script.py").err
    place.write("stat-dir = 'state'\n")
    assert "did you mean `state-dir`?" in place.start("run", "script.py").err
