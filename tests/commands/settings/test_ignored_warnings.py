"""Which warnings settings leave out, by rule, operator and file."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.settings_runs import THREE, Place

DERIVATIVES = "in/derivatives.yaml"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with a misspelt name in the formula of `gild`."""
    made = Place(tmp_path)
    text = (made.folder / DERIVATIVES).read_text("utf-8")
    made.write(text.replace("grad * luster", "grad * lustre", 1), DERIVATIVES)
    return made


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ("", 1),
        ('ignore = ["DL602"]\n', 0),
        ('select = ["DL604", "DL605"]\n', 0),
        ('select = ["DL604"]\nextend-select = ["DL602"]\n', 1),
        ('[per-operator-ignore]\n"gil*" = ["DL602"]\n', 0),
        ('[per-operator-ignore]\n"gil*" = "DL6"\n', 0),
        ('[per-operator-ignore]\nother = ["DL602"]\n', 1),
        ('[per-file-ignore]\n"derivatives.yaml" = ["DL602"]\n', 0),
        ('[per-file-ignore]\n"in/*.yaml" = ["DL602"]\n', 0),
        ('[per-file-ignore]\n"native_functions.yaml" = ["DL602"]\n', 1),
    ],
)
def test_settings_choose_the_warnings_of_all_commands(
    place: Place, settings: str, count: int
) -> None:
    place.write(THREE + settings)
    assert place.run("check").out.count("warning[DL602]") == count
    emitted = place.run("emit", "--out-dir", "out")
    assert (emitted.status, emitted.err.count("warning[DL602]")) == (0, count)


def test_an_edit_of_a_table_shows_what_it_brings_back(place: Place) -> None:
    place.write(f'{THREE}[per-operator-ignore]\ngild = ["DL602"]\n')
    emit = ("emit", "--out-dir", "out")
    assert "warning" not in place.run(*emit).err
    place.write(THREE)
    assert "warning[DL602]" in place.run(*emit).err
    assert "warning" not in place.run(*emit).err


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("DL405", "`DL405` cannot be ignored: it is an error, which stops the load"),
        ("DL6002", "no rule has the code `DL6002`; did you mean `DL602`?"),
    ],
)
def test_a_name_that_means_nothing_is_wrong_usage(place: Place, name: str, why: str) -> None:
    place.write(f'{THREE}[per-operator-ignore]\ngild = ["{name}"]\n')
    done = place.run("check")
    assert (done.status, done.out) == (2, "")
    assert why in done.err
